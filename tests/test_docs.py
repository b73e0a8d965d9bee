"""What the README and docs say can be run runs, and what they link to exists."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from chipgym.cli.app import run

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("tests/golden/*.md")])

# What a reader of a page is assumed to have: files, other libraries' names, objects of their own.
PRELUDE = {
    "docs/environments.md": """
        from stable_baselines3 import PPO
        from stable_baselines3.common.vec_env import VecMonitor
        from chipgym.simulators import SimulatorEntry
        from toy import ToySimulator as MySimulator
    """,
    "docs/search.md": "import optuna",
    "docs/workloads.md": """
        from pathlib import Path
        from chipgym.datasets import load_workload
        network = load_workload("mlp:4-4")
        Path("topologies").mkdir()
        Path("topologies/yolo_tiny.csv").write_text("Layer,M,N,K,\\nfc,8,8,8,\\n")
    """,
}
# Longer than it has to be for a reader to believe it.
SHORTER = {"learn(20_000)": "learn(2048)"}


def page_id(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=page_id)
def test_python_runs(page, tmp_path):
    """All blocks of a page after one another in a process of their own, as a reader would run them."""
    if "stable_baselines3" in PRELUDE.get(page_id(page), ""):
        pytest.importorskip("stable_baselines3")
    lines = [line.strip() for line in PRELUDE.get(page_id(page), "").splitlines()]
    program = "\n".join([f"import sys; sys.path.insert(0, {str(ROOT / 'tests')!r})", *lines, *blocks(page, "python")])
    for long, short in SHORTER.items():
        program = program.replace(long, short)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


COMMANDS = [(page, line) for page in PAGES for block in blocks(page, "sh") for line in block.splitlines() if line]


@pytest.mark.parametrize(("page", "line"), COMMANDS, ids=[line for _, line in COMMANDS])
def test_commands_run(page, line, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command, *arguments = shlex.split(line)
    assert command == "chipgym", f"{page}: {line}"
    assert run(arguments) == 0, capsys.readouterr().err


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
