"""The server as clients see it: in this process, and as a command over standard input and output."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import chipgym

pytest.importorskip("mcp")

import jsonschema
from mcp import Client, MCPError

from chipgym.mcp.budget import Budget
from chipgym.mcp.problems import Problems
from chipgym.mcp.server import make_server
from chipgym.mcp.tools import TOOLS

EXAMPLE = Path(__file__).parents[2] / "examples" / "mcp_client.py"
PINNED = {"simulator": "systolic", "workload": "mlp:64-128-10", "objective": "edp"}
HELLO = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "0"},
    },
}  # fmt: skip


def conversation(problems, talk):
    """What `talk(client)` returns of a server in this process."""

    async def run():
        async with Client(make_server(problems)) as client:
            return await talk(client)

    return asyncio.run(run())


@pytest.mark.parametrize("pinned", [None, PINNED], ids=["any problem", "one problem"])
def test_tools_have_schemas_that_refuse_other_fields(pinned):
    async def talk(client):
        return (await client.list_tools()).tools

    tools = conversation(Problems(Budget(9), pinned), talk)
    assert [tool.name for tool in tools] == list(TOOLS)
    for tool in tools:
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        assert tool.input_schema["additionalProperties"] is False
        assert all("description" in about for about in tool.input_schema["properties"].values()), tool.name
        assert tool.annotations.read_only_hint is (tool.name not in ("evaluate", "explain", "search"))


def test_units_values_and_conditions_are_in_the_schema_of_one_problem():
    async def talk(client):
        answered = await client.call_tool("evaluate", {"designs": [{}, {"rows": 16}]})
        return {tool.name: tool for tool in (await client.list_tools()).tools}, answered.structured_content

    tools, answered = conversation(Problems(Budget(9), {"simulator": "memory", "workload": "strided"}), talk)
    design = tools["evaluate"].input_schema["properties"]["designs"]["items"]
    space = chipgym.make_simulator("memory", "strided").space
    assert design["additionalProperties"] is False
    assert list(design["properties"]) == list(space.names)
    for p in space.parameters:
        about = design["properties"][p.name]
        assert about["enum"] == list(p.values)
        assert not p.unit or f"unit: {p.unit}" in about["description"]
        assert not p.condition or str(p.condition) in about["description"]
    assert tools["explain"].input_schema["properties"]["design"]["anyOf"][0] == design
    results = tools["evaluate"].output_schema["properties"]["results"]["items"]["properties"]
    assert "unit: s" in results["metrics"]["properties"]["latency_s"]["description"]
    assert answered["error"]["code"] == "unknown_name"  # the memory has no rows


def test_answers_fit_their_schema():
    async def talk(client):
        (tool,) = [t for t in (await client.list_tools()).tools if t.name == "evaluate"]
        designs = [{}, {"rows": 256, "cols": 256, "num_arrays": 8}]
        return tool.output_schema, (await client.call_tool("evaluate", {"designs": designs})).structured_content

    for pinned in (PINNED, {**PINNED, "constraints": ["area_mm2 <= 1"]}):
        schema, answered = conversation(Problems(Budget(9), pinned), talk)
        jsonschema.validate(answered, schema)


def test_pages_are_read():
    async def talk(client):
        uris = [str(r.uri) for r in (await client.list_resources()).resources]
        texts = {uri: (await client.read_resource(uri)).contents[0].text for uri in uris[:2] + uris[-2:]}
        with pytest.raises(MCPError, match=r"unknown resource 'chipgym://docs/serch\.md'; did you mean"):
            await client.read_resource("chipgym://docs/serch.md")
        with pytest.raises(MCPError, match="unknown resource"):
            await client.read_resource("chipgym://docs/../../README.md")
        return uris, texts

    uris, texts = conversation(Problems(Budget(9)), talk)
    assert {"chipgym://simulators/systolic", "chipgym://docs/systolic.md", "chipgym://docs/mcp.md"} <= set(uris)
    assert all(text.startswith("# ") for text in texts.values())
    assert "| rows | 8, 16," in texts["chipgym://simulators/systolic"]


def test_calls_at_once_are_answered_one_after_another():
    async def talk(client):
        calls = [client.call_tool("evaluate", {"designs": [{"rows": r}, {"cols": r}]}) for r in (8, 16, 32, 64)]
        return [answer.is_error for answer in await asyncio.gather(*calls)]

    problems = Problems(Budget(5), PINNED)
    failed = conversation(problems, talk)
    assert sum(failed) >= 1
    assert problems.budget.spent == problems.only.log.n <= 5


def test_a_scripted_client_finds_a_better_design_over_standard_input_and_output(tmp_path):
    """The whole way: a process that speaks the protocol, a session within its budget, a history that plays again."""
    out = tmp_path / "history.json"
    command = [sys.executable, str(EXAMPLE), "--workload", "mlp:64-128-10", "--budget", "15", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "evaluate refused: designs[0].rows: 48 is not one of" in done.stdout
    history = json.loads(out.read_text())
    assert len(history) == 15
    problem = chipgym.make_problem("systolic", "mlp:64-128-10", objective="edp", constraints="area_mm2 <= 10")
    again = problem.evaluate([entry["design"] for entry in history])
    assert again.objectives[:, 0].tolist() == [entry["objectives"]["edp"] for entry in history]
    assert problem.reward(again).max() > 0.05
    assert max(entry["reward"] for entry in history) == problem.reward(again).max()


def start(*arguments: str, **options) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "chipgym", "serve", "--mcp", *arguments]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, **pipes, **options)


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_nothing_but_the_protocol_is_printed_and_a_signal_ends_it(tmp_path):
    with start("--budget", "3", cwd=tmp_path) as server:
        evaluate = {"name": "evaluate", "arguments": {"simulator": "systolic", "workload": "mlp:4-4", "designs": [{}]}}
        for message in (
            HELLO, {"jsonrpc": "2.0", "method": "notifications/initialized"}, "no JSON",
            {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": evaluate},
        ):  # fmt: skip
            print(message if isinstance(message, str) else json.dumps(message), file=server.stdin, flush=True)
        lines = [json.loads(server.stdout.readline()) for _ in range(2)]
        while lines[-1].get("id") != 2:
            lines.append(json.loads(server.stdout.readline()))
        assert all(line["jsonrpc"] == "2.0" for line in lines)
        assert lines[-1]["result"]["structuredContent"]["budget"] == {"limit": 3, "spent": 1, "left": 2}
        server.send_signal(signal.SIGTERM)
        out, err = server.communicate(timeout=60)
        assert server.returncode == 143
        assert out == ""
        assert err.splitlines()[-1] == "terminated"


def test_the_end_of_the_input_ends_it(tmp_path):
    with start(cwd=tmp_path) as server:
        print(json.dumps(HELLO), file=server.stdin, flush=True)
        assert json.loads(server.stdout.readline())["result"]["serverInfo"]["version"] == chipgym.__version__
        out, err = server.communicate(timeout=60)
        assert (server.returncode, out, err) == (0, "", "")


NOISY = """
import os, sys
sys.path.insert(0, {tests!r})
from toy import TOY
import chipgym
simulate = TOY.load().simulate
def noisy(self, columns, n):
    print("noise")
    os.write(2 if pinning else 1, b"noise\\n")
    return simulate(self, columns, n)
TOY.load().simulate = noisy
chipgym.register_simulator(TOY)
pinning = "--simulator" in sys.argv
from chipgym.cli import main
main()
"""


def test_what_a_simulator_prints_does_not_disturb_the_protocol(tmp_path):
    script = tmp_path / "noisy.py"
    script.write_text(NOISY.format(tests=str(Path(__file__).parents[1])))
    evaluate = {"name": "evaluate", "arguments": {"designs": [{}]}}
    messages = (
        HELLO, {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": evaluate},
    )  # fmt: skip
    with subprocess.Popen(
        [sys.executable, str(script), "serve", "--mcp", "--simulator", "toy"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
    ) as server:  # fmt: skip
        for message in messages:
            print(json.dumps(message), file=server.stdin, flush=True)
        answers = [json.loads(server.stdout.readline()) for _ in range(2)]
        out, err = server.communicate(timeout=60)
    assert answers[1]["result"]["structuredContent"]["budget"]["spent"] == 1
    assert out == ""
    assert "noise" in err
