"""
The document that a browser gets first, with the style of the pages in it.

Streamlit's own document has none: a style that comes with a page moves what is there already, and the sidebar, which
comes later still, pushes the page aside.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

_END = b"</head>"
_OF_ANOTHER_BODY = frozenset({b"content-length", b"etag", b"last-modified", b"accept-ranges"})
_ASKED = frozenset({b"accept-encoding", b"if-none-match", b"if-modified-since", b"range"})
"""Of a request: what would bring a document packed, in part, or not at all."""


def whole(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """A request's headers, so that it is answered by the whole document as it is."""
    return [pair for pair in headers if pair[0].lower() not in _ASKED]


def styled(send: Send, style: str) -> Send:
    """``send`` (ASGI) of an application whose documents (HTML) get ``style`` at the end of their heads."""
    started: list[Message] = []
    body = bytearray()

    async def with_style(message: Message) -> None:
        if message["type"] == "http.response.start" and _is_document(message):
            started.append(message)
        elif not started:
            await send(message)
        else:
            body.extend(message.get("body", b""))
            if not message.get("more_body"):
                whole_body = bytes(body).replace(_END, style.encode() + _END, 1)
                await send(_of_length(started.pop(), len(whole_body)))
                await send({"type": "http.response.body", "body": whole_body})

    return with_style


def _is_document(message: Message) -> bool:
    kinds = [value for name, value in message["headers"] if name.lower() == b"content-type"]
    return message["status"] == 200 and any(kind.startswith(b"text/html") for kind in kinds)


def _of_length(message: Message, length: int) -> Message:
    kept = [pair for pair in message["headers"] if pair[0].lower() not in _OF_ANOTHER_BODY]
    return {**message, "headers": [*kept, (b"content-length", str(length).encode())]}
