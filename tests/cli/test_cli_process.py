"""The command as a process of its own: what it imports, pipes, signals, and disks that are full."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chipgym.search import load_result
from chipgym.simulators import registered

# Imported where they are used, and only there.
HEAVY = (
    "numba", "sklearn", "scipy", "optuna", "sqlalchemy", "torch", "torch_geometric", "stable_baselines3", "ray",
    "plotly", "pandas", "pyarrow", "PIL", "matplotlib",
)  # fmt: skip
COMMAND = (sys.executable, "-m", "chipgym")


def run_process(*arguments: str, **kwargs) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=120, check=False, **kwargs)


def test_light_imports():
    """What a fresh interpreter has after each of them, all in one: what any brings in is there at the end."""
    program = f"import sys\nheavy = {HEAVY!r}\n"
    codes = ["import chipgym", "import chipgym.search", "from chipgym.cli.app import run"]
    codes += [f"run({arguments})" for arguments in (["--help"], ["search", "--help"], ["list"], ["--nonsense"])]
    for code in codes:
        program += f"{code}\nprint('\\nafter', {code!r}, [m for m in heavy if m in sys.modules])\n"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    told = [line for line in out.stdout.splitlines() if line.startswith("after ")]
    assert told == [f"after {code} []" for code in codes]


def test_module_and_script_are_one_command():
    script = Path(sys.executable).with_name("chipgym")
    version = run_process("--version").stdout
    assert version.startswith("chipgym ")
    if script.exists():
        assert subprocess.run([script, "--version"], capture_output=True, text=True, check=True).stdout == version


def test_bad_input_of_a_process():
    done = run_process("simulate", "systolik")
    assert done.returncode == 2
    assert done.stdout == ""
    known = ", ".join(sorted(e.name for e in registered() if isinstance(e.target, str)))  # not those of the tests
    assert done.stderr == f"error: unknown simulator 'systolik'; did you mean 'systolic'? (known: {known})\n"


@pytest.mark.parametrize(
    "arguments",
    [pytest.param(("list", "metrics"), marks=pytest.mark.slow), ("simulate", "systolic", "--layers"), ("--help",)],
)
def test_broken_pipe_is_silent(arguments):
    """As with `| head`, but the reader is gone before anything is written."""
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.Popen([*COMMAND, *arguments], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    _, err = process.communicate(timeout=120)
    assert err == ""
    assert process.returncode == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_full_output_device():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, "list"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, check=False
        )
    assert done.returncode == 2
    assert done.stderr == "error: output: No space left on device\n"


def test_a_locale_without_the_letters():
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = run_process("validate", "systolic", env=environment)
    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("module", "argument", "program"),
    [
        ("gymnasium", "/usr/bin/chipgym", "from chipgym.cli import main; main()"),
        ("typer", "/usr/bin/chipgym", "from chipgym.cli import main; main()"),
        ("gymnasium", "-m", "import chipgym.__main__"),
        ("gymnasium", "script.py", "import chipgym"),
    ],
)
def test_ctrl_c_while_the_command_is_imported(module, argument, program):
    """Quiet for the command; a script that imports the package gets its KeyboardInterrupt."""
    interrupt = (
        "import sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}: raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Finder())\n"
        f"sys.argv = [{argument!r}, 'list']\n"
    )
    done = subprocess.run([sys.executable, "-c", interrupt + program], capture_output=True, text=True, check=False)
    if argument == "script.py":
        assert done.stderr.rstrip().endswith("KeyboardInterrupt")
    else:
        assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_ctrl_c_keeps_what_was_found(tmp_path):
    """SIGINT at whatever the search is doing: status 130, one line that says where the results are, and it resumes."""
    arguments = ("search", "systolic", "--workload", "mlp:64-64", "--agent", "random", "--store", "a.db")
    command = [*COMMAND, *arguments, "--budget", "10000000"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    first = process.stderr.readline()
    assert "designs/s" in first
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert out == ""
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith("interrupted: ")
    assert "a.db" in err
    stored = load_result(tmp_path / "a.db").evaluations
    assert stored > 0
    done = run_process(*arguments, "--budget", str(stored + 10), cwd=tmp_path)
    assert done.returncode == 0
    assert load_result(tmp_path / "a.db").evaluations == stored + 10


def test_sigterm_keeps_what_was_found(tmp_path):
    """As a scheduler ends a job: one line, status 143, and the same command goes on."""
    arguments = ("search", "systolic", "--workload", "mlp:64-64", "--agent", "random", "--store", "a.db")
    command = [*COMMAND, *arguments, "--budget", "10000000"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert "designs/s" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (143, "")
    assert err.splitlines()[-1].startswith("terminated: ")
    assert "the same command goes on" in err
    stored = load_result(tmp_path / "a.db").evaluations
    assert run_process(*arguments, "--budget", str(stored + 10), cwd=tmp_path).returncode == 0


def test_sigterm_to_all_processes_of_a_collection(tmp_path):
    """A whole group is sent it: the one that answers does, and its workers go with it."""
    arguments = ("collect", "systolic", "--workload", "resnet18", "--n", "50000", "--out", "t.parquet", "--jobs", "2")
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    assert "designs" in process.stderr.readline()
    os.killpg(process.pid, signal.SIGTERM)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 143
    assert err.splitlines()[-1].startswith("terminated: ")
    deadline = time.monotonic() + 30
    while is_there(process.pid) and time.monotonic() < deadline:  # Python's own helper ends a little later
        time.sleep(0.1)
    assert not is_there(process.pid)


def is_there(group: int) -> bool:
    """Whether any process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("closed", [pytest.param((0,), marks=pytest.mark.slow), (1,), (2,), (0, 1, 2)], ids=str)
def test_closed_streams(closed, tmp_path):
    """Output that is closed is told before any work; a file that is opened must not take its number."""
    redirections = " ".join(f"{number}>&-" if number else "0<&-" for number in closed)
    arguments = "search systolic --workload mlp:8-8 --agent random --budget 20 --store a.db"
    done = subprocess.run(
        ["sh", "-c", f"exec '{sys.executable}' -m chipgym {arguments} {redirections}"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    if 1 in closed:
        assert done.returncode == 2
        assert done.stderr in ("", "error: output: standard output is closed; /dev/null takes what nobody is to see\n")
        assert list(tmp_path.iterdir()) == []
    else:
        assert (done.returncode, load_result(tmp_path / "a.db").evaluations) == (0, 20)


@pytest.mark.parametrize("threads", ["0", pytest.param("-2", marks=pytest.mark.slow)])
def test_a_number_of_threads_that_numba_refuses(threads):
    done = run_process("simulate", "systolic", env={**os.environ, "NUMBA_NUM_THREADS": threads})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: NUMBA_NUM_THREADS: '{threads}' is not a whole number from 1 (")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_bar_on_a_terminal(tmp_path):
    import pty

    ours, theirs = pty.openpty()
    arguments = ("search", "systolic", "--workload", "mlp:8-8", "--agent", "random", "--budget", "512")
    process = subprocess.Popen([*COMMAND, *arguments], cwd=tmp_path, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # how Linux says that the other end was closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert b"512/512" in shown
    assert b"best edp=" in shown
    assert b"best design" in out
