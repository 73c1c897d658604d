"""The Generative Teaching Network as a Keras model (paper, section 3)."""

from __future__ import annotations

import os
from typing import Any

import tensorflow as tf

from gtn_tf.callbacks import as_list
from gtn_tf.counters import add_counter, count_skipped
from gtn_tf.data import Augmentation, Splits
from gtn_tf.first_trace import make_variables
from gtn_tf.inner import (
    Estimator,
    FullUnroll,
    InnerOptimizer,
    Real,
    choose_unroll,
    graph_rewrites_off,
    logits_of,
)
from gtn_tf.keras_data import expect_data, labels_of, unpack
from gtn_tf.keras_file import KerasFile
from gtn_tf.labels import AnyLabels, accuracy
from gtn_tf.learners import Learners
from gtn_tf.learners.pool import LearnerPool
from gtn_tf.meta_iteration import MetaIteration, expect_fitting_parts
from gtn_tf.metrics import MeanOrNaN, as_one_batch
from gtn_tf.non_finite import DataWatch, StopWhenNotFinite, apply_if_finite
from gtn_tf.persistent_learners import persistent_learners
from gtn_tf.precision import expect_full_precision
from gtn_tf.relative_clip import RelativeClip
from gtn_tf.shapes import with_channels
from gtn_tf.teachers import Teacher
from gtn_tf.teaching.description import describe
from gtn_tf.teaching.export import export


@tf.keras.utils.register_keras_serializable("gtn_tf")
class GTN(KerasFile):
    """A teacher, meta-trained by gradients through its learners' training.

    `train_step` is one meta-iteration: it trains a fresh learner on the teacher's
    batches, tests it on a batch of real data, and updates the teacher and the
    hyperparameters of the inner optimizer with the gradient of that meta-loss through
    all inner steps. `fit` takes the real data, with labels as integers, one-hot or
    soft, and sample weights, if any.

    `gtn.save("gtn.keras")` saves it for more meta-training, `export` for use.

    Args:
        teacher: What feeds the learners.
        learners: The distribution that learners are drawn from.
        inner_optimizer: The learners' optimizer, itself learned.
        estimator: Estimates the meta-gradient: `FullUnroll`, one through a part of
            the inner steps, or `KernelRidge`, through none.
        learners_per_iteration: Learners whose meta-gradients are averaged, trained on
            the same batches and tested on the same real data. Under a `tf.distribute`
            strategy, each replica trains this many, on its part of the data.
        unroll: How the meta-gradient is computed; its value is the same. `"keep"` is
            fast, `"recompute"` needs less memory, `"auto"` picks by the memory needed,
            and `"nested_tapes"` is the reference.
        relative_clip: Largest norm of a meta-gradient, as a multiple of the moving
            average of the norms before it, with a decay of 0.9; 0 for any.
        max_skipped: `fit` stops after this many meta-iterations in a row with a
            non-finite meta-loss or meta-gradient. Each of them is skipped.
        seed: Integer of any size, of all fresh learners.
        augmentation: Of the lessons, whenever a learner is taught, and of the real
            batches of `fit`; none by default. Validation and test images are never
            augmented.
        **kwargs: Passed to `tf.keras.Model`.

    Raises:
        ValueError: If the parts do not fit each other.

    Example:

    >>> import gtn_tf
    >>> digits = gtn_tf.data.load("digits", batch_size=32)
    >>> generator = gtn_tf.Generator(digits.image_shape, digits.num_classes)
    >>> gtn = gtn_tf.GTN(
    ...     gtn_tf.teachers.FullCurriculum(generator, steps=2, batch_size=10),
    ...     gtn_tf.learners.ConvLearners(filters=[4], units=[]),
    ...     gtn_tf.LearnedSGD(learning_rate=0.1, momentum=0.5, steps=2),
    ... )
    >>> gtn.compile(optimizer=tf.keras.optimizers.Adam(1e-2))
    >>> history = gtn.fit(digits.train, steps_per_epoch=2, verbose=0)
    >>> sorted(history.history)
    ['accuracy', 'meta_loss', 'skipped']
    """

    def __init__(
        self,
        teacher: Teacher,
        learners: Learners,
        inner_optimizer: InnerOptimizer,
        estimator: Estimator = FullUnroll(),  # noqa: B008 (it has no state)
        learners_per_iteration: int = 1,
        unroll: str = "auto",
        relative_clip: float = 0.0,
        max_skipped: int = 10,
        seed: int = 0,
        augmentation: Augmentation = Augmentation(),  # noqa: B008 (likewise)
        **kwargs: Any,
    ) -> None:
        expect_full_precision()
        super().__init__(**kwargs)
        parts = teacher, inner_optimizer, estimator, unroll
        expect_fitting_parts(*parts, learners_per_iteration)
        augmentation.check(teacher.image_shape)
        self.teacher = teacher
        self.learners = learners
        self.inner_optimizer = inner_optimizer
        self.estimator = estimator
        self.learners_per_iteration = learners_per_iteration
        self.relative_clip = relative_clip
        self.max_skipped = max_skipped
        self.seed = seed
        self.augmentation = augmentation
        self._asked_unroll = unroll
        shapes = teacher.image_shape, teacher.num_classes
        self.pool = LearnerPool(learners, *shapes, seed)
        self.persistent = persistent_learners(
            estimator, self.pool, inner_optimizer, learners_per_iteration
        )
        for network in self.pool:
            estimator.check_network(network, teacher.image_shape)
        window = estimator.window_of(teacher.steps)
        self.unroll, self._unroll = choose_unroll(
            unroll, self.pool, window, teacher.batch_size, estimator.lengthens
        )
        self.iterations = add_counter(self, "iterations")
        self.skipped = add_counter(self, "skipped")
        self.skipped_in_a_row = add_counter(self, "skipped_in_a_row")
        self.evaluations = add_counter(self, "evaluations")
        self.meta_loss = MeanOrNaN("meta_loss")
        self.clip = RelativeClip(relative_clip) if relative_clip else None
        self._data_watch = DataWatch()
        self.distribute_reduction_method = "first"  # all replicas report the same
        self.built = True

    def compile(
        self,
        optimizer: Any = "adam",
        loss: Any = None,
        metrics: Any = None,
        **kwargs: Any,
    ) -> None:
        """As `tf.keras.Model.compile`.

        Args:
            optimizer: Minimises the meta-loss.
            loss: The learners' loss and the meta-loss, as the mean over a batch;
                cross-entropy of logits by default.
            metrics: Metrics of taught learners on real data; accuracy by default.
            **kwargs: Passed on.
        """
        loss = loss if isinstance(loss, AnyLabels) else AnyLabels(loss)
        metrics = [accuracy] if metrics is None else metrics
        self.meta = MetaIteration(
            self.teacher,
            self.inner_optimizer,
            self.pool,
            self.estimator,
            self._unroll,
            loss.mean,
            persistent=self.persistent,
            augmentation=self.augmentation,
        )
        super().compile(optimizer, loss, metrics=metrics, **kwargs)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        **kwargs: Any,
    ) -> tf.keras.callbacks.History:
        """As `tf.keras.Model.fit`, on the real data of the meta-loss.

        Raises:
            ArgumentError: If images or labels do not fit the teacher.
            NonFiniteError: After `max_skipped` meta-iterations in a row whose
                meta-loss or meta-gradient was not finite.
        """
        expect_data(x, y, self.teacher.image_shape, self.teacher.num_classes)
        labels = labels_of(x, y)
        if labels is not None:
            outputs = tf.TensorSpec([None, self.teacher.num_classes])
            make_variables(self, outputs, labels)
        callbacks = [StopWhenNotFinite(self._data_watch), *as_list(callbacks)]
        with graph_rewrites_off():
            return super().fit(x, y, batch_size, epochs, verbose, callbacks, **kwargs)

    def evaluate(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """As `tf.keras.Model.evaluate`; each batch tests its own fresh learner."""
        expect_data(x, y, self.teacher.image_shape, self.teacher.num_classes)
        with graph_rewrites_off():
            return super().evaluate(x, y, *args, **kwargs)

    def predict(self, *args: Any, **kwargs: Any) -> Any:
        """As `tf.keras.Model.predict`: the logits of a freshly taught learner.

        All batches of images get the same learner, taught again for each.
        """
        with graph_rewrites_off():
            return super().predict(*args, **kwargs)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The logits `[n, num_classes]` of a freshly taught learner.

        Args:
            inputs: Images `[n, h, w, c]`.
            training: Ignored; the learner is in inference mode.
        """
        images = with_channels(inputs, self.teacher.image_shape)
        number = tf.constant(0)
        learner = self.meta.taught_network(0, number)
        return logits_of(learner, self.meta.teach(0, number), images)

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """One meta-iteration."""
        real = unpack(data, self.teacher.image_shape)
        self._data_watch.look(real)
        variables = self.trainable_variables
        meta_loss, logits, gradients = self.meta.mean_gradient(
            self.iterations, self.learners_per_iteration, real, variables
        )
        applied = apply_if_finite(
            self.optimizer, variables, gradients, meta_loss, self.clip
        )
        count_skipped(applied, self.skipped, self.skipped_in_a_row)
        self.iterations.assign_add(1)
        meta_loss = tf.where(applied, meta_loss, 0.0)
        self.meta_loss.update_state(meta_loss, tf.cast(applied, tf.float32))
        return self._report(real, logits, applied)

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Tests one fresh learner of the pool on one batch of real data."""
        real = unpack(data, self.teacher.image_shape)
        logits = self.meta.validation_logits(self.evaluations, self.iterations, real[0])
        self.evaluations.assign_add(self.distribute_strategy.num_replicas_in_sync)
        self.meta_loss.update_state(self.meta.loss(real[1], logits, *real[2:]))
        return self._report(real, logits[tf.newaxis])

    def export(
        self,
        path: str | os.PathLike[str],
        splits: Splits | None = None,
        accuracy: dict[str, Any] | None = None,
    ) -> None:
        """Writes the teacher as a SavedModel that needs only TensorFlow.

        Args:
            path: Folder to write, such as `"runs/digits/export/1"`.
            splits: The data that it was trained on, for the names of the classes and
                the normalisation of images.
            accuracy: Measured results for the description: anything that JSON can hold.

        Raises:
            ValueError: If the teacher has nothing of its own to export.
        """
        parts = self.teacher, self.inner_optimizer
        about = describe(*parts, self.learners, splits, accuracy, self.augmentation)
        export(*parts, about, path)

    def _report(
        self, real: Real, logits: tf.Tensor, counts: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        """Updates the metrics with all logits, `[learners, n, num_classes]`.

        Those of a skipped meta-iteration do not count.
        """
        logits, (labels, *weights) = as_one_batch(logits, real[1:], counts)
        self.compiled_metrics.update_state(labels, logits, *weights)
        results = {metric.name: metric.result() for metric in self.metrics}
        return {**results, "skipped": self.skipped}
