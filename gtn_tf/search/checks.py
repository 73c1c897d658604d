"""Checks of a search before its first candidate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf.errors import GTNError, first_line
from gtn_tf.legacy_keras import is_of_keras, kind_of
from gtn_tf.search.data import ScoringData
from gtn_tf.search.errors import SearchError
from gtn_tf.search.scorers import Scorer


def check_scoring(model: Any, scorers: Iterable[Scorer], data: ScoringData) -> None:
    """Checks that candidates can be scored.

    Args:
        model: The network of the default hyperparameters.
        scorers: All scorers of the search.
        data: Real data.

    Raises:
        SearchError: If there is no network, or if it or a scorer rejects the data.
    """
    if not isinstance(model, tf.keras.Model):
        raise SearchError(
            "build: expected a function that returns a Keras model, received one that "
            f"returns {kind_of(model)}"
        )
    for name, part in (("training", data.train), ("validation", data.validation)):
        _check_data(name, part)
    for scorer in scorers:
        try:
            scorer.check(model, data)
        except GTNError as error:
            raise SearchError(f"scorer {scorer.name}: {error}") from None


def check_training(
    model: tf.keras.Model, data: ScoringData, objectives: Sequence[str], callbacks: Any
) -> None:
    """Checks that full trainings can succeed.

    Args:
        model: The network of the default hyperparameters.
        data: Real data.
        objectives: Names of the metrics that `fit` has to report.
        callbacks: Those of `fit`.

    Raises:
        SearchError: If there is no training data, if the network is not compiled or
            does not take the labels, or if it has no metric for an objective.
    """
    if data.train is None:
        raise SearchError(
            "expected training data for the full trainings, received none; pass x and "
            "y, or top_k=0 for scores alone"
        )
    if getattr(model, "optimizer", None) is None:
        raise SearchError(
            "build: expected a compiled model for the full trainings, received one "
            "that is not; call model.compile in it"
        )
    if type(model).train_step is not tf.keras.Model.train_step:
        return  # its own use of labels and metrics cannot be checked
    known = {"loss", *_metrics(model, data.train)}
    if data.validation is not None:
        known |= {f"val_{name}" for name in known}
    # A user's callbacks may report more metrics.
    if any(not is_of_keras(type(one)) for one in callbacks):
        return
    for name in objectives:
        if name not in known:
            raise SearchError(
                f"objective: expected one that the model's metrics give, "
                f"{', '.join(sorted(known))}, received {name!r}"
            )


def _metrics(model: tf.keras.Model, train: Any) -> Iterable[str]:
    if isinstance(train, tf.data.Dataset):
        x, y, *_ = next(iter(train))
    else:
        x, y = (tf.convert_to_tensor(part[:2]) for part in train[:2])
    try:
        outputs = model(x, training=False)
        model.compute_loss(x, y, outputs)
        return model.compute_metrics(x, y, outputs, None)
    except Exception as error:  # a loss may raise anything for wrong labels
        shapes = [list(np.shape(one)) for one in tf.nest.flatten([x, y])]
        raise SearchError(
            "expected data that the compiled model takes, received images and labels "
            f"of shapes {shapes} ({first_line(error)})"
        ) from None


def _check_data(name: str, part: Any) -> None:
    if part is None or isinstance(part, tf.data.Dataset):
        return
    if not isinstance(part, (tuple, list)) or len(part) not in (2, 3):
        raise SearchError(
            f"{name} data: expected images and labels as arrays, or a tf.data.Dataset, "
            f"received {type(part).__name__}"
        )
    if len({len(one) for one in part}) != 1:
        raise SearchError(
            f"{name} data: expected one label for each image, received "
            f"{' and '.join(str(len(one)) for one in part)}"
        )
    for one in part:
        values = np.asarray(one)
        if np.issubdtype(values.dtype, np.floating) and not np.isfinite(values).all():
            raise SearchError(
                f"{name} data: expected finite numbers, received NaN or infinity"
            )
