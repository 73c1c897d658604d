"""Scores after short training, on a teacher's lessons or on real data."""

from __future__ import annotations

import abc
import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf.cells import AnyGenotype
from gtn_tf.errors import ArgumentError, first_line
from gtn_tf.evaluation import real_data_sgd
from gtn_tf.first_trace import make_variables
from gtn_tf.inner.optimizers.base import OptimizerState
from gtn_tf.labels import AnyLabels, accuracy, expect_labels
from gtn_tf.non_finite import NonFiniteError
from gtn_tf.search.candidate import Candidate, as_candidate
from gtn_tf.search.data import ScoringData
from gtn_tf.search.errors import ScoreError
from gtn_tf.search.scorers.on_supernetwork import SupernetworkScorer, as_input
from gtn_tf.search.scorers.traced_training import (
    Batches,
    TracedTraining,
    Update,
    stacked,
)
from gtn_tf.shapes import with_channels
from gtn_tf.supernet import SuperNetwork
from gtn_tf.teaching import SettleBatchNorm, TrainedTeacher, teach
from gtn_tf.teaching.teach import are_logits, check_learner
from gtn_tf.teaching.trained_teacher import CLIPNORM
from gtn_tf.weight_tensors import GetTensors

MEASURES = ("accuracy", "tse")


class TrainingScorer(SupernetworkScorer[TracedTraining]):
    """The base class of scorers that train: two scores of one short training.

    Args:
        by: The score to rank by: `"accuracy"`, on real validation data, or
            `"tse"`, training speed (Ru et al. 2021, arXiv 2006.04492): minus the mean
            training loss of all steps.
        names: Column names of both scores in results.csv.
        learners: Fresh networks whose scores are averaged.
        images: Maximum number of validation images.

    Raises:
        ValueError: If `by` is something else.
    """

    def __init__(
        self, by: str, names: tuple[str, str], learners: int, images: int
    ) -> None:
        super().__init__()
        if by not in MEASURES:
            raise ArgumentError(
                f"by: expected one of {', '.join(MEASURES)}, received {by!r}"
            )
        self.names = names
        self.name = names[MEASURES.index(by)]
        self.learners = learners
        self.images = images

    def __call__(self, candidate: Candidate, data: ScoringData, seed: int) -> float:
        return self.scores(candidate, data, seed)[self.name]

    def check(self, model: tf.keras.Model, data: ScoringData) -> None:
        images, labels = next(iter(data.validation_batches(self.images)))
        try:
            outputs = model(images[:2], training=False)
        except Exception as error:  # layers may raise anything for a wrong shape
            raise ScoreError(
                f"expected a model that takes images {images.shape[1:].as_list()}, "
                f"received {model.name!r}, which does not ({first_line(error)})"
            ) from None
        if not isinstance(outputs, tf.Tensor) or outputs.shape.rank != 2:
            raise ScoreError(
                "expected a model with outputs [batch, classes], received "
                f"{model.name!r}"
            )
        expect_labels(labels.numpy(), outputs.shape[1])

    def supernetwork_of(
        self, candidate: Candidate, data: ScoringData
    ) -> SuperNetwork | None:
        return None  # needs `batches` and `update`, which a subclass may not have

    def trace(self, network: SuperNetwork) -> TracedTraining:
        return TracedTraining(network, self.update())

    def scores(
        self, candidate: Candidate, data: ScoringData, seed: int
    ) -> dict[str, float]:
        candidate = as_candidate(candidate)
        network = self.supernetwork_of(candidate, data)
        if network is None:
            found = self._on_keras_models(candidate, data, seed)
        else:
            found = self._on_supernetwork(network, candidate.genotype, data, seed)
        return dict(zip(self.names, np.mean(found, axis=0).tolist()))

    def _on_keras_models(
        self, candidate: Candidate, data: ScoringData, seed: int
    ) -> list[tuple[float, float]]:
        validation = data.validation_batches(self.images)
        found = []
        for learner in range(self.learners):
            model = candidate()
            history = self.train(model, data, seed + learner)
            results = model.evaluate(validation, verbose=0, return_dict=True)
            found.append((results["accuracy"], -history.history["loss"][0]))
        return found

    def _on_supernetwork(
        self,
        network: SuperNetwork,
        genotype: AnyGenotype,
        data: ScoringData,
        seed: int,
    ) -> list[tuple[float, float]]:
        training = self.traced(network)
        validation = [
            (as_input(x, network.image_shape), y)
            for x, y in data.validation_batches(self.images)
        ]
        found = []
        for learner in range(self.learners):
            batches, settle = self.batches(data, seed + learner, network.image_shape)
            trained = training.train(genotype, batches, (seed % 2**31, learner))
            self.expect_finite(trained.loss)
            trained = training.settle(genotype, trained, settle)
            accuracy = training.accuracy(genotype, trained, validation)
            found.append((accuracy, -trained.loss))
        return found

    def batches(
        self, data: ScoringData, seed: int, image_shape: tuple[int, ...]
    ) -> tuple[Batches, tf.Tensor]:
        """Training batches of a super-network, and images for its batch norms.

        Args:
            data: Real data.
            seed: Of all randomness but the weights.
            image_shape: `(height, width, channels)`.
        """
        raise NotImplementedError

    def update(self) -> Update:
        """The optimizer for training on a super-network."""
        raise NotImplementedError

    def expect_finite(self, loss: float) -> None:
        """Checks the mean loss of training on a super-network."""

    @abc.abstractmethod
    def train(
        self, model: tf.keras.Model, data: ScoringData, seed: int
    ) -> tf.keras.callbacks.History:
        """Trains a network for one epoch; it is then ready for `evaluate`.

        Args:
            model: A network with fresh weights.
            data: Real data.
            seed: Of all randomness but the weights.
        """


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

    teacher: TrainedTeacher

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
        self.teacher = teacher
        self.steps = steps
        self._lessons = teacher.repeated(steps)
        self._stacked: Batches | None = None

    def check(self, model: tf.keras.Model, data: ScoringData) -> None:
        images, labels = next(iter(data.validation_batches(self.images)))
        with_channels(images, self.teacher.image_shape)
        expect_labels(labels.numpy(), len(self.teacher.class_names))
        check_learner(model, self.teacher)
        super().check(model, data)

    def train(
        self, model: tf.keras.Model, data: ScoringData, seed: int
    ) -> tf.keras.callbacks.History:
        return teach(model, self._lessons, seed=seed, verbose=0)

    def supernetwork_of(
        self, candidate: Candidate, data: ScoringData
    ) -> SuperNetwork | None:
        return candidate.supernetwork()

    def batches(
        self, data: ScoringData, seed: int, image_shape: tuple[int, ...]
    ) -> tuple[Batches, tf.Tensor]:
        lessons = self._stacked
        if lessons is None:
            lessons = stacked(zip(*self._lessons.lessons(seed)), image_shape)
            if self._lessons.augmentation.is_none:
                self._stacked = lessons
        return lessons, lessons.images

    def update(self) -> Update:
        optimizer = self._lessons.optimizer()
        values = {
            name: tf.constant(values, tf.keras.backend.floatx())
            for name, values in self._lessons.hyperparameters.items()
        }
        return Update(optimizer.learned.init, optimizer.updated, values, CLIPNORM)

    def expect_finite(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise NonFiniteError(f"the loss became {loss} on the teacher's lessons")


class RealDataScorer(TrainingScorer):
    """Accuracy, or training speed, in a few steps or seconds of real data.

    Args:
        steps: Steps of SGD.
        seconds: Time limit of the training, tracing included.
        learning_rate: Of SGD.
        momentum: Of SGD.
        cosine: Whether the learning rate falls to 0 along a cosine, as in full
            training, or is constant.
        learners: As for `TrainingScorer`.
        images: As for `TrainingScorer`.
        by: As for `TrainingScorer`.
        names: As for `TrainingScorer`.
    """

    needs_training_data = True

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

    def check(self, model: tf.keras.Model, data: ScoringData) -> None:
        data.train_batches(seed=0)
        super().check(model, data)

    def train(
        self, model: tf.keras.Model, data: ScoringData, seed: int
    ) -> tf.keras.callbacks.History:
        batches = data.train_batches(seed).take(self.steps)
        callbacks: list[Any] = [SettleBatchNorm(batches.take(_SETTLE))]
        if self.seconds is not None:
            callbacks.append(_StopAfter(self.seconds))
        outputs = model(data.some_images(8), training=False)
        loss = tf.keras.losses.SparseCategoricalCrossentropy(are_logits(outputs))
        optimizer = real_data_sgd(self._rate(), self.momentum)
        model.compile(optimizer, AnyLabels(loss), [accuracy])
        make_variables(model, outputs, batches.element_spec[1])
        return model.fit(
            batches, callbacks=callbacks, class_weight=data.class_weight, verbose=0
        )

    def supernetwork_of(
        self, candidate: Candidate, data: ScoringData
    ) -> SuperNetwork | None:
        # A time limit includes the tracing of each network.
        if self.seconds is not None or not data.has_equal_batches:
            return None
        return candidate.supernetwork()

    def batches(
        self, data: ScoringData, seed: int, image_shape: tuple[int, ...]
    ) -> tuple[Batches, tf.Tensor]:
        drawn = data.train_batches(seed).take(self.steps)
        batches = stacked(drawn, image_shape, data.class_weight)
        return batches, stacked(drawn.take(_SETTLE), image_shape).images

    def update(self) -> Update:
        rate = self._rate()
        rates = [rate(t) if callable(rate) else rate for t in range(self.steps)]
        dtype = tf.keras.backend.floatx()
        values = {
            "rates": tf.cast(tf.stack(rates), dtype),
            "momenta": tf.fill([self.steps], tf.cast(self.momentum, dtype)),
        }
        return Update(_zero_velocity, _keras_sgd, values, CLIPNORM)

    def _rate(self) -> float | tf.keras.optimizers.schedules.LearningRateSchedule:
        if not self.cosine:
            return self.learning_rate
        schedules = tf.keras.optimizers.schedules
        return schedules.CosineDecay(self.learning_rate, self.steps)


_SETTLE = 32  # batches that re-estimate batch norms


def _zero_velocity(weights: tf.Tensor) -> OptimizerState:
    return (tf.zeros_like(weights),)


def _keras_sgd(
    weights: tf.Tensor,
    state: OptimizerState,
    gradient: tf.Tensor,
    values: Mapping[str, tf.Tensor],
    tensors: GetTensors,
) -> tuple[tf.Tensor, OptimizerState]:
    """Keras' SGD, whose velocity includes the learning rate."""
    velocity = values["momenta"] * state[0] - values["rates"] * gradient
    return weights + velocity, (velocity,)


class _StopAfter(tf.keras.callbacks.Callback):
    """Ends training at a time limit."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self._end = math.inf

    def on_train_begin(self, logs: Any = None) -> None:
        self._end = time.monotonic() + self._seconds

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if time.monotonic() >= self._end:
            self.model.stop_training = True
