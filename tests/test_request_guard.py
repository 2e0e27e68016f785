"""Which requests the dashboard answers, asked of the guard itself."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from dashboard.first_document import page_script
from dashboard.request_guard import COMPONENT, RequestGuard
from runner.commands.dashboard import page_names
from tracer.command_line import LOOPBACK

Message = dict[str, Any]


def asked(names: list[str], kind: str, path: str, **headers: str) -> list[Message]:
    """What the guard sends for a request, before an application that answers 200, or accepts."""
    sent: list[Message] = []

    async def application(scope: Message, receive: Any, send: Any) -> None:
        started: Message = {"type": "http.response.start", "status": 200, "headers": [(b"x-frame-options", b"ALLOW")]}
        await send({"type": "websocket.accept"} if scope["type"] == "websocket" else started)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    method = headers.pop("method", "GET")
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    guard = RequestGuard(application, names, bool)  # type: ignore[arg-type]
    asyncio.run(guard({"type": kind, "path": path, "headers": raw, "method": method}, receive, send))
    return sent


def status(names: list[str], path: str = "/", kind: str = "http", **headers: str) -> int:
    first = asked(names, kind, path, **headers)[0]
    return {"websocket.accept": 101, "websocket.close": 403}.get(first["type"]) or int(first["status"])


HERE = page_names("127.0.0.1")


@pytest.mark.parametrize("host", ["localhost:8501", "127.0.0.1:8501", "[::1]:8501", "LOCALHOST", "localhost.:9000"])
def test_a_page_is_given_at_each_name_of_the_loopback_at_any_port(host: str) -> None:
    assert status(HERE, host=host) == 200
    assert status(HERE, host=host, origin=f"http://{host}") == 200
    assert status(HERE, "/_stcore/stream", "websocket", host=host, origin=f"http://{host}") == 101


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8501",
        "localhost.evil.example",
        "10.0.0.5",
        "localhost@evil.example",
        "",
        "a b",
        "localhost:x",
        "[::1",
        "localhost/evil",
        "127.0.0.1.nip.io:8501",
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_a_name_that_is_not_ours_is_refused_whatever_the_origin(host: str, kind: str) -> None:
    assert status(HERE, "/_stcore/stream", kind, host=host, origin=f"http://{host}") == 403


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:3000",
        "http://evil.example",
        "null",
        "http://127.0.0.1:8501",
        "http://localhost:85010",
        "file://",
        "http://localhost:8501.evil.example",
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_a_page_of_another_origin_is_refused(origin: str, kind: str) -> None:
    assert status(HERE, "/_stcore/stream", kind, host="localhost:8501", origin=origin) == 403


def test_a_request_without_a_host_or_with_two_is_refused() -> None:
    assert status(HERE) == 403
    two = [(b"host", b"localhost"), (b"host", b"evil.example")]
    assert RequestGuard(None, LOOPBACK, bool)._is_ours(two) is False  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "path",
    [
        "/_stcore/metrics",
        "/_stcore/upload_file/a/b",
        "/_stcore/agent/interact",
        "/_stcore/agent/mcp",
        "/_stcore",
        "/runs/_stcore/metrics",
        "//_stcore/metrics",
        "/_stcore/health/",
        "/_stcore/script-health-check",
    ],
)
def test_what_no_page_needs_is_closed(path: str) -> None:
    assert status(HERE, path, host="localhost") == 404


UPLOAD = "/_stcore/upload_file/a/b"


def test_a_file_is_taken_from_the_own_page_of_this_machine_alone() -> None:
    own = {"host": "localhost:8501", "origin": "http://localhost:8501", "method": "PUT", "content_length": "1000"}
    assert status(HERE, UPLOAD, **own) == 200
    assert status(HERE, UPLOAD, **{**own, "method": "DELETE"}) == 200
    for other in ({"origin": "http://evil.example"}, {"host": "evil.example"}):
        assert status(HERE, UPLOAD, **{**own, **other}) == 403
    refused = ({"method": "POST"}, {"method": "GET"}, {"content_length": str(10**9)}, {"content_length": "x"})
    for change in refused:
        assert status(HERE, UPLOAD, **{**own, **change}) == 404, change
    assert status(HERE, UPLOAD, **{name: value for name, value in own.items() if name != "origin"}) == 404
    assert status(page_names("0.0.0.0"), UPLOAD, **own) == 404


@pytest.mark.parametrize("path", ["/", "/timeline", "/_stcore/health", "/_stcore/host-config", "/media/a.csv"])
def test_what_a_page_needs_is_open(path: str) -> None:
    assert status(HERE, path, host="localhost") == 200


@pytest.mark.parametrize("headers", [{"host": "localhost"}, {"host": "evil.example"}])
def test_no_answer_may_be_framed(headers: dict[str, str]) -> None:
    sent = asked(HERE, "http", "/", **headers)[0]
    assert [value for name, value in sent["headers"] if name == b"x-frame-options"] == [b"DENY"]
    assert (b"content-security-policy", b"frame-ancestors 'none'") in sent["headers"]


def test_the_timelines_files_may_be_framed_by_its_own_page_alone_and_run_nothing_but_themselves() -> None:
    sent = asked(HERE, "http", COMPONENT + "index.html", host="localhost")[0]
    headers = dict(sent["headers"])
    assert headers[b"x-frame-options"] == b"SAMEORIGIN"
    policy = headers[b"content-security-policy"].decode()
    assert (
        policy == "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; frame-ancestors 'self'"
    )
    assert status(HERE, COMPONENT + "index.html", host="evil.example") == 403
    other = dict(asked(HERE, "http", "/component/another.one/index.html", host="localhost")[0]["headers"])
    assert other[b"x-frame-options"] == b"DENY"


def test_a_published_dashboard_answers_to_its_names_and_to_addresses_and_to_no_other_name() -> None:
    names = [*page_names("0.0.0.0"), "bench"]
    for host in ("192.168.1.20:8501", "[fd00::5]:8501", "bench:8501", "localhost:8501"):
        assert status(names, host=host, origin=f"http://{host}") == 200, host
    assert status(names, host="evil.example", origin="http://evil.example") == 403
    assert status(page_names("bench.example.org"), host="bench.example.org:8501") == 200


def test_what_is_no_request_passes() -> None:
    passed: list[str] = []

    async def application(scope: Message, *_: object) -> None:
        passed.append(scope["type"])

    guard = RequestGuard(application, LOOPBACK, bool)
    asyncio.run(guard({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert passed == ["lifespan"]


def test_the_script_of_a_page_names_the_files_that_are_there_alone(tmp_path: Path) -> None:
    files = tmp_path / "static" / "js"
    files.mkdir(parents=True)
    for name in ("DataFrame.x1.js", "DataFrameOther.x2.js", "PlotlyChart.x3.js"):
        (files / name).touch()
    assert re.findall(r'"(\./static/js/[^"]+)"', page_script(tmp_path)) == ["./static/js/DataFrame.x1.js"]
    own = Path(pytest.importorskip("streamlit").__file__).parent / "static"
    assert len(re.findall(r'"\./static/js/[^"]+"', page_script(own))) >= 10
