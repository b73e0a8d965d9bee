"""`chipgym import`: what it prints and leaves, and what it says of bad input."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "datasets"


def contest(path: Path) -> None:
    spec = importlib.util.spec_from_file_location("importers", FOLDER / "test_table_importers.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    path.write_text("\n".join(module.small_contest()))


def test_import_and_search(cli):
    contest(Path("contest.csv"))
    done = cli("import", "iccad-boom", "--source", "contest.csv", "--out", "boom.parquet")
    assert done.status == 0
    assert "10 designs of iccad-boom:iccad-2022 in boom.parquet" in done.out
    assert "dummy" in done.out
    assert cli("search", "tabular", "--workload", "boom.parquet", "--agent", "random", "--budget", 5).status == 0
    told = json.loads(cli("import", "iccad-boom", "--source", "contest.csv", "--out", "b.parquet", "--json").out)
    assert told["designs"] == 10
    assert told["options"]["licence"] == "Apache-2.0"


def test_bad_input_is_one_line_and_leaves_nothing(cli):
    done = cli("import", "boom", "--out", "boom.parquet")
    assert (done.status, done.err.count("\n")) == (2, 1)
    assert "iccad-boom" in done.err
    Path("contest.csv").write_text("1 2 3\n")
    assert cli("import", "iccad-boom", "--source", "contest.csv", "--out", "boom.parquet").status == 2
    assert not Path("boom.parquet").exists()
