"""What every contender ranks: sizes, cells and data. No framework is imported here."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

CLASSES = 10
LEARNING_RATE = 0.1
MOMENTUM = 0.9
SEED = 0

OPS_201 = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
_NODES_201 = (1, 2, 3)  # that have an edge from each node before
_NAO_NODES = 5  # of each of two cells
_NAO_CODES = 5, 16  # of the 11 operations, the end excluded

_SHAPE = 2  # axes of an image but its channels
_COLORS = 3
_NOISE = 3.0  # times the classes' own images: enough for scores that differ


class Setting(NamedTuple):
    """How much is measured."""

    pixels: int  # height and width, a power of two
    cells: int  # N
    filters: int  # F
    steps: int
    batch_size: int
    train_images: int
    validation_images: int
    candidates: int  # timed in a process, after its first
    long_candidates: int  # whose steps are timed, which takes a network each
    memory_candidates: int  # of which a network each gets a quarter
    memory_steps: int  # memory does not depend on them
    memory_images: int
    meta_steps: int  # inner steps of a meta-gradient


SETTINGS = {
    "full": Setting(16, 1, 8, 128, 32, 2048, 2000, 12, 4, 200, 8, 500, 32),
    "quick": Setting(
        8, 1, 2, 2, 4, 16, 8, 2, 1, 4, 2, 8, 2
    ),  # for a try, and for tests
}
SETTINGS["long"] = SETTINGS["full"]._replace(
    train_images=256, validation_images=100, memory_steps=4, memory_images=100
)


class Data(NamedTuple):
    """Images `[n, pixels, pixels, 3]` and labels `[n]`."""

    train_images: np.ndarray
    train_labels: np.ndarray
    validation_images: np.ndarray
    validation_labels: np.ndarray


def make_data(setting: Setting) -> Data:
    """Draws an image for each class, and examples: their class's image and noise.

    So something can be learned, and training reaches more than chance accuracy.

    Args:
        setting: Numbers and sizes.

    Returns:
        The same numbers in every process.
    """
    rng = np.random.default_rng(SEED)
    shape = [setting.pixels] * _SHAPE + [_COLORS]
    classes = rng.normal(size=[CLASSES, *shape])
    parts: list[np.ndarray] = []
    for count in (setting.train_images, setting.validation_images):
        labels = rng.integers(0, CLASSES, count, dtype=np.int32)
        noise = _NOISE * rng.normal(size=[count, *shape])
        images = (classes[labels] + noise) / math.hypot(1, _NOISE)
        parts += [images.astype(np.float32), labels]
    return Data(*parts)


def draw_201(rng: np.random.Generator) -> str:
    """Draws a cell of NAS-Bench-201, all operations uniform and independent.

    Args:
        rng: Source of the draw.

    Example:

    >>> draw_201(np.random.default_rng(0)).count("|")
    9
    """
    drawn = [rng.integers(0, len(OPS_201), node).tolist() for node in _NODES_201]
    return "+".join(
        "".join(f"|{OPS_201[op]}~{source}" for source, op in enumerate(ops)) + "|"
        for ops in drawn
    )


def draw_nao(rng: np.random.Generator) -> str:
    """Draws the two cells of NAO's large space, as its 40 integers.

    Args:
        rng: Source of the draw.

    Example:

    >>> len(draw_nao(np.random.default_rng(0)).split())
    40
    """
    numbers: list[int] = []
    for _ in ("normal", "reduction"):
        for node in range(2, 2 + _NAO_NODES):
            for _ in ("a", "b"):
                numbers += [rng.integers(0, node), rng.integers(*_NAO_CODES)]
    return " ".join(map(str, numbers))


SPACES: dict[str, Callable[[np.random.Generator], str]] = {
    "nas_bench_201": draw_201,
    "nao": draw_nao,
}
TITLES = {"nas_bench_201": "NAS-Bench-201", "nao": "NAO, 11 operations"}


def draw_cells(space: str, count: int, seed: int = SEED) -> list[str]:
    """Draws genotypes, as the space's own `parse` reads them.

    Args:
        space: One of `SPACES`.
        count: Number of genotypes.
        seed: Seed of the draw.
    """
    rng = np.random.default_rng(seed)
    return [SPACES[space](rng) for _ in range(count)]
