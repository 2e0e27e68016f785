"""Names of other packages that they promise to nobody: each stands in one adapter, and here to be seen going away."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

ADAPTERS = {
    "nvtx._lib": "tracer/recording/nvtx_ranges.py",
    "_set_payload_int": "tracer/recording/nvtx_ranges.py",
    "_pywrap_traceme": "runner/dut/trace_me.py",
    "_make_callable_from_options": "runner/inference/backends/tensorflow_graph.py",
    "net_util": "dashboard/serve.py",
    "create_starlette_app": "dashboard/serve.py",
}


def test_nvtx_has_the_layer_that_ranges_are_pushed_by() -> None:
    lib = import_module("nvtx._lib").lib
    for name in ("DomainHandle", "RegisteredString", "EventAttributes", "push_range", "pop_range"):
        assert hasattr(lib, name), name


def test_tensorflow_has_the_trace_events_and_the_callables_that_run_inline() -> None:
    tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
    events = import_module("tensorflow.python.profiler.internal._pywrap_traceme")
    assert hasattr(events.TraceMe, "Stop")
    assert events.traceme_enabled() is False
    assert callable(tf.compat.v1.Session._make_callable_from_options)


def test_streamlit_asks_for_its_external_address_by_the_name_that_is_replaced() -> None:
    pytest.importorskip("streamlit", reason="Streamlit is not installed")
    assert callable(import_module("streamlit.net_util").get_external_ip)
    assert (
        "net_util.get_external_ip"
        in Path(str(import_module("streamlit.web.server.server_util").__file__)).read_text()
    )


def test_streamlit_makes_its_application_by_the_name_that_the_guard_replaces() -> None:
    pytest.importorskip("streamlit", reason="Streamlit is not installed")
    server = import_module("streamlit.web.server.starlette.starlette_server")
    assert callable(server.create_starlette_app)
    assert "app = create_starlette_app(self._runtime)" in Path(str(server.__file__)).read_text()


@pytest.mark.parametrize("name", ADAPTERS)
def test_each_private_name_stands_in_its_adapter_alone(name: str) -> None:
    root = Path(__file__).parent.parent
    used = re.compile(
        rf"^(?!\s*(#|\"layer)).*(import .*{re.escape(name)}|{re.escape(name)} import|\.{name}\b)", re.MULTILINE
    )
    files = [path for room in ("runner", "tracer", "dashboard") for path in (root / room).rglob("*.py")]
    assert [str(path.relative_to(root)) for path in files if used.search(path.read_text())] == [ADAPTERS[name]]
