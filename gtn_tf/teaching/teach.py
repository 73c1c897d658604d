"""Teaches any Keras model with a trained teacher."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf.callbacks import as_list
from gtn_tf.errors import first_line
from gtn_tf.first_trace import make_variables
from gtn_tf.labels import AnyLabels, accuracy
from gtn_tf.legacy_keras import kind_of
from gtn_tf.non_finite import NonFiniteError
from gtn_tf.teaching.batch_norm import SettleBatchNorm
from gtn_tf.teaching.errors import TeacherError
from gtn_tf.teaching.load import as_teacher
from gtn_tf.teaching.trained_teacher import TrainedTeacher


def teach(
    model: tf.keras.Model,
    teacher: TrainedTeacher | str | os.PathLike[str],
    loss: Any = None,
    metrics: Any = None,
    optimizer: tf.keras.optimizers.Optimizer | None = None,
    callbacks: Any = None,
    seed: int = 0,
    **kwargs: Any,
) -> tf.keras.callbacks.History:
    """Trains a Keras model on a teacher's curriculum, in its order, with its rates.

    It is `model.compile(teacher.optimizer(), ...)` and
    `model.fit(teacher.as_dataset(), ...)`, with the model checked before and its
    `BatchNormalization` statistics re-estimated afterwards (see `SettleBatchNorm`). The
    model stays compiled. If anything is raised, its weights are restored.

    Args:
        model: Any Keras model from images `[batch, h, w, c]` to logits or
            probabilities `[batch, num_classes]`, with fresh weights.
        teacher: A loaded teacher, or what `load_teacher` takes: a name or a path.
        loss: As for `compile`; cross-entropy by default, of logits or of
            probabilities, whichever the model outputs. The teacher's labels and those
            of `validation_data` are converted to the form that it takes.
        metrics: As for `compile`; accuracy by default.
        optimizer: `teacher.optimizer()` by default; with weight decay, for example,
            `teacher.optimizer(weight_decay=1e-4)`.
        callbacks: As for `fit`.
        seed: Of the lessons' augmentation, if the teacher has one: each step, of each
            epoch, has another draw.
        **kwargs: Passed to `fit`: `validation_data`, `verbose`, or `epochs`, the
            number of times that the curriculum is taught.

    Returns:
        Keras' `History`.

    Raises:
        TeacherError: If the model does not fit the teacher.
        NonFiniteError: If the loss or a weight becomes infinite or not a number.

    Example:

    >>> import gtn_tf
    >>> teacher = gtn_tf.load_teacher("digits")
    >>> model = tf.keras.Sequential(
    ...     [tf.keras.layers.Flatten(), tf.keras.layers.Dense(10)]
    ... )
    >>> history = teach(model, teacher, verbose=0)
    >>> sorted(history.history)
    ['accuracy', 'loss']
    """
    teacher = as_teacher(teacher)
    from_logits = check_learner(model, teacher)
    loss = loss or tf.keras.losses.SparseCategoricalCrossentropy(from_logits)
    loss = loss if isinstance(loss, AnyLabels) else AnyLabels(loss)
    metrics = [accuracy] if metrics is None else metrics
    before = model.get_weights()
    lessons = teacher.as_dataset(seed, kwargs.get("epochs", 1))
    kwargs.setdefault("steps_per_epoch", teacher.steps)
    watch = [_StopWhenNotFinite(), SettleBatchNorm(teacher.as_dataset(seed))]
    try:
        with model.distribute_strategy.scope():
            model.compile(optimizer or teacher.optimizer(), loss, metrics)
        outputs = tf.TensorSpec([None, len(teacher.class_names)])
        make_variables(model, outputs, lessons.element_spec[1])
        history = model.fit(lessons, callbacks=[*watch, *as_list(callbacks)], **kwargs)
        _expect_finite(model)
    except BaseException:  # an interruption, too
        model.set_weights(before)
        raise
    return history


def check_learner(model: tf.keras.Model, teacher: TrainedTeacher) -> bool:
    """Checks that a model fits a teacher; builds it if it is not built.

    Args:
        model: A Keras model.
        teacher: The teacher.

    Returns:
        Whether the model outputs logits rather than probabilities.

    Raises:
        TeacherError: If the model takes other images, has other classes, or has
            nothing to train.
    """
    if not isinstance(model, tf.keras.Model):
        raise TeacherError(f"expected a Keras model, received {kind_of(model)}")
    images = tf.constant(teacher.images[0])
    shape, count = list(images.shape[1:]), len(teacher.class_names)
    try:
        outputs = model(images, training=False)
    except Exception as error:  # its layers can raise anything for a wrong shape
        taken = f", takes {list(model.input_shape[1:])}" if _has_shape(model) else ""
        raise TeacherError(
            f"model {model.name!r}: expected one that takes the teacher's images, "
            f"{shape}, received one that does not{taken} ({first_line(error)})"
        ) from error
    received = getattr(outputs, "shape", type(outputs).__name__)
    if not isinstance(outputs, tf.Tensor) or outputs.shape != (len(images), count):
        raise TeacherError(
            f"model {model.name!r}: expected outputs [batch, {count}], one for each of "
            f"the teacher's classes, received {received} for {len(images)} images"
        )
    if not model.trainable_variables:
        raise TeacherError(
            f"model {model.name!r}: expected weights to train, received none (layers "
            "with trainable=False do not count)"
        )
    return are_logits(outputs)


def are_logits(outputs: tf.Tensor) -> bool:
    """Whether a model's outputs are logits rather than probabilities.

    Args:
        outputs: `[n, k]`, of any images. What counts is their values: a layer after
            the softmax may hide it.

    Example:

    >>> are_logits(tf.constant([[0.5, 0.5]])), are_logits(tf.constant([[2.0, 0.5]]))
    (False, True)
    """
    sums = tf.reduce_sum(tf.cast(outputs, tf.float32), axis=-1)
    return not (np.all(outputs >= 0) and np.allclose(sums, 1, atol=1e-2))


def _has_shape(model: tf.keras.Model) -> bool:
    try:
        return isinstance(model.input_shape, tuple)
    except (AttributeError, RuntimeError):  # a subclassed model has none
        return False


class _StopWhenNotFinite(tf.keras.callbacks.Callback):
    """Raises an error when the loss of a training is not finite."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if not np.isfinite(logs["loss"]):
            raise NonFiniteError(
                f"model {self.model.name!r}: the loss became {logs['loss']} at step "
                f"{batch + 1} of the curriculum; the weights are as they were before. "
                "Normalise the model's activations, or pass a smaller clip, "
                "optimizer=teacher.optimizer(clipnorm=0.05)"
            )


def _expect_finite(model: tf.keras.Model) -> None:
    for variable in model.trainable_variables:
        if not np.all(np.isfinite(variable.numpy())):
            raise NonFiniteError(
                f"model {model.name!r}: {variable.name} is not finite after the last "
                "step; the weights are as they were before"
            )
