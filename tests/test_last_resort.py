"""What nobody foresaw ends as one message and an exit code, too."""

from __future__ import annotations

import errno
import os

import pytest

from runner import cli


def ended(
    error: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str]:
    """Exit code and message of a command line in which ``error`` is raised."""

    def fail(_words: object) -> None:
        raise error

    monkeypatch.setattr(cli, "_run", fail)
    with pytest.raises(SystemExit) as done:
        cli.main()
    said = capsys.readouterr()
    assert said.out == ""
    assert isinstance(done.value.code, int)
    return done.value.code, " ".join(said.err.split())


def disk_full() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "traces/a")


def test_an_unforeseen_error_says_what_happened_and_how_its_traceback_is_seen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = ended(ZeroDivisionError("division by zero"), monkeypatch, capsys)
    assert code == 1
    assert "ZeroDivisionError: division by zero" in said
    assert "KWS_TRACE_DEBUG=1" in said
    assert "Traceback" not in said


def test_with_the_variable_set_its_traceback_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cli.DEBUG, "1")

    def fail(_words: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(cli, "_run", fail)
    with pytest.raises(ZeroDivisionError):
        cli.main()


def test_an_interrupt_ends_with_130_and_without_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(KeyboardInterrupt(), monkeypatch, capsys) == (130, "")


def test_a_full_disk_and_memory_that_is_used_up_are_told_plainly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = ended(disk_full(), monkeypatch, capsys)
    assert (code, said.startswith("kws-trace: traces/a: No space left on device; make room")) == (1, True)
    code, said = ended(MemoryError(), monkeypatch, capsys)
    assert (code, said.startswith("kws-trace: out of memory; end other programs")) == (1, True)
