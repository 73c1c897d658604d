"""The problem that every implementation solves: sizes, weights, data.

All arrays are numpy's, in TensorFlow's layout (channels last, kernels `[h, w, in,
out]`), and the dictionaries are in the order of `gtn_tf`'s variables. No framework is
imported here.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

CLASSES = 10
LATENT_SIZE = 64
# The same for all steps, since torchopt supports only one of each.
LEARNING_RATE = 0.02
MOMENTUM = 0.5

Arrays = dict[str, np.ndarray]


class Size(NamedTuple):
    """The sizes of a meta-gradient."""

    pixels: int  # height and width
    steps: int
    batch_size: int
    filters: tuple[int, int]
    units: int
    generator_units: int
    generator_filters: int
    meta_batch: int
    agreement_steps: int = 4  # steps of the comparison in float64


_SMALL = Size(28, 16, 64, (16, 32), 64, 256, 32, 128)

# `paper` is MNIST as in the paper (32 steps of 128, convolutions of 64 and 128),
# `small` a fraction of it, `digits` the same for 8x8 images, `sweep` is `small` with
# more and more steps. Two steps already have a second-order term, and XLA's float64
# convolutions are slow.
SIZES = {
    "digits": Size(8, 16, 64, (16, 32), 64, 128, 32, 256),
    "small": _SMALL,
    "paper": Size(28, 32, 128, (64, 128), 256, 1024, 64, 128, agreement_steps=2),
    "sweep": _SMALL,
}
SWEEP_STEPS = (8, 16, 32, 64, 128)


class Problem(NamedTuple):
    """One meta-gradient's inputs."""

    size: Size
    meta: Arrays  # what the gradient is taken with respect to
    learner: Arrays  # a fresh learner's weights
    labels: np.ndarray  # int32 [steps, batch], of the generated images
    images: np.ndarray  # [meta_batch, pixels, pixels, 1], of the meta-loss
    image_labels: np.ndarray  # int32 [meta_batch]


def make_problem(size: Size, dtype: str = "float32", seed: int = 0) -> Problem:
    """Draws a problem.

    Args:
        size: The size.
        dtype: Type of all numbers but labels.
        seed: Integer that all numbers are drawn from.

    Returns:
        The problem, the same in every process and, except for rounding, in every dtype.
    """
    rng = np.random.default_rng(seed)
    shape = (size.meta_batch, size.pixels, size.pixels, 1)
    learner = _draw(rng, learner_shapes(size))
    meta = {
        "latents": rng.normal(size=(size.steps, size.batch_size, LATENT_SIZE)),
        **_draw(rng, generator_shapes(size)),
        "log_learning_rate": np.full(size.steps, math.log(LEARNING_RATE)),
        "log_momentum": np.full(size.steps, math.log(MOMENTUM)),
    }
    labels = np.arange(size.steps * size.batch_size, dtype=np.int32) % CLASSES
    return Problem(
        size,
        {name: array.astype(dtype) for name, array in meta.items()},
        {name: array.astype(dtype) for name, array in learner.items()},
        labels.reshape(size.steps, size.batch_size),
        rng.normal(size=shape).astype(dtype),
        rng.integers(0, CLASSES, size.meta_batch, dtype=np.int32),
    )


def generator_shapes(size: Size) -> dict[str, tuple[int, ...]]:
    """The generator's weights; `v` and `g` are weight normalization's."""
    width, filters = size.pixels // 4, size.generator_filters
    features = width * width * 2 * filters
    return {
        **_weight_norm("dense_1", LATENT_SIZE + CLASSES, size.generator_units),
        **_batch_norm("norm_1", size.generator_units),
        **_weight_norm("dense_2", size.generator_units, features),
        **_batch_norm("norm_2", features),
        **_weight_norm("conv_1", 3, 3, 2 * filters, filters),
        **_batch_norm("norm_3", filters),
        **_weight_norm("conv_2", 3, 3, filters, 1),
        "conv_2/bias": (1,),
    }


def learner_shapes(size: Size) -> dict[str, tuple[int, ...]]:
    """The learner's weights; its batch norms subtract the mean and add `beta`."""
    first, second = size.filters
    width = -(-size.pixels // 4)  # after two poolings
    return {
        **_weight_norm("conv_1", 3, 3, 1, first),
        "norm_1/beta": (first,),
        **_weight_norm("conv_2", 3, 3, first, second),
        "norm_2/beta": (second,),
        **_weight_norm("dense_1", width * width * second, size.units),
        "dense_1/bias": (size.units,),
        "norm_3/beta": (size.units,),
        **_weight_norm("dense_2", size.units, CLASSES),
        "dense_2/bias": (CLASSES,),
    }


def learner_bytes(size: Size) -> int:
    """Bytes of a learner's weights in float32."""
    return 4 * sum(math.prod(shape) for shape in learner_shapes(size).values())


def _weight_norm(name: str, *shape: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}/g": shape[-1:], f"{name}/v": shape}


def _batch_norm(name: str, size: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}/gamma": (size,), f"{name}/beta": (size,)}


def _draw(rng: np.random.Generator, shapes: dict[str, Any]) -> Arrays:
    """Draws weights, none of them zero or one, so that mistakes are detected."""
    arrays = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    for name, array in arrays.items():
        layer, kind = name.split("/")
        if kind == "v":
            array *= math.sqrt(2 / math.prod(array.shape[:-1]))
            norm = np.sqrt(np.sum(array**2, axis=tuple(range(array.ndim - 1))))
            arrays[f"{layer}/g"] = norm * (1 + 0.1 * arrays[f"{layer}/g"])
        elif kind in ("gamma", "beta", "bias"):
            array *= 0.1
            array += kind == "gamma"
    return arrays
