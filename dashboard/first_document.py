"""
The document that a browser gets first, with the style of the pages in it and what it may fetch ahead.

Streamlit's own document has none: a style that comes with a page moves what is there already, and the sidebar, which
comes later still, pushes the page aside.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

_END = b"</head>"
_OF_ANOTHER_BODY = frozenset({b"content-length", b"etag", b"last-modified", b"accept-ranges"})
_ASKED = frozenset({b"accept-encoding", b"if-none-match", b"if-modified-since", b"range"})
"""Of a request: what would bring a document packed, in part, or not at all."""

PARTS = (
    *("Selectbox", "Metric", "DownloadButton", "DataFrame", "Spinner", "Button", "Checkbox", "TextInput"),
    *("Multiselect", "ComponentInstance", "FileUploader", "ArrowVegaLiteChart", "embed", "vega-interpreter"),
)
"""Of Streamlit's program for the browser: what the pages show and it loads only where it is first shown."""

_SCRIPT = """<script>{
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.(".kp a[href]");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    // Another page of this very app: as by a step in the browser's history, without loading the app anew.
    event.preventDefault();
    history.pushState({}, "", link.href);
    dispatchEvent(new PopStateEvent("popstate"));
  });
  const parts = %s;
  const rest = () => {
    const part = parts.shift();
    if (part) import(part).catch(() => {}).then(() => requestIdleCallback(rest));
  };
  const shown = () => document.querySelector("h1") &&
    document.querySelector("[data-testid=stApp][data-test-script-state=notRunning]");
  const look = () => { shown() ? requestIdleCallback(rest) : setTimeout(look, 100); };
  look();
}</script>"""


def page_script(static: Path) -> str:
    """
    What a page's charts lead to is shown in place; what the next page shows is loaded while this one is looked at.

    Args:
        static: Streamlit's folder of files for the browser; a part that this version has not is left out.
    """
    found = [path for name in PARTS for path in sorted((static / "static" / "js").glob(f"{name}.*.js"))]
    return _SCRIPT % json.dumps([f"./static/js/{path.name}" for path in found])


def whole(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """A request's headers, so that it is answered by the whole document as it is."""
    return [pair for pair in headers if pair[0].lower() not in _ASKED]


def with_head(send: Send, head: str) -> Send:
    """``send`` (ASGI) of an application whose documents (HTML) get ``head`` at the end of their heads."""
    started: list[Message] = []
    body = bytearray()

    async def with_more(message: Message) -> None:
        if message["type"] == "http.response.start" and _is_document(message):
            started.append(message)
        elif not started:
            await send(message)
        else:
            body.extend(message.get("body", b""))
            if not message.get("more_body"):
                whole_body = bytes(body).replace(_END, head.encode() + _END, 1)
                await send(_of_length(started.pop(), len(whole_body)))
                await send({"type": "http.response.body", "body": whole_body})

    return with_more


def _is_document(message: Message) -> bool:
    kinds = [value for name, value in message["headers"] if name.lower() == b"content-type"]
    return message["status"] == 200 and any(kind.startswith(b"text/html") for kind in kinds)


def _of_length(message: Message, length: int) -> Message:
    kept = [pair for pair in message["headers"] if pair[0].lower() not in _OF_ANOTHER_BODY]
    return {**message, "headers": [*kept, (b"content-length", str(length).encode())]}
