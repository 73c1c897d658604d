"""What KerasTuner's hyperparameters may be, of any kind and under any conditions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras_tuner
import numpy as np

COLLISIONS = 1000  # draws without a new one after which there are none left


def is_active(one: Any, values: Mapping[str, Any]) -> bool:
    """Whether a hyperparameter's conditions hold.

    Args:
        one: A hyperparameter.
        values: Of the hyperparameters that were declared before it.
    """
    return all(condition.is_active(values) for condition in one.conditions)


def options(one: Any) -> list[Any]:
    """The values of a hyperparameter, in order.

    Ten of them, evenly spaced, if it is continuous, as in `keras_tuner.GridSearch`.

    Args:
        one: A hyperparameter.

    Example:

    >>> hp = keras_tuner.HyperParameters()
    >>> _ = hp.Int("units", 8, 64, step=2, sampling="log"), hp.Boolean("bias")
    >>> [options(one) for one in hp.space]
    [[8, 16, 32, 64], [False, True]]
    """
    kind = type(one.prob_to_value(0.5))  # KerasTuner lists some integers as floats
    return sorted({kind(value) for value in one.values})


def draw_values(
    space: keras_tuner.HyperParameters, rng: np.random.Generator
) -> dict[str, Any]:
    """Draws all hyperparameters, as KerasTuner does.

    Args:
        space: The hyperparameters.
        rng: Source of the draw.

    Returns:
        A value for each that is active.
    """
    values: dict[str, Any] = {}
    for one in space.space:
        if is_active(one, values):
            values[one.name] = draw_value(one, rng)
    return values


def draw_value(one: Any, rng: np.random.Generator) -> Any:
    """Draws a value of a hyperparameter, as KerasTuner does.

    Args:
        one: A hyperparameter.
        rng: Source of the draw.
    """
    return one.prob_to_value(float(rng.random()))
