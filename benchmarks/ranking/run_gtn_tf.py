"""Scoring in gtn_tf: of candidates with their genotypes, and of networks alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

from gtn_tf.inner import graph_rewrites_off
from gtn_tf.runs import use_one_thread_per_operation
from gtn_tf.runs.side_by_side import side_by_side
from gtn_tf.search import NAOSpace, NASBench201Space
from gtn_tf.search.candidate import Candidate
from gtn_tf.search.data import ScoringData
from gtn_tf.search.scorers import Preparation, Scorer, make_scorer, score
from gtn_tf.search.spaces import CellSpace
from machine import CORES
from ranking.problem import (
    CLASSES,
    LEARNING_RATE,
    MOMENTUM,
    SEED,
    Setting,
    make_data,
)
from ranking.ranker import Ranker

_SPACES = {"nas_bench_201": NASBench201Space, "nao": NAOSpace}


@contextmanager
def ranker(
    name: str, space: str, setting: Setting, steps: int, images: int
) -> Iterator[Ranker]:
    """Prepares a contender.

    Args:
        name: `"gtn_tf"` or `"gtn_tf_network_each"`.
        space: One of the spaces.
        setting: Sizes.
        steps: Steps of SGD.
        images: Validation images.

    Yields:
        The contender, ready to score.
    """
    scorer = make_scorer(
        "real",
        steps=steps,
        images=images,
        learning_rate=LEARNING_RATE,
        momentum=MOMENTUM,
    )
    with scoring(name, space, setting, [scorer]) as run:
        yield Ranker(lambda text: run(text)[scorer.name], packages())


@contextmanager
def scoring(
    name: str, space: str, setting: Setting, scorers: list[Scorer]
) -> Iterator[Callable[[str], dict[str, float]]]:
    """Prepares scorers.

    Args:
        name: As for `ranker`.
        space: As for `ranker`.
        setting: Sizes.
        scorers: The scorers of each candidate.

    Yields:
        A function from a genotype's text to its scores.
    """
    made, data = make_space(space, setting), scoring_data(setting)

    def candidate(text: str) -> Candidate:
        genotype = made.parse(text)
        if name == "gtn_tf":
            return made.candidate(genotype)
        return Candidate(lambda: made.network(genotype))

    with Preparation(SEED) as preparation:
        preparation.prepare(scorers, data)
        yield lambda text: score(candidate(text), scorers, data, SEED)


def together(
    name: str, space: str, setting: Setting, first: str, others: Sequence[str]
) -> dict[str, float]:
    """Times candidates that are scored at the same time, as `rank` scores them.

    Args:
        name: `"gtn_tf"`.
        space: One of the spaces.
        setting: Sizes.
        first: The first candidate, which is not timed.
        others: The others.

    Returns:
        Seconds of all together, on threads.
    """
    use_one_thread_per_operation()
    asked = name, space, setting, setting.steps, setting.validation_images
    with graph_rewrites_off(), ranker(*asked) as made:
        made.score(first)
        began = time.perf_counter()
        list(side_by_side(made.score, others, CORES))
        return {"threads": time.perf_counter() - began}


def make_space(space: str, setting: Setting) -> CellSpace[Any]:
    """The cell space, with networks of the setting's size.

    Args:
        space: One of the spaces.
        setting: Sizes.
    """
    shape = setting.pixels, setting.pixels, 3
    return _SPACES[space](shape, CLASSES, setting.cells, setting.filters)


def scoring_data(setting: Setting) -> ScoringData:
    """The data, as scorers take it.

    Args:
        setting: Sizes.
    """
    data = make_data(setting)
    return ScoringData(data[:2], data[2:], setting.batch_size)


def packages() -> tuple[str, ...]:
    """The packages of gtn_tf's stack."""
    keras = "keras" if version("keras").startswith("2.") else "tf-keras"
    return ("tensorflow", keras, "numpy")
