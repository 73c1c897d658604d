"""Distributions over learners and their fresh weights."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf

from gtn_tf.learners import (
    CellLearners,
    ConvLearners,
    Learners,
    MixedLearners,
    MLPLearners,
    ResNetLearners,
    fresh_weights,
)

SEED = tf.constant([3, 4])


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (32, 32, 3), (5, 9, 2)])
@pytest.mark.parametrize(
    "learners",
    [
        ConvLearners([3, 4], [5]),
        ConvLearners([3, 4], [], global_pooling=True),
        ConvLearners([3, 4], [], [1, 2], "stride", weight_norm=False),
        ConvLearners([3], [5], batch_norm="full"),
        MLPLearners([6], batch_norm="none"),
        ResNetLearners([3, 4], batch_norm="full", negative_slope=0.0),
    ],
)
def test_any_image_shape(learners, shape):
    (model,) = learners.build(shape, 7)
    assert model(tf.zeros([2, *shape])).shape == [2, 7]


def test_widths_are_drawn_from_their_ranges():
    learners = ConvLearners([(2, 5), 4], [(6, 8)], architectures=20)
    models = learners.build((8, 8, 1), 10)
    widths = [
        [layer.layer_depth for layer in model.layers if hasattr(layer, "layer_depth")]
        for model in models
    ]
    firsts, seconds, units, _ = map(set, zip(*widths))
    assert (firsts, seconds, units) == ({2, 3, 4}, {4}, {6, 7})
    again = [m.count_params() for m in learners.build((8, 8, 1), 10)]
    assert again == [m.count_params() for m in models]


def test_paper_layers():
    """`base_fc`: pool before norm, no bias in convolutions, a bias in dense layers."""
    (model,) = ConvLearners([64, 128], [256]).build((28, 28, 1), 10)
    kinds = [type(layer).__name__ for layer in model.layers]
    conv = ["WeightNormalization", "MaxPool2D", "MeanOnlyBatchNorm", "LeakyReLU"]
    dense = ["WeightNormalization", "MeanOnlyBatchNorm", "LeakyReLU"]
    assert kinds == [*conv, *conv, "Flatten", *dense, "WeightNormalization"]
    assert model.layers[0].layer.bias is None and model.layers[9].layer.bias is not None
    assert model.layers[8].output_shape == (None, 7 * 7 * 128)


def test_fresh_weights_are_a_function_of_the_seed():
    (model,) = ConvLearners([3], [4]).build((8, 8, 1), 10)
    one, same, other = (
        fresh_weights(model, seed) for seed in (SEED, SEED, tf.constant([3, 5]))
    )
    for variable, a, b, c in zip(model.trainable_variables, one, same, other):
        assert a.shape == variable.shape and a.dtype == variable.dtype
        np.testing.assert_array_equal(a, b)
        drawn = "kernel" in variable.name or variable.name.endswith("g:0")
        assert np.allclose(a, c) != drawn


def test_fresh_weights_are_kaiming_normal_with_g_the_norm_of_v():
    (model,) = MLPLearners([2000]).build((8, 8, 1), 10)
    layer = model.layers[1]
    drawn = dict(
        zip(
            (v.ref() for v in model.trainable_variables),
            fresh_weights(model, SEED),
        )
    )
    v, g = drawn[layer.v.ref()], drawn[layer.g.ref()]
    assert float(tf.math.reduce_std(v)) == pytest.approx(np.sqrt(2 / 64), rel=0.02)
    np.testing.assert_allclose(g, tf.norm(v, axis=0), rtol=1e-5)
    assert not np.any(drawn[layer.layer.bias.ref()])


@pytest.mark.parametrize(
    "initializer", ["glorot_uniform", "he_normal", "lecun_uniform", "ones", "zeros"]
)
def test_fresh_weights_follow_keras_initializers(initializer):
    dense = tf.keras.layers.Dense(400, kernel_initializer=initializer)
    model = tf.keras.Sequential([tf.keras.layers.Input([300]), dense])
    kernel, _ = fresh_weights(model, SEED)
    for statistic in (tf.reduce_mean, tf.math.reduce_std, tf.reduce_max):
        assert float(statistic(kernel)) == pytest.approx(
            float(statistic(dense.kernel)), rel=0.02, abs=1e-3
        )


def test_other_initializers_are_refused():
    dense = tf.keras.layers.Dense(4, kernel_initializer="orthogonal")
    model = tf.keras.Sequential([tf.keras.layers.Input([3]), dense])
    with pytest.raises(ValueError, match="VarianceScaling family.*Orthogonal"):
        fresh_weights(model, SEED)


@pytest.mark.parametrize(
    "settings, problem",
    [
        ({"strides": [2]}, "one for each entry of filters"),
        ({"downsample": "average"}, "expected one of max_pool, max_pool_last, stride"),
        ({"batch_norm": "layer"}, "mean_only, full, none"),
        ({"architectures": 0}, "expected at least 1"),
        ({"negative_slope": -1.0}, "negative_slope: expected a number of at least 0"),
        ({"norm_momentum": 1.0}, "norm_momentum: expected a number from 0 up to"),
    ],
)
def test_bad_settings_are_refused(settings, problem):
    with pytest.raises(ValueError, match=problem):
        ConvLearners([3, 4], [5], **settings)


def test_a_leaky_relu_without_a_slope_is_a_relu():
    (model,) = MLPLearners([5], negative_slope=0.0).build((3,), 2)
    (relu,) = (x for x in model.layers if isinstance(x, tf.keras.layers.LeakyReLU))
    assert relu(tf.constant([-2.0, 3.0])).numpy().tolist() == [0, 3]


@pytest.mark.parametrize("order", ["max_pool", "max_pool_last"])
def test_where_the_pool_stands(order):
    """Before the norm, as in the official code, or last, as in Keras' examples."""
    (model,) = ConvLearners([3], [], downsample=order).build((4, 4, 1), 2)
    kinds = [type(layer).__name__ for layer in model.layers[1:-2]]
    rest = ["MeanOnlyBatchNorm", "LeakyReLU"]
    pool = ["MaxPool2D"]
    assert kinds == (pool + rest if order == "max_pool" else rest + pool)


def test_residual_blocks():
    """Shortcuts are as they are, but where width or stride change."""
    (model,) = ResNetLearners([4, 4, 6], weight_norm=False).build((8, 8, 1), 10)
    convs = [x for x in model.layers if isinstance(x, tf.keras.layers.Conv2D)]
    sizes = sorted((x.kernel_size[0], x.strides[0], x.filters) for x in convs)
    shortcuts = [(1, 2, 4), (1, 2, 6)]
    assert sizes == shortcuts + [(3, 1, 4)] * 4 + [(3, 1, 6), (3, 2, 4), (3, 2, 6)]
    sums = [x for x in model.layers if isinstance(x, tf.keras.layers.Add)]
    assert [x.output_shape[1:] for x in sums] == [(8, 8, 4), (4, 4, 4), (2, 2, 6)]


@pytest.mark.parametrize("settings", [{"strides": [2]}, {"filters": []}])
def test_residual_blocks_need_a_stride_each(settings):
    with pytest.raises(ValueError, match="one for each entry of filters"):
        ResNetLearners(**{"filters": [3, 4], **settings})


def test_mixed_pools():
    parts = [ConvLearners([3], [4], architectures=2), MLPLearners([5])]
    models = MixedLearners(parts).build((8, 8, 1), 10)
    assert [len(model.layers) for model in models] == [9, 9, 5]
    config = MixedLearners(parts).get_config()
    assert [part["kind"] for part in config["parts"]] == ["ConvLearners", "MLPLearners"]
    assert config["parts"][0]["filters"] == [3]
    with pytest.raises(ValueError, match="at least one distribution"):
        MixedLearners([])


class Linear(Learners):
    """A user's own, a plain class."""

    def __init__(self, bias: bool) -> None:
        self.bias = bias

    def build(self, image_shape, num_classes):
        layers = tf.keras.layers
        head = [layers.Flatten(), layers.Dense(num_classes, use_bias=self.bias)]
        return [tf.keras.Sequential([layers.Input(image_shape), *head])]


class Wide(MLPLearners):
    """A user's own kind of a kind that is there."""

    def __init__(self, width: int) -> None:
        super().__init__([width])
        self.width = width

    def get_config(self):
        return {"kind": "Wide", "width": self.width}


@pytest.mark.parametrize(
    "learners",
    [
        ConvLearners(
            [(2, 5), 3],
            [4],
            [1, 2],
            "stride",
            True,
            False,
            "full",
            norm_momentum=0.5,
            architectures=2,
            seed=7,
        ),
        MLPLearners([(2, 9)], False, "none", architectures=2, seed=7),
        ResNetLearners([2, (3, 9)], [2, 1], False, "full", architectures=2, seed=7),
        CellLearners("nas_bench_201", 0, 2, 2, 7),
        MixedLearners([ConvLearners([3], []), MLPLearners([5])]),
        Linear(bias=False),
        Wide(3),
    ],
)
def test_a_config_makes_the_same_networks(learners: Learners) -> None:
    config = json.loads(json.dumps(learners.get_config()))  # as a file has it
    again = Learners.from_config(config)
    assert type(again) is type(learners)
    assert json.loads(json.dumps(again.get_config())) == config
    shapes, expected = (
        [w.shape for model in one.build((6, 6, 1), 3) for w in model.weights]
        for one in (again, learners)
    )
    assert shapes == expected


def test_a_config_of_an_earlier_version() -> None:
    config = {
        "kind": "ConvLearners",
        "weight_norm": True,
        "batch_norm": "full",
        "pool": 2,
        "seed": 3,
        "filters": [[2, 5], 4],
        "units": [6],
        "strides": [2, 1],
        "downsample": "max_pool",
        "global_pooling": False,
    }
    found = Learners.from_config(config).get_config()
    assert found.pop("architectures") == config.pop("pool")
    assert found.pop("dense_norm")  # there was no choice
    assert found.pop("negative_slope") == 0.1  # nor here
    assert found.pop("norm_momentum") == 0.0
    assert found == config


def test_a_distribution_stays_as_it_is() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ConvLearners([3], []).architectures = 2
    assert repr(MLPLearners([3], seed=4)).startswith("MLPLearners(units=[3], weight")


@pytest.mark.parametrize(
    "space", [pytest.param("nao", marks=pytest.mark.slow), "nas_bench_201"]
)
def test_cells_are_drawn_from_the_seed_and_freshened(space: str) -> None:
    def shapes(seed: int) -> list[list[int]]:
        learners = CellLearners(space, cells=0, filters=2, architectures=2, seed=seed)
        pool = learners.build((6, 6, 1), 3)
        return [v.shape.as_list() for model in pool for v in model.trainable_variables]

    assert shapes(1) == shapes(1)
    if space == "nao":
        assert shapes(1) != shapes(2)
    (model,) = CellLearners(space, cells=0, filters=2).build((6, 6, 1), 3)
    drawn = fresh_weights(model, tf.constant([0, 1]))
    assert [d.shape for d in drawn] == [v.shape for v in model.trainable_variables]


def test_depthwise_kernels_are_drawn() -> None:
    model = tf.keras.Sequential([tf.keras.layers.DepthwiseConv2D(3)])
    model.build([None, 8, 8, 400])
    kernel, bias = fresh_weights(model, tf.constant([0, 1]))
    limit = np.sqrt(6 / (9 * 400 + 9))  # Keras' own, glorot_uniform
    assert 0.95 * limit < np.abs(kernel).max() <= limit
    assert not np.any(bias)


@pytest.mark.parametrize(
    ("argument", "value"), [("space", "darts"), ("architectures", 0)]
)
def test_refused_cell_learners(argument: str, value) -> None:
    with pytest.raises(ValueError, match=f"{argument}: expected"):
        CellLearners(**{argument: value})
