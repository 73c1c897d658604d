"""The cost of scoring steps, compared with those of a traced network.

The time of the steps is the difference of two trainings, one of twice the steps, so
that it excludes tracing, validation and all else that is done once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from gtn_tf.evaluation.baselines import real_data_sgd
from gtn_tf.search.scorers import make_scorer
from gtn_tf.search.spaces import CellSpace
from ranking.problem import LEARNING_RATE, MOMENTUM, SEED, Setting, draw_cells
from ranking.run_gtn_tf import make_space, scoring, scoring_data


def seconds(name: str, space: str, setting: Setting) -> dict[str, list[float]]:
    """Times the steps of some candidates, after a first one.

    Args:
        name: One of gtn_tf's contenders.
        space: One of the spaces.
        setting: Sizes.

    Returns:
        Seconds of each candidate's steps, `scoring` and `alone`.
    """
    texts = draw_cells(space, 1 + setting.long_candidates)
    lengths = setting.steps, 2 * setting.steps
    found: dict[str, list[float]] = {"scoring": [], "alone": []}
    scorings = []
    for steps in lengths:
        scorer = make_scorer(
            "real", steps=steps, learning_rate=LEARNING_RATE, momentum=MOMENTUM
        )
        with scoring(name, space, setting, [scorer]) as run:
            run(texts[0])
            scorings.append([_seconds(run, text) for text in texts[1:]])
    found["scoring"] = [longer - shorter for shorter, longer in zip(*scorings)]
    made, data = make_space(space, setting), scoring_data(setting)
    for text in texts[1:]:
        tf.keras.backend.clear_session()
        tf.keras.utils.set_random_seed(SEED)
        fit = traced(made, text)
        batches = data.train_batches(SEED)
        fit(batches.take(1))
        shorter, longer = (_seconds(fit, batches.take(steps)) for steps in lengths)
        found["alone"].append(longer - shorter)
    return found


def traced(space: CellSpace[Any], text: str) -> Callable[[tf.data.Dataset], Any]:
    """A network's `fit`, with the scorer's optimizer; it returns the history.

    Args:
        space: Builds the network.
        text: Its genotype.
    """
    model = space.network(space.parse(text))
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(real_data_sgd(LEARNING_RATE, MOMENTUM), loss, ["accuracy"])
    return lambda batches: model.fit(batches, verbose=0)


def _seconds(function: Callable[[Any], Any], argument: Any) -> float:
    began = time.perf_counter()
    function(argument)
    return round(time.perf_counter() - began, 5)
