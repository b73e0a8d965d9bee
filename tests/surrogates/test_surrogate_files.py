"""Files of surrogates: the same model back, and what is refused; nothing in one is ever executed."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import random
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from collected import SETTINGS, systolic, table
from fuzzing import attempt, broken_bytes, broken_json

import chipgym
from chipgym.errors import ChipgymError
from chipgym.surrogates import FAMILIES, Surrogate, files, load_surrogate


def fit(model: str) -> Surrogate:
    return Surrogate(model, **SETTINGS[model]).fit(table())


@pytest.fixture(params=FAMILIES, scope="module")
def saved(request, tmp_path_factory):
    """A surrogate and its file."""
    surrogate = fit(request.param)
    path = tmp_path_factory.mktemp("models") / "m.npz"
    surrogate.save(path)
    return surrogate, path


@pytest.fixture
def forest(tmp_path):
    path = tmp_path / "m.npz"
    fit("forest").save(path)
    return path


def refused(path) -> str:
    with pytest.raises(ChipgymError) as error:
        load_surrogate(path)
    message = str(error.value)
    assert len(message.splitlines()) == 1
    assert len(message) < 500
    return message


def rewrite(path, signed=True, **changed):
    """The file with other arrays, or without those that are None, under a checksum that holds."""
    with np.load(path) as file:
        entries = dict(file)
    entries = {k: v for k, v in (entries | changed).items() if v is not None}
    header = entries["header"].tobytes().decode()
    arrays = {k: v for k, v in entries.items() if k not in ("header", "sha256")}
    if signed:
        entries["sha256"] = np.frombuffer(files._digest(header, arrays).encode(), np.uint8)
    np.savez(path, **entries)
    return path


def header_with(path, change):
    with np.load(path) as file:
        data = json.loads(file["header"].tobytes())
    change(data)
    return rewrite(path, header=np.frombuffer(json.dumps(data).encode(), np.uint8))


# --- back ----------------------------------------------------------------------------------------------------------


def test_it_comes_back_as_it_was(saved):
    surrogate, path = saved
    again = load_surrogate(path)
    rows = table().positions.astype(np.int64)
    assert again.predict(rows).to_pandas().equals(surrogate.predict(rows).to_pandas())
    assert repr(again) == repr(surrogate)
    assert (again.settings, again.seed, again.tables) == (surrogate.settings, surrogate.seed, surrogate.tables)


def test_the_same_model_is_the_same_bytes(saved, tmp_path):
    surrogate, path = saved
    load_surrogate(path).save(tmp_path / "again.npz")
    fit(surrogate.model).save(tmp_path / "anew.npz")
    assert (tmp_path / "again.npz").read_bytes() == path.read_bytes()
    assert (tmp_path / "anew.npz").read_bytes() == path.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again.npz", "anew.npz"]


def test_numpy_reads_it_without_pickle(saved):
    """Flat arrays, as docs/surrogates.md says; of a forest: its trees, walked by hand."""
    surrogate, path = saved
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    header = json.loads(arrays["header"].tobytes())
    assert header["model"] == surrogate.model
    if surrogate.model != "forest":
        return
    x = surrogate.encoder.with_workload(
        surrogate.encoder.designs(*surrogate.space.columns({"units": 16})), table().features()
    )
    row = x[0].astype(np.float32)
    answers = []
    inner = arrays["cost.feature"] >= 0
    place = np.where(inner, np.cumsum(inner), np.cumsum(~inner)) - 1  # among the inner nodes, or among the leaves
    for (root,) in arrays["cost.roots"][0]:
        node = root
        while arrays["cost.feature"][node] >= 0:
            threshold = arrays["cost.threshold"][arrays["cost.split"][place[node]]]
            left = row[arrays["cost.feature"][node]] <= threshold
            node += arrays["cost.left" if left else "cost.right"][place[node]]
        answers.append(float(arrays["cost.value"][place[node]]))
    target = header["parts"]["cost"][0]
    assert (target["name"], target["scale"]) == ("latency_s", "log")
    expected = np.exp(np.mean(answers) * target["width"] + target["centre"])
    assert np.isclose(surrogate.predict({"units": 16}).mean["latency_s"][0], expected, rtol=1e-12)


def test_it_is_compressed(forest):
    """Nodes of trees repeat each other: a file is a fraction of its arrays, of ten bytes a node."""
    with np.load(forest) as file:
        arrays = {name: file[name] for name in file.files if name.startswith("cost.")}
    nodes = len(arrays["cost.feature"])
    assert sum(array.nbytes for array in arrays.values()) < 12 * nodes + 10_000
    assert forest.stat().st_size < 8 * nodes + 20_000


# --- refused -------------------------------------------------------------------------------------------------------


def test_every_cut_and_every_changed_byte_is_refused(saved, tmp_path):
    _, whole = saved
    content = whole.read_bytes()
    path = tmp_path / "m.npz"
    for size in np.linspace(0, len(content) - 1, 23).astype(int):
        path.write_bytes(content[:size])
        refused(path)
    found = load_surrogate(whole).predict(table().positions.astype(np.int64)).to_pandas()
    for at in np.random.default_rng(0).integers(0, len(content), 60):
        path.write_bytes(content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :])
        try:
            again = load_surrogate(path)
        except ChipgymError:
            continue
        # A byte that decides nothing, such as a member's date.
        assert again.predict(table().positions.astype(np.int64)).to_pandas().equals(found)


def test_what_is_no_model(tmp_path, forest):
    path = tmp_path / "x.npz"
    path.write_text("not a model")
    assert "is no model, or damaged" in refused(path)
    np.savez(path, x=np.zeros(3))
    assert "is no surrogate that chipgym wrote" in refused(path)
    assert "does not exist" in refused(tmp_path / "none.npz")
    assert "is a directory" in refused(tmp_path)
    assert "did you mean 'systolic-networks'" in refused("systolic-network")
    for wrong in (5, "", b"x", None):
        refused(wrong)


class Bomb:
    """Loading its pickle makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_pickle_is_never_loaded(forest, tmp_path):
    bomb = Bomb(tmp_path / "ran")
    path = tmp_path / "x.npz"
    path.write_bytes(pickle.dumps(bomb))
    assert "is no model" in refused(path)
    np.savez(path, header=np.array([bomb], dtype=object))
    assert "is not an array of numbers" in refused(path)
    with np.load(forest) as file:
        entries = dict(file)
    np.savez(path, **(entries | {"cost.value": np.array([bomb], dtype=object)}))
    assert "cost.value.npy' is not an array of numbers" in refused(path)
    assert not (tmp_path / "ran").exists()


def test_a_changed_number(forest):
    with np.load(forest) as file:
        value = file["cost.value"].copy()
    value[0] += 1e-3
    assert "another checksum" in refused(rewrite(forest, signed=False, **{"cost.value": value}))


def test_a_claim_of_much_memory(forest, monkeypatch):
    """A small file whose entries claim to be large takes no room for them."""
    monkeypatch.setattr(files, "MAX_BYTES", 1000)
    assert "unpacks to more than" in refused(forest)


def test_a_small_file_that_becomes_a_large_one(tmp_path):
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("header.npy", "w") as member:
        for _ in range(300):
            member.write(bytes(2**20))
    assert path.stat().st_size < 2**20
    assert "unpacks to more than 256 MiB" in refused(path)


def test_entries_that_no_model_has(forest, tmp_path):
    """Packed otherwise, or under a password, which the flags of local and central header say."""
    with zipfile.ZipFile(forest) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    for kind in (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
        with zipfile.ZipFile(tmp_path / "x.npz", "w", kind) as archive:
            for name, data in content.items():
                archive.writestr(name, data)
        assert "is packed as no model is" in refused(tmp_path / "x.npz")
    whole = bytearray(forest.read_bytes())
    whole[6] |= 1
    at = whole.index(b"PK\x01\x02")
    whole[at + 8] |= 1
    (tmp_path / "x.npz").write_bytes(whole)
    assert "under a password" in refused(tmp_path / "x.npz")


@pytest.mark.parametrize("count", [pytest.param(60, id="few"), pytest.param(3000, marks=pytest.mark.slow, id="many")])
def test_any_damage_is_one_line_or_means_nothing(saved, tmp_path, count):
    surrogate, whole = saved
    content, path, rng = whole.read_bytes(), tmp_path / "m.npz", random.Random(0)
    rows = table().positions.astype(np.int64)
    expected = surrogate.predict(rows).to_pandas()
    for _ in range(count):
        path.write_bytes(broken_bytes(content, rng))
        again, _ = attempt(load_surrogate, path)
        assert again is None or again.predict(rows).to_pandas().equals(expected)


@pytest.mark.parametrize("count", [pytest.param(80, id="few"), pytest.param(5000, marks=pytest.mark.slow, id="many")])
def test_any_header_is_taken_or_refused(saved, tmp_path, count):
    """Under a checksum that holds."""
    _, whole = saved
    path, rng = tmp_path / "m.npz", random.Random(1)
    with np.load(whole) as file:
        data = json.loads(file["header"].tobytes())
    data["tables"][0]["header"] = json.loads(data["tables"][0]["header"])
    lines = []
    for _ in range(count):
        broken = broken_json(data, rng)
        with contextlib.suppress(KeyError, IndexError, TypeError):  # it may be gone
            broken["tables"][0]["header"] = json.dumps(broken["tables"][0]["header"])
        path.write_bytes(whole.read_bytes())
        rewrite(path, header=np.frombuffer(json.dumps(broken).encode(), np.uint8))
        lines.append(attempt(load_surrogate, path)[1])
    assert sum(line is not None for line in lines) > count / 2


def test_two_writers_of_one_file(tmp_path):
    """Each writes aside, under a name of its own; the last one's file stays, whole."""
    surrogate, path = fit("ridge"), tmp_path / "m.npz"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: surrogate.save(path), range(12)))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.npz"]
    assert load_surrogate(path).tables == surrogate.tables


def test_a_shape_that_is_not_there(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, header=np.zeros(8, np.uint8))
    with zipfile.ZipFile(path) as archive:
        content = archive.read("header.npy").replace(b"(8,), }           ", b"(800000000000,), }")
    assert b"800000000000" in content
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.npy", content)
    assert "or cut off" in refused(path)


def test_a_header_that_does_not_hold(forest):
    """Under a checksum that holds, as someone would make who wants it to be read."""
    whole = forest.read_bytes()
    changes = {
        "format: the model has 9": lambda d: d.update(format=9),
        "unknown model 'oracle'": lambda d: d.update(model="oracle"),
        "seed: 'x' is not": lambda d: d.update(seed="x"),
        "did you mean 'trees'": lambda d: d.update(settings={"tree": 1}),
        "unknown option of forest: 'seed'": lambda d: d.update(settings={"seed": 1}),
        "header has other entries": lambda d: d.update(more=1),
        "header names no table": lambda d: d.update(tables=[]),
        "is not a table that was learned from": lambda d: d.update(tables=[5]),
        "header is not JSON": lambda d: d["tables"][0].update(header="{"),
        "header has no parts": lambda d: d.update(parts=[]),
        "is not a list": lambda d: d["parts"].update(cost=3),
        "its targets are not the metrics": lambda d: d["parts"]["cost"][0].update(name="speed"),
        "is not a target": lambda d: d["parts"]["cost"][0].update(scale="cubic"),
        "is not a target ": lambda d: d["parts"]["cost"][0].update(width=0.0),
        "is not a target  ": lambda d: d["parts"]["cost"][0].update(low="x"),
        "roots is not an array of targets": lambda d: d["parts"]["cost"].pop(),
    }
    for message, change in changes.items():
        forest.write_bytes(whole)
        assert message.strip() in refused(header_with(forest, change)), message


def test_graphs_that_lead_nowhere(tmp_path):
    """As trees: under a checksum that holds, an index out of range would read whatever is in memory."""
    pytest.importorskip("torch_geometric")
    path = tmp_path / "m.npz"
    Surrogate("gnn", members=1, width=4, steps=1).fit(table()).save(path)
    whole = path.read_bytes()
    with np.load(path) as file:
        entries = dict(file)
    for changed, message in [
        ({"graph0.producers": entries["graph0.producers"] + 10**6}, "an edge that leads to no operator"),
        ({"graph0.consumers": None}, "has no array consumers"),
        ({"cost.second": entries["cost.second"] * np.nan}, "second is not of"),
        ({"cost.skip": None}, "has no array skip"),
        ({"cost.first": entries["cost.first"][:, :-1]}, "first is not of"),
    ]:
        path.write_bytes(whole)
        assert message in refused(rewrite(path, **changed))


def test_trees_that_lead_nowhere(forest):
    """An index out of range would read whatever is in memory, a circle would never end."""
    whole = forest.read_bytes()
    with np.load(forest) as file:
        left, feature = file["cost.left"], file["cost.feature"]
    inner = np.flatnonzero(feature >= 0)[0]
    for to in (inner, -1, 10**6):
        forest.write_bytes(whole)
        changed = left.copy()
        changed[inner] = to
        assert "leads nowhere" in refused(rewrite(forest, **{"cost.left": changed}))
    forest.write_bytes(whole)
    assert "has no array right" in refused(rewrite(forest, **{"cost.right": None}))


def test_where_it_cannot_be_written(tmp_path):
    surrogate = fit("ridge")
    for path, message in [
        (tmp_path, "is a folder"),
        (tmp_path / "m.pkl", "does not end in .npz; nearest is m.pkl.npz"),
        ("", "is not the path of a file"),
        (5, "is not the path of a file"),
    ]:
        with pytest.raises(ChipgymError, match=message):
            surrogate.save(path)
    assert list(tmp_path.iterdir()) == []


# --- that ships ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", chipgym.surrogates.surrogate_names())
def test_a_shipped_surrogate_is_of_the_simulator_as_it_is(name):
    """After a change of a simulator's answers, train it again: docs/surrogates.md has the commands."""
    surrogate = load_surrogate(name)
    simulator = chipgym.make_simulator("systolic")
    source = surrogate.header.source
    assert (source["version"], source["options"]) == (simulator.version, simulator.options)
    assert surrogate.space.names == simulator.space.names
    fresh = systolic("resnet18", 400, seed=99)
    errors = chipgym.surrogates.measure(surrogate, fresh)
    assert errors.metrics["latency_s"].median_ape < 0.25
    assert errors.metrics["latency_s"].spearman > 0.95


def test_shipped_surrogates_are_small():
    assert "systolic-networks" in chipgym.surrogates.surrogate_names()
    assert sum(path.stat().st_size for path in files._SHIPPED.iterdir()) < 2**20
