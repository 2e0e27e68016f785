"""What several tests need."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no fault of what is tested: no example has a deadline, and slow ones are no failure. The same
# inputs every time, so that a change is judged by what it changed; make test-new-inputs looks for new ones.
AT_ANY_LOAD = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same-inputs", AT_ANY_LOAD, derandomize=True)
settings.register_profile("new-inputs", AT_ANY_LOAD, max_examples=500)
settings.load_profile("same-inputs")

# Under nohup, and in the background of a script, they are ignored, and every child of ours would inherit that.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _end_as_by_ctrl_c(number: int, frame: FrameType | None) -> None:
    # `timeout` tells twice; what the first began is to come to its end.
    signal.signal(signal.SIGTERM, lambda *_: None)
    raise KeyboardInterrupt


# `timeout`, or a job that is cancelled: with the tests ends what they started, which stands in sessions of its own.
signal.signal(signal.SIGTERM, _end_as_by_ctrl_c)

ROOT = Path(__file__).resolve().parent.parent
TESTS = count()


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What fixtures of a module and their children keep of derived values: not in the user's home."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(autouse=True)
def _cache_of_one_test(_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has a cache of its own: what another one left there would answer in place of what is tested."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(_cache / str(next(TESTS))))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real files beside the project; a newcomer does not have it, and the test skips."""
    path = ROOT.parent / "shared" / "data"
    if not path.is_dir():
        pytest.skip(f"needs the real files of {path}, which is not there")
    return path


@pytest.fixture(scope="module")
def address(traces: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a dashboard over the module's own ``traces``."""
    from tests.children import served_dashboard

    pytest.importorskip("streamlit")
    with served_dashboard(traces, tmp_path_factory.mktemp("server") / "log") as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless chromium; the test is skipped where there is none."""
    from tests.needs import chromium

    with chromium() as opened:
        yield opened


LONGEST = (
    *("test_dashboard_browser.py", "test_current_folder.py", "test_fleet_spark.py", "test_replay_answers.py"),
    *("test_benchmarks.py", "test_ended_commands.py", "test_interval_coverage.py", "test_pull.py", "test_line.py"),
)
"""Files of slow tests, the longest first: a minute or more each on two cores."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first: begun as the last ones, the other workers would wait for their minutes."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was skipped and why, summed by reason: a test that did not run is not one that passed."""
    reasons = Counter(
        report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else str(report.longrepr)
        for report in terminalreporter.stats.get("skipped", [])
    )
    if reasons:
        terminalreporter.section("skipped")
        for reason, count in reasons.most_common():
            terminalreporter.line(f"{count:5}  {reason}")
