"""What single lines of energyrunner's log say, and which of a window's lines stand too seldom or too often."""

from __future__ import annotations

from tests.session_values import line
from tracer.sessions.energyrunner_lines import lost_before_windows
from tracer.sessions.line_forms import CHATTER, UNLIKE, LineForm, LineForms
from tracer.sessions.line_pattern import LinePattern


def test_the_hosts_lines_before_the_windows_come_in_threes() -> None:
    kinds = ("sequencer: m-sequencing-i", "parser: Command ", "parser: m-ready-finished")
    for lost in kinds:
        assert lost_before_windows({**dict.fromkeys(kinds, 3), lost: 2}) == [lost]
    assert lost_before_windows(dict.fromkeys(kinds, 3)) == []
    assert lost_before_windows({kinds[0]: 3, kinds[1]: 2}) == []


def test_each_shape_of_a_line_has_its_form() -> None:
    forms, code = LineForms(), chr(0x100)
    dut = LineForm(9, "dut", 15, once=True)
    sequenced = "m-sequencing-i[0]-command[dut infer 0 0]"
    expected = {
        "00000.000 dut: m-lap-us-00": dut._replace(once=False, reply="lap-us", value=slice(24, 26), code=code),
        "00000.000 dut: m-ready": dut._replace(reply="ready", code=chr(0x101)),
        "00000.000 dut: m-results-[0,0]": dut._replace(reply="results", value=slice(26, 29), code=chr(0x102)),
        "00000.000 dut: heap": dut._replace(once=False, code=CHATTER),
        "00000.000 dut: m-model-[kws00]": dut._replace(reply="model", value=slice(24, 29)),
        "000000.000 dut: m-ready": dut._replace(stamp=10, start=16, reply="ready"),
        "m-ready": LineForm(0, "dut", 0, once=True, reply="ready"),
        "00000.000 io: m-ready": LineForm(9, "io", 14, once=True),
        "00000.000 io: [dut]: m-ready": LineForm(9, "io", 14, once=True, reply="ready"),
        "00000.000 io: m-lap-us-0": LineForm(9, "io", 14, once=False, reply="lap-us", value=slice(23, 24)),
        f"00000.000 sequencer: {sequenced}": LineForm(
            9, "sequencer", 21, once=True, kind="sequencer: m-sequencing-i[", marks=True, code=chr(0x103)
        ),
        '00000.000 parser: Command "dut infer 00 0"': LineForm(
            9,
            "parser",
            18,
            once=True,
            kind="parser: Command ",
            command="infer",
            counts=(slice(37, 39), slice(40, 41)),
            code=chr(0x104),
        ),
        '00000.000 parser: Command "bload dut "a/b.bin""': LineForm(
            9,
            "parser",
            18,
            once=True,
            kind="parser: Command ",
            loads=True,
            input=slice(40, 45),
            command="other",
            code=chr(0x105),
        ),
        '00000.000 parser: Command "dut name"': LineForm(
            9, "parser", 18, once=True, kind="parser: Command ", command="quick"
        ),
        "00000.000 parser: m-version[0]": LineForm(9, "parser", 18, once=True, kind="parser: m-version[", fact=True),
        "00000.000 ulp-mlperf: a": LineForm(9, "ulp-mlperf", 22, once=True),
    }
    assert {shape: forms[shape] for shape in expected} == expected
    assert {form.code for form in expected.values() if not form.stamp} == {UNLIKE}


def test_lines_of_windows_are_held_against_most_of_them_or_the_protocol() -> None:
    def told(*windows: str, standard: str = "ab") -> list[tuple[str, str, int | None]]:
        pattern = LinePattern(dict.fromkeys(standard, 1))
        for number, kinds in enumerate(windows, 1):
            for kind in kinds:
                pattern.count(kind)
            pattern.end(number, line(number))
        return [(one.kind, one.what, one.window) for one in pattern.irregular()]

    assert told("abc", "ab", "abb", "ab", "ab") == [("duplicated", "`b`", 3)]
    assert told("xyz", "xyz", "xz") == [("lost", "`y`", 3)]
    # Two windows show no pattern: what the protocol asks for is held against each.
    assert told("xxa", "abb") == [("lost", "`b`", 1), ("duplicated", "`b`", 2)]
    assert told("x", "y", "z", "xy") == []
    # So many patterns are none, though most windows have one.
    shapes = ["b" * count for count in range(1, 66)]
    assert told(*["ab"] * 200, *shapes[:63]) != []
    assert told(*["ab"] * 200, *shapes[:64]) == []


def test_lines_before_the_windows_and_since_a_mark_are_of_none() -> None:
    pattern = LinePattern({"a": 1})
    pattern.count("a")
    pattern.begin()
    pattern.count("a")
    pattern.mark()
    pattern.count("a")
    pattern.mark()
    pattern.count("a")
    pattern.back()
    pattern.back()
    pattern.end(1, line(1))
    assert pattern.irregular() == []
