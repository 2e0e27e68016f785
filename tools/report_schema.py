"""
The JSON Schemas of the reports, from their types: ``python -m tools.report_schema`` writes ``docs/*.schema.json``.

Draft 2020-12. An object is open where some of its keys may be missing: what a run recorded of itself.
"""

from __future__ import annotations

import json
import types
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from tracer.report_types.breakdown import BreakdownReport
from tracer.report_types.launches import LaunchSetReport
from tracer.report_types.report import SCHEMA_VERSION, Report

_DOCS = Path(__file__).resolve().parent.parent / "docs"
FILES = {
    Report: _DOCS / "report.schema.json",
    LaunchSetReport: _DOCS / "launch-set.schema.json",
    BreakdownReport: _DOCS / "breakdown.schema.json",
}
PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def build_schema(kind: Any = Report) -> dict[str, Any]:
    """The schema of a report of that type; each type of a part stands once, under ``$defs``."""
    parts: dict[str, Any] = {}
    top = _object(kind, parts)
    top["properties"]["schema_version"] = {"const": SCHEMA_VERSION}
    draft = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"kws-trace {_title(kind)}"}
    return {**draft, **top, "$defs": dict(sorted(parts.items()))}


def _object(kind: Any, parts: dict[str, Any]) -> dict[str, Any]:
    found = {
        "description": " ".join((kind.__doc__ or "").split()),
        "type": "object",
        "properties": {name: _schema(hint, parts) for name, hint in get_type_hints(kind).items()},
        "required": sorted(kind.__required_keys__),
    }
    return found if kind.__optional_keys__ else {**found, "additionalProperties": False}


def _schema(hint: Any, parts: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if is_typeddict(hint):
        if hint.__name__ not in parts:
            parts[hint.__name__] = {}
            parts[hint.__name__] = _object(hint, parts)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    if origin in (Union, types.UnionType):
        found = [_schema(one, parts) for one in arguments]
        if all(one.keys() == {"type"} for one in found):
            return {"type": [one["type"] for one in found]}
        return {"anyOf": found}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (list, dict):
        name, items = ("array", "items") if origin is list else ("object", "additionalProperties")
        return {"type": name, items: _schema(arguments[-1], parts)}
    return {} if hint is Any else {"type": PLAIN[hint]}


def schema_text(kind: Any = Report) -> str:
    """The file's content."""
    return json.dumps(build_schema(kind), indent=2) + "\n"


def _title(kind: Any) -> str:
    return FILES[kind].name.partition(".")[0].replace("-", " ")


if __name__ == "__main__":
    for kind, file in FILES.items():
        file.write_text(schema_text(kind), encoding="utf-8")
