"""The Generative Teaching Network as a Keras model (paper, section 3)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from gtn_tf import optimizers
from gtn_tf.accuracy import count_correct
from gtn_tf.callbacks import as_list
from gtn_tf.data import Splits
from gtn_tf.description import describe
from gtn_tf.errors import ArgumentError
from gtn_tf.export import export
from gtn_tf.functional import PureModel
from gtn_tf.inner import (
    LearnedSGD,
    LearnerState,
    Lessons,
    MetaGradient,
    Real,
    check_unroll,
    choose_unroll,
    graph_rewrites_off,
    judge,
    meta_gradient,
    start,
    train,
)
from gtn_tf.labels import AnyLabels, accuracy, expect_labels
from gtn_tf.learners import Learners, fresh_weights
from gtn_tf.learners.pool import fold, mean_over, with_random_learner
from gtn_tf.non_finite import (
    DataWatch,
    MeanOrNaN,
    StopWhenNotFinite,
    apply_if_finite,
)
from gtn_tf.precision import expect_full_precision
from gtn_tf.shapes import with_channels
from gtn_tf.teachers import Teacher

# One stream of seeds for each use, so that none repeats another's draws.
_TRAINING, _VALIDATION, _TEACHING = 0, 1, 2


@tf.keras.utils.register_keras_serializable("gtn_tf")
class GTN(tf.keras.Model):
    """A teacher, meta-trained by gradients through its learners' training.

    One `train_step` is one meta-iteration: a fresh learner of the pool is trained
    on the teacher's batches, judged on a batch of real data, and the gradient of
    that meta-loss through all inner steps changes the teacher and the learning
    rates. `fit` is given the real data, with labels as integers, one-hot or soft, and
    weights, if examples count unequally.

    `gtn.save("gtn.keras")` keeps it for more meta-training, `export` for use.

    Args:
        teacher: What feeds the learners.
        learners: The distribution that learners are drawn from.
        inner_optimizer: The learners' optimizer, itself learned.
        intermediate_every: Inner steps between intermediate meta-losses, which are
            added to the last one; 0 for none.
        truncate_every: Inner steps that the meta-gradient goes back through; 0 for
            all. A truncated unroll has a meta-loss after each so many steps.
        initial_steps: Inner steps of the first meta-iteration, which later ones
            lengthen up to the teacher's; 0 for all of them from the start.
        lengthen_every: Meta-iterations after which an inner step is added.
        learners_per_iteration: Learners whose meta-gradients are averaged. They are
            taught the same lessons and judged on the same real data. Under a
            `tf.distribute` strategy, each replica teaches so many, on its part of
            the data.
        unroll: `"keep"`, `"recompute"`, `"nested_tapes"` or `"auto"`: how the
            meta-gradient is computed. Its value is the same; `"keep"` is faster,
            `"recompute"` leaner, and `"auto"` picks by the memory needed.
        max_skipped: Meta-iterations in a row with a non-finite meta-loss or
            meta-gradient after which `fit` stops. Each of them is skipped.
        seed: Integer that all fresh learners are drawn from.
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
        inner_optimizer: LearnedSGD,
        intermediate_every: int = 0,
        truncate_every: int = 0,
        initial_steps: int = 0,
        lengthen_every: int = 5,
        learners_per_iteration: int = 1,
        unroll: str = "auto",
        max_skipped: int = 10,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        expect_full_precision()
        super().__init__(**kwargs)
        if teacher.steps != inner_optimizer.steps:
            raise ArgumentError(
                "expected as many steps of the inner optimizer as of the teacher, "
                f"{teacher.steps}, received {inner_optimizer.steps}"
            )
        check_unroll(
            teacher.steps,
            intermediate_every,
            truncate_every,
            initial_steps,
            lengthen_every,
        )
        if learners_per_iteration < 1:
            raise ArgumentError(
                "learners_per_iteration: expected at least 1, "
                f"received {learners_per_iteration}"
            )
        self.teacher = teacher
        self.learners = learners
        self.inner_optimizer = inner_optimizer
        self.intermediate_every = intermediate_every
        self.truncate_every = truncate_every
        self.initial_steps = initial_steps or teacher.steps
        self._asked_initial_steps = initial_steps
        self.lengthen_every = lengthen_every
        self.learners_per_iteration = learners_per_iteration
        self.max_skipped = max_skipped
        self.seed = seed
        self._asked_unroll = unroll
        models = learners.build(teacher.image_shape, teacher.num_classes)
        # As pure functions they are not tracked: a learner lasts one iteration.
        self.pool = tuple(PureModel(model) for model in models)
        self.unroll, self._unroll = choose_unroll(
            unroll,
            self.pool,
            truncate_every or teacher.steps,
            teacher.batch_size,
            lengthens=self.initial_steps < teacher.steps,
        )
        self.iterations = self._add_counter("iterations")
        self.skipped = self._add_counter("skipped")
        self.skipped_in_a_row = self._add_counter("skipped_in_a_row")
        self.evaluations = self._add_counter("evaluations")
        self.meta_loss = MeanOrNaN("meta_loss")
        self._data_watch = DataWatch()
        self.built = True

    def _add_counter(self, name: str) -> tf.Variable:
        return self.add_weight(
            name,
            [],
            tf.int64,
            initializer="zeros",
            trainable=False,
            # All replicas count the same.
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )

    def compile(
        self,
        optimizer: Any = "adam",
        loss: Any = None,
        metrics: Any = None,
        **kwargs: Any,
    ) -> None:
        """As `tf.keras.Model.compile`.

        Args:
            optimizer: Of the meta-loss.
            loss: Of the learners, in training and as the meta-loss: the mean over a
                batch. Cross-entropy of logits by default.
            metrics: Of taught learners on real data; accuracy by default.
            **kwargs: Passed on.
        """
        loss = loss if isinstance(loss, AnyLabels) else AnyLabels(loss)
        metrics = [accuracy] if metrics is None else metrics
        self.mean_loss = loss.mean
        super().compile(optimizer, loss, metrics=metrics, **kwargs)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles as a saved model was compiled; Keras calls it."""
        self.compile(**tf.keras.saving.deserialize_keras_object(config))
        optimizers.build(self.optimizer, self.trainable_variables)

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
        """As `tf.keras.Model.fit`; the data is real, for the meta-loss.

        Raises:
            ArgumentError: If images or labels do not fit the teacher.
            NonFiniteError: After `max_skipped` meta-iterations in a row whose
                meta-loss or meta-gradient was not finite.
        """
        self._expect_to_fit(x, y)
        callbacks = [StopWhenNotFinite(self._data_watch), *as_list(callbacks)]
        with graph_rewrites_off():
            return super().fit(x, y, batch_size, epochs, verbose, callbacks, **kwargs)

    def evaluate(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """As `tf.keras.Model.evaluate`; each batch judges its own fresh learner."""
        self._expect_to_fit(x, y)
        with graph_rewrites_off():
            return super().evaluate(x, y, *args, **kwargs)

    def predict(self, *args: Any, **kwargs: Any) -> Any:
        """As `tf.keras.Model.predict`: what a freshly taught learner says, as logits.

        It is the same learner for all images, taught anew for each batch of them.
        """
        with graph_rewrites_off():
            return super().predict(*args, **kwargs)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The logits `[n, num_classes]` of a freshly taught learner.

        Args:
            inputs: Images `[n, h, w, c]`.
            training: Without a meaning: the learner is always judged.
        """
        images = with_channels(inputs, self.teacher.image_shape)
        return judge(self.pool[0], self.teach(0, tf.constant(0)), images)

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """One meta-iteration."""
        real = self._real(data)
        self._data_watch.look(real)
        seed = self._seed(_TRAINING, self.iterations)
        with tf.GradientTape() as tape:
            taught = self._shorten(self._lessons(seed))

        def of_learner(number: tf.Tensor) -> MetaGradient:
            return with_random_learner(
                self.pool,
                fold(seed, number),
                lambda one, weights: self._judge_lessons(one, weights, taught, real),
            )

        verdict, logits = self._mean_of_learners(of_learner, taught, real)
        gradients = self._teacher_gradient(tape, taught, verdict)
        applied = self._apply(verdict.meta_loss, gradients)
        meta_loss = tf.where(applied, verdict.meta_loss, 0.0)
        self.meta_loss.update_state(meta_loss, tf.cast(applied, tf.float32))
        return self._report(real, logits, applied)

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Judges one fresh learner of the pool on one batch of real data."""
        real = self._real(data)
        seed = self._seed(_VALIDATION, self.evaluations)
        self.evaluations.assign_add(1)
        taught = self._shorten(self._lessons(seed))

        def teach(learner: PureModel, weights: list[tf.Tensor]) -> tf.Tensor:
            state = train(learner, self.mean_loss, start(learner, weights), taught)
            return judge(learner, state, real[0])

        logits = with_random_learner(self.pool, fold(seed, _replica()), teach)
        self.meta_loss.update_state(self.mean_loss(real[1], logits, *real[2:]))
        return self._report(real, logits[tf.newaxis])

    def meta_gradient(
        self,
        index: int,
        weights: Sequence[tf.Tensor],
        data: Real,
        seed: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        """The meta-gradient of one learner, without applying it.

        Args:
            index: Which network of the pool.
            weights: Its first weights, as `fresh_weights` gives them.
            data: Real images `[n, h, w, c]` and labels `[n]` of the meta-loss, and
                weights `[n]` if they count unequally.
            seed: int32 `[2]`, of what is random in the lessons.

        Returns:
            The last meta-loss, its logits `[n, num_classes]`, and one gradient for
            each of `trainable_variables`.
        """
        with tf.GradientTape() as tape:
            taught = self._lessons(seed)
        verdict = self._judge_lessons(self.pool[index], weights, taught, data)
        gradients = self._teacher_gradient(tape, taught, verdict)
        return verdict.meta_loss, verdict.logits, gradients

    def steps_at(self, iteration: tf.Tensor) -> tf.Tensor:
        """The inner steps of a meta-iteration.

        Args:
            iteration: Integer scalar, counted from 0.

        Returns:
            int32 scalar: `initial_steps` at first and `teacher.steps` in the end.
        """
        steps = self.initial_steps + iteration // self.lengthen_every
        return tf.cast(tf.minimum(steps, self.teacher.steps), tf.int32)

    def teach(
        self, index: int, seed: tf.Tensor, steps: tf.Tensor | None = None
    ) -> LearnerState:
        """Teaches a fresh learner.

        Args:
            index: Which network of the pool.
            seed: Integer scalar; each gives another learner.
            steps: Inner steps, an integer scalar; all of the teacher's by default.

        Returns:
            The learner's state after the last of these steps.
        """
        learner = self.pool[index]
        seed = self._seed(_TEACHING, seed)
        weights = fresh_weights(learner.model, fold(seed, 1))
        lessons = Lessons(*(one[:steps] for one in self._lessons(seed)))
        return train(learner, self.mean_loss, start(learner, weights), lessons)

    def count_correct(
        self, index: int, state: LearnerState, images: tf.Tensor, labels: tf.Tensor
    ) -> tf.Tensor:
        """Counts the images that a taught learner classifies correctly.

        Args:
            index: Which network of the pool was taught.
            state: What `teach` returned.
            images: `[batch, h, w, c]`.
            labels: `[batch]`, or one-hot.

        Returns:
            Integer scalar.
        """
        return count_correct(judge(self.pool[index], state, images), labels)

    def export(
        self,
        path: str | os.PathLike[str],
        splits: Splits | None = None,
        accuracy: dict[str, Any] | None = None,
    ) -> None:
        """Writes the teacher as a SavedModel that needs only TensorFlow.

        Args:
            path: Folder to write, such as `"runs/digits/export/1"`.
            splits: The data that it was trained on. The export then knows the
                classes' names and how images are normalised.
            accuracy: What was measured of it, for the export to tell: anything that
                JSON can hold.

        Raises:
            ValueError: If the teacher has nothing of its own to export.
        """
        parts = self.teacher, self.inner_optimizer
        export(*parts, describe(*parts, self.learners, splits, accuracy), path)

    def _expect_to_fit(self, x: Any, y: Any) -> None:
        """Tells what is wrong with the data before a trace, if that can be seen."""
        if isinstance(x, tf.data.Dataset):
            x, y, *_ = tf.keras.utils.unpack_x_y_sample_weight(x.element_spec)
        elif not hasattr(x, "shape"):  # a generator, or another of Keras' inputs
            return
        with_channels(x, self.teacher.image_shape)
        expect_labels(y, self.teacher.num_classes)

    def _real(self, data: Any) -> Real:
        """Images, labels and perhaps weights, of what Keras gives a step."""
        images, labels, weights = tf.keras.utils.unpack_x_y_sample_weight(data)
        real = with_channels(images, self.teacher.image_shape), labels
        return real if weights is None else (*real, weights)

    def _seed(self, stream: int, number: tf.Tensor) -> tf.Tensor:
        # Integers of any size are welcome as a seed; the generator takes 32 bits.
        base = tf.constant([self.seed % 2**31, stream], tf.int32)
        return fold(base, tf.cast(number, tf.int32))

    def _lessons(self, seed: tf.Tensor) -> Lessons:
        images, labels = self.teacher.batches(seed)
        return Lessons(images, labels, *self.inner_optimizer.rates())

    def _shorten(self, lessons: Lessons) -> Lessons:
        """The lessons of this meta-iteration, before all steps are in use."""
        if self.initial_steps == self.teacher.steps:
            return lessons
        steps = self.steps_at(self.iterations)
        return Lessons(*(one[:steps] for one in lessons))

    def _judge_lessons(
        self,
        learner: PureModel,
        weights: Sequence[tf.Tensor],
        lessons: Lessons,
        real: Real,
    ) -> MetaGradient:
        return meta_gradient(
            self._unroll,
            learner,
            self.mean_loss,
            start(learner, weights),
            lessons,
            real,
            self.intermediate_every,
            self.truncate_every,
        )

    def _mean_of_learners(
        self, of_learner: Any, lessons: Lessons, real: Real
    ) -> tuple[MetaGradient, tf.Tensor]:
        """Averages over the learners of this replica; logits `[learners, n, k]`."""
        count = self.learners_per_iteration
        first = _replica() * count
        if count == 1:
            verdict = of_learner(first)
            return verdict, verdict.logits[tf.newaxis]
        logits = tf.zeros([tf.shape(real[1])[0], self.teacher.num_classes])
        taught = lessons.images, lessons.learning_rates, lessons.momenta
        zero = tf.zeros([], lessons.images.dtype)
        zeros = MetaGradient(zero, logits, *map(tf.zeros_like, taught))
        return mean_over(count, lambda i: of_learner(first + i), zeros)

    def _teacher_gradient(
        self, tape: tf.GradientTape, taught: Lessons, verdict: MetaGradient
    ) -> list[tf.Tensor]:
        """From the gradient by the lessons to that by the trainable variables."""
        return tape.gradient(
            [taught.images, taught.learning_rates, taught.momenta],
            self.trainable_variables,
            [verdict.of_images, verdict.of_learning_rates, verdict.of_momenta],
            tf.UnconnectedGradients.ZERO,
        )

    def _apply(self, meta_loss: tf.Tensor, gradients: Sequence[tf.Tensor]) -> tf.Tensor:
        """Lets the optimizer act if all is finite; tells whether it did."""
        applied = apply_if_finite(
            self.optimizer, self.trainable_variables, gradients, meta_loss
        )
        skipped = 1 - tf.cast(applied, tf.int64)
        self.skipped.assign_add(skipped)
        self.skipped_in_a_row.assign((self.skipped_in_a_row + 1) * skipped)
        self.iterations.assign_add(1)
        return applied

    def _report(
        self, real: Real, logits: tf.Tensor, counts: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        """Counts all learners' answers, `[learners, n, num_classes]`, as one batch.

        Those of a meta-iteration that was skipped do not count.
        """
        learners = logits.shape[0]
        logits = tf.reshape(logits, [-1, logits.shape[-1]])
        labels, *weights = (tf.repeat(one[tf.newaxis], learners, 0) for one in real[1:])
        answers = [tf.reshape(one, [-1, *one.shape[2:]]) for one in (labels, *weights)]
        if counts is not None:
            rows = tf.where(counts, tf.shape(logits)[0], 0)
            logits, answers = logits[:rows], [one[:rows] for one in answers]
        self.compiled_metrics.update_state(answers[0], logits, *answers[1:])
        results = {metric.name: metric.result() for metric in self.metrics}
        return {**results, "skipped": self.skipped}

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "teacher": tf.keras.saving.serialize_keras_object(self.teacher),
            "learners": self.learners.get_config(),
            "inner_optimizer": tf.keras.saving.serialize_keras_object(
                self.inner_optimizer
            ),
            "intermediate_every": self.intermediate_every,
            "truncate_every": self.truncate_every,
            "initial_steps": self._asked_initial_steps,
            "lengthen_every": self.lengthen_every,
            "learners_per_iteration": self.learners_per_iteration,
            "unroll": self._asked_unroll,
            "max_skipped": self.max_skipped,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> GTN:
        with tf.keras.saving.custom_object_scope(custom_objects or {}):
            parts = tf.keras.saving.deserialize_keras_object(config)
        return cls(**{**parts, "learners": Learners.from_config(parts["learners"])})

    def save(
        self,
        filepath: Any,
        overwrite: bool = True,
        save_format: Any = None,
        **kwargs: Any,
    ) -> None:
        """As `tf.keras.Model.save`, in Keras' own format.

        Args:
            filepath: Of a `.keras` file.
            overwrite: As for Keras.
            save_format: `"keras"`, if anything.
            **kwargs: Passed on.

        Raises:
            ArgumentError: If it is another format, or if the teacher cannot be saved.
        """
        path = os.path.expanduser(os.fspath(filepath))
        if save_format not in (None, "keras") or not path.endswith(".keras"):
            raise ArgumentError(
                f"{path}: expected a name that ends with .keras; gtn.export(folder) "
                "writes the teacher as a SavedModel to serve, gtn.save_weights(path) "
                "the weights alone"
            )
        super().save(path, overwrite, save_format, **kwargs)


def _replica() -> tf.Tensor:
    """The number of this copy of the model under `tf.distribute`; 0 without."""
    context = tf.distribute.get_replica_context()
    return tf.cast(context.replica_id_in_sync_group, tf.int32)
