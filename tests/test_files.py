"""One opener for every file that a user names: what it refuses before it reads, and what it says."""

from __future__ import annotations

import collections
import gzip
import json
import os
import struct
import zlib
from pathlib import Path

import pytest

from chipgym import ChipgymError, load_surrogate, load_table, make_simulator
from chipgym.datasets import load_workload
from chipgym.files import is_file, open_unpacked, parse_json, read_bytes, read_json, reading, status
from chipgym.search import load_result

# Whatever reads a file that a user names, by the name of a file that it would read.
READERS = {
    "kernel.json": load_workload,
    "layers.csv": load_workload,
    "model.onnx": load_workload,
    "requests.stl": load_workload,
    "requests.trace.gz": load_workload,
    "table.parquet": load_table,
    "model.npz": load_surrogate,
    "runs.db": load_result,
}


def refused(function, *arguments) -> str:
    with pytest.raises(ChipgymError) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", READERS)
def test_pipes_devices_and_folders_are_refused_at_once(name, tmp_path):
    """Reading a pipe waits for a writer, and some devices never end."""
    path = tmp_path / name
    os.mkfifo(path)
    assert "is not a regular file" in refused(READERS[name], path)
    path.unlink()
    for device in ("/dev/zero", "/dev/random"):
        path.symlink_to(device)
        assert "is not a regular file" in refused(READERS[name], path)
        path.unlink()
    path.mkdir()
    assert "is a directory" in refused(READERS[name], path) or "is a folder" in refused(READERS[name], path)


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    "stem", ["x" * 300, "a\0b", "a\udcffb", "a\nb\x1b[31m", "/proc/self/mem/x", "~nobody-at-all/x"]
)
def test_names_that_no_file_has(name, stem, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert refused(READERS[name], f"{stem}{Path(name).suffix}")


def test_a_file_is_no_larger_than_it_may_be(tmp_path):
    path = tmp_path / "kernel.json"
    with path.open("wb") as file:
        file.truncate(6 * 2**30)  # a hole: takes no room on the disk
    assert "is 6144.0 MiB, expected at most 16 MiB" in refused(load_workload, path)
    assert "expected at most" in refused(read_bytes, path, 10)


def test_a_small_packed_file_does_not_become_a_large_one(tmp_path):
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(300):
            file.write(bytes(2**20))
    with open_unpacked(path) as file, pytest.raises(ChipgymError, match="unpacks to more than 256 MiB"):
        collections.deque(iter(lambda: file.read(2**20), b""), maxlen=0)
    with open_unpacked(path, 2**22) as file, pytest.raises(ChipgymError, match="unpacks to more than 4 MiB"):
        file.read(2**23)


def test_unpacked_is_what_was_packed(tmp_path):
    lines = b"".join(b"%d: read 0x%x\n" % (i, 64 * i) for i in range(10_000))
    for name, content in (("t.stl", lines), ("t.stl.gz", gzip.compress(lines))):
        (tmp_path / name).write_bytes(content)
        with open_unpacked(tmp_path / name, 2**20) as file:
            assert file.readline() == b"0: read 0x0\n"
            assert b"0: read 0x0\n" + file.read() == lines


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("1" * 10_000, "is not JSON"),
        ("", "is empty"),
        ("\0", "is binary"),
    ],
)
def test_what_is_no_json(text, says, tmp_path):
    path = tmp_path / "kernel.json"
    path.write_text(text)
    assert says in refused(read_json, path)
    assert says in refused(load_workload, path)


def test_errors_of_libraries_are_lines_and_faults_of_chipgym_are_not():
    errors = (OSError(28, "full"), EOFError(), MemoryError(), zlib.error("bad"), RecursionError(),
              UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), NotImplementedError(), struct.error())  # fmt: skip
    for error in errors:
        with pytest.raises(ChipgymError, match=r"^file x \(.+\)$"), reading("file x"):
            raise error
    for fault in (TypeError("a"), KeyError("a"), AttributeError("a"), AssertionError("a")):
        with pytest.raises(type(fault)), reading("file x"):
            raise fault
    with pytest.raises(ChipgymError, match=r"^as it was$"), reading("file x"):
        raise ChipgymError("as it was")


def test_asking_for_a_path_never_fails_without_a_line(tmp_path):
    assert status(tmp_path / "none") is None
    assert not is_file("a\0b")
    assert "cannot be read" in refused(status, "x" * 300)
    assert parse_json("[1]", "x") == [1]


def test_a_kernel_of_json_still_loads(tmp_path):
    from chipgym.datasets.kernel import build_kernel

    given = {"name": "k", "arrays": [{"name": "a", "type": "float", "shape": [8]}],
             "loops": [{"label": "l", "trip": 8, "loads": ["a[l]"], "operations": {"fadd": 1}}]}  # fmt: skip
    (tmp_path / "k.json").write_text(json.dumps(given))
    assert make_simulator("hls", tmp_path / "k.json").workload.name == "k"
    assert build_kernel("gemm-blocked").name == "gemm-blocked"
