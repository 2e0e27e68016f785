"""A console of rich through which nothing passes that a terminal would obey."""

from __future__ import annotations

from typing import Any

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
from rich.segment import Segment

from tracer.harmless_text import harmless


class _Harmless:
    """What another object prints, its text made harmless, the styles and movements that rich adds left."""

    def __init__(self, printed: ConsoleRenderable) -> None:
        self._printed = printed

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self._printed, options):
            yield segment if segment.control else Segment(harmless(segment.text), segment.style)


class _HarmlessOutput(RenderHook):
    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Harmless(one) for one in renderables]


def harmless_console(**options: Any) -> Console:
    """A console on which every text is made harmless and stands as it is; ``options`` are those of ``Console``."""
    # A range may be called app:fire:, which is no picture.
    console = Console(**options, emoji=False)
    console.push_render_hook(_HarmlessOutput())
    return console
