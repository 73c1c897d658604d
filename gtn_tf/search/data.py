"""The data of a search, in the forms of `fit` and of the scorers."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf.data.order import shuffled_batches
from gtn_tf.data.stored_images import Images, gathering
from gtn_tf.labels import as_integers
from gtn_tf.search.errors import ScoreError

Arrays = tuple[Images, ...]  # images, labels and sample weights, if any


@dataclass(frozen=True, eq=False)
class ScoringData:
    """Real data as `fit` takes it, for scorers. Labels may have any form.

    Args:
        train: Images, labels and perhaps sample weights, or a dataset of their batches.
        validation: Likewise; a finite dataset.
        batch_size: Of the batches made from arrays.
        class_weight: As for `fit`.
    """

    train: Arrays | tf.data.Dataset | None = None
    validation: Arrays | tf.data.Dataset | None = None
    batch_size: int = 32
    class_weight: dict[int, float] | None = None

    @property
    def has_equal_batches(self) -> bool:
        """Whether all batches for training are known to have the same size."""
        if not isinstance(self.train, tf.data.Dataset):
            return True  # an incomplete last batch is dropped
        images = tf.nest.flatten(self.train.element_spec)[0]
        return bool(images.shape.rank) and images.shape[0] is not None

    def train_batches(self, seed: int) -> tf.data.Dataset:
        """Endless shuffled batches for training, the same ones in each iteration.

        Args:
            seed: Of the order, if the data is arrays.

        Raises:
            ScoreError: If there is no training data.
        """
        if self.train is None:
            raise ScoreError("expected training data, received none; pass x and y")
        if isinstance(self.train, tf.data.Dataset):
            return self.train.repeat()
        numbered = shuffled_batches(len(self.train[1]), self.batch_size, seed)
        return _gathered(self.train, numbered.map(lambda _, rows: rows))

    def validation_batches(self, images: int) -> tf.data.Dataset:
        """The first images of the validation data, in batches, with integer labels.

        Args:
            images: Maximum number.

        Raises:
            ScoreError: If there is no validation data.
        """
        if self.validation is None:
            raise ScoreError(
                "expected validation data, received none; pass validation_data or "
                "validation_split"
            )
        if isinstance(self.validation, tf.data.Dataset):
            batches = self.validation.unbatch().take(images).batch(500)
        else:
            rows = tf.data.Dataset.range(min(images, len(self.validation[1])))
            batches = _gathered(self.validation, rows.batch(500))
        return batches.map(lambda x, y, *weights: (x, as_integers(y)))

    def some_images(self, count: int) -> tf.Tensor:
        """A few images, `[count, h, w, c]`.

        Args:
            count: Their number.
        """
        if self.train is None:
            batches = self.validation_batches(count)
        elif isinstance(self.train, tf.data.Dataset):
            batches = self.train.unbatch().take(count).batch(count)
        else:
            return tf.constant(self.train[0][:count])
        return next(iter(batches))[0]


def _gathered(arrays: Arrays, rows: tf.data.Dataset) -> tf.data.Dataset:
    with tf.device("CPU:0"):
        some = [gathering(one) for one in arrays]
    return rows.map(lambda chosen: tuple(one(chosen) for one in some))


def fit_arguments(args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Names the arguments of `tf.keras.Model.fit`.

    Args:
        args: Passed by position.
        kwargs: Passed by name.

    Example:

    >>> fit_arguments(["images", "labels", 64], {"epochs": 2})
    {'x': 'images', 'y': 'labels', 'batch_size': 64, 'epochs': 2}
    """
    _, *names = inspect.signature(tf.keras.Model.fit).parameters
    return {**dict(zip(names, args)), **kwargs}


def scoring_data(
    x: Any = None,
    y: Any = None,
    batch_size: int | None = None,
    validation_split: float = 0.0,
    validation_data: Any = None,
    class_weight: dict[int, float] | None = None,
    sample_weight: Any = None,
    **_: Any,
) -> ScoringData:
    """Makes the scorers' data from the arguments of `fit`.

    Args:
        x: As for `tf.keras.Model.fit`, as are all others.
        y: Labels, if `x` is not a dataset.
        batch_size: 32 by default.
        validation_split: Fraction of the arrays, at their end, that is held out.
        validation_data: Instead of `validation_split`.
        class_weight: Of the training data.
        sample_weight: Of the training data.

    Example:

    >>> data = scoring_data(np.zeros([10, 2]), np.zeros([10]), validation_split=0.2)
    >>> len(data.train[1]), len(data.validation[1])
    (8, 2)
    """
    train = x if y is None else (x, y)
    if sample_weight is not None and y is not None:
        train = (x, y, np.asarray(sample_weight))
    if validation_split and validation_data is None and isinstance(train, tuple):
        count = math.floor(len(x) * (1 - validation_split))  # as Keras rounds
        validation_data = tuple(one[count:] for one in train)
        train = tuple(one[:count] for one in train)
    return ScoringData(train, validation_data, batch_size or 32, class_weight)
