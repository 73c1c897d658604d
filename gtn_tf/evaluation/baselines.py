"""Alternatives to a teacher's lessons in order: real data and shuffled lessons."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from gtn_tf.data import Splits
from gtn_tf.data.stored_images import Images, converted, in_order
from gtn_tf.evaluation.fresh_learner import FreshLearner
from gtn_tf.teaching.errors import TeacherError
from gtn_tf.teaching.one_replica import SGD
from gtn_tf.teaching.trained_teacher import CLIPNORM, TrainedTeacher

Lessons = tuple[np.ndarray, np.ndarray]  # [steps, batch, h, w, c], [steps, batch]

# Rates tried for real data; the best on validation images are chosen.
_LEARNING_RATES = (0.01, 0.03, 0.1, 0.3, 1.0)
_MOMENTA = (0.5, 0.9)
_TRIALS = 2  # fresh learners for each pair
_VALIDATION = 2000  # images


class RealLessons:
    """Real images, normalised as a teacher's.

    Args:
        splits: The data set.
        teacher: The teacher to compare with.

    Raises:
        TeacherError: If the teacher has other images or other classes.
    """

    def __init__(self, splits: Splits, teacher: TrainedTeacher) -> None:
        expect_same_kind(splits, teacher)
        self._splits = splits
        self._teacher = teacher
        self.test = self._batched(splits.test_images, splits.test_labels)
        self.validation = self._batched(
            splits.validation_images[:_VALIDATION],
            splits.validation_labels[:_VALIDATION],
        )

    def lessons(self, seed: int) -> Lessons:
        """Draws as many batches as the teacher has, of the same size.

        Args:
            seed: Seed of the draw.
        """
        labels = self._splits.train_labels
        rng = np.random.default_rng([1, seed])
        chosen = rng.integers(len(labels), size=self._teacher.classes.shape)
        return self._scaled(self._splits.train_images[chosen]), labels[chosen]

    def _batched(self, images: Images, labels: np.ndarray) -> tf.data.Dataset:
        return in_order(converted(images, self._scaled), labels, 500)

    def _scaled(self, images: np.ndarray) -> np.ndarray:
        if self._teacher.description["normalization"] is None:
            return images
        return self._teacher.normalise(
            images * np.array(self._splits.std) + np.array(self._splits.mean)
        )


def expect_same_kind(splits: Splits, teacher: TrainedTeacher) -> None:
    """Expects data of the shape and the classes that a teacher teaches.

    Args:
        splits: The data set.
        teacher: The teacher.

    Raises:
        TeacherError: If the teacher has other images or other classes.
    """
    classes = len(teacher.class_names)
    if splits.image_shape != teacher.image_shape or splits.num_classes != classes:
        raise TeacherError(
            f"{teacher.source}: teaches {classes} classes of images "
            f"{list(teacher.image_shape)}; expected data like that, received "
            f"{splits.name}, {splits.num_classes} classes of "
            f"{list(splits.image_shape)}"
        )


def shuffled(teacher: TrainedTeacher, seed: int) -> Lessons:
    """The teacher's batches in random order.

    Args:
        teacher: The teacher.
        seed: Seed of the order, and of the augmentation, if the teacher has one.
    """
    order = np.random.default_rng([0, seed]).permutation(teacher.steps)
    images, labels = teacher.lessons(seed)
    return images[order], labels[order]


def real_data_sgd(learning_rate: float, momentum: float) -> tf.keras.optimizers.SGD:
    """SGD with constant rates, and gradients clipped as by a teacher.

    Args:
        learning_rate: For all steps.
        momentum: For all steps.
    """
    return SGD(learning_rate, momentum, clipnorm=CLIPNORM)


def tuned_rates(model: tf.keras.Model, real: RealLessons) -> tuple[float, float]:
    """Chooses a learning rate and a momentum for real data, on validation images.

    Args:
        model: The network.
        real: The data.

    Returns:
        The pair, of ten, with the best mean accuracy after all steps.
    """
    scores = {}
    for momentum in _MOMENTA:
        # The learning rate is a variable: one trace serves them all.
        optimizer = real_data_sgd(0.0, momentum)
        learner = FreshLearner(model, optimizer)
        for rate in _LEARNING_RATES:
            optimizer.learning_rate = rate
            scores[rate, momentum] = _mean_accuracy(learner, real)
    return max(scores, key=scores.__getitem__)


def _mean_accuracy(learner: FreshLearner, real: RealLessons) -> float:
    found = []
    for trial in range(_TRIALS):
        lessons = real.lessons(10_000 + trial)
        last = [len(lessons[1])]
        found.append(learner.curve(lessons, real.validation, last, (2, trial))[0, 0])
    return float(np.mean(found))
