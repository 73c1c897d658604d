"""What candidates are ranked by: one interface, and the scores that train a little."""

from __future__ import annotations

import abc
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf.teaching import SettleBatchNorm, TrainedTeacher, teach
from gtn_tf.teaching.sources import real_data_sgd

Build = Callable[[], tf.keras.Model]
Pair = tuple[np.ndarray, np.ndarray]


class ScoreError(ValueError):
    """A candidate that cannot be scored, told in one sentence."""


@dataclass(frozen=True, eq=False)
class ScoringData:
    """Real data as `fit` takes it, for scorers.

    Args:
        train: Images and labels, or a dataset of batches of them.
        validation: Likewise; it must have an end.
        batch_size: Of the batches made from arrays.
    """

    train: Pair | tf.data.Dataset | None = None
    validation: Pair | tf.data.Dataset | None = None
    batch_size: int = 32

    def train_batches(self, seed: int) -> tf.data.Dataset:
        """Endless shuffled batches for training.

        Args:
            seed: Of the order.

        Raises:
            ScoreError: If there is no training data.
        """
        if self.train is None:
            raise ScoreError("expected training data, received none")
        if isinstance(self.train, tf.data.Dataset):
            return self.train.repeat()
        examples = tf.data.Dataset.from_tensor_slices(self.train)
        examples = examples.shuffle(len(self.train[1]), seed=seed).repeat()
        return examples.batch(self.batch_size, drop_remainder=True).prefetch(2)

    def validation_batches(self, images: int) -> tf.data.Dataset:
        """The first images of the validation data, in batches.

        Args:
            images: Their number at most.

        Raises:
            ScoreError: If there is no validation data.
        """
        if self.validation is None:
            raise ScoreError(
                "expected validation data, received none; pass validation_data"
            )
        if isinstance(self.validation, tf.data.Dataset):
            examples = self.validation.unbatch()
        else:
            examples = tf.data.Dataset.from_tensor_slices(self.validation)
        return examples.take(images).batch(500)

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


class Scorer(abc.ABC):
    """Gives a candidate a number; the greater, the better its rank."""

    name: str  # of the column in results.csv

    @abc.abstractmethod
    def __call__(self, build: Build, data: ScoringData, seed: int) -> float:
        """Scores a candidate.

        Args:
            build: Makes the candidate's network with fresh weights.
            data: Real data.
            seed: Of what is drawn beside the weights.

        Raises:
            ScoreError: If it cannot be scored.
        """


class GTNScorer(Scorer):
    """Real validation accuracy after a teacher's lessons (paper, section 3.4).

    Args:
        teacher: The teacher.
        steps: Inner steps; beyond the teacher's own, the curriculum is repeated with
            lower rates. 128 in the paper.
        learners: Fresh networks whose accuracies are averaged.
        images: Validation images at most.

    Example:

    >>> import gtn_tf
    >>> digits = gtn_tf.data.load("digits")
    >>> data = ScoringData(None, (digits.validation_images, digits.validation_labels))
    >>> score = GTNScorer(gtn_tf.load_teacher("digits"), steps=12)
    >>> make = lambda: gtn_tf.learners.named_learner("mlp", digits.image_shape, 10)
    >>> 0 <= score(make, data, seed=0) <= 1
    True
    """

    name = "gtn_score"

    def __init__(
        self,
        teacher: TrainedTeacher,
        steps: int = 128,
        learners: int = 1,
        images: int = 2000,
    ) -> None:
        self.teacher = teacher.repeated(steps)
        self.learners = learners
        self.images = images

    def __call__(self, build: Build, data: ScoringData, seed: int) -> float:
        validation = data.validation_batches(self.images)

        def accuracy() -> float:
            model = build()
            teach(model, self.teacher, verbose=0)
            return model.evaluate(validation, verbose=0, return_dict=True)["accuracy"]

        return float(np.mean([accuracy() for _ in range(self.learners)]))


class RealDataScorer(Scorer):
    """Real validation accuracy after a few steps, or seconds, of real data.

    Args:
        steps: Steps of SGD.
        seconds: Ends the training earlier, counted from its start, tracing included.
        learning_rate: Of SGD.
        momentum: Of SGD.
        cosine: Whether the learning rate falls to 0 along a cosine, as in a full
            training, or stays.
        learners: Fresh networks whose accuracies are averaged.
        images: Validation images at most.
        name: Of the column in results.csv.
    """

    def __init__(
        self,
        steps: int = 128,
        seconds: float | None = None,
        learning_rate: float = 0.1,
        momentum: float = 0.9,
        cosine: bool = False,
        learners: int = 1,
        images: int = 2000,
        name: str = "real_score",
    ) -> None:
        self.name = name
        self.steps = steps
        self.seconds = seconds
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.cosine = cosine
        self.learners = learners
        self.images = images

    def __call__(self, build: Build, data: ScoringData, seed: int) -> float:
        validation = data.validation_batches(self.images)
        found = []
        for learner in range(self.learners):
            model = build()
            batches = data.train_batches(seed + learner).take(self.steps)
            settle = SettleBatchNorm(batches.take(_SETTLE))
            callbacks: list[Any] = [settle]
            if self.seconds is not None:
                callbacks.append(_StopAfter(self.seconds))
            model.compile(
                real_data_sgd(self._rate(), self.momentum),
                tf.keras.losses.SparseCategoricalCrossentropy(_puts_out_logits(model)),
                ["accuracy"],
            )
            model.fit(batches, callbacks=callbacks, verbose=0)
            results = model.evaluate(validation, verbose=0, return_dict=True)
            found.append(results["accuracy"])
        return float(np.mean(found))

    def _rate(self) -> float | tf.keras.optimizers.schedules.LearningRateSchedule:
        if not self.cosine:
            return self.learning_rate
        schedules = tf.keras.optimizers.schedules
        return schedules.CosineDecay(self.learning_rate, self.steps)


_SETTLE = 32  # batches for the moving averages


class _StopAfter(tf.keras.callbacks.Callback):
    """Ends a training when its time is over."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self._end = math.inf

    def on_train_begin(self, logs: Any = None) -> None:
        self._end = time.monotonic() + self._seconds

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if time.monotonic() >= self._end:
            self.model.stop_training = True


def _puts_out_logits(model: tf.keras.Model) -> bool:
    last = model.layers[-1]
    if isinstance(last, tf.keras.layers.Softmax):
        return False
    return getattr(last, "activation", None) is not tf.keras.activations.softmax
