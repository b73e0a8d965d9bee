"""Memory traces: the workload, its generators, and the files they come in."""

from __future__ import annotations

import gzip
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chipgym.datasets import (
    TRACE_FEATURE_NAMES,
    Trace,
    build_trace,
    iterate_trace,
    load_workload,
    save_trace,
    trace_names,
)
from chipgym.datasets.loaders import load_trace
from chipgym.datasets.trace import GENERATORS
from chipgym.datasets.trace.vectors import PLACE_BITS, pack, unpack
from chipgym.errors import ChipgymError

STL = "31: read 0x400140\n33: write 0x400160 00ff\n56:\tread\t4194304\n"
ROWS = ([31, 33, 56], [False, True, False], [0x400140, 0x400160, 0x4194304])


def rows(trace: Trace) -> tuple[list, list, list]:
    return trace.cycle.tolist(), trace.is_write.tolist(), trace.address.tolist()


def write(tmp_path, text: str | bytes, name: str = "some.stl"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


# --- the workload ---------------------------------------------------------------------------------------------------


def test_a_trace_is_its_requests():
    trace = Trace("a", *(np.array(c) for c in ROWS))
    other = Trace("b", *(np.array(c) for c in ROWS))
    assert len(trace) == 3
    assert trace.digest == other.digest
    assert trace != other
    assert trace == Trace("a", *(np.array(c) for c in ROWS))
    assert list(trace.features()) == list(TRACE_FEATURE_NAMES)
    assert np.isfinite(list(trace.features().values())).all()
    with pytest.raises(ValueError, match="read-only"):
        trace.cycle[0] = 3


@pytest.mark.parametrize("column", range(3))
def test_another_request_another_digest(column):
    base = [np.array(c) for c in ROWS]
    changed = [c.copy() for c in base]
    changed[column][1] = True if column == 1 and not base[1][1] else (False if column == 1 else base[column][1] + 1)
    assert Trace("a", *base).digest != Trace("a", *changed).digest


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        (([3, 2], [True, False], [0, 64]), "request 1 arrives at 2, before the one ahead"),
        (([-1, 2], [True, False], [0, 64]), "-1 of request 0 is not from 0"),
        (([1, 2], [True, False], [0, 2**63 - 1]), "is not from 0"),
        (([1, 2], [1, 0], [0, 64]), "expected a flat array of bools"),
        (([1.5, 2], [True, False], [0, 64]), "whole numbers"),
        (([1, 2], [True, False], [0]), "2 cycles, 2 is_write, 1 addresses"),
    ],
)
def test_what_is_no_trace(columns, says):
    with pytest.raises(ChipgymError, match=says) as error:
        Trace("bad", *(np.array(c) for c in columns))
    assert len(str(error.value).splitlines()) == 1


# --- generators -----------------------------------------------------------------------------------------------------


def test_named_traces():
    assert {"stream", "random", "cloud-1", "cloud-2"} <= set(trace_names())
    for name in trace_names():
        trace = load_workload(name)
        assert isinstance(trace, Trace)
        assert trace.name == name
        assert trace is build_trace(name)
        assert len(trace) >= 1000
    assert load_workload("cloud-1").digest != load_workload("cloud-2").digest


@pytest.mark.parametrize("name", GENERATORS)
def test_generators_are_functions_of_their_arguments(name):
    make = GENERATORS[name]
    size = {"m": 64, "n": 32, "k": 32} if name == "gemm_tiled" else {"n": 500}
    assert make(**size).digest == make(**size).digest
    assert make(**size, gap=7).digest != make(**size).digest
    if "seed" in make.__kwdefaults__:
        for wrong in (-1, "a", 1.5, None):
            with pytest.raises(ChipgymError, match=r"seed: .* is not a whole number from 0"):
                make(**size, seed=wrong)
        assert make(**size, seed=5).digest != make(**size, seed=6).digest
    with pytest.raises(ChipgymError, match="gap: -1"):
        make(**size, gap=-1)


def test_what_generators_make():
    steps = {name: np.diff(make(n=2000).address) for name, make in GENERATORS.items() if name != "gemm_tiled"}
    assert (steps["stream"] == 64).all()
    assert (steps["strided"] == 8256).all()
    assert (steps["random"] == 64).mean() < 0.01
    assert len(np.unique(GENERATORS["pointer_chase"](n=2000).address)) == 2000
    assert (GENERATORS["cloud"](n=5000, locality=0.9, seed=1).features()["sequential_fraction"]) == pytest.approx(
        0.9, abs=0.03
    )
    skewed, flat = (GENERATORS["cloud"](n=5000, skew=s, locality=0.0).address // 4096 for s in (1.5, 0.0))
    assert len(np.unique(skewed)) < len(np.unique(flat)) / 3
    mix = GENERATORS["read_write_mix"](n=8000, write_fraction=0.25, run=4)
    assert mix.is_write.mean() == pytest.approx(0.25, abs=0.03)
    assert (np.diff(mix.address.reshape(-1, 4), axis=1) == 64).all()


def test_tiled_gemm_reads_each_tile_as_often_as_the_loops_do():
    trace = GENERATORS["gemm_tiled"](m=64, n=96, k=128, tile=32, element=4)
    lines = 4 // 4 * 32 * (32 * 4 // 64)  # of a tile
    assert trace.is_write.sum() == (64 // 32) * (96 // 32) * lines
    assert (~trace.is_write).sum() == (64 // 32) * (96 // 32) * (128 // 32) * 2 * lines
    assert len(np.unique(trace.address)) * 64 == 4 * (64 * 128 + 128 * 96 + 64 * 96)


# --- files ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.stl", STL, ROWS),
        ("a.stl", "# a comment\n\n" + STL.replace("\n", "\r\n"), ROWS),
        ("a.stl", "﻿" + STL, ROWS),
        ("a.rstl", "3: read 0x0\n2: write 0x40\n", ([3, 5], [False, True], [0, 64])),
        ("a.trc", "0x400140 READ 31\n0x400160 WRITE 33\n", ([31, 33], [False, True], [0x400140, 0x400160])),
        ("a.trace", "0x40 R\n0x80 W\n", ([0, 1], [False, True], [64, 128])),
        ("a.trace", "LD 0x40\nST 128\n", ([0, 1], [False, True], [64, 128])),
        ("a.trace", "3 64\n0 128 256\n", ([3, 4, 4], [False, False, True], [64, 128, 256])),
        # Numbers without 0x: hexadecimal in DRAMSys's, Ramulator's memory and DRAMSim's files, decimal in others.
        ("a.stl", "0: read 400140\n1: write ffc0 cafe\n", ([0, 1], [False, True], [0x400140, 0xFFC0])),
        ("a.stl", "0 read 10\n1 write 0x20\n", ([0, 1], [False, True], [16, 32])),
        ("a.rstl", "0: read 400140\n5: read 10\n", ([0, 5], [False, False], [0x400140, 16])),
        ("a.trace", "400140 R\nFFC0 W\n", ([0, 1], [False, True], [0x400140, 0xFFC0])),
        ("a.trace", "400140 WRITE 7\n", ([7], [True], [0x400140])),
        ("a.stl", "400140 READ 7\n", ([400140], [False], [7])),
        ("a.trace", "LD 4096\nST 0X10\n", ([0, 1], [False, True], [4096, 16])),
        ("a.trace", "3 0x40\n1 64 0x80\n", ([3, 5, 5], [False, False, True], [64, 64, 128])),
        # Instructions before, then a read or a write of its own.
        ("a.trace", "3 20734016 R\n0 64 W\n2 128\n", ([3, 4, 7], [False, True, False], [20734016, 64, 128])),
        ("a.trace", "3 R 0x40 0x0\n0 W 80\n", ([3, 4], [False, True], [64, 128])),
        # What DRAMSim2 and DRAMsim3 write for, and what they read.
        (
            "a.trc",
            "0x40 P_MEM_RD 12\n0x80 P_MEM_WR 13\n0xc0 P_FETCH 14\n0x100 BOFF 15\n0x140 P_LOCK_WR 16\n0x180 IFETCH 17\n",
            (list(range(12, 18)), [False, True, False, True, False, False], [64, 128, 192, 256, 320, 384]),
        ),
        ("a.trc", "0x40 read\n0x80 write 00ff\n", ([0, 1], [False, True], [64, 128])),
        ("a.trc", "0x40 write 5\n0x80 read 6\n", ([5, 6], [True, False], [64, 128])),
    ],
)
def test_formats(tmp_path, name, text, expected):
    trace = load_workload(write(tmp_path, text, name))
    assert rows(trace) == expected
    assert trace.name == "a"
    assert trace.relative == (name == "a.rstl")
    assert trace.size is None


def test_sizes(tmp_path):
    trace = load_workload(write(tmp_path, "0: (256) read 0x0\n1: write 0x40\n2: ( 16 ) write 0x80 0xff\n"))
    assert trace.size.tolist() == [256, 0, 16]
    assert trace.address.tolist() == [0, 64, 128]
    assert load_workload(write(tmp_path, "0x40 READ 3 64B\n", "a.trace")).size.tolist() == [64]
    plain = load_workload(write(tmp_path, "0: read 0x0\n1: write 0x40\n2: write 0x80\n"))
    assert plain.size is None
    assert plain.digest != trace.digest
    assert plain.digest == Trace("some", *(np.array(c) for c in rows(plain)), size=np.zeros(3, np.int64)).digest
    for text, says in (("(0) read 0", "line 1: a request of 0 bytes"), ("(9999999999) read 0", "of 9999999999 bytes")):
        with pytest.raises(ChipgymError, match=says):
            load_trace(write(tmp_path, f"0: {text}\n"))


def test_address_vectors(tmp_path):
    trace = load_workload(write(tmp_path, "R 0,1,2,100,32\nW 0,0,3,200,16\n", "a.trace"))
    assert trace.levels == 5
    assert trace.cycle.tolist() == [0, 1]
    assert trace.is_write.tolist() == [False, True]
    assert [place.tolist() for place in unpack(trace.address, 5)] == [[32, 16], [100, 200], [2, 3], [1, 0], [0, 0]]
    assert load_workload(write(tmp_path, "W 1,2\n", "a.trace")).levels == 2
    for text, says in (
        ("R 0,1,2\nR 0,1\n", "line 2: an address of 2 numbers, expected as in the first request, 3"),
        ("R 0,0,0,0,0,0,0\n", "line 1: an address of 7 numbers, expected at most 6"),
        ("R 0,4096\n", "line 1: 4096 in an address is beyond 4095"),
        ("W 0,1\nR 99999999999,1\n", "line 2: 99999999999 in an address is beyond"),
        ("W 0,-1\n", "line 1: 'W 0,-1' is no request"),
    ):
        with pytest.raises(ChipgymError, match=says):
            load_trace(write(tmp_path, text, "a.trace"))


@given(st.integers(2, 6), st.data())
def test_vectors_come_back_from_their_packing(levels, data):
    places = [np.array([data.draw(st.integers(0, 2**bits - 1))], np.int64) for bits in PLACE_BITS[:levels]]
    assert [p.tolist() for p in unpack(pack(places), levels)] == [p.tolist() for p in places]
    assert pack(places)[0] <= 2**62


@pytest.mark.parametrize("name", ["a.stl", "a.trace"])
def test_a_stamp_that_falls_back_is_sent_at_once(tmp_path, name):
    line = "{}: read 0x0\n" if name == "a.stl" else "0x0 READ {}\n"
    text = "# restarts\n" + "".join(line.format(stamp) for stamp in (5, 9, 0, 1, 12, 3))
    with pytest.warns(UserWarning, match="line 4: cycle 0 is before the 9 of the request ahead of it"):
        trace = load_workload(write(tmp_path, text, name))
    assert trace.cycle.tolist() == [5, 9, 9, 9, 12, 12]


def test_falls_between_blocks_and_parts(tmp_path, monkeypatch):
    monkeypatch.setattr("chipgym.datasets.loaders.traces._BLOCK", 64)
    stamps = [*range(40), *range(20), 100]
    path = write(tmp_path, "".join(f"{stamp}: read 0x0\n\n# remark\n" for stamp in stamps))
    with pytest.warns(UserWarning, match="line 121: cycle 0 is before the 39"):
        assert load_trace(path).cycle.tolist() == np.maximum.accumulate(stamps).tolist()
    with pytest.warns(UserWarning, match="line 121"):
        parts = list(iterate_trace(path, chunk=7))
    assert [len(p) for p in parts] == [7] * 8 + [5]
    with path.open("a") as file:
        file.write("7: fetch 0x0\n")
    with (
        pytest.warns(UserWarning, match="line 121"),
        pytest.raises(ChipgymError, match="line 184: '7: fetch 0x0' is no request"),
    ):
        load_trace(path)


def test_gzipped(tmp_path):
    plain = load_workload(write(tmp_path, STL, "t.stl"))
    packed = load_workload(write(tmp_path, gzip.compress(STL.encode()), "t.stl.gz"))
    assert plain == packed


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no requests"),
        ("# nothing\n", "has no requests"),
        (STL + "57: fetch 0x0\n", "line 4: '57: fetch 0x0' is no request such as '31: read 0x400140'"),
        (STL + "0x40 R\n", "line 4"),
        ("1: read 0xffffffffffffffff\n", "line 1: address .* is beyond"),
        ("9999999999999999: read 0x0\n", "line 1: cycle 9999999999999999 is beyond"),
        ("9000000000000000000: read 0x0\n", "line 1: cycle 9000000000000000000 is beyond"),
        ("1: read 0x" + "f" * 5000 + "\n", "line 1: is longer than"),
        ("-1: read 0x0\n", "line 1"),
        (b"\x00\x01\x02\xff" * 50, "line 1"),
    ],
)
def test_malformed_files(tmp_path, text, says):
    with pytest.raises(ChipgymError, match=says) as error:
        load_trace(write(tmp_path, text))
    assert "some.stl" in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_what_is_no_gzip(tmp_path):
    whole = gzip.compress(STL.encode() * 50)
    for data in (b"plain text", whole[: len(whole) // 2], whole[:-20] + b"\0" * 20, b""):
        with pytest.raises(ChipgymError, match="some"):
            load_trace(write(tmp_path, data, "some.stl.gz"))


@pytest.mark.parametrize("line", [b"\n", b"#\n", b" \t\r\n"])
def test_a_small_file_that_unpacks_to_a_large_one_is_refused_in_seconds(tmp_path, monkeypatch, line):
    monkeypatch.setattr("chipgym.files.FREE_EXPANSION", 2**26)
    path = tmp_path / "bomb.stl.gz"
    with gzip.open(path, "wb", 6) as file:
        for _ in range(80):
            file.write(line * (2**20 // len(line)))
    assert path.stat().st_size < 500_000
    start = time.process_time()
    with pytest.raises(ChipgymError, match="unpacks to more than 64 MiB"):
        load_trace(path)
    assert time.process_time() - start < 30


def test_lines_of_blanks_do_not_take_the_square_of_their_length(tmp_path):
    start = time.process_time()
    for text in ("0: write 0x0" + " " * 4000 + "a b\n", "0" + " " * 4000 + "reed\n", "R 0" + " ," * 2000 + "\n"):
        with pytest.raises(ChipgymError, match="line 1"):
            load_trace(write(tmp_path, text))
    assert time.process_time() - start < 10


def test_a_file_in_parts_is_the_file(tmp_path):
    path = write(tmp_path, "".join(f"{3 * i}: read {64 * i:x}\n" for i in range(1000)))
    parts = list(iterate_trace(path, chunk=64))
    assert [len(p) for p in parts] == [64] * 15 + [40]
    assert np.concatenate([p.cycle for p in parts]).tolist() == load_trace(path).cycle.tolist()
    relative = write(tmp_path, "2: read 0\n" * 100, "r.rstl")
    assert np.concatenate([p.cycle for p in iterate_trace(relative, chunk=7)]).tolist() == list(range(2, 202, 2))


def test_kinds_of_traces_are_checked():
    columns = [np.array(c) for c in ROWS]
    for wrong, says in (
        ({"size": np.array([1, 2])}, "3 cycles, 2 sizes"),
        ({"size": np.array([1, 2, -1])}, "-1 of request 2 is not from 0"),
        ({"relative": 1}, "relative: expected True or False, got 1"),
        ({"levels": 7}, "levels: 7 is not 0 or from 2 to 6"),
        ({"levels": True}, "levels: True"),
        ({"levels": 2, "size": np.array([1, 2, 3])}, "expected no sizes"),
    ):
        with pytest.raises(ChipgymError, match=says):
            Trace("a", *columns, **wrong)
    kinds = [Trace("a", *columns, **kind) for kind in ({}, {"relative": True}, {"levels": 2}, {"levels": 3})]
    assert len({kind.digest for kind in kinds}) == 4


numbers = st.one_of(st.integers(0, 99), st.integers(-5, 2**70)).map(str) | st.integers(0, 2**70).map(hex)
words = st.one_of(
    numbers,
    st.sampled_from(["read", "write", ":", "R", "W", "LD", "READ", "#", "\t", "(64)", "0,1"]),
    st.text(max_size=4),
)
shapes = st.sampled_from(
    [
        "{0}: read {1}", "{0}: ({2}) write {1}", "{1} READ {0}", "{1} P_MEM_WR {0}", "{1} write {2}", "{1} R", "LD {1}",
        "W {0},{1},{2}", "R {0},{1}", "{0} R {1} {2}", "{0} {1}", "{0} {1} {2}", "{0} {1} W",
    ]
)  # fmt: skip
shaped = st.builds(str.format, shapes, numbers, numbers, numbers)
alike = shapes.flatmap(lambda shape: st.lists(st.builds(shape.format, numbers, numbers, numbers), max_size=6))
lines = st.lists(st.lists(words, max_size=5).map(" ".join) | shaped, max_size=6) | alike
texts = lines.map(lambda found: "\n".join(found).encode("utf-8", "replace"))


@pytest.mark.filterwarnings("ignore:file .* is before the:UserWarning")
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(st.binary(max_size=200), texts),
    st.sampled_from(["f.stl", "f.rstl", "f.trace", "f.stl.gz"]),
    st.booleans(),
)
def test_any_bytes_load_or_are_one_clear_line(tmp_path, data, name, packed):
    if packed and name.endswith(".gz"):
        data = gzip.compress(data)
    message, trace = "", None
    try:
        trace = load_workload(write(tmp_path, data, name))
    except ChipgymError as error:
        message = str(error)
    if trace is None:
        assert len(message.splitlines()) == 1
        assert len(message) < 500
    else:
        assert len(trace) >= 1
        assert np.isfinite(list(trace.features().values())).all()


@pytest.mark.parametrize("extension", [".stl", ".stl.gz"])
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_saved_traces_come_back_equal(tmp_path_factory, extension, data):
    n = data.draw(st.integers(1, 40))
    cycles = sorted(data.draw(st.lists(st.integers(0, 2**53), min_size=n, max_size=n)))
    writes = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    addresses = data.draw(st.lists(st.integers(0, 2**62), min_size=n, max_size=n))
    sizes = data.draw(st.none() | st.lists(st.integers(0, 2**30), min_size=n, max_size=n))
    relative = data.draw(st.booleans())
    columns = [np.array(c) for c in (cycles, writes, addresses)]
    trace = Trace("mine", *columns, None if sizes is None else np.array(sizes), relative=relative)
    extension = extension.replace(".stl", ".rstl") if relative else extension
    folder = tmp_path_factory.mktemp("saved")
    save_trace(trace, folder / f"mine{extension}")
    found = load_workload(folder / f"mine{extension}")
    assert (found, found.digest) == (trace, trace.digest)
    save_trace(trace, folder / f"again{extension}")
    first, again = ((folder / f"{name}{extension}").read_bytes() for name in ("mine", "again"))
    assert first == again
    assert len(list(folder.iterdir())) == 2


def test_saving_a_trace_of_many_parts(tmp_path, monkeypatch):
    monkeypatch.setattr("chipgym.datasets.trace.saving._CHUNK", 7)
    save_trace(build_trace("random"), tmp_path / "random.stl")
    assert load_workload(tmp_path / "random.stl") == build_trace("random")


@pytest.mark.parametrize("path", ["t.trace", "t.gz", "", 5, "a\0.stl.gz"])
def test_traces_are_saved_as_stl_alone(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ChipgymError, match=r"^out: "):
        save_trace(build_trace("random"), path)
    with pytest.raises(ChipgymError, match=r"^trace: expected a Trace, got a str"):
        save_trace("random", "t.stl")
    assert list(tmp_path.iterdir()) == []
