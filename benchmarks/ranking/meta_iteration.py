"""The cost of a meta-gradient on a fresh architecture, compared with a fixed one's.

Both take the same cells and lessons. Of a fixed cell, which a pool would have traced,
the tracing is not counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from gtn_tf.fresh_weights import fresh_weights
from gtn_tf.functional import PureModel, PureNetwork
from gtn_tf.inner import (
    FullUnroll,
    InnerInputs,
    InnerLoop,
    LearnedSGD,
    graph_rewrites_off,
    init_state,
)
from gtn_tf.inner.estimators.base import MetaGradient
from gtn_tf.labels import AnyLabels
from gtn_tf.names import SPACES, UNROLLS
from gtn_tf.supernet import SubNetwork, SuperNetwork
from ranking.problem import CLASSES, SEED, Setting, draw_cells, make_data

_EVERY = 4  # inner steps between intermediate meta-losses
_REPEATS = 2


def seconds(
    space: str, setting: Setting, resident: Callable[[], int]
) -> dict[str, Any]:
    """Times meta-gradients of some cells, after a first one.

    Args:
        space: One of the spaces.
        setting: Sizes.
        resident: Gives the memory of the process.

    Returns:
        Seconds of the first call with its tracing, and of later ones, `fresh` and
        `fixed`, for each cell; the memory after the fresh ones, in bytes.
    """
    size = (setting.pixels, setting.pixels, 3), CLASSES, setting.cells, setting.filters
    network = SuperNetwork(space, *size, kind="evaluation")
    problem = _Problem(setting)
    genotypes = [
        SPACES.load(space).genotype.parse(text)
        for text in draw_cells(space, 1 + setting.long_candidates)
    ]

    @tf.function(autograph=False)
    def fresh(code: tf.Tensor) -> MetaGradient:
        learner = SubNetwork(network, code)
        return problem.gradient(learner, learner.fresh_weights(problem.seed))

    with graph_rewrites_off():
        first, *codes = map(network.encode, genotypes)
        found: dict[str, Any] = {"first_seconds": _seconds(fresh, first), "fixed": []}
        found["fresh"] = [_best(fresh, code) for code in codes]
        found["resident"] = resident()
        for genotype in genotypes[1:]:
            model = SPACES.load(space).network(genotype, *size, "evaluation")
            found["fixed"].append(_best(_traced(problem, model)))
    return found


def _traced(problem: _Problem, model: tf.keras.Model) -> Callable[[], MetaGradient]:
    learner = PureModel(model)

    @tf.function(autograph=False)
    def run() -> MetaGradient:
        return problem.gradient(learner, fresh_weights(model, problem.seed))

    run()
    return run


class _Problem:
    """Lessons, real images and the inner optimizer, the same for all cells."""

    def __init__(self, setting: Setting) -> None:
        steps, batch = setting.meta_steps, setting.batch_size
        images, labels, real_images, real_labels = make_data(setting)
        lessons = images[: steps * batch], labels[: steps * batch]
        pixels = setting.pixels, setting.pixels, 3
        self._optimizer = LearnedSGD(learning_rate=0.1, momentum=0.5, steps=steps)
        self._lessons = (
            tf.reshape(tf.constant(lessons[0]), [steps, batch, *pixels]),
            tf.reshape(tf.constant(lessons[1]), [steps, batch]),
        )
        count = 4 * batch
        self._real = (
            tf.constant(real_images[:count]),
            tf.constant(real_labels[:count]),
        )
        self.seed = tf.constant([SEED, 1])

    def gradient(self, learner: PureNetwork, weights: list[tf.Tensor]) -> MetaGradient:
        """The meta-gradient of a fresh learner, through all steps."""
        loop = InnerLoop(learner, AnyLabels().mean, self._optimizer)
        inputs = InnerInputs(*self._lessons, self._optimizer.hyperparameters())
        unroll, state = UNROLLS.load("recompute"), init_state(loop, weights)
        return FullUnroll(_EVERY).estimate(unroll, loop, state, inputs, self._real)


def _best(function: Callable[..., MetaGradient], *arguments: Any) -> float:
    return min(_seconds(function, *arguments) for _ in range(_REPEATS))


def _seconds(function: Callable[..., MetaGradient], *arguments: Any) -> float:
    began = time.perf_counter()
    tf.nest.map_structure(lambda x: x.numpy(), function(*arguments))
    return round(time.perf_counter() - began, 4)
