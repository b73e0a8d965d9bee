"""What the README and docs say can be run runs, and what they link to exists."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chipgym.cli.app import run

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("tests/golden/*.md")])

# What a page says whose blocks are not to be pasted alone.
CONTINUES = r"Each block continues those\s+before it"
# Runs blocks in a namespace each (all in one where they continue), each in an empty folder of its own. A page has a
# process to itself, forked from one that has imported what most pages do.
RUN_BLOCKS = """
import atexit, importlib, json, os, sys, tempfile, traceback
for library in ("pandas", "numba", "sqlalchemy", "gymnasium", "chipgym.search", "torch", "stable_baselines3"):
    try:
        importlib.import_module(library)
    except ImportError:
        pass

def run(continues, blocks):
    shared = {"__name__": "__main__"}
    for number, block in enumerate(blocks, 1):
        if not (continues and number > 1):
            os.chdir(tempfile.mkdtemp())
        exec(compile(block, f"block {number}", "exec"), shared if continues else {"__name__": "__main__"})

for line in sys.stdin:
    folder, continues, blocks = json.loads(line)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            printed = os.open(os.path.join(folder, "printed"), os.O_WRONLY | os.O_CREAT)
            os.dup2(printed, 1)
            os.dup2(printed, 2)
            tempfile.tempdir = folder
            run(continues, blocks)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            atexit._run_exitfuncs()
            sys.stdout.flush()
            os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
# Longer than it has to be for a reader to believe it.
SHORTER = {
    "learn(2048)": "learn(320)", "learn(20_000)": "learn(1024)", "learn(4096)": "learn(256)", "trees=40": "trees=4",
    "trees=60": "trees=4", "budget=2000": "budget=200", "budget=1000": "budget=100", "budget=500": "budget=50",
    "budget=300": "budget=60", "--budget 2000": "--budget 200", "--budget 1000": "--budget 100",
    "--budget 500": "--budget 50", "seeds=5, budget=60": "seeds=2, budget=20", "--n 400 ": "--n 60 ",
    "--n 200 ": "--n 60 ", "--samples 200 ": "--samples 100 ", "n_epochs=8": "n_epochs=2", "range(20)": "range(4)",
}  # fmt: skip


def page_id(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def shorter(text: str) -> str:
    for long, short in SHORTER.items():
        text = text.replace(long, short)
    return text


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


# Large libraries of their own, beside others on their page, each by what is missing where it cannot be imported.
LARGE = {"torchrl": "torchrl", "ray": "ray", "ray.rllib": "tree", "pymoo": "pymoo", "botorch": "botorch"}


def imports(block: str, library: str) -> bool:
    return re.search(rf"^\s*(import|from) {re.escape(library)}\b", block, re.MULTILINE) is not None


def missing(block: str) -> bool:
    """Whether a block is about a large library that is not installed."""
    used = [needs for name, needs in LARGE.items() if imports(block, name)]
    used += ["iccad_contest"] * ("iccad-boom" in block)  # which is read, and not imported
    return any(importlib.util.find_spec(library) is None for library in used)


@pytest.fixture(scope="module")
def runner() -> Iterator[subprocess.Popen[str]]:
    """A process that runs the blocks of pages."""
    with subprocess.Popen(
        [sys.executable, "-c", RUN_BLOCKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=page_id)
def test_python_runs(page, tmp_path, runner):
    """Every block alone, or after those before it where the page says so, as a reader would paste it."""
    found = blocks(page, "python")
    for library in ("stable_baselines3", "onnx", "torch", "torch_geometric", "mcp"):
        if any(re.search(rf"^\s*(import|from) {library}\b", block, re.MULTILINE) for block in found):
            pytest.importorskip(library)
    found = [block for block in found if not missing(block) and not imports(block, "ray")]
    if not found:
        pytest.skip("none of its blocks' libraries are installed")
    if any("report(" in block for block in found):
        pytest.importorskip("plotly")
    found = list(map(shorter, found))
    continues = re.search(CONTINUES, page.read_text(encoding="utf-8")) is not None
    print(json.dumps([str(tmp_path), continues, found]), file=runner.stdin, flush=True)
    code = runner.stdout.readline()
    assert code == "0\n", (tmp_path / "printed").read_text(encoding="utf-8")[-2000:]


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if any(imports(b, "ray") for b in blocks(p, "python"))], ids=page_id)
def test_python_on_ray_runs(page, tmp_path, runner):
    """Blocks that start a cluster, which takes half a minute; after the first of the page, which they continue."""
    found = blocks(page, "python")
    on_ray = [block for block in found if imports(block, "ray")]
    if any(missing(block) for block in on_ray):
        pytest.skip("Ray, or the part of it that they use, is not installed: pip install 'ray[rllib]'")
    continues = re.search(CONTINUES, page.read_text(encoding="utf-8")) is not None
    ready = [found[0]] if continues else []
    print(json.dumps([str(tmp_path), continues, ready + on_ray]), file=runner.stdin, flush=True)
    code = runner.stdout.readline()
    assert code == "0\n", (tmp_path / "printed").read_text(encoding="utf-8")[-2000:]


COMMANDS = [(page, line) for page in PAGES for block in blocks(page, "sh") for line in block.splitlines() if line]


def commands(line: str) -> Iterator[list[str]]:
    """The arguments of each `chipgym` of a line, in which one may follow another."""
    for part in line.split(" && "):
        command, *arguments = shlex.split(part)
        assert command == "chipgym", line
        yield arguments


@pytest.mark.parametrize(("page", "line"), COMMANDS, ids=[line for _, line in COMMANDS])
def test_commands_run(page, line, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for word, library in ((" report ", "plotly"), (" compare ", "plotly"), (" gnn ", "torch_geometric")):
        if word in line:
            pytest.importorskip(library)
    if missing(line):
        pytest.skip("what it imports is not installed")
    for arguments in commands(shorter(line)):
        assert run(arguments) == 0, capsys.readouterr().err


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "sh")], ids=page_id)
def test_searches_of_a_page_run_after_one_another(page, tmp_path, monkeypatch, capsys):
    """In one folder, where their stores must not be in each other's way; as small as they can be."""
    monkeypatch.chdir(tmp_path)
    for line in (line for block in blocks(page, "sh") for line in block.splitlines() if " search " in line):
        for arguments in commands(re.sub(r"--budget \d+", "--budget 1", line)):
            if arguments[0] == "search":
                assert run(arguments) == 0, f"{line}: {capsys.readouterr().err}"


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith("#"):
            assert (page.parent / target.split("#")[0]).exists(), f"{page_id(page)} links to {target}"


def test_readme_names_every_environment_and_agent():
    """Those of the package itself: tests register classes of their own."""
    from chipgym.envs import env_id
    from chipgym.search import registered_agents
    from chipgym.simulators import registered

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    names = [env_id(e) for e in registered() if isinstance(e.target, str)]
    names += [e.name for e in registered_agents() if isinstance(e.target, str)]
    assert len(names) > 5
    assert not [name for name in names if f"`{name}`" not in text]


def test_cli_page_names_every_verb():
    from chipgym.cli.app import app

    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for command in app.registered_commands:
        assert f"\n## {command.name}\n" in text


def test_examples_page_names_every_script_and_notebook():
    text = (ROOT / "docs" / "examples.md").read_text(encoding="utf-8")
    files = [*ROOT.glob("examples/*.py"), *ROOT.glob("notebooks/*.ipynb")]
    assert len(files) > 10
    assert not [file.name for file in files if f"`{file.name}`" not in text]
