"""
Which requests the dashboard answers: those of its own pages, at the names that it was told it has.

A web page of somebody else's may send requests to this machine. One whose name was made to lead here (DNS rebinding)
is known by its Host, any other by its Origin. Streamlit 1.65 checks Host itself, of its WebSocket alone, 1.60 none.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from dashboard.first_document import Send, whole, with_head
from dashboard.page_head import STYLE

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

ANY_ADDRESS = "*"
"""Among the names: every address by its number, which no name can be made to lead to."""

PROTOCOL_ERROR = 1002
"""Of a WebSocket, RFC 6455."""

_OPEN = frozenset({"/_stcore/health", "/_stcore/host-config", "/_stcore/stream"})
"""What a page needs of Streamlit's own paths: not its metrics, or the interface for programs."""

_FILES = ("/static/", "/media/", "/_stcore/")
"""Where Streamlit serves what is no page."""

_UPLOAD = "/_stcore/upload_file/"
MOST_BYTES = 201 * 1024 * 1024
"""Of a request: a file of 200 MB as a form."""

_HEADERS = (
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
)

COMPONENT = "/component/dashboard.pages.timeline.timeline/"
"""Where Streamlit serves the timeline's files, which its page shows in a frame of its own origin."""

_OF_A_COMPONENT = (
    (b"x-frame-options", b"SAMEORIGIN"),
    # Its own files and the page's fonts alone, no script in its text, and nothing that it could send or fetch.
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; frame-ancestors 'self'",
    ),
    # The next version's files are not mixed with these.
    (b"cache-control", b"no-cache"),
    *_HEADERS[2:],
)


class RequestGuard:
    """
    An application (ASGI) in front of Streamlit's.

    Args:
        application: that.
        names: the names and addresses that the dashboard is reached by, in small letters.
        is_message: whether the application understands the bytes of a frame that a page sent.
        head: of every document, besides the pages' style.
    """

    def __init__(
        self,
        application: Application,
        names: Collection[str],
        is_message: Callable[[bytes], bool],
        head: str = "",
    ) -> None:
        self._application, self._names, self._is_message = application, frozenset(names), is_message
        self._head = STYLE + head

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403 to what comes from elsewhere and 404 to what is closed; hand on the rest."""
        if scope["type"] not in ("http", "websocket"):
            await self._application(scope, receive, send)
        elif not self._is_ours(scope["headers"]):
            await _refuse(scope, receive, send, 403, "kws-trace: this page answers to its own names alone: --host\n")
        elif scope["path"].startswith(_UPLOAD) and self._is_upload(scope):
            await self._application(scope, receive, _with_headers(send, _HEADERS))
        elif "/_stcore" in scope["path"] and scope["path"] not in _OPEN:
            await _refuse(scope, receive, send, 404, "kws-trace: closed\n")
        elif scope["type"] == "http" and scope["path"].startswith(COMPONENT):
            await self._application(scope, receive, _with_headers(send, _OF_A_COMPONENT))
        elif scope["type"] == "http" and scope["method"] == "GET" and not scope["path"].startswith(_FILES):
            asked = {**scope, "headers": whole(scope["headers"])}
            await self._application(asked, receive, with_head(_with_headers(send, _HEADERS), self._head))
        elif scope["type"] == "http":
            await self._application(scope, receive, _with_headers(send, _HEADERS))
        else:
            line = _Socket(receive, send, self._is_message)
            await self._application(scope, line.receive, line.send)

    def _is_ours(self, headers: list[tuple[bytes, bytes]]) -> bool:
        """By exactly one Host that is ours, and no Origin but that of the page at this Host."""
        hosts = [value.decode("latin-1").lower() for name, value in headers if name == b"host"]
        origins = {value.decode("latin-1").lower() for name, value in headers if name == b"origin"}
        if len(hosts) != 1 or not self._is_name(_host_name(hosts[0])):
            return False
        return origins <= {f"{scheme}://{hosts[0]}" for scheme in ("http", "https")}

    def _is_upload(self, scope: Scope) -> bool:
        """A file that this machine's own page sends; a published dashboard takes none from anybody."""
        if ANY_ADDRESS in self._names or scope["type"] != "http":
            return False
        found = {name: value for name, value in scope["headers"] if name in (b"content-length", b"origin")}
        sent = found.get(b"content-length", b"")
        size = int(sent) if sent.isdigit() and len(sent) < 12 else None
        known = scope["method"] == "DELETE" or (scope["method"] == "PUT" and size is not None and size <= MOST_BYTES)
        return known and b"origin" in found

    def _is_name(self, name: str | None) -> bool:
        if name is None:
            return False
        return name in self._names or (ANY_ADDRESS in self._names and _is_address(name))


class _Socket:
    """A WebSocket that is closed at the first frame that is no message, of which the application would complain."""

    def __init__(self, receive: Receive, send: Send, is_message: Callable[[bytes], bool]) -> None:
        self._receive, self._send, self._is_message = receive, send, is_message
        self._closed = False

    async def receive(self) -> MutableMapping[str, Any]:
        """What comes next; the end of the connection in place of a frame that is no message."""
        message = await self._receive()
        if message["type"] != "websocket.receive" or self._is_message(message.get("bytes") or b""):
            return message
        if not self._closed:
            await self._send({"type": "websocket.close", "code": PROTOCOL_ERROR})
            self._closed = True
        return {"type": "websocket.disconnect", "code": PROTOCOL_ERROR}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Hand on, while it is open."""
        if not self._closed:
            await self._send(message)


def _host_name(host: str) -> str | None:
    """Of ``name:port``; None for what is no Host."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises for a port that is none
    except ValueError:
        return None
    return parts.hostname.rstrip(".") if parts.hostname and parts.netloc == host and "@" not in host else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _with_headers(send: Send, headers: tuple[tuple[bytes, bytes], ...]) -> Send:
    async def with_headers(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            ours = {name for name, _ in headers}
            message["headers"] = [pair for pair in message.get("headers", ()) if pair[0].lower() not in ours]
            message["headers"] += headers
        await send(message)

    return with_headers


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, text: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        # Before it is accepted a server answers 403 to this.
        await send({"type": "websocket.close", "code": 1008})
        return
    body = text.encode()
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode()), *_HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
