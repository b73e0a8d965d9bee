"""SCALE-Sim topology files: what is read, what is refused, and that layers are SCALE-Sim's to the last pixel."""

from __future__ import annotations

import csv
import math
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipgym.datasets import Conv2d, Linear, Network, load_workload
from chipgym.datasets.loaders import load_scalesim
from chipgym.datasets.loaders.scalesim import MAX_LAYERS, parse_scalesim
from chipgym.errors import ChipgymError
from chipgym.files import MAX_TEXT

CONV = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\n"
GEMM = "Layer, M, N, K,\n"

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "systolic"
needs_reference = pytest.mark.skipif(not REFERENCE.is_dir(), reason=f"reference tables are not at {REFERENCE}")


def parse(text: str, **options) -> Network:
    return parse_scalesim(text, name="net", file="net.csv", **options)


def products(network: Network) -> list[tuple[int, int, int]]:
    """(M, N, K) of each layer as a systolic array sees it."""
    found = []
    for node in network.matrix_nodes:
        (shape,) = network.input_shapes(node)
        if isinstance(node.op, Conv2d):
            window = shape[0] // node.op.groups * node.op.kernel[0] * node.op.kernel[1]
            found.append((node.shape[1] * node.shape[2], node.op.out_channels, window))
        else:
            found.append((shape[0], node.op.out_features, shape[1]))
    return found


def test_convolution_rows():
    network = parse(CONV + "Conv1, 224, 224, 11, 11, 3, 96, 4,\n\nConv2 ,27 ,27 ,5,5 ,96,256,1,#remark\n# a comment\n")
    assert [node.name for node in network.nodes] == ["Conv1.input", "Conv1", "Conv2.input", "Conv2"]
    assert [node.name for node in network.matrix_nodes] == ["Conv1", "Conv2"]
    assert network.node("Conv1").shape == (96, 55, 55)
    op = network.node("Conv2").op
    assert op == Conv2d(256, (5, 5), bias=False)
    assert network.macs == 105_415_200 + 325_017_600
    assert network.edges == (("Conv1.input", "Conv1"), ("Conv2.input", "Conv2"))


def test_gemm_rows():
    network = parse(GEMM + "QKT, 1024, 512, 64,\nlast,1,2,3")
    assert products(network) == [(1024, 512, 64), (1, 2, 3)]
    assert network.node("QKT").op == Linear(512, bias=False)
    assert network.input_shapes("QKT") == ((1024, 64),)


@pytest.mark.parametrize(
    "text",
    [
        CONV.upper() + "A,8,8,3,3,2,4,1,",
        CONV.replace(" ", "").replace(",\n", "\n") + "A,8,8,3,3,2,4,1",
        "\ufeff" + (CONV + "A,8,8,3,3,2,4,1,").replace("\n", "\r\n"),
        (CONV + "A,8,8,3,3,2,4,1,").replace("\n", "\r"),
        "# made by hand\n\n" + CONV + "\t A \t, 8,8,3,3,2,4,1, , ,\n,,,\n",
        "Layer,ifmap_h,ifmap_w,filter_h,filter_w,channels,filters,stride_h,stride_w\nA,8,8,3,3,2,4,1,1",
        "whatever,Strides,Num Filter,Channels,Filter Width,Filter Height,IFMAP Width,IFMAP Height\nA,1,4,2,3,3,8,8",
        '"Layer name","IFMAP Height","IFMAP Width","Filter Height","Filter Width","Channels","Num Filter","Strides"\n'
        '"A","8","8","3","3","2","4","1"',
        CONV.replace("Strides,", "Strides, Batch Size,") + "A,8,8,3,3,2,4,1,1,",
    ],
)
def test_spellings_of_one_file_are_one_network(text):
    assert parse(text).digest == parse(CONV + "A,8,8,3,3,2,4,1,\n").digest


def test_separate_strides_and_file_batch():
    header = CONV.replace("Strides,", "Stride height, Stride width, Batch Size,")
    network = parse(header + "A,9,9,3,3,2,4,1,2,16\nB,9,9,3,3,2,4,1,1,16")
    assert network.node("A").shape == (4, 7, 4)
    assert network.batch == 16
    assert parse(header + "A,9,9,3,3,2,4,1,2,16", batch=2).batch == 2
    with pytest.raises(ChipgymError, match="row 3: column 'Batch Size': differs from the 16 of the first layer"):
        parse(header + "A,9,9,3,3,2,4,1,2,16\nB,9,9,3,3,2,4,1,1,8")


TWICE = CONV.replace("IFMAP Height", "IFMAP Width")
BATCH = CONV.replace("Strides,", "Strides, Batch Size,")


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        # Rows and columns of an input are told apart by position where the header has one name for both.
        (TWICE + "A,700,161,20,5,1,32,2,", [(341 * 79, 32, 100)]),
        (CONV.replace("Filter Width", "Filter Height") + "A,700,161,20,5,1,32,2,", [(341 * 79, 32, 100)]),
        (CONV.replace("Num Filter", "Channels") + "A,8,8,3,3,2,5,1,", [(36, 5, 18)]),
        (TWICE.replace("Strides,", "Strides, Batch Size,") + "A,9,8,3,3,2,5,1,1", [(42, 5, 18)]),
        ("Layer, M, M, K,\nA,1,2,3,", [(1, 2, 3)]),
        ("Layer, M, N, N,\nA,1,2,3,", [(1, 2, 3)]),
        # A header may have remarks behind a gap, and rows need none of them.
        (CONV.replace(",\n", ",,,Eh,Ew\n") + ",,,,\nA,8,8,3,3,2,5,1,,,110,12\nB,8,8,3,3,2,5,1,,,,", [(36, 5, 18)] * 2),
        # Tabs in place of commas.
        (CONV.replace(",", "\t") + "A\t8\t8\t3\t3\t2\t5\t1\t\n", [(36, 5, 18)]),
        ("Layer\tM\tN\tK\nA\t1\t2\t3\n", [(1, 2, 3)]),
        # Version 2 takes a ninth value for the stride of the width.
        (CONV + "A,9,9,3,3,2,5,1,2,\nB,9,9,3,3,2,5,2,", [(28, 5, 18), (16, 5, 18)]),
        # The last column may be left out where it is not needed.
        (BATCH + "A,8,8,3,3,2,5,1,\n", [(36, 5, 18)]),
        ("L,M,N,K,\nA,1,2,3,", [(1, 2, 3)]),
    ],
)
def test_quirks_of_scale_sims_own_files(text, layers):
    assert products(parse(text)) == layers


def test_titles_between_layers_are_left_aside_with_a_warning():
    with pytest.warns(UserWarning, match=r"row 3 \('AlphaGoZero'\) and 1 more has a name and no numbers"):
        network = parse(CONV + "\nAlphaGoZero,\nA,8,8,3,3,2,5,1,\nNext\nB,8,8,3,3,2,5,1,\n")
    assert [node.name for node in network.matrix_nodes] == ["A", "B"]


def test_a_batch_that_all_rows_leave_out_is_one():
    assert parse(BATCH + "A,8,8,3,3,2,5,1,\nB,8,8,3,3,2,5,1,").batch == 1
    with pytest.raises(ChipgymError, match="row 3: leaves out column 'Batch Size', which row 2 has"):
        parse(BATCH + "A,8,8,3,3,2,5,1,4,\nB,8,8,3,3,2,5,1,")


def test_sparsity_is_left_aside_with_a_warning():
    with pytest.warns(UserWarning, match="layers are taken as dense"):
        network = parse(CONV.replace("Strides,", "Strides, Sparsity,") + "A,8,8,3,3,2,4,1,2:4,")
    assert network.digest == parse(CONV + "A,8,8,3,3,2,4,1,").digest


def test_depthwise_rows():
    one_channel = parse(CONV + "Conv2_dw, 112, 112, 3, 3, 1, 1, 1,")
    assert products(one_channel) == [(110 * 110, 1, 9)]
    # SCALE-Sim runs a layer named "DP" once per channel, each with one channel and all its filters.
    per_channel = parse(CONV + "DP1, 8, 8, 3, 3, 16, 1, 1,")
    assert per_channel.node("DP1").op == Conv2d(16, (3, 3), groups=16, bias=False)
    assert per_channel.macs == 16 * 36 * 9


def test_repeated_and_missing_names_become_unique():
    network = parse(GEMM + "a,1,1,1\na,1,1,1\na.input,1,1,1\na_2,1,1,1\n,1,1,1\n")
    assert [node.name for node in network.matrix_nodes] == ["a", "a_2", "a.input_2", "a_2_2", "row6"]


sizes = st.integers(1, 40)


@given(sizes, sizes, sizes, sizes, st.integers(1, 9), st.integers(1, 9))
def test_output_size_is_scale_sims(height, width, kernel_h, kernel_w, stride_h, stride_w):
    kernel_h, kernel_w = min(kernel_h, height), min(kernel_w, width)
    header = CONV.replace("Strides,", "Stride height, Stride width,")
    node = parse(header + f"A,{height},{width},{kernel_h},{kernel_w},3,5,{stride_h},{stride_w},").node("A")
    # The formula in SCALE-Sim's topology_utils.topo_calc_hyperparams.
    expected = (
        5,
        math.ceil((height - kernel_h + stride_h) / stride_h),
        math.ceil((width - kernel_w + stride_w) / stride_w),
    )
    assert node.shape == expected
    # Only the bottom and right are padded, and by less than a stride: no window is added, none is cut.
    top, bottom, left, right = node.op.padding
    assert (top, left) == (0, 0)
    assert bottom < stride_h
    assert right < stride_w


@needs_reference
@pytest.mark.parametrize("path", sorted(REFERENCE.glob("topologies/*.csv")), ids=lambda path: path.stem)
def test_layer_tables_of_the_reference(path):
    with open(path, newline="") as file:
        layers = list(csv.DictReader(file))
    conv = "ifmap_h" in layers[0]
    keys = ["ifmap_h", "ifmap_w", "filt_h", "filt_w", "channels", "num_filters", "stride"] if conv else ["M", "N", "K"]
    body = "".join(",".join((layer["layer"], *(layer[key] for key in keys))) + ",\n" for layer in layers)
    network = parse((CONV if conv else GEMM) + body)
    assert products(network) == [tuple(int(layer[key]) for key in "MNK") for layer in layers]
    assert [network.node_macs(node) for node in network.matrix_nodes] == [int(layer["macs"]) for layer in layers]


@needs_reference
def test_layers_of_all_scale_sim_runs():
    with open(REFERENCE / "scalesim_v3.csv", newline="") as file:
        runs = list(csv.DictReader(file))
    conv = {
        (*(int(r[k]) for k in ("ifmap_h", "ifmap_w", "filt_h", "filt_w", "channels", "num_filters", "stride")),
         *(int(r[k]) for k in "MNK"))
        for r in runs if r["mode"] == "conv"
    }  # fmt: skip
    gemm = {tuple(int(r[k]) for k in "MNK") for r in runs if r["mode"] != "conv"}
    assert len(conv) >= 10
    assert len(gemm) >= 10
    rows = "".join(f"L{i}," + ",".join(map(str, layer[:7])) + "\n" for i, layer in enumerate(sorted(conv)))
    assert products(parse(CONV + rows)) == [layer[7:] for layer in sorted(conv)]
    rows = "".join(f"L{i}," + ",".join(map(str, layer)) + "\n" for i, layer in enumerate(sorted(gemm)))
    assert products(parse(GEMM + rows)) == sorted(gemm)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CONV, "has a header but no layers"),
        ("# nothing\n", "is empty"),
        ("Conv1,224,224,11,11,3,96,4,\n", "row 1: expected a header, .* got a layer"),
        (CONV + "A,8,8,3,3,2,4,\n", "row 2: 7 values, expected 8"),
        (CONV + "\nA,8,8,3,3,2,4,1,1,1\n", "row 3: 10 values, expected 8"),
        (CONV + "A,8,8,3,3,2,4.5,1,", r"row 2: column 'Num Filter': expected a whole number, got '4.5'"),
        (CONV + "A,8,8,3,3,2,x,1,", "expected a whole number, got 'x'"),
        (CONV + "A,8,8,3,3,,4,1,", "column 'Channels': expected a whole number, got ''"),
        (CONV + "A,8,8,3,3,2,4,0,", "column 'Strides': expected 1 to 2147483647, got '0'"),
        (CONV + "A,8,8,3,3,-2,4,1,", "column 'Channels': expected 1 to 2147483647, got '-2'"),
        (CONV + "A,8,8,3,3,2,2147483648,1,", "column 'Num Filter': expected 1 to 2147483647"),
        (GEMM + "A,1,1," + "9" * 6000, "column 'K': expected 1 to 2147483647, got '999"),
        (GEMM + "A,1,1,٣", "expected a whole number"),
        (GEMM + "A,1,1,1_0", "expected a whole number"),
        (GEMM + "A,2147483647,2147483647,1", r"row 2: node 'A': output .* more than 2\*\*48 elements"),
        (GEMM + "A,1,1,1\n" + "B,16000000,16000000,100000", "file 'net.csv': network"),
        (CONV + "A,8,8,9,3,2,4,1,", "column 'Filter Height': 9 is larger than the 8 of 'IFMAP Height'"),
        (CONV + "A,8,8,3,9,2,4,1,", "column 'Filter Width': 9 is larger than the 8 of 'IFMAP Width'"),
        ("Layer, M, N,\nA,1,2", "missing column.* k"),
        ("Layer\nA", "missing column"),
        ("Layer name, IFMAP Height, IFMAP Width, Channels\nA,1,2,3", "missing column.* filter_h"),
        ("Layer, M, N, K, M\nA,1,2,3,4", "columns .* mean the same"),
        ("Layer, N, N, K\nA,1,2,3,4", "row 2: 5 values, expected 4"),
        ("Layer, K, K, N\nA,1,2,3", "columns .* mean the same"),
        (CONV.replace("IFMAP Height", "Channels") + "A,8,8,3,3,2,4,0", "column 'Strides': expected 1"),
        (TWICE + "A,x,8,3,3,2,4,1", r"column 'IFMAP Width \(by its position ifmap_h\)': expected a whole number"),
        (
            TWICE.replace("Filter Height, Filter Width", "Filter Width, Filter Height") + "A,8,8,3,3,2,4,1",
            "mean the same",
        ),
        (CONV + "A,8,8,3,3,2,4,1,0", "column 'Strides of the width': expected 1"),
        (CONV + "A,1,B,1,1,8,8,1", "column 'IFMAP Width': expected a whole number, got 'B'"),
        (CONV.replace("Strides,", "Strides,,Batch Size,") + "A,8,8,3,3,2,4,1,,,,9", "row 2: 12 values, expected 10"),
        ("Layer, M, N, K, Strides\nA,1,2,3,4", "both a convolution and a GEMM file"),
        (CONV.replace("Strides", "Strides, Stride Width") + "A,8,8,3,3,2,4,1,1", "one stride for both axes"),
        (CONV.replace("Strides", "Padding") + "A,8,8,3,3,2,4,1", "unknown column 'Padding'"),
        (CONV.replace("Channels", "Chanels") + "A,8,8,3,3,2,4,1", "did you mean 'channels'"),
        (GEMM + "n" * 300 + ",1,1,1", "a name of 300 characters"),
        (GEMM + "a,1,1,1\n" * (MAX_LAYERS + 1), f"more than {MAX_LAYERS} layers"),
    ],
)
def test_malformed_text_is_one_line_with_file_row_and_column(text, message):
    with pytest.raises(ChipgymError, match=message) as caught:
        parse(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600
    assert str(caught.value).startswith("file 'net.csv'")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b" \n\r\n", "is empty"),
        (b"PK\x03\x04\0\0", "is binary"),
        (GEMM.encode() + b"caf\xe9,1,1,1", r"is not UTF-8 text \(byte"),
        (GEMM.encode("utf-16"), "is binary|is not UTF-8"),
    ],
)
def test_files_that_are_no_text(tmp_path, data, message):
    path = tmp_path / "bad.csv"
    path.write_bytes(data)
    with pytest.raises(ChipgymError, match=message) as caught:
        load_workload(path)
    assert "\n" not in str(caught.value)


def test_a_huge_file_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "huge.csv"
    with open(path, "wb") as file:
        file.truncate(200 * 2**20)  # a hole: takes no room on the disk
    with pytest.raises(ChipgymError, match=f"is 200.0 MiB, expected at most {MAX_TEXT // 2**20} MiB"):
        load_workload(path)


def test_directories_pipes_and_missing_files(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(ChipgymError, match="is a directory"):
        load_workload(tmp_path / "folder.csv")
    with pytest.raises(ChipgymError, match="does not exist"):
        load_workload(tmp_path / "missing.csv")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.csv")
        with pytest.raises(ChipgymError, match="not a regular file"):
            load_workload(tmp_path / "pipe.csv")


def test_unreadable_file(unprivileged):
    path = unprivileged / "secret.csv"
    path.write_text(GEMM)
    path.chmod(0)
    with pytest.raises(ChipgymError, match="cannot be read"):
        load_workload(path)


def test_network_is_named_after_the_file_and_known_by_its_content(tmp_path):
    first, second = tmp_path / "first.csv", tmp_path / "second.v2.csv"
    for path in (first, second):
        path.write_bytes((CONV + "A,8,8,3,3,2,4,1,").encode("utf-8-sig"))
    a, b = load_scalesim(str(first)), load_scalesim(second, batch=1)
    assert (a.name, b.name) == ("first", "second.v2")
    assert a.digest == b.digest
