"""
Requests of other web pages, sent to the real dashboard as bytes: a rebound name, another origin, a frame.

``KWS_TRACE_STREAMLIT`` names a folder with another Streamlit (`uv pip install --target`), to be attacked instead.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.children import served_dashboard
from tests.conftest import ROOT

pytest.importorskip("streamlit", reason="Streamlit is not installed")

OTHER = os.environ.get("KWS_TRACE_STREAMLIT")
MORE = {"PYTHONPATH": f"{OTHER}:{ROOT}", "STREAMLIT_GLOBAL_DEVELOPMENT_MODE": "false"} if OTHER else {}
UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: streamlit\r\n"
)
BROWSERS = 20
CLOSED = b"\x88\x02\x03"
"""How the frame begins that ends a WebSocket with a reason: 1002, a protocol error, or 1007, no UTF-8."""


@pytest.fixture(scope="module", params=["127.0.0.1", "0.0.0.0"])
def port(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("dashboard")
    log, settings = folder / "log", folder / ".streamlit"
    settings.mkdir()
    # Of somebody else's: obeyed, they would move every page and let nobody in.
    (settings / "config.toml").write_text('[server]\nbaseUrlPath = "elsewhere"\n')
    (settings / "secrets.toml").write_text("[")
    with served_dashboard(ROOT / "traces", log, MORE, request.param, folder) as address:
        yield int(address.rsplit(":", 1)[1])
    assert "No runtime found" not in log.read_text()
    assert "Traceback" not in log.read_text()


def answer(port: int, path: str, host: str, more: str = "", method: str = "GET") -> str:
    """The head of what a request is answered."""
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode())
        said = b""
        while b"\r\n\r\n" not in said and (data := connection.recv(4096)):
            said += data
    return said.partition(b"\r\n\r\n")[0].decode().lower()


def code(*words: object, **options: str) -> int:
    return int(answer(*words, **options).split()[1])  # type: ignore[arg-type]


def test_a_rebound_name_gets_no_page_and_no_socket(port: int) -> None:
    host = f"evil.example:{port}"
    origin = f"Origin: http://{host}\r\n"
    assert code(port, "/", host) == 403
    assert code(port, "/_stcore/stream", host, UPGRADE + origin) == 403
    assert code(port, "/_stcore/upload_file/a/b", host, origin + "Content-Length: 0\r\n", method="PUT") == 403


def test_a_page_of_another_port_of_this_machine_gets_no_socket(port: int) -> None:
    host = f"localhost:{port}"
    assert code(port, "/_stcore/stream", host, UPGRADE + "Origin: http://localhost:3000\r\n") == 403
    assert code(port, "/_stcore/stream", host, UPGRADE + "Origin: null\r\n") == 403
    assert code(port, "/_stcore/stream", host, UPGRADE + f"Origin: http://{host}\r\n") == 101


def test_a_page_may_not_be_framed_and_what_it_does_not_need_is_closed(port: int) -> None:
    host = f"127.0.0.1:{port}"
    page = answer(port, "/", host)
    assert page.split()[1] == "200"
    assert "x-frame-options: deny" in page
    assert "content-security-policy: frame-ancestors 'none'" in page
    for path in ("metrics", "agent/openapi.json", "agent/mcp", "script-health-check", "upload_file/a/b"):
        assert code(port, f"/_stcore/{path}", host) == 404, path


@pytest.mark.parametrize("first", [b"\x81", b"\x82"], ids=["text", "binary"])
@pytest.mark.parametrize("data", [b"", b"hello", b"\xff" * 40, b"\x0a\x04\xff\xff\xff\xff"], ids=repr)
def test_a_frame_that_is_no_message_ends_its_connection_alone(port: int, first: bytes, data: bytes) -> None:
    host = f"127.0.0.1:{port}"
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(f"GET /_stcore/stream HTTP/1.1\r\nHost: {host}\r\n{UPGRADE}\r\n".encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 101")
        # A mask of zeros leaves the data as it is; a frame from the server has none.
        connection.sendall(first + bytes([0x80 | len(data)]) + bytes(4) + data)
        said = b""
        while CLOSED not in said:
            more = connection.recv(4096)
            assert more, said
            said += more
    assert code(port, "/_stcore/health", host) == 200


def test_twenty_browsers_at_once_each_get_their_socket_and_the_next_one_too(port: int) -> None:
    host = f"127.0.0.1:{port}"
    asking = ("/_stcore/stream", host, UPGRADE + f"Origin: http://{host}\r\n")
    with ThreadPoolExecutor(BROWSERS) as many:
        assert list(many.map(lambda _: code(port, *asking), range(10 * BROWSERS))) == [101] * 10 * BROWSERS
    assert code(port, *asking) == 101
