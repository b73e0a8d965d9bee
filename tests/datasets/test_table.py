"""Table files: what is in one, what is refused, and that nothing in one is ever executed."""

from __future__ import annotations

import gc
import io
import json
import math
import os
import pickle
import string
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import chipgym
from chipgym.datasets import DesignTable, KnobField, MetricField, TableHeader, load_table, table_names
from chipgym.datasets.table import parquet


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    """The toy's 90 designs."""
    path = tmp_path_factory.mktemp("tables") / "toy.parquet"
    chipgym.collect("toy", path)
    return path


@pytest.fixture
def content(collected):
    """Its columns, and its file's metadata beside them."""
    return pq.read_table(collected).replace_schema_metadata(pq.read_metadata(collected).metadata)


def refused(path) -> str:
    """The one line that loading is refused with."""
    with pytest.raises(chipgym.ChipgymError) as caught:
        load_table(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def attempt(function, argument):
    """What a function answers, or the line that it refuses with."""
    try:
        return function(argument), None
    except chipgym.ChipgymError as error:
        return None, str(error)


def rewritten(path, content, **metadata):
    """A Parquet file with other columns or file metadata than it was written with."""
    table = pa.Table.from_arrays(content.columns, schema=content.schema.remove_metadata())
    entries = {k: v for k, v in content.schema.metadata.items() if k.startswith(b"chipgym.")}
    entries |= {f"chipgym.{k}".encode(): v for k, v in metadata.items()}
    pq.write_table(table.replace_schema_metadata(entries), path)
    return path


# --- content -----------------------------------------------------------------------------------------------------


def test_others_can_read_it(collected):
    """Values rather than positions, units beside the columns, provenance in the file."""
    schema = pq.read_schema(collected)
    assert schema.field("latency_s").metadata[b"unit"] == b"s"
    assert schema.field("clock_mhz").metadata[b"unit"] == b"MHz"
    header = json.loads(pq.read_metadata(collected).metadata[b"chipgym.table"])
    assert (header["simulator"], header["version"], header["workload"]) == ("toy", "1", "mlp:16-64-5")
    assert header["chipgym"] == chipgym.__version__
    assert len(header["sources"]) == 64
    frame = pq.read_table(collected).to_pandas()
    assert len(frame) == 90
    assert set(frame["cache"]) == {"off", "on"}
    assert frame["feasible"].equals(frame["violation"] == 0)
    assert frame["latency_s"].isna().equals(~frame["feasible"])
    assert frame["feasible"].nunique() == 2


def test_it_comes_back_as_it_was(collected):
    table = load_table(collected)
    frame = pq.read_table(collected).to_pandas()
    assert table.to_pandas().equals(frame)
    assert (len(table), table.name) == (90, "toy:mlp:16-64-5")
    assert table.features() == chipgym.make_simulator("toy").workload.features()
    assert isinstance(table, chipgym.datasets.Workload)
    again = pickle.loads(pickle.dumps(table))  # to another process
    assert again.digest == table.digest


def test_tables_that_ship():
    assert "systolic-resnet18" in table_names()
    for name in table_names():
        assert len(load_table(name)) > 1000


def test_shipped_tables_are_small():
    """CONTRIBUTING says how small."""
    folder = Path(chipgym.datasets.__file__).parent / "table" / "shipped"
    sizes = {path.name: path.stat().st_size for path in folder.glob("*.parquet")}
    assert len(sizes) == len(table_names())
    assert max(sizes.values()) < 2**20, sizes


@pytest.mark.parametrize("name", table_names())
def test_a_shipped_table_says_what_the_simulator_says(name):
    """After a change of a simulator's answers, collect its table again: docs/tables.md has the command."""
    table = load_table(name)
    simulator = chipgym.make_simulator(*name.split("-", 1))
    assert table.header.source == simulator.identity()
    step = 1 if len(table) < 10_000 else 499  # a prime, which no knob's turns have in common
    designs = {knob: column[::step] for knob, column in table.designs().items()}
    out = simulator.evaluate(designs)
    for metric, column in table.metrics.items():
        np.testing.assert_allclose(column[::step], out[metric], rtol=1e-12, err_msg=metric)
    np.testing.assert_array_equal(table.feasible[::step], out["feasible"])


@pytest.mark.parametrize("workload", ["cloud-1", "cloud-2", "stream", "random"])
def test_the_memory_tables_are_whole(workload):
    table = load_table(f"memory-{workload}")
    assert len(table) == chipgym.make_simulator("memory").space.canonical_size == 166_464


def test_a_file_that_is_given_up_makes_no_noise(collected, monkeypatch):
    """After an interrupt, say: pyarrow must not try to finish it when the writer is collected."""
    table = load_table(collected)
    values = np.stack([*table.metrics.values(), table.violation], axis=1)
    noise = []
    monkeypatch.setattr(sys, "unraisablehook", noise.append)

    def write() -> None:
        with io.BytesIO() as file, parquet.TableWriter(file, table.header) as writer:
            writer.write(table.positions, values)
            raise KeyboardInterrupt

    stopped = False
    try:
        write()
    except KeyboardInterrupt:
        stopped = True
    gc.collect()
    assert (stopped, noise) == (True, [])


# --- headers -----------------------------------------------------------------------------------------------------

NAMES = st.text(string.ascii_letters + "_é", min_size=1, max_size=8)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
FLOATS = st.floats(allow_nan=False)
KINDS = {"integer": st.integers(-(2**40), 2**40), "real": FLOATS, "text": TEXTS}


@st.composite
def knobs(draw, name):
    kind = draw(st.sampled_from(list(KINDS)))
    values = tuple(draw(st.lists(KINDS[kind], min_size=1, max_size=5)))
    condition = draw(st.lists(st.tuples(NAMES, st.tuples(TEXTS, st.integers(0, 9))), max_size=2))
    texts = [draw(TEXTS) for _ in range(3)]
    return KnobField(name, kind, values, values[-1], texts[0], draw(st.booleans()), tuple(condition), *texts[1:])


@st.composite
def headers(draw):
    names = draw(st.lists(NAMES, min_size=2, max_size=6, unique=True))
    return TableHeader(
        *(draw(TEXTS) for _ in range(4)),
        options=draw(st.dictionaries(TEXTS, st.integers() | TEXTS | st.none(), max_size=3)),
        workload=draw(TEXTS),
        workload_digest=draw(TEXTS),
        features=draw(st.dictionaries(TEXTS, st.floats(allow_nan=False, allow_infinity=False), max_size=3)),
        default_objective=draw(TEXTS),
        objectives=draw(st.dictionaries(TEXTS, TEXTS | st.tuples(TEXTS, TEXTS), max_size=2)),
        targets=draw(st.dictionaries(TEXTS, st.floats(allow_nan=False, allow_infinity=False), max_size=2)),
        knobs=tuple(draw(knobs(name)) for name in names[1:]),
        metrics=(MetricField(names[0], draw(TEXTS), draw(TEXTS), draw(st.sampled_from(["min", "max"]))),),
        samples=draw(st.none() | st.integers(1, 9)),
        seed=draw(st.none() | st.integers(0, 9)),
        agents=draw(st.none() | st.lists(TEXTS, max_size=3).map(tuple)),
    )


@settings(max_examples=150, deadline=None)
@given(headers())
def test_headers_round_trip(header):
    text = header.to_json()
    assert TableHeader.from_json(text) == header
    assert TableHeader.from_json(text).to_json() == text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner)
)


@settings(max_examples=150, deadline=None)
@example("features", {"\n": None})
@given(st.sampled_from(list(TableHeader.__dataclass_fields__)), JSON)
def test_a_wrong_entry_is_one_clear_line(field, value):
    """Whatever stands in a header's field: it is taken as it is, or refused in one line."""
    header = TableHeader("1", "toy", "1", "", {}, "w", "d", {}, "x", {}, {}, (KnobField("k", "integer", (1,), 1),), ())
    data = json.loads(header.to_json()) | {field: value}
    taken, error = attempt(TableHeader.from_json, json.dumps(data))
    assert error is None or "\n" not in error
    assert taken is None or json.loads(taken.to_json())[field] == value


def test_two_columns_of_one_name():
    with pytest.raises(chipgym.ChipgymError, match="two of its columns would be called 'feasible'"):
        TableHeader("1", "t", "1", "", {}, "w", "d", {}, "x", {}, {}, (KnobField("feasible", "integer", (1,), 1),), ())


# --- refusals ----------------------------------------------------------------------------------------------------


def test_names_and_paths_that_are_none(tmp_path):
    assert "did you mean 'systolic-resnet18'" in refused("systolic-resnet")
    assert "does not exist" in refused(tmp_path / "none.parquet")
    assert "does not exist" in refused("none/none.parquet")
    assert "is a directory" in refused(tmp_path)
    assert "expected a name or a path, got 5" in refused(5)
    assert "empty text" in refused(" ")
    assert "file " in refused("a\0b.parquet")
    if os.path.exists("/dev/zero"):
        assert "is not a regular file" in refused("/dev/zero")


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "is empty"), (b"hello, world", "is not a Parquet file"), (b"PAR1", "is cut off"), (b"PAR1PAR1", "cut off")],
)
def test_files_that_are_no_parquet(tmp_path, content, says):
    path = tmp_path / "t.parquet"
    path.write_bytes(content)
    assert says in refused(path)


def test_every_cut_is_noticed(collected, tmp_path):
    whole = collected.read_bytes()
    path = tmp_path / "cut.parquet"
    for n in [*range(1, 40), *range(40, len(whole), 997), len(whole) - 1]:
        path.write_bytes(whole[:n])
        assert str(path) in refused(path)


def test_every_flipped_byte_is_noticed_or_means_nothing(collected, tmp_path):
    """A file that is loaded at all has the content that it was written with."""
    whole = collected.read_bytes()
    good = load_table(collected)
    path = tmp_path / "flipped.parquet"
    noticed = 0
    positions = np.random.default_rng(0).choice(len(whole), 400, replace=False)
    for at in positions.tolist():
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        table, error = attempt(load_table, path)
        if table is None:
            assert "\n" not in error
            noticed += 1
            continue
        assert table.digest == good.digest
        assert table.to_pandas().equals(good.to_pandas())
        assert table.header == good.header
    assert noticed > 200


def test_another_programs_parquet(tmp_path):
    pq.write_table(pa.table({"x": [1, 2]}), tmp_path / "t.parquet")
    assert "not a table that chipgym collect wrote" in refused(tmp_path / "t.parquet")


def test_another_format(content, tmp_path):
    header = json.loads(content.schema.metadata[b"chipgym.table"]) | {"format": 1}
    path = rewritten(tmp_path / "t.parquet", content, table=json.dumps(header).encode())
    assert refused(path).endswith("format: the table has 1, this version of chipgym reads 2")


def test_changed_numbers(content, tmp_path):
    column = content["energy_j"].to_numpy().copy()
    column[3] = math.nextafter(column[3], 1)
    at = content.schema.get_field_index("energy_j")
    changed = content.set_column(at, content.schema.field(at), pa.array(column))
    assert "another checksum" in refused(rewritten(tmp_path / "t.parquet", changed))


def test_changed_provenance(content, tmp_path):
    text = content.schema.metadata[b"chipgym.table"].replace(b"mlp:16-64-5", b"mlp:16-64-6")
    assert "another checksum" in refused(rewritten(tmp_path / "t.parquet", content, table=text))


def test_contradictions(content, tmp_path):
    at = content.schema.get_field_index("feasible")
    all_good = content.set_column(at, content.schema.field(at), pa.array([True] * len(content)))
    assert "contradict each other" in refused(rewritten(tmp_path / "t.parquet", all_good))
    at = content.schema.get_field_index("units")
    off = content.set_column(at, content.schema.field(at), pa.array([3] * len(content)))
    assert "units has 3, which is not on the grid" in refused(rewritten(tmp_path / "t.parquet", off))


def test_other_columns_than_the_header_names(content, tmp_path):
    path = tmp_path / "t.parquet"
    assert "has no column area_mm2" in refused(rewritten(path, content.drop_columns(["area_mm2"])))
    order = [*content.column_names[1:], content.column_names[0]]
    assert "not those that its header names" in refused(rewritten(path, content.select(order)))
    schema = content.schema
    at = schema.get_field_index("latency_s")
    units = schema.set(at, schema.field(at).with_metadata({"unit": "ms", "doc": ""}))
    assert "types or units" in refused(rewritten(path, pa.Table.from_arrays(content.columns, schema=units)))


def test_a_table_too_large_is_not_read(collected, monkeypatch):
    monkeypatch.setattr(parquet, "MAX_BYTES", 1000)
    monkeypatch.setattr(pq.ParquetFile, "read", lambda *_: pytest.fail("its rows were read"))
    assert "90 designs take" in refused(collected)


class Bomb:
    """Loading its pickle makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_pickle_is_never_loaded(content, tmp_path):
    """As the whole file, in its metadata, as a column of bytes, and as Arrow's old extension type in Python."""
    bomb, path = pickle.dumps(Bomb(tmp_path / "ran")), tmp_path / "t.parquet"
    path.write_bytes(bomb)
    assert "is not a Parquet file" in refused(path)
    assert "header is not JSON" in refused(rewritten(path, content, table=bomb))
    at = content.schema.get_field_index("latency_s")
    column = pa.array([bomb] * len(content), type=pa.binary())
    assert "types" in refused(rewritten(path, content.set_column(at, "latency_s", column)))
    for kind in ("arrow.py_extension_type", "pandas.period"):
        metadata = {"ARROW:extension:name": kind, "ARROW:extension:metadata": bomb}
        field = pa.field("latency_s", pa.binary(), nullable=False, metadata=metadata)
        said = refused(rewritten(path, content.set_column(at, field, column)))
        assert "types" in said or "is damaged" in said  # pandas, where it is imported, reads the metadata as text
    assert not (tmp_path / "ran").exists()


def test_digest_covers_every_number():
    header = TableHeader("1", "t", "1", "", {}, "w", "d", {}, "x", {}, {}, (KnobField("k", "integer", (1, 2), 1),),
                         (MetricField("x"),))  # fmt: skip
    base = DesignTable(header, np.array([[0], [1]], np.int32), {"x": np.array([1.0, 2.0])}, np.zeros(2))
    others = [
        replace(base, header=replace(header, seed=1)),
        replace(base, positions=np.array([[0], [0]], np.int32)),
        replace(base, metrics={"x": np.array([1.0, -2.0])}),
        replace(base, violation=np.array([0.0, 1.0])),
    ]
    assert len({t.digest for t in (base, *others)}) == 5
    assert replace(base).digest == base.digest
