"""A client of `chipgym serve --mcp` searches as a language model would: it asks what binds, and tries what loosens it.

A fixed policy stands in for the model, so that every run is the same. Put a model's choice in the place of `propose`.

python examples/mcp_client.py --workload resnet18 --budget 40 --out history.json
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters

Data = dict[str, Any]


async def call(client: Client, tool: str, **arguments: Any) -> Data:
    """Call a tool; what is wrong with a call is data too, which a model reads to correct itself."""
    result = await client.call_tool(tool, arguments)
    data: Data = result.structured_content
    if result.is_error:
        print(f"  {tool} refused: {data['error']['message']}")
    return data


def propose(explained: Data, tried: list[Data]) -> list[Data]:
    """Choose what to try next from a design's bottlenecks: one change each, and the two most promising together."""
    design, changes = explained["design"], {}
    for bottleneck in explained["bottlenecks"]:
        for remedy in bottleneck["remedies"]:
            if remedy["next"] is not None:
                changes.setdefault(remedy["knob"], remedy["next"])
    several = [{knob: value} for knob, value in list(changes.items())[:4]]
    if len(several) > 1:
        several.append({**several[0], **several[1]})
    found = [{**design, **change} for change in several]
    return [new for new in found if new not in tried]


def promise(result: Data) -> float:
    """Tell how much a result is worth a closer look: one a little beyond a limit may lead to one within it."""
    ((_, value),) = result["objectives"].items()
    return float(value) * (1 + result["violation"]) ** 2


async def search(client: Client) -> tuple[Data, list[Data]]:
    """Begin with the default design, and look closer at what promises most until the budget is spent."""
    about = (await call(client, "describe"))["this_problem"]
    unit = about["minimises"][0]["unit"]
    await call(client, "evaluate", designs=[{"rows": 48}])  # a mistake, which costs nothing
    designs: list[Data] = [{}]
    tried, waiting = [], []
    while True:
        answer = await call(client, "evaluate", designs=designs, metrics=[])
        tried += designs
        waiting += [result for result in answer["results"] if result["objectives"] and not result["repeated"]]
        designs = []
        while waiting and not designs and answer["budget"]["left"]:
            waiting.sort(key=promise)
            explained = await call(client, "explain", number=waiting.pop(0)["number"], top=3)
            designs = propose(explained, tried)[: answer["budget"]["left"]]
        if not designs:
            break
        ((name, value),) = answer["best"]["objectives"].items()
        binds = explained["bottlenecks"][0]["text"]
        print(f"{answer['budget']['spent']:4d} evaluations, least {name} {value:.4g} {unit}; to loosen next: {binds}")
    return answer["best"], (await call(client, "history", limit=1000))["evaluations"]


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workload", default="resnet18")
    parser.add_argument("--budget", type=int, default=40)
    parser.add_argument("--out", type=Path, help="a file for every evaluation in order, as JSON")
    arguments = parser.parse_args()

    command = ["-m", "chipgym", "serve", "--mcp", "--simulator", "systolic", "--workload", arguments.workload]
    command += ["--objective", "edp", "--constraint", "area_mm2 <= 10", "--budget", str(arguments.budget)]
    async with Client(StdioServerParameters(command=sys.executable, args=command)) as client:
        best, evaluations = await search(client)
    gain = 10 ** best["reward"]
    print(f"after {len(evaluations)} evaluations {gain:.1f} times better than the default:")
    print("  " + ", ".join(f"{knob}={value}" for knob, value in best["design"].items()))
    if arguments.out:
        arguments.out.write_text(json.dumps(evaluations, indent=1), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
