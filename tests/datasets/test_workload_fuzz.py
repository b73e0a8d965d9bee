"""Any text or bytes at all either load as a workload or are a ChipgymError of one line."""

from __future__ import annotations

import warnings

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chipgym.datasets import Network, load_workload
from chipgym.datasets.loaders import parse_shorthand
from chipgym.datasets.loaders.scalesim import parse_scalesim
from chipgym.errors import ChipgymError

CONV = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,"
GEMM = "Layer, M, N, K,"

numbers = st.one_of(st.integers(1, 300), st.integers(-(2**40), 2**40)).map(str)
cells = st.one_of(
    numbers, st.sampled_from(["", " ", "1.5", "#x", '"', "2:4", "1e3", "DP", "nan", "\t"]), st.text(max_size=5)
)
lines = st.lists(cells, max_size=10).map(",".join)
headers = st.one_of(
    st.sampled_from([CONV, GEMM, CONV + "Batch Size,", GEMM + "Sparsity", CONV.lower(), GEMM + CONV]),
    st.lists(st.sampled_from([*CONV.split(","), *GEMM.split(","), "Stride height"]), max_size=10).map(",".join),
    lines,
)
files = st.builds(lambda header, body, end: end.join([header, *body]), headers, st.lists(lines, max_size=6),
                  st.sampled_from(["\n", "\r\n", "\r"]))  # fmt: skip


def check(load):
    """Runs `load`; it must return a sound workload or raise one clear line.

    Drawn texts may be names that workloads have: hypothesis tries texts that it finds in the code.
    """
    message, workload = "", None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            workload = load()
        except ChipgymError as error:
            message = str(error)
    if workload is None:
        assert message
        assert "\n" not in message
        assert len(message) < 1000
    else:
        assert not isinstance(workload, Network) or workload.macs >= 0
        assert len(workload.digest) == 64
        assert workload.features()


@settings(max_examples=200, deadline=None)
@given(files)
def test_any_topology_text(text):
    check(lambda: parse_scalesim(text, name="fuzz", file="fuzz.csv"))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=200), files.map(lambda text: text.encode("utf-8", "surrogatepass"))))
def test_any_bytes_in_a_file(tmp_path, data):
    path = tmp_path / "fuzz.csv"
    path.write_bytes(data)
    check(lambda: load_workload(path))


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.text(max_size=30),
        st.text("mlp:0123456789- .", max_size=20),
        st.text("0123456789-", max_size=12).map("mlp:".__add__),
    )
)
def test_any_shorthand(text):
    check(lambda: parse_shorthand(text))


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(st.characters(), max_size=30), st.text("resnt18:/.\0\ud800csv-", max_size=12)))
def test_any_name(text):
    check(lambda: load_workload(text))
