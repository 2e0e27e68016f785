"""The server of the Model Context Protocol: names the tools, tells errors as the command line does."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from importlib import metadata
from typing import Any

from runner.mcp.answers import Answer, Answers
from runner.mcp.folders import Folders
from tracer.errors import KwsTraceError, not_installed

EXTRA = "kws-trace[mcp]"

INSTRUCTIONS = (
    "Figures of kws-trace: runs of the MLPerf Tiny keyword-spotting benchmark, profiles of any GPU program, and "
    "benchmark sessions. Each answer has `findings`, each with its `evidence` and with what would refute it, and the "
    "`figures` that they are of. A state that is not fine belongs to a figure wherever it is repeated. Nothing is "
    "written, and nothing is read outside the folders that the user gave."
)


def build_server(folders: Folders) -> Any:
    """
    The server, which ``run()`` serves over standard input and output.

    Raises:
        NotInstalledError: if the SDK is not installed, or is older than version 2.
    """
    try:
        from mcp.server.mcpserver import MCPServer
        from mcp.server.mcpserver.exceptions import ToolError
        from mcp.types import ToolAnnotations
    except ImportError:
        raise not_installed("the Python SDK of the Model Context Protocol (mcp 2)", EXTRA) from None
    # The SDK's own lines would stand between those of the program that started us.
    server = _refusing(MCPServer, ToolError)(
        "kws-trace", instructions=INSTRUCTIONS, version=metadata.version("kws-trace"), log_level="ERROR"
    )
    answers = Answers(folders)
    tools = (
        *(answers.runs, answers.report, answers.compare, answers.session, answers.doctor),
        *(answers.kernels, answers.breakdown),
    )
    hints = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
    for tool in tools:
        server.add_tool(_told(tool, ToolError), annotations=hints, structured_output=False)
    return server


def _told(tool: Callable[..., Answer], error_type: type[Exception]) -> Callable[..., str]:
    """``tool`` with its answer as JSON, whose foreseen errors are the tool's own."""

    @functools.wraps(tool)
    def told(*args: Any, **kwargs: Any) -> str:
        try:
            return json.dumps(tool(*args, **kwargs))
        except KwsTraceError as error:
            raise error_type(str(error)) from None

    # The SDK reads what a tool answers from its annotations.
    told.__annotations__ = {**tool.__annotations__, "return": "str"}
    return told


def _refusing(server: Any, error_type: type[Exception]) -> Any:
    """The SDK's server, which passes over an argument that a tool does not have, as one that refuses it."""

    class Refusing(server):  # type: ignore[misc]
        async def list_tools(self) -> list[Any]:
            return [
                one.model_copy(update={"input_schema": {**one.input_schema, "additionalProperties": False}})
                for one in await super().list_tools()
            ]

        async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> Any:
            taken = {one.name: one.input_schema["properties"] for one in await self.list_tools()}.get(name, arguments)
            unknown = [one for one in arguments if one not in taken]
            if unknown:
                raise error_type(f"{name}: it has no argument {unknown[0]}; it takes {', '.join(taken) or 'none'}")
            return await super().call_tool(name, arguments, context)

    return Refusing
