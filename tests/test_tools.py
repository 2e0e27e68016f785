"""The tools of the Makefile, on small made-up trees."""

from __future__ import annotations

import ast
import json
import subprocess
from pathlib import Path

import pytest

from tools.dead_code import unused
from tools.mutants.__main__ import Trials, as_explained, explained, sample, survivors
from tools.mutants.importers import nearest_tests
from tools.mutants.mutations import mutations_of, statement_lines
from tools.structure import arrows_of, circles, lines_of, longest_chain


def grow(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def house(tmp_path: Path) -> Path:
    return (
        grow(
            tmp_path,
            {
                "house/__init__.py": "from house import cellar\n",
                "house/roof.py": "from house.hall import stairs\nimport json\n",
                "house/hall/__init__.py": "",
                "house/hall/stairs.py": "def up():\n    from ..cellar import wine\nfrom house.hall import door\n",
                "house/hall/door.py": "from house import garden, unknown\n",
                "house/cellar.py": "",
                "house/garden.py": "import house.shed\n",
                "house/shed.py": "from house.garden import tree\nimport house.cellar\n",
                "house/shipped/model.bin": "no code",
            },
        )
        / "house"
    )


def test_rooms_are_files_and_folders_of_code_and_arrows_go_between_them(house: Path) -> None:
    assert arrows_of(house) == {
        "roof": {"hall"},
        "hall": {"cellar", "garden"},
        "cellar": set(),
        "garden": {"shed"},
        "shed": {"garden", "cellar"},
    }


def test_a_circle_is_told_and_each_of_its_rooms_counts_in_a_chain(house: Path) -> None:
    arrows = arrows_of(house)
    assert {"garden", "shed"} in circles(arrows)
    assert longest_chain(arrows) == ["roof", "hall", "garden", "shed", "cellar"]
    assert lines_of(house) == [
        "house: 5 rooms, longest chain 5, 6 arrows",
        "  chain: roof > hall > garden > shed > cellar",
        "  circle: garden, shed",
    ]


def test_dead_names_are_told_with_who_still_uses_them(tmp_path: Path) -> None:
    grow(
        tmp_path,
        {
            "product/a.py": "LEFT = 1\nUSED = 2\n\ndef tested():\n    return USED\n\ndef named():\n    ...\n"
            "READERS = {'x': ('product.a', 'named')}\nprint(READERS)\ndef allowed():\n    ...\n"
            "def foreign(graph):\n    graph.threads = 1\nforeign(None)\n",
            "tests/test_a.py": "from product.a import tested\n",
        },
    )
    found = unused([tmp_path / "product"], [tmp_path / "tests"], {"allowed": "by hand"})
    assert [(one.name, one.in_tests) for one in found] == [("LEFT", False), ("tested", True)]
    assert str(found[1]).endswith("product/a.py:4: function tested: only tests use it")


SOURCE = '''"""A docstring: 1 < 2."""
Kind: TypeAlias = Literal["type"]
LIMIT: Literal["a"] = "é"


def over(x: int = 3) -> bool:
    """Not this one."""
    return not x < 10 and f"{x + 1}" is not None


list(zip("", "", strict=True))
Row = TypeVar("Row")
cast("int", LIMIT)
'''


def test_each_operator_and_constant_changes_once_and_the_source_stays_a_program() -> None:
    found = mutations_of(SOURCE)
    assert {(one.before, one.after) for one in found} == {
        ('"é"', "('é~')"),
        ("3", "(4)"),
        ('not x < 10 and f"{x + 1}" is not None', "(not x < 10 or f'{x + 1}' is not None)"),
        ("not x < 10", "(x < 10)"),
        ("x < 10", "(x <= 10)"),
        ("10", "(11)"),
        ('f"{x + 1}" is not None', "(f'{x + 1}' is None)"),
    }
    for one in found:
        ast.parse(one.applied(SOURCE))
    assert "LIMIT: Literal[\"a\"] = ('é~')\n" in found[0].applied(SOURCE)


def test_the_lines_of_a_statement_are_its_own_and_of_one_with_a_body_those_of_its_head() -> None:
    source = "if (a\n    and b):\n    c(\n        1,\n    )\nelse:\n    d = 2\n"
    assert [statement_lines(source, line) for line in (1, 2, 3, 4, 7)] == [
        *(range(1, 3), range(1, 3), range(3, 6), range(3, 6), range(7, 8)),
    ]


def test_the_tests_of_a_module_are_those_of_the_fewest_steps() -> None:
    graph = {"t.a": set(), "t.b": {"t.a"}, "tests.test_a": {"t.a"}, "tests.test_b": {"t.b"}, "t.c": set()}
    assert nearest_tests("t.a", graph) == ["tests.test_a"]
    assert nearest_tests("t.b", graph) == ["tests.test_b"]
    assert nearest_tests("t.a", {**graph, "tests.test_a": set()}) == ["tests.test_b"]
    assert nearest_tests("t.c", graph) == []


def test_a_sample_of_a_seed_is_the_same_and_of_the_package_alone(tmp_path: Path) -> None:
    sums = "".join(f"def plus{one}(x):\n    return x + {one}\n" for one in range(40))
    modules = {"tracer/__init__.py": "", "tracer/a/__init__.py": "", "tracer/a/one.py": sums, "tracer/b.py": sums}
    tests = {"tests/__init__.py": "", "tests/test_one.py": "import tracer.a.one\n"}
    root = grow(tmp_path / "tree", {**modules, **tests})
    first = sample(root, "tracer/a", 7, 3)
    assert first == sample(root, "tracer/a", 7, 3)
    assert first != sample(root, "tracer/a", 7, 4)
    assert len(first) == 7
    assert {(str(one.path.parent), one.tests) for one in first} == {("tracer/a", ("tests/test_one.py",))}


def test_each_change_that_is_explained_is_one_of_the_source() -> None:
    root = Path(__file__).parent.parent
    known = explained()
    for file in {row[0] for row in known}:
        source = (root / file).read_text(encoding="utf-8")
        changes = {as_explained(Path(file), source, one) for one in mutations_of(source)}
        assert {row for row in known if row[0] == file} <= changes


def test_what_survived_is_tried_again_where_it_stands_now(tmp_path: Path) -> None:
    root = grow(tmp_path, {"tracer/a.py": "def f(x):\n    return x + 1\n", "tests/test_a.py": "import tracer.a\n"})
    kinds = ("survived", "killed", "no test runs its line")
    rows = [
        {"file": "tracer/a.py", "line": 2, "before": before, "after": after, "outcome": outcome}
        for (before, after), outcome in zip(
            (("x + 1", "(x - 1)"), ("1", "(2)"), ("gone", "(away)")), kinds, strict=True
        )
    ]
    (tmp_path / "results.json").write_text(json.dumps({"mutants": rows}))
    (root / "tracer/a.py").write_text("\n\ndef f(x):\n    return x + 1\n")
    (found,) = survivors(root, tmp_path / "results.json")
    assert (found.mutation.line, found.mutation.before, found.tests) == (4, "x + 1", ("tests/test_a.py",))


@pytest.mark.slow
def test_a_change_that_a_test_sees_is_killed_one_that_none_sees_survives_and_the_tree_stays(tmp_path: Path) -> None:
    root = grow(
        tmp_path / "tree",
        {
            "tracer/__init__.py": "",
            "tracer/sums.py": "def double(x):\n    return x * 2\n\n\ndef unseen(x):\n    return x - 7\n"
            "\n\nAT_IMPORT = 3\n\n\ndef looked_past(x):\n    return x + 1\n",
            "tests/__init__.py": "",
            "tests/test_sums.py": "import pytest\nfrom tracer.sums import AT_IMPORT, double, looked_past\n\n"
            "def test_it():\n    assert double(4) == 8\n\n"
            "@pytest.mark.parametrize('x', [AT_IMPORT])\ndef test_its_name(x):\n"
            "    assert x == 3\n    looked_past(x)\n",
            "pyproject.toml": "[tool.pytest.ini_options]\nmarkers = ['slow']\n",
        },
    )
    for words in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *words], cwd=root, check=True)
    before = (root / "tracer/sums.py").read_bytes()
    with Trials(root, jobs=2, timeout_s=60) as trials:
        found = list(trials.outcomes(sample(root, "tracer", 20, 1)))
    outcomes = {(one.mutation.before, one.mutation.after): outcome for one, outcome in found}
    assert outcomes == {
        ("x * 2", "(x / 2)"): "killed",
        ("2", "(3)"): "killed",
        ("3", "(4)"): "killed",
        ("x + 1", "(x - 1)"): "survived",
        ("1", "(2)"): "survived",
        ("x - 7", "(x + 7)"): "no test runs its line",
        ("7", "(8)"): "no test runs its line",
    }
    assert (root / "tracer/sums.py").read_bytes() == before
