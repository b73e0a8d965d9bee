"""The server: tools and pages as the Model Context Protocol has them, over standard input and output."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
import threading
from typing import Any, cast

import anyio
from mcp import MCPError
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server
from mcp.types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListResourcesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    Resource,
    TextContent,
    TextResourceContents,
    Tool,
    ToolAnnotations,
)

from .. import __version__
from ..errors import ChipgymError
from .faults import fault_data
from .problems import Problems
from .requests import evaluate_answer, schema_of
from .resources import pages, read_page
from .tools import TOOLS, call

LOG = logging.getLogger("chipgym")

INSTRUCTIONS = """\
chipgym simulates accelerators and memory systems. A design is a value for each knob of a space. Find one with the
least objective within the constraints: begin with `describe`, `evaluate` several designs at a time, `explain` the best,
and change what binds it. Every new design costs one evaluation of a budget that all calls share. Errors are JSON: a
code, the field, its value, what was expected and the nearest legal value."""


def make_server(problems: Problems) -> Server[Any]:
    """Make a server whose calls are answered one after another, so that clients see one order of evaluations."""
    turn = anyio.CapacityLimiter(1)

    async def list_tools(context: ServerRequestContext[Any], params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=_tools(problems))

    async def call_tool(context: ServerRequestContext[Any], params: CallToolRequestParams) -> CallToolResult:
        def answered() -> CallToolResult:
            return answer(problems, params.name, params.arguments or {})

        # In a thread, so that the connection stays alive; what is being written is finished, whoever hangs up.
        return await anyio.to_thread.run_sync(answered, limiter=turn)

    async def list_resources(
        context: ServerRequestContext[Any], params: PaginatedRequestParams | None
    ) -> ListResourcesResult:
        found = [Resource(uri=p.uri, name=p.name, title=p.title, mime_type="text/markdown") for p in pages()]
        return ListResourcesResult(resources=found)

    async def read_resource(
        context: ServerRequestContext[Any], params: ReadResourceRequestParams
    ) -> ReadResourceResult:
        uri = str(params.uri)
        try:
            text = await anyio.to_thread.run_sync(read_page, uri, limiter=turn)
        except ChipgymError as error:
            raise MCPError(INVALID_PARAMS, str(error), fault_data(error)["error"]) from None
        return ReadResourceResult(contents=[TextResourceContents(uri=uri, mime_type="text/markdown", text=text)])

    return Server(
        "chipgym",
        version=__version__,
        title="chipgym",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_read_resource=read_resource,
    )


def answer(problems: Problems, name: str, arguments: dict[str, Any]) -> CallToolResult:
    """Answer a call; an error is a result too, so that a language model reads it."""
    try:
        data, failed = call(problems, name, arguments), False
    except Exception as error:
        if not isinstance(error, ChipgymError):
            LOG.exception("%s failed", name)
        data, failed = {**fault_data(error), "budget": problems.budget.to_dict()}, True
    text = json.dumps(data, allow_nan=False, ensure_ascii=False)
    return CallToolResult(content=[TextContent(text=text)], structured_content=data, is_error=failed)


def _tools(problems: Problems) -> list[Tool]:
    only = None if problems.only is None else problems.only.problem
    return [
        Tool(
            name=tool.name,
            description=tool.about,
            input_schema=schema_of(tool.model, only),
            output_schema=evaluate_answer(only) if tool.name == "evaluate" else None,
            annotations=ToolAnnotations(
                read_only_hint=not tool.evaluates, destructive_hint=False, open_world_hint=False
            ),
        )
        for tool in TOOLS.values()
    ]


class _Input:
    """Lines of standard input, waiting for which Ctrl-C and SIGTERM end; the library's own reader they do not."""

    def __init__(self) -> None:
        # A file of its own: the thread that still waits for a line must not hold what the interpreter closes.
        self._file = os.fdopen(os.dup(sys.stdin.fileno()), encoding="utf-8", errors="replace")
        self._lines: asyncio.Queue[str] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        """Put every line into the queue, and at the end an empty one."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            for line in self._file:
                self._loop.call_soon_threadsafe(self._lines.put_nowait, line)
            self._loop.call_soon_threadsafe(self._lines.put_nowait, "")

    def __aiter__(self) -> _Input:
        return self

    async def __anext__(self) -> str:
        line = await self._lines.get()
        if not line:
            raise StopAsyncIteration
        return line


def serve(problems: Problems) -> None:
    """Serve until standard input ends; nothing but the protocol goes to standard output."""

    async def run() -> None:
        server, lines = make_server(problems), cast("Any", _Input())
        # What a simulator prints goes to standard error, at once rather than when the interpreter ends.
        async with stdio_server(stdin=lines) as (read, write):
            with contextlib.redirect_stdout(sys.stderr):
                await server.run(read, write, server.create_initialization_options())

    try:
        anyio.run(run)
    finally:
        problems.close()
