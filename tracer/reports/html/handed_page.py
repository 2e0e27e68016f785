"""What `kws-trace dashboard PROFILE` hands to the dashboard: the page of a profile, as one JSON file."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from tracer.reports.html.export import ProfilePage


def write_page(path: Path, page: ProfilePage) -> None:
    """Write the page of a profile."""
    path.write_text(json.dumps(asdict(page)), encoding="utf-8")


def read_page(path: Path) -> ProfilePage:
    """The page that ``write_page`` wrote."""
    return ProfilePage(**json.loads(path.read_text(encoding="utf-8")))
