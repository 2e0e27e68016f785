"""A visitor of the real dashboard: a session of a browser as Streamlit's page holds it, without the browser."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlencode

LARGEST = 1 << 30
"""Bytes of an answer."""


class Visitor:
    """One WebSocket to the dashboard at ``address``; a context manager."""

    def __init__(self, address: str, patience_s: float = 300.0) -> None:
        # Streamlit's own: without it there is no dashboard to visit.
        from websockets.sync.client import connect

        self._patience_s = patience_s
        host = address.removeprefix("http://")
        self._closing = ExitStack()
        line = connect(
            f"ws://{host}/_stcore/stream",
            origin=f"http://{host}",  # type: ignore[arg-type]
            subprotocols=["streamlit"],  # type: ignore[list-item]
            max_size=LARGEST,
            open_timeout=patience_s,
            ping_interval=None,
        )
        self._socket = self._closing.enter_context(line)

    def __enter__(self) -> Visitor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    def ask(self, page: str, query: str | dict[str, Any] = "", **widgets: Any) -> list[Any]:
        """
        Go to a page at an address, and wait until its script has ended.

        Args:
            page: last part of its address; empty for the first one.
            query: what stands behind the question mark, as text or by parameter.
            widgets: texts that fields were given, by the widget's id.

        Returns:
            The elements that it drew.
        """
        from streamlit.proto.BackMsg_pb2 import BackMsg

        asked = BackMsg()
        state = asked.rerun_script
        state.page_name = page
        state.query_string = (
            query if isinstance(query, str) else urlencode(query, doseq=True, quote_via=quote, errors="replace")
        )
        for name, text in widgets.items():
            state.widget_states.widgets.add(id=name, string_value=text)
        self._socket.send(asked.SerializeToString())
        return list(self._answer())

    def _answer(self) -> Any:
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        while True:
            got = self._socket.recv(self._patience_s)
            message = ForwardMsg.FromString(got.encode() if isinstance(got, str) else got)
            kind = message.WhichOneof("type")
            if kind == "delta" and message.delta.HasField("new_element"):
                yield message.delta.new_element
            elif kind == "script_finished" and message.script_finished in (0, 1):
                return


def failures(elements: list[Any]) -> list[str]:
    """What of a page is an exception of its script."""
    return [one.exception.message for one in elements if one.WhichOneof("type") == "exception"]
