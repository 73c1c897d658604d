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

from gtn_tf.errors import ArgumentError, GTNError
from gtn_tf.teaching import SettleBatchNorm, TrainedTeacher, teach
from gtn_tf.teaching.sources import real_data_sgd

Build = Callable[[], tf.keras.Model]
Pair = tuple[np.ndarray, np.ndarray]


class ScoreError(GTNError, ValueError):
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

    def scores(self, build: Build, data: ScoringData, seed: int) -> dict[str, float]:
        """Its score, and others that it finds on the way, by name.

        Args:
            build: As for a call.
            data: As for a call.
            seed: As for a call.
        """
        return {self.name: self(build, data, seed)}


class TrainingScorer(Scorer):
    """What scorers that train a little share: two scores of one training.

    Args:
        by: What ranks: `"accuracy"`, real validation accuracy after the training, or
            `"tse"`, training speed (Ru et al. 2021, arXiv 2006.04492): minus the mean
            training loss of all steps.
        names: Of the columns of both in results.csv.
        learners: Fresh networks whose scores are averaged.
        images: Validation images at most.

    Raises:
        ValueError: If `by` is something else.
    """

    def __init__(
        self, by: str, names: tuple[str, str], learners: int, images: int
    ) -> None:
        if by not in MEASURES:
            raise ArgumentError(
                f"by: expected one of {', '.join(MEASURES)}, received {by!r}"
            )
        self.names = names
        self.name = names[MEASURES.index(by)]
        self.learners = learners
        self.images = images

    def __call__(self, build: Build, data: ScoringData, seed: int) -> float:
        return self.scores(build, data, seed)[self.name]

    def scores(self, build: Build, data: ScoringData, seed: int) -> dict[str, float]:
        validation = data.validation_batches(self.images)
        found = []
        for learner in range(self.learners):
            model = build()
            history = self.train(model, data, seed + learner)
            results = model.evaluate(validation, verbose=0, return_dict=True)
            found.append([results["accuracy"], -history.history["loss"][0]])
        return dict(zip(self.names, np.mean(found, axis=0).tolist()))

    @abc.abstractmethod
    def train(
        self, model: tf.keras.Model, data: ScoringData, seed: int
    ) -> tf.keras.callbacks.History:
        """Trains a network for one epoch and leaves it ready to be evaluated.

        Args:
            model: With fresh weights.
            data: Real data.
            seed: Of what is drawn beside the weights.
        """


MEASURES = ("accuracy", "tse")


class GTNScorer(TrainingScorer):
    """Accuracy, or training speed, on a teacher's lessons (paper, section 3.4).

    Args:
        teacher: The teacher.
        steps: Inner steps; beyond the teacher's own, the curriculum is repeated with
            lower rates. 128 in the paper.
        learners: As for `TrainingScorer`.
        images: As for `TrainingScorer`.
        by: As for `TrainingScorer`; the paper's is `"accuracy"`.
        names: As for `TrainingScorer`.

    Example:

    >>> import gtn_tf
    >>> digits = gtn_tf.data.load("digits")
    >>> data = ScoringData(None, (digits.validation_images, digits.validation_labels))
    >>> score = GTNScorer(gtn_tf.load_teacher("digits"), steps=12)
    >>> make = lambda: gtn_tf.learners.named_learner("mlp", digits.image_shape, 10)
    >>> 0 <= score(make, data, seed=0) <= 1
    True
    """

    def __init__(
        self,
        teacher: TrainedTeacher,
        steps: int = 128,
        learners: int = 1,
        images: int = 2000,
        by: str = "accuracy",
        names: tuple[str, str] = ("gtn_score", "gtn_tse"),
    ) -> None:
        super().__init__(by, names, learners, images)
        self.teacher = teacher.repeated(steps)

    def train(
        self, model: tf.keras.Model, data: ScoringData, seed: int
    ) -> tf.keras.callbacks.History:
        return teach(model, self.teacher, verbose=0)


class RealDataScorer(TrainingScorer):
    """Accuracy, or training speed, in a few steps, or seconds, of real data.

    Args:
        steps: Steps of SGD.
        seconds: Ends the training earlier, counted from its start, tracing included.
        learning_rate: Of SGD.
        momentum: Of SGD.
        cosine: Whether the learning rate falls to 0 along a cosine, as in a full
            training, or stays.
        learners: As for `TrainingScorer`.
        images: As for `TrainingScorer`.
        by: As for `TrainingScorer`.
        names: As for `TrainingScorer`.
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
        by: str = "accuracy",
        names: tuple[str, str] = ("real_score", "real_tse"),
    ) -> None:
        super().__init__(by, names, learners, images)
        self.steps = steps
        self.seconds = seconds
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.cosine = cosine

    def train(
        self, model: tf.keras.Model, data: ScoringData, seed: int
    ) -> tf.keras.callbacks.History:
        batches = data.train_batches(seed).take(self.steps)
        callbacks: list[Any] = [SettleBatchNorm(batches.take(_SETTLE))]
        if self.seconds is not None:
            callbacks.append(_StopAfter(self.seconds))
        model.compile(
            real_data_sgd(self._rate(), self.momentum),
            tf.keras.losses.SparseCategoricalCrossentropy(_puts_out_logits(model)),
            ["accuracy"],
        )
        return model.fit(batches, callbacks=callbacks, verbose=0)

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
