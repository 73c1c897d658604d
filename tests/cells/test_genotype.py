"""Genotypes of both spaces: forms, errors, networks and pictures."""

from __future__ import annotations

import keras_tuner
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from gtn_tf.cells import (
    OPS,
    OPS_201,
    PUBLISHED,
    Cell,
    Genotype,
    Genotype201,
    GenotypeError,
    Node,
    cell_network,
    network_201,
    read_table,
)
from gtn_tf.cells.blocks import EVALUATION, TRAINING
from gtn_tf.cells.drawing import draw_genotype
from gtn_tf.cells.operations import apply_amoebanet_operation
from gtn_tf.reports import published_sizes
from gtn_tf.search import NAOSpace, NASBench201Space

NAONET = (
    "0 7 1 15 2 8 1 7 0 6 1 7 0 8 4 7 1 5 0 7 0 7 1 13 0 6 0 14 0 9 1 10 0 14 2 6 1 11 "
    "0 7"
)
NAONET_B = (
    "0 1 0 2 0 1 2 2 1 3 0 2 4 0 1 3 2 1 0 3 1 1 1 0 2 1 2 4 1 0 2 3 3 1 2 2 0 2 0 2"
)
ENAS_FIXED = (
    "1 6 1 5 0 13 2 7 3 8 3 5 4 9 1 9 4 9 2 7 1 14 0 8 0 8 1 7 0 14 3 5 4 14 0 14 2 9 "
    "1 13"
)
CELL_201 = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|"
CELL_201 += "skip_connect~1|skip_connect~2|"  # index 0 of the benchmark


@st.composite
def integers(draw: st.DrawFn) -> list[int]:
    """Forty integers of one of the two lists."""
    low, high = draw(st.sampled_from([(0, 4), (5, 15)]))
    op = st.integers(low, high)
    numbers = []
    for _ in range(2):
        for node in range(2, 7):
            source = st.integers(0, node - 1)
            numbers += [draw(source), draw(op), draw(source), draw(op)]
    return numbers


@given(integers())
def test_forms_round_trip(numbers: list[int]) -> None:
    genotype = Genotype.from_integers(numbers)
    assert Genotype.from_integers(genotype.to_integers()) == genotype
    assert Genotype.parse(" ".join(map(str, numbers))) == genotype
    assert Genotype.parse(str(genotype)) == genotype
    assert hash(Genotype.parse(str(genotype))) == hash(genotype)
    if any("sep" in str(genotype) or code >= 5 for code in numbers[1::2]):
        assert genotype.to_integers() == numbers


@given(st.lists(st.sampled_from(OPS_201), min_size=6, max_size=6))
def test_forms_of_nas_bench_201_round_trip(ops: list[str]) -> None:
    genotype = Genotype201(tuple(ops))
    assert Genotype201.parse(str(genotype)) == genotype


def test_known_genotype_is_read_as_written() -> None:
    genotype = Genotype.parse(NAONET)
    assert genotype.normal.nodes[0] == Node(0, "conv_3x3", 1, "avg_pool_5x5")
    assert genotype.reduction.nodes[4] == Node(1, "max_pool_3x3", 0, "conv_3x3")
    assert genotype.normal.ends == (3, 5, 6)
    assert Genotype.parse(NAONET_B).normal.nodes[0].op_a == "sep_conv_5x5"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2 3", "expected 40 integers"),
        (NAONET.replace("4 7", "5 7"), "normal cell, node 5: expected inputs from 0"),
        (NAONET.replace("15", "16"), "operations from 0 to 15, received 16"),
        (NAONET.replace("0 7", "-1 7"), "expected inputs from 0 to 1, received -1"),
        ("conv3@0 identity@1 | x", "received 'conv3'; did you mean conv_3x3?"),
        ("conv_3x3@0 | conv_3x3@0", "expected two operations with their inputs"),
        ("conv_1x1@0 identity@1 -> 2 | x", "node 2: expected two operations"),
        ("conv_1x1@0 identity@1 -> 3 | x", "concat: expected some of the numbers"),
        ("conv_1x1@0 identity@1 -> 2 1 | x", "concat: expected ascending numbers"),
        ("conv_1x1@0 identity@1 -> x | x", "expected numbers after ->, received 'x'"),
        ("hello", "expected 40 integers, or a normal and a reduction cell"),
        ("", "expected 40 integers"),
    ],
)
def test_what_is_no_genotype_is_told(text: str, message: str) -> None:
    with pytest.raises(GenotypeError, match=message.replace("?", r"\?")):
        Genotype.parse(text)


def test_chosen_outputs_are_written_and_read() -> None:
    chosen = Genotype.parse(
        "conv_1x1@0 identity@1; identity@2 identity@0 -> 1 2 3 | conv_1x1@0 identity@1"
    )
    assert chosen.normal.ends == (1, 2, 3) and chosen.reduction.ends == (2,)
    assert Genotype.parse(str(chosen)) == chosen
    same = Genotype.parse(str(chosen).replace("1 2 3", "3"))
    assert same.normal.concat is None  # its loose ends, and so not written
    for text in (PUBLISHED["darts_v2"].text, str(chosen)):
        with pytest.raises(GenotypeError, match="integers can describe|of 5 nodes"):
            Genotype.parse(text).to_integers()


def test_what_is_no_cell_of_nas_bench_201_is_told() -> None:
    with pytest.raises(GenotypeError, match="expected a cell such as"):
        Genotype201.parse(CELL_201[1:20])
    with pytest.raises(GenotypeError, match="expected 6 operations of none"):
        Genotype201.parse(CELL_201.replace("nor_conv", "conv"))


# What the reference counts, in millions; AmoebaNet-A is in none. NASNet-A's first cell
# reads the stem as it is in its authors' code, and here after a 1x1 convolution: at
# F = 32 and 96 channels, 21440 parameters of its operations against 3136 of that.
MILLIONS = {
    "nasnet_a": 3.347 - (21440 - 3136) / 1e6,
    "amoebanet_a": 3.146,
    "amoebanet_b": 34.875,
    "darts_v1": 3.169,
    "darts_v2": 3.349,
    "enas": 4.587,
    "naonet": 11.47,
    "naonet_b": 2.493,
    "naonet_ws": 2.466,
}


def test_parameters_of_published_cells_are_those_of_the_reference() -> None:
    found = {one.name: one.params / 1e6 for one in published_sizes()}
    assert found == pytest.approx(MILLIONS, rel=1e-3)


def test_parameters_of_the_papers_fixed_network_are_those_of_the_reference() -> None:
    model = cell_network(Genotype.parse(ENAS_FIXED), (32, 32, 3), 10, 1, 32)
    assert weights(model) / 1e6 == pytest.approx(2.245, rel=1e-3)


def test_parameters_of_nas_bench_201_are_the_tables() -> None:
    model = network_201(Genotype201.parse(CELL_201), (32, 32, 3), 10)
    assert weights(model) == 129306


def test_operations_and_skip_connections_of_both_spaces() -> None:
    one, other = Node(0, "identity", 1, "conv_3x3"), Node(1, "identity", 0, "identity")
    genotype = Genotype(Cell((one, other)), Cell((one,)))
    assert genotype.ops[:4] == ("identity", "conv_3x3", "identity", "identity")
    assert len(genotype.ops) == 6 and genotype.skips == 4
    assert Genotype201.parse(CELL_201).skips == CELL_201.count("skip_connect") == 3


def weights(model: tf.keras.Model) -> int:
    return sum(v.shape.num_elements() for v in model.trainable_variables)


@pytest.mark.parametrize("kind", ["training", "evaluation"])
@pytest.mark.parametrize("ops", OPS)
def test_every_operation_takes_any_image(ops: str, kind: str) -> None:
    # Odd and even sides, an odd number of channels, and no normal cell at all.
    cell = Cell(tuple(Node(0, op, 1, op) for op in OPS[ops]))
    genotype = Genotype(cell, cell)
    model = cell_network(genotype, (7, 6, 2), 3, cells=0, filters=1, kind=kind)
    logits = model(tf.random.stateless_normal([2, 7, 6, 2], [0, 1]), training=True)
    assert logits.shape == (2, 3)
    assert np.all(np.isfinite(logits))


def test_operations_of_amoebanet_have_bottlenecks_and_take_any_channels() -> None:
    def weights_of(op: str, channels: int, stride: int) -> int:
        x = tf.keras.Input([8, 8, channels])
        y = apply_amoebanet_operation(op, x, 16, stride, TRAINING)
        assert y.shape[1:] == (8 // stride, 8 // stride, 16)
        return weights(tf.keras.Model(x, y))

    # A convolution c -> f of k pixels and its batch norm: k c f + 2 f.
    assert weights_of("conv_3x3", 16, 2) == 72 + (9 * 16 + 8) + 96
    assert weights_of("conv_1x3_3x1", 16, 1) == 108 + 2 * (3 * 36 + 12) + 128
    assert weights_of("conv_1x7_7x1", 16, 1) == 72 + 2 * (7 * 16 + 8) + 96
    assert weights_of("identity", 16, 1) == weights_of("max_pool_3x3", 16, 2) == 0
    assert weights_of("identity", 16, 2) == 16 * 16 + 32
    assert weights_of("identity", 6, 1) == weights_of("avg_pool_3x3", 6, 2) == 128


def test_the_first_cell_of_amoebanet_reads_the_stem_twice() -> None:
    text = "conv_1x1@0 identity@1 | conv_1x1@0 identity@1"
    size = (8, 8, 1), 2, 1, 4
    two = [
        cell_network(Genotype.parse(text), *size, layout=layout)
        for layout in ("nasnet", "amoebanet")
    ]
    # The stem's 12 channels are calibrated, 12 -> 4, and then read, 4 -> 4; or read at
    # once, 12 -> 4. A strided identity is another convolution of as many weights.
    assert weights(two[0]) - weights(two[1]) == 12 * 4 + 2 * 4 - (12 - 4) * 4


def test_unread_inputs_are_loose_ends() -> None:
    # Both nodes read node 2 alone: inputs 0 and 1 reach the output by themselves.
    nodes = (Node(0, "identity", 0, "identity"), Node(2, "identity", 2, "identity"))
    assert Cell(nodes).ends == (1, 3)
    model = cell_network(Genotype(Cell(nodes), Cell(nodes)), (8, 8, 1), 4, 1, 2)
    widths = [x.shape[-1] for x in model.layers[-2].input.node.keras_inputs]
    assert widths == [2 * 8]  # two loose ends of 4 F channels, pooled


def test_average_pools_count_the_padding_in_evaluation_alone() -> None:
    ones = tf.ones([1, 4, 4, 1])
    for blocks, mean in ((TRAINING, 1), (EVALUATION, 4 / 9)):
        corner = blocks.average_pool(ones, 3, 1)[0, 0, 0, 0]
        assert float(corner) == pytest.approx(mean)


@pytest.mark.parametrize(
    "space",
    [
        NAOSpace((6, 6, 1), 3, cells=0, filters=2),
        NAOSpace((6, 6, 1), 3, cells=0, filters=2, ops="small"),
        NASBench201Space((6, 6, 1), 3, cells=1, filters=2),
    ],
)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_choices_are_the_genotype(space, seed: int) -> None:
    genotype = space.sample(np.random.default_rng(seed))
    hp = keras_tuner.HyperParameters()
    space.genotype(hp)  # declares the choices
    hp.values = space.values(genotype)
    assert space.genotype(hp) == genotype
    assert space.parse(space.text(genotype)) == genotype
    assert space.describe(hp) == space.text(genotype)


def test_operations_of_the_other_list_are_refused() -> None:
    space = NAOSpace((6, 6, 1), 3)
    with pytest.raises(GenotypeError, match="node 2: expected one of identity"):
        space.values(Genotype.parse(NAONET_B))
    assert space.ops == OPS["large"]


def test_any_tuner_searches_the_space(tmp_path) -> None:
    space = NASBench201Space((4, 4, 1), 3, cells=1, filters=1)
    tuner = keras_tuner.RandomSearch(
        space, "val_accuracy", max_trials=1, directory=tmp_path, seed=1
    )
    x, y = np.ones([4, 4, 4, 1], np.float32), np.arange(4) % 3
    tuner.search(x, y, validation_data=(x, y), verbose=0)
    (best,) = tuner.get_best_hyperparameters()
    assert isinstance(space.genotype(best), Genotype201)


def test_table_is_read_or_refused(tmp_path) -> None:
    table = tmp_path / "table.csv"
    table.write_text(f"index,arch,cifar10_test200\n0,{CELL_201},85.5\n")
    assert read_table(table)[CELL_201]["cifar10_test200"] == 85.5
    table.write_text("index,cell\n0,x\n")
    with pytest.raises(GenotypeError, match="with a column arch"):
        read_table(table)


def test_genotypes_are_drawn(tmp_path) -> None:
    for text, kind in ((NAONET, Genotype), (CELL_201, Genotype201)):
        path = tmp_path / f"{kind.__name__}.png"
        draw_genotype(kind.parse(text), path)
        assert path.read_bytes().startswith(b"\x89PNG")
