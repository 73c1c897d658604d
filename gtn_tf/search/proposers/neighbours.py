"""Neighbours of an architecture: all is equal but the value of one hyperparameter.

In the cell spaces this is what the literature does: an operation of NAS-Bench-201
changes on one edge, and of NAO's cells an input or an operation of a node's branch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras_tuner
import numpy as np

from gtn_tf.search.choices import draw_value, is_active, options
from gtn_tf.search.proposers.base import History, Values

TRIES = 100  # draws until one is new


def mutated(
    space: keras_tuner.HyperParameters, values: Values, rng: np.random.Generator
) -> dict[str, Any]:
    """Changes one hyperparameter, drawn uniformly, to another of its values.

    Hyperparameters that this activates are drawn, too.

    Args:
        space: The hyperparameters.
        values: Of an architecture.
        rng: Source of the draws.

    Returns:
        The values of the new architecture; the same if nothing can change.

    Example:

    >>> hp = keras_tuner.HyperParameters()
    >>> values = {"pool": hp.Boolean("pool"), "op": hp.Choice("op", ["conv", "none"])}
    >>> child = mutated(hp, values, np.random.default_rng(0))
    >>> sum(child[name] != value for name, value in values.items())
    1
    """
    active = [one for one in space.space if is_active(one, values)]
    for place in rng.permutation(len(active)):
        one = active[place]
        for _ in range(TRIES):
            value = draw_value(one, rng)
            if value != values.get(one.name, one.default):
                return _changed(
                    space, values, one, value, lambda new: draw_value(new, rng)
                )
    return dict(values)


def neighbours(
    space: keras_tuner.HyperParameters, values: Values
) -> list[dict[str, Any]]:
    """All architectures that differ in one hyperparameter.

    Hyperparameters that a change activates have their defaults.

    Args:
        space: The hyperparameters; of a continuous one, ten values are taken.
        values: Of an architecture.
    """
    return [
        _changed(space, values, one, value, lambda new: new.default)
        for one in space.space
        if is_active(one, values)
        for value in options(one)
        if value != values.get(one.name, one.default)
    ]


def are_neighbours(values: Values, others: Values) -> bool:
    """Whether two architectures differ in one hyperparameter, of those of both.

    Args:
        values: Of one architecture.
        others: Of the other.
    """
    return sum(values[name] != others[name] for name in values if name in others) == 1


def untried_near(
    history: History, values: Values, rng: np.random.Generator
) -> Values | None:
    """A new architecture: one mutation away, or two, or at random.

    Args:
        history: The search so far.
        values: Of an architecture.
        rng: Source of the draws.

    Returns:
        Values that no candidate has had, or `None` if there are none left.
    """
    for mutations in (1, 2):
        for _ in range(TRIES):
            child = values
            for _ in range(mutations):
                child = mutated(history.space, child, rng)
            if not history.is_tried(child):
                return child
    return history.draw()


def _changed(
    space: keras_tuner.HyperParameters,
    values: Values,
    one: Any,
    value: Any,
    fill: Callable[[Any], Any],
) -> dict[str, Any]:
    """Changes a value; fills what it activates, and leaves out what it deactivates."""
    changed: dict[str, Any] = {}
    for other in space.space:
        if other is one:
            changed[other.name] = value
        elif is_active(other, changed):
            stays = is_active(other, values)
            changed[other.name] = (
                values.get(other.name, other.default) if stays else fill(other)
            )
    return changed
