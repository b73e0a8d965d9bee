"""The graph model: merged graphs, the same numbers from arrays as from PyTorch, and networks that it has not seen."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from collected import SETTINGS, systolic

import chipgym
from chipgym.datasets import Input, Linear, Network, Node, OperatorTable, load_workload
from chipgym.errors import ChipgymError
from chipgym.simulators.tabular import header_of
from chipgym.surrogates import Surrogate, load_surrogate, measure
from chipgym.surrogates.models import GnnEnsemble, OperatorGraph
from chipgym.surrogates.models.gnn.rows import graph_rows, sample_rows
from chipgym.surrogates.networks import amounts_of, network_of
from chipgym.surrogates.samples import Samples
from chipgym.surrogates.simulator import LearnedWorkload, SurrogateSimulator
from chipgym.surrogates.target import Target

torch = pytest.importorskip("torch")
pytest.importorskip("torch_geometric")

WORKLOADS = ("mlp:64-64", "mlp:16-128-32", "mlp:256-32-8")


@cache
def learned() -> Surrogate:
    return Surrogate("gnn", **SETTINGS["gnn"]).fit([systolic(workload) for workload in WORKLOADS])


def parts() -> tuple[GnnEnsemble, Samples]:
    samples = Samples.of([systolic(workload) for workload in WORKLOADS])
    fitted = learned().parts["cost"].fitted
    assert isinstance(fitted, GnnEnsemble)
    return fitted, samples


# --- graphs --------------------------------------------------------------------------------------------------------


def unmerged(name: str) -> OperatorGraph:
    table = OperatorTable.of(load_workload(name))
    return OperatorGraph(table.sizes, table.kinds, table.edges, table.edges[::-1].copy(), np.ones(len(table)))


@pytest.mark.parametrize("name", ["bert_base", "resnet18"])
def test_merged_operators_are_those_that_cannot_be_told_apart(name):
    """A model says of the merged graph what it says of all operators one by one."""
    fitted, samples = parts()
    merged, whole = OperatorGraph.of(load_workload(name)), unmerged(name)
    assert merged.counts.sum() == len(whole)
    columns = samples.tables[0].designs()
    few = {knob: column[:5] for knob, column in columns.items()}
    found = [fitted.predict(graph_rows(samples.encoder, few, 5, graph))[0] for graph in (merged, whole)]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-9, atol=1e-9)


def test_repeated_layers_are_one():
    assert len(OperatorGraph.of(load_workload("bert_base"))) < len(load_workload("bert_base").nodes) / 5
    one, other = (OperatorGraph.of(load_workload(name)) for name in ("mlp:64-64", "mlp:64-65"))
    assert one.digest == OperatorGraph.of(load_workload("mlp:64-64")).digest != other.digest


# --- predictions ---------------------------------------------------------------------------------------------------


def test_arrays_say_what_pytorch_says():
    """All targets, in every way of putting one together, with weights that are none of them 0."""
    from chipgym.surrogates.models.gnn.frame import Frame
    from chipgym.surrogates.models.gnn.member import Member
    from chipgym.surrogates.models.gnn.training import Batches

    samples = Samples.of([systolic(workload) for workload in WORKLOADS])
    graphs = {name: OperatorGraph.of(load_workload(name)) for name in WORKLOADS}
    rows = sample_rows(samples, graphs)
    y = {name: samples.metric(name) for name in ("latency_s", "energy_j", "power_w", "area_mm2", "utilization")}
    stalls = samples.metric("stall_cycles")
    y |= {
        "stall_cycles": np.maximum(stalls - np.median(stalls), 0.0),
        "change": np.sin(samples.metric("latency_s") * 1e6),
    }
    targets = [Target.of(name, values) for name, values in y.items()]
    assert {t.scale for t in targets} == {"log", "log1p", "linear"}
    z = np.stack([t.standard(values) for t, values in zip(targets, y.values(), strict=True)], axis=1)
    frame = Frame.of(rows, z, targets, amounts_of(learned().metrics))
    sizes = len(frame.node_shift), len(frame.design_shift), len(frame.pair_shift), rows.gates.shape[1]
    torch.manual_seed(1)
    member = Member(*sizes, frame.answers, 8)
    for weight in member.parameters():
        torch.nn.init.normal_(weight, std=0.05)
    batches = Batches(frame, rows, z, 8, np.random.default_rng(0))
    hidden, straight = member.operators(batches.together)
    found, start = np.empty(z.shape), 0
    for i, name in enumerate(WORKLOADS):
        here, c = np.flatnonzero(rows.graph == i), len(graphs[name])
        pairs = rows.pairing.features(graphs[name].sizes, rows.knobs[here])
        pairs = torch.tensor((pairs - frame.pair_shift) / frame.pair_scale, dtype=torch.float32)
        part = hidden[start : start + c], straight[:, start : start + c]
        answers = member(part, batches.designs[here], batches.gates[here], pairs)
        found[np.ix_(here, frame.order)] = batches.read(i, answers).detach().numpy()
        start += c
    ensemble = GnnEnsemble({name: array[None] for name, array in member.arrays().items()}, frame)
    mean, spread = ensemble.predict(rows)
    np.testing.assert_allclose(mean, found, rtol=2e-4, atol=2e-4)
    assert (spread == 0).all()


def test_a_batch_is_its_designs_one_by_one():
    fitted, samples = parts()
    rows = sample_rows(samples, learned().seen)
    whole = fitted.predict(rows)
    for i in (0, 100, len(rows) - 1):
        for many, one in zip(whole, fitted.predict(rows[np.array([i])]), strict=True):
            np.testing.assert_array_equal(many[i : i + 1], one)


def test_amounts_add_up_over_operators():
    """A network beside itself costs twice as much, whatever was learned; its area and power are those of one."""
    _, samples = parts()
    graph = learned().seen["mlp:64-64"]
    columns = {knob: column[:8] for knob, column in systolic("mlp:64-64").designs().items()}
    twice = replace(graph, counts=2 * graph.counts)
    part = learned().parts["cost"]
    once, both = (part.predict(graph_rows(samples.encoder, columns, 8, g))[0] for g in (graph, twice))
    for j, target in enumerate(part.targets):
        expected = np.log(2) if target.name in ("latency_s", "energy_j", "macs", "cycles") else 0.0
        if target.name in ("latency_s", "energy_j", "macs", "cycles", "power_w", "area_mm2", "utilization"):
            np.testing.assert_allclose(both[:, j] - once[:, j], expected, atol=1e-6, err_msg=target.name)


def test_a_deeper_network_than_any_that_it_has_seen():
    """Six layers after networks of one and two: closer than trees on features of the whole network, after 100 steps."""
    deep = systolic("mlp:64-64-64-64-64-64-64")
    tables = [systolic(workload) for workload in WORKLOADS]
    graph, flat = (measure(model, deep).metrics for model in (learned(), Surrogate("forest").fit(tables)))
    for name in ("latency_s", "energy_j"):
        assert graph[name].mape < 0.9 * flat[name].mape, name  # 0.35 to 0.63 over seeds
    assert graph["latency_s"].spearman > 0.9  # 0.97 to 0.98


# --- networks ------------------------------------------------------------------------------------------------------


def own(name: str = "mine", width: int = 48):
    """A network that no name leads to, and a table of designs on it."""
    node = Node("in", Input((64,)), (), (64,)), Node("fc", Linear(width), ("in",), (width,))
    network = Network(name, node)
    made = chipgym.make_simulator("systolic", network)
    rows = made.space.sample(120, np.random.default_rng(0))
    rows = np.unique(rows, axis=0)
    found = made.evaluate(rows)
    header = header_of(made, made.space, len(rows), 0)
    table = replace(
        systolic("mlp:64-64"), header=header, positions=rows.astype(np.int32), violation=found["violation"],
        metrics={m.name: found[m.name] for m in made.metrics},
    )  # fmt: skip
    return network, table


def test_a_network_that_no_name_leads_to(tmp_path):
    network, table = own()
    other, held = own("held", 96)
    tables = [table, systolic("mlp:64-64")]
    with pytest.raises(ChipgymError, match=r"workload mine: .* give it in `networks`"):
        Surrogate("gnn", **SETTINGS["gnn"]).fit(tables)
    tiny = Surrogate("gnn", **{**SETTINGS["gnn"], "steps": 5}).fit(tables, [network])
    tiny.save(tmp_path / "m.npz")
    again = load_surrogate(tmp_path / "m.npz")  # which needs the network no more
    assert again.predict({}, "mine").to_pandas().equals(tiny.predict({}, "mine").to_pandas())
    with pytest.raises(ChipgymError, match=r"workload held: .* give it in `networks`"):
        measure(tiny, held)
    assert measure(tiny, held, networks=[other]).designs == len(held)


def test_a_batch_is_part_of_the_network():
    made = chipgym.make_simulator("systolic", "mlp:64-64", batch=4)
    assert network_of(header_of(made, made.space)).digest == made.workload.digest
    changed = replace(header_of(made, made.space), workload_digest="0" * 64)
    with pytest.raises(ChipgymError, match="what loads by that name is another network"):
        network_of(changed)


def test_a_trace_is_no_network():
    made = chipgym.make_simulator("memory", "cloud-1")
    with pytest.raises(ChipgymError, match="it is no network; nearest are the models ridge, forest and boosting"):
        network_of(header_of(made, made.space))


def test_simulators_of_one_model_on_two_networks():
    names = ("mlp:64-64", "mlp:32-32-32")
    one, other = (SurrogateSimulator(LearnedWorkload.of(learned(), name)) for name in names)
    assert one.workload.digest != other.workload.digest
    assert one.evaluate({})["macs"][0] == learned().predict({}, "mlp:64-64").mean["macs"][0]
    assert other.evaluate({})["macs"][0] != one.evaluate({})["macs"][0]


def test_a_missing_library_is_named(monkeypatch):
    for name in [n for n in sys.modules if n.startswith(("torch_geometric", "chipgym.surrogates.models.gnn."))]:
        if name.startswith("torch_geometric") or name.endswith((".training", ".member")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch_geometric", None)
    with pytest.raises(ChipgymError, match=r"model gnn: torch_geometric.* is missing; pip install 'chipgym\[gnn\]'"):
        Surrogate("gnn").fit(systolic("mlp:64-64"))


# --- arrays --------------------------------------------------------------------------------------------------------


def test_arrays_are_all_that_it_is():
    fitted, samples = parts()
    rows = sample_rows(samples, learned().seen)
    sizes = rows.design.shape[1], rows.pairing.width, rows.gates.shape[1], len(learned().parts["cost"].targets)
    again = GnnEnsemble.from_arrays(fitted.arrays(), *sizes)
    few = rows[np.arange(5)]
    for a, b in zip(again.predict(few), fitted.predict(few), strict=True):
        np.testing.assert_array_equal(a, b)
    whole = fitted.arrays()
    for name, value, message in [
        ("skip", whole["skip"][:, :, :-1], "skip is not of"),
        ("second", whole["second"].astype(np.float64), "second is not of"),
        ("second", whole["second"][0], "second is not a matrix for each member"),
        ("first", np.full_like(whole["first"], np.nan), "first is not of"),
        ("work", np.full_like(whole["work"], 99), "work is none that there is"),
        ("node_scale", np.zeros_like(whole["node_scale"]), "node_scale is not positive"),
        ("level", whole["level"][:-1], "level is not of"),
    ]:
        with pytest.raises(ChipgymError, match=message):
            GnnEnsemble.from_arrays({**whole, name: value}, *sizes)


def test_graphs_that_lead_nowhere():
    whole = OperatorGraph.of(load_workload("mlp:64-64")).arrays()
    for name, value, message in [
        ("producers", whole["producers"] + len(whole["counts"]), "an edge that leads to no operator"),
        ("consumers", whole["consumers"] - 9, "an edge that leads to no operator"),
        ("producers", whole["producers"].astype(np.int32), "another type or shape"),
        ("sizes", whole["sizes"][:, :-1], "another type or shape"),
        ("sizes", 0 * whole["sizes"], "none or below 1"),
        ("counts", np.full_like(whole["counts"], np.nan), "none or below 1"),
    ]:
        with pytest.raises(ChipgymError, match=message):
            OperatorGraph.from_arrays({**whole, name: value})
