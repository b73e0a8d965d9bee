"""Damaged and hostile tables: refused in one line, in bounded memory, or the same as they were."""

from __future__ import annotations

import json
import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fuzzing import attempt, broken_bytes, broken_json

import chipgym
from chipgym.datasets import DesignTable, TableHeader, load_table
from chipgym.datasets.table import parquet
from chipgym.datasets.table.table import ContentHash
from chipgym.simulators.tabular import metrics_of, space_of

MANY = [pytest.param(300, id="few"), pytest.param(20_000, marks=pytest.mark.slow, id="many")]


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    """The toy's 90 designs."""
    path = tmp_path_factory.mktemp("tables") / "toy.parquet"
    chipgym.collect("toy", path)
    return path


def with_header(path, out, text: str):
    """A table file with another header, and a checksum that is right for it where there can be one."""
    table = load_table(path)
    content = pq.read_table(path)
    try:
        header = TableHeader.from_json(text)
        hashed = ContentHash(header)
        hashed.update(table.positions, table.metrics, table.violation)
        digest = hashed.hexdigest()
    except (chipgym.ChipgymError, StopIteration):  # no header, or one of fewer columns
        digest = "0"
    entries = {b"chipgym.table": text.encode(errors="surrogatepass"), b"chipgym.sha256": digest.encode()}
    pq.write_table(content.replace_schema_metadata(entries), out)
    return out


@pytest.mark.parametrize("count", MANY)
def test_any_header_is_taken_or_refused(collected, tmp_path, count):
    """Whatever a header says: it makes a space and metrics, or is refused in one line."""
    rng = random.Random(0)
    good = json.loads(load_table(collected).header.to_json())
    path = tmp_path / "t.parquet"

    def use(text: str, as_file: bool) -> None:
        header = TableHeader.from_json(text)
        space_of(header), metrics_of(header)
        if as_file:
            chipgym.make_simulator("tabular", with_header(collected, path, text)).evaluate({})

    # A file takes some milliseconds, so that only a tenth of the headers comes in one.
    lines = [attempt(use, json.dumps(broken_json(good, rng)), i % 10 == 0)[1] for i in range(count)]
    assert sum(line is not None for line in lines) > count / 3


@pytest.mark.parametrize("count", MANY)
def test_any_damage_is_noticed_or_means_nothing(collected, tmp_path, count):
    rng = random.Random(1)
    whole, good = collected.read_bytes(), load_table(collected)
    path = tmp_path / "t.parquet"
    for _ in range(count):
        path.write_bytes(broken_bytes(whole, rng))
        table, _ = attempt(load_table, path)
        assert table is None or table.digest == good.digest


def test_a_cost_that_is_no_number(collected, tmp_path):
    """NaN for a feasible design: refused when the file is read, and by a model where the table was made in memory."""
    good = load_table(collected)
    row = int(np.argmax(good.feasible))
    for value, says in ((np.nan, "nan"), (np.inf, "inf")):
        column = good.metrics["latency_s"].copy()
        column[row] = value
        bad = DesignTable(good.header, good.positions, {**good.metrics, "latency_s": column}, good.violation)
        with pytest.raises(chipgym.ChipgymError, match=f"latency_s: row {row} has {says}, expected a finite number"):
            chipgym.surrogates.Surrogate("ridge").fit(bad)
    column[row] = np.nan
    path = tmp_path / "t.parquet"
    with path.open("wb") as file, parquet.TableWriter(file, bad.header) as writer:
        writer.write(bad.positions, np.stack([*bad.metrics.values(), bad.violation], axis=1))
    with pytest.raises(chipgym.ChipgymError, match=f"latency_s: row {row} has nan"):
        load_table(path)


def test_a_small_file_of_many_rows(collected, tmp_path, monkeypatch):
    """Equal rows pack a thousandfold: what they would take in memory is compared with what the file has."""
    content = pq.read_table(collected)
    entries = {k: v for k, v in pq.read_metadata(collected).metadata.items() if k.startswith(b"chipgym.")}
    rows = 2_000_000
    columns = [pa.array([column[0].as_py()] * 1000, column.type) for column in content.columns]
    part = pa.Table.from_arrays(columns, schema=content.schema.remove_metadata())
    many = pa.concat_tables([part] * (rows // 1000)).combine_chunks().replace_schema_metadata(entries)
    schema = content.schema.with_metadata(entries)
    path = tmp_path / "bomb.parquet"
    pq.write_table(many.cast(schema), path, compression="zstd")
    monkeypatch.setattr(parquet, "FREE_BYTES", 2**20)
    monkeypatch.setattr(pq.ParquetFile, "read", lambda *_, **__: pytest.fail("its rows were read"))
    with pytest.raises(chipgym.ChipgymError, match=r"2000000 designs take .* GiB, at most .* are read of a file of"):
        load_table(path)
