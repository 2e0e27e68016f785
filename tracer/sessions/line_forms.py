"""
What a line of energyrunner's log says, told once for all lines that differ in their digits alone.

Every form of a line asks where digits stand, never which: so a line with each digit made 0 is matched where the line
is, and the places of its values are the line's own.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from tracer.sessions import energyrunner_lines as forms

ZEROS = str.maketrans("123456789", "000000000")
CHATTER = "c"
UNLIKE = "?"
"""The code of a line that may do more than its window repeats, and of what the host says at another width of time."""

STAMP = "00000.000 "
"""Of a line whose time is as wide as most."""
_KEPT = 4096
"""Shapes that are kept; a log has some hundreds, and whose firmware prints letters more."""
_CODES = 1000

_Command = Literal["", "infer", "quick", "results", "other"]


class LineForm(NamedTuple):
    """
    What a line is.

    ``stamp`` is where its time ends, 0 without one, ``start`` where its text begins. ``once`` says that it cannot
    stand twice in a row. ``reply`` is the DUT's, ``value`` where its value is. Of the host: ``kind`` is what lines
    that say the same begin with, ``loads`` and ``marks`` say that an input or a window begins, ``input`` is where the
    file's name stands, ``command`` which one it is, ``counts`` where its numbers are, ``fact`` that it tells what is
    kept. ``code`` is one character for all lines that do the same to a window.
    """

    stamp: int
    who: str
    start: int
    once: bool
    reply: str = ""
    value: slice = slice(0)
    kind: str = ""
    loads: bool = False
    marks: bool = False
    input: slice | None = None
    command: _Command = ""
    fact: bool = False
    counts: tuple[slice, slice] = (slice(0), slice(0))
    code: str = UNLIKE


class LineForms(dict[str, LineForm]):
    """The form of each shape, a line's text with each digit made 0."""

    def __init__(self) -> None:
        super().__init__()
        self._codes: dict[str, str] = {}

    def __missing__(self, shape: str) -> LineForm:
        """Tell a shape that was not seen, and keep it."""
        if len(self) >= _KEPT:
            self.clear()
        form = self[shape] = self._told(shape)
        return form

    def _told(self, shape: str) -> LineForm:
        stamped = forms.STAMPED.match(shape)
        who, start = (stamped[2], stamped.start(3)) if stamped else ("dut", 0)
        stamp = stamped.end(1) if stamped else 0
        if who in ("dut", "io"):
            reply, value = _reply_of(shape, start)
            known = bool(reply) and not (who == "io" and reply == "ready" and not shape.startswith("[dut]:", start))
            code = UNLIKE
            if who == "dut" and shape.startswith(STAMP):
                code = CHATTER if not reply else self._code(reply) if f"m-{reply}" in forms.STANDARD else UNLIKE
            once = bool(reply) and reply != "lap-us"
            return LineForm(stamp, who, start, once, reply if known else "", value, code=code)
        return self._host(shape, stamp, who, start)

    def _host(self, shape: str, stamp: int, who: str, start: int) -> LineForm:
        text = shape[start:]
        command = forms.COMMAND.match(text) if 'Command "' in text else None
        loads = "command[bload" in text or (command is not None and command[1].startswith("bload"))
        load = forms.LOAD.search(shape, start) if loads else None
        marks = "command[dut infer" in text or "command[io dut infer" in text
        counted, kind = who in ("sequencer", "parser"), ""
        if counted:
            varies = forms.VARIES.search(text)
            kind = f"{who}: {text if varies is None else text[: varies.start()]}"
        what: _Command = _command_of(command[1]) if command else ""
        fact = forms.FACT.match(text) is not None
        repeats = counted and (what in ("", "infer") or loads) and not fact
        infer = forms.INFER.match(shape, start + command.start(1), start + command.end(1)) if command else None
        return LineForm(
            stamp,
            who,
            start,
            once=who in ("parser", "sequencer", "session") or who.startswith("ulp-"),
            kind=kind,
            loads=loads,
            marks=marks,
            input=slice(*load.span(1)) if load else None,
            command=what,
            fact=fact,
            counts=(slice(*infer.span(1)), slice(*infer.span(2))) if infer else (slice(0), slice(0)),
            code=self._code(f"{kind} {loads} {marks} {what}") if repeats and shape.startswith(STAMP) else UNLIKE,
        )

    def _code(self, name: str) -> str:
        if name not in self._codes and len(self._codes) >= _CODES:
            return UNLIKE
        return self._codes.setdefault(name, chr(0x100 + len(self._codes)))


def _reply_of(shape: str, start: int) -> tuple[str, slice]:
    """The name of the DUT's reply in a text, empty for none, and where its value is."""
    reply = forms.REPLY.search(shape, start) if "m-" in shape else None
    if reply is None or reply.lastindex is None:
        return "", slice(0)
    last = reply.lastindex
    return (reply[last - 1], slice(*reply.span(last))) if last in forms.VALUED else (reply[last], slice(0))


def _command_of(text: str) -> _Command:
    if forms.INFER.match(text):
        return "infer"
    return "quick" if forms.QUICK.match(text) else "results" if forms.RESULTS.match(text) else "other"
