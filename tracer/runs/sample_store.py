"""The samples of a run on disk: a text journal while it is recorded, a Parquet part afterwards."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tracer.device.device_state import SAMPLES, journal_table
from tracer.device.sample_journal import read_sample_journal
from tracer.errors import MalformedTraceError, first_line
from tracer.figure_text import counted
from tracer.given_files import check_file
from tracer.whole_files import written_whole

_JOURNAL = "samples.txt"
_PART = Path("samples") / "part.parquet"


def sample_journal_path(folder: Path) -> Path:
    """Where the sampling process of a run writes."""
    return folder / _JOURNAL


def keep_samples(folder: Path, run_id: str) -> list[str]:
    """
    Turn the journal of a run into its part; nothing where there is no journal.

    Returns:
        In sentences what was not recorded.

    Raises:
        OSError: if the disk does not take it; the journal is then still there.
    """
    path = folder / _JOURNAL
    if not path.exists():
        return []
    try:
        journal = read_sample_journal(path)
    except MalformedTraceError as error:
        return [str(error)]
    part = folder / _PART
    part.parent.mkdir(exist_ok=True)
    with written_whole(part) as temporary:
        pq.write_table(journal_table(journal, run_id), temporary, compression="zstd")
    path.unlink()
    failed = journal.failures or {}
    # A sensor that never answered is one that is switched off, and nothing is lost with it.
    answered = {journal.sources[number] for number in set(journal.numbers)}
    failures = [
        f"{source} {quantity}: {counted(count, 'reading')} failed"
        for (source, quantity), count in failed.items()
        if (source, quantity) in answered
    ]
    return [*journal.problems, *failures]


def read_samples(folder: Path, run_id: str) -> tuple[pa.Table, list[str]]:
    """
    The samples of a run that is being recorded, was killed or is complete: columns as ``device_state.SAMPLES``.

    Returns:
        The table, without rows where nothing was sampled, and in sentences what cannot be read.
    """
    try:
        if (folder / _PART).exists():
            check_file(folder / _PART)
            with pq.ParquetFile(folder / _PART) as file:
                return file.read(columns=SAMPLES.names).select(SAMPLES.names).cast(SAMPLES), []
        if (folder / _JOURNAL).exists():
            return journal_table(read_sample_journal(folder / _JOURNAL), run_id), []
    except (pa.ArrowException, MalformedTraceError, OSError, ValueError, LookupError) as error:
        reason = first_line(error)
        return SAMPLES.empty_table(), [f"the samples are damaged ({reason}): frequencies are left out"]
    return SAMPLES.empty_table(), []
