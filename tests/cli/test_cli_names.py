"""Names that nobody expects, wherever the command takes one: too long, unprintable, no letters, devices, formulas."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

STEMS = (
    "x" * 300, "x" * 5000, "a\udcffb", "\udcff", "a\nb", "\x1b[31m", "a\0b", " ", "", "~", "~nobody/x", "/", "..",
    "/proc/self/mem", "/dev/null", "/dev/full", "é" * 200, "a/" * 3000, "mlp:" + "9" * 500, "mlp:\udcff",
    "systolic-networks@" + "x" * 400, "systolic-networks@\udcff", "#1", "x#" + "9" * 400, "sqlite:///" + "x" * 400,
    "sqlite://", "postgresql://\udcff@/x", "=1+1", "a.json:x=1", "x.onnx:" + "y" * 500 + "=3", "\u202e", "kernel\x07",
)  # fmt: skip
SUFFIXES = ("", ".json", ".csv", ".onnx", ".stl", ".stl.gz", ".parquet", ".npz", ".db", ".html")
# The command lines that a name is put into, in the place of NAME.
COMMANDS = [
    line.split()
    for line in (
        "simulate systolic --workload NAME", "simulate hls --workload NAME", "simulate memory --workload NAME",
        "simulate surrogate --workload NAME", "simulate tabular --workload NAME", "simulate NAME", "list NAME",
        "search toy --budget 3 --store NAME", "search toy --budget 3 --store ok.db --csv NAME",
        "search toy --budget 3 --agent NAME", "search toy --store o.db --objective NAME",
        "search toy --store o.db --constraint NAME", "search toy --store o.db --space NAME",
        "search toy --budget 3 --workload NAME", "report NAME", "report ok.db --out NAME",
        "collect toy --samples 3 --out NAME", "collect toy --samples 3 --out z.parquet --workload NAME",
        "collect toy --samples 3 --out zz --workload mlp:4-4 --workload NAME", "train NAME --out m.npz",
        "train NAME --out NAME", "simulate systolic --set NAME", "simulate systolic --option NAME", "validate NAME",
        "validate systolic --reference NAME", "simulate toy --metric NAME", "NAME", "--NAME",
    )
]  # fmt: skip


@pytest.mark.parametrize("count", [pytest.param(50, id="few"), pytest.param(5000, marks=pytest.mark.slow, id="many")])
def test_any_name_is_taken_or_refused_in_one_line(cli, count):
    rng = random.Random(count)
    for _ in range(count):
        name = rng.choice(STEMS) + rng.choice(SUFFIXES)
        arguments = [part.replace("NAME", name) for part in rng.choice(COMMANDS)]
        done = cli(*arguments)
        assert done.status in (0, 2), arguments
        if done.status == 2:
            line = done.err.splitlines()[-1]
            assert line.startswith("error: "), arguments
            assert line.isprintable(), arguments
            assert len(line) < 6000


def test_outputs_that_are_devices_or_pipes_are_left_alone(cli):
    import os

    os.mkfifo("pipe.csv")
    os.mkfifo("pipe.npz")
    os.mkfifo("pipe.parquet")
    os.mkfifo("pipe.db")
    Path("null.csv").symlink_to("/dev/null")
    for arguments in (
        ("search", "toy", "--budget", "3", "--store", "a.db", "--csv", "pipe.csv"),
        ("search", "toy", "--budget", "3", "--store", "a.db", "--csv", "null.csv"),
        ("search", "toy", "--budget", "3", "--store", "pipe.db"),
        ("collect", "toy", "--exhaustive", "--out", "pipe.parquet"),
        ("train", "systolic-resnet18", "--out", "pipe.npz"),
    ):
        done = cli(*arguments)
        assert (done.status, done.out) == (2, ""), arguments
        assert "is not a regular file" in done.err
    assert all(Path(f"pipe.{kind}").is_fifo() for kind in ("csv", "npz", "parquet", "db"))
    assert Path("null.csv").is_symlink()


def test_a_model_has_a_place_before_it_is_trained(cli, unprivileged, monkeypatch):
    """A folder that cannot be written is found before the work, not after it."""
    import chipgym.surrogates

    monkeypatch.setattr(chipgym.surrogates.Surrogate, "fit", lambda *_: pytest.fail("it was trained"))
    locked = unprivileged / "locked"
    locked.mkdir(mode=0o500)
    done = cli("train", "systolic-resnet18", "--model", "ridge", "--out", str(locked / "m.npz"))
    assert (done.status, done.err) == (2, f"error: out: {locked / 'm.npz'} cannot be written (Permission denied)\n")
    file = unprivileged / "m.npz"
    file.write_text("mine")
    file.chmod(0o400)
    done = cli("train", "systolic-resnet18", "--model", "ridge", "--out", str(file))
    assert done.err == f"error: out: {file} cannot be written (it is write-protected)\n"
    assert file.read_text() == "mine"


def test_a_full_disk_names_the_output(cli, monkeypatch):
    import os

    full = OSError(28, "No space left on device")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(full))
    done = cli("train", "systolic-resnet18", "--model", "ridge", "--split", "designs", "--out", "m.npz")
    assert done.status == 2
    assert done.err.splitlines()[-1] == "error: out: m.npz cannot be written (No space left on device)"
    assert not list(Path().glob("*.npz")) + list(Path().glob(".*.partial"))


def test_no_cell_of_a_csv_is_a_formula():
    """What a table of someone else's says of a knob: a spreadsheet would run it."""
    from chipgym.cli.designs import _plain_text

    for text in ("=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\t=1", "\r=1"):
        assert _plain_text(text) == f"'{text}"
    for cell in (-1, -1.5, "ws", "a=b", "", None, True):
        assert _plain_text(cell) is cell or _plain_text(cell) == cell
