"""The Generative Teaching Network as a Keras model (paper, section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from gtn_tf.accuracy import count_correct
from gtn_tf.data import Splits
from gtn_tf.description import describe
from gtn_tf.errors import ArgumentError
from gtn_tf.export import export
from gtn_tf.functional import PureModel
from gtn_tf.inner import (
    LearnedSGD,
    LearnerState,
    Lessons,
    Loss,
    MetaGradient,
    check_unroll,
    choose_unroll,
    graph_rewrites_off,
    judge,
    meta_gradient,
    start,
    train,
)
from gtn_tf.learners import Learners, fresh_weights
from gtn_tf.non_finite import StopWhenNotFinite, apply_if_finite
from gtn_tf.teachers import Teacher

# One stream of seeds for each use, so that none repeats another's draws.
_TRAINING, _VALIDATION, _TEACHING = 0, 1, 2


class GTN(tf.keras.Model):
    """A teacher, meta-trained by gradients through its learners' training.

    One `train_step` is one meta-iteration: a fresh learner of the pool is trained
    on the teacher's batches, judged on a batch of real data, and the gradient of
    that meta-loss through all inner steps changes the teacher and the learning
    rates. `fit` is given the real data.

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
        self.lengthen_every = lengthen_every
        self.learners_per_iteration = learners_per_iteration
        self.max_skipped = max_skipped
        self.seed = seed
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
        self.meta_loss = tf.keras.metrics.Mean("meta_loss")
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
        self, optimizer: Any = "adam", loss: Any = None, metrics: Any = None, **kwargs
    ) -> None:
        """As `tf.keras.Model.compile`.

        Args:
            optimizer: Of the meta-loss.
            loss: Of the learners, in training and as the meta-loss: the mean over a
                batch. Cross-entropy of logits with integer labels by default.
            metrics: Of taught learners on real data; accuracy by default.
            **kwargs: Passed on.
        """
        loss = loss or tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        metrics = ["accuracy"] if metrics is None else metrics
        loss = _mean_over_batch(tf.keras.losses.get(loss))
        super().compile(optimizer, loss, metrics=metrics, **kwargs)

    def fit(
        self, *args: Any, callbacks: Sequence[Any] | None = None, **kwargs: Any
    ) -> tf.keras.callbacks.History:
        """As `tf.keras.Model.fit`; the data is real, for the meta-loss.

        Raises:
            NonFiniteError: After `max_skipped` meta-iterations in a row whose
                meta-loss or meta-gradient was not finite.
        """
        callbacks = [StopWhenNotFinite(), *(callbacks or [])]
        with graph_rewrites_off():
            return super().fit(*args, callbacks=callbacks, **kwargs)

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """As `tf.keras.Model.evaluate`; each batch judges its own fresh learner."""
        with graph_rewrites_off():
            return super().evaluate(*args, **kwargs)

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """One meta-iteration."""
        real = tf.keras.utils.unpack_x_y_sample_weight(data)[:2]
        seed = self._seed(_TRAINING, self.iterations)
        with tf.GradientTape() as tape:
            taught = self._shorten(self._lessons(seed))

        def of_learner(number: tf.Tensor) -> MetaGradient:
            return self._of_a_learner(
                _fold(seed, number),
                lambda one, weights: self._judge_lessons(one, weights, taught, real),
            )

        verdict, logits = self._mean_of_learners(of_learner, taught, real)
        gradients = self._teacher_gradient(tape, taught, verdict)
        self._apply(verdict.meta_loss, gradients)
        return self._report(verdict.meta_loss, real[1], logits)

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Judges one fresh learner of the pool on one batch of real data."""
        images, labels, _ = tf.keras.utils.unpack_x_y_sample_weight(data)
        seed = self._seed(_VALIDATION, self.evaluations)
        self.evaluations.assign_add(1)
        taught = self._shorten(self._lessons(seed))

        def teach(learner: PureModel, weights: list[tf.Tensor]) -> tf.Tensor:
            state = train(learner, self.loss, start(learner, weights), taught)
            return judge(learner, state, images)

        logits = self._of_a_learner(_fold(seed, _replica()), teach)
        return self._report(self.loss(labels, logits), labels, logits[tf.newaxis])

    def meta_gradient(
        self,
        index: int,
        weights: Sequence[tf.Tensor],
        data: tuple[tf.Tensor, tf.Tensor],
        seed: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        """The meta-gradient of one learner, without applying it.

        Args:
            index: Which network of the pool.
            weights: Its first weights, as `fresh_weights` gives them.
            data: Real images `[n, h, w, c]` and labels `[n]` of the meta-loss.
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
        weights = fresh_weights(learner.model, _fold(seed, 1))
        lessons = Lessons(*(one[:steps] for one in self._lessons(seed)))
        return train(learner, self.loss, start(learner, weights), lessons)

    def count_correct(
        self, index: int, state: LearnerState, images: tf.Tensor, labels: tf.Tensor
    ) -> tf.Tensor:
        """Counts the images that a taught learner classifies correctly.

        Args:
            index: Which network of the pool was taught.
            state: What `teach` returned.
            images: `[batch, h, w, c]`.
            labels: `[batch]`.

        Returns:
            Integer scalar.
        """
        return count_correct(judge(self.pool[index], state, images), labels)

    def export(
        self,
        path: str,
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

    def _seed(self, stream: int, number: tf.Tensor) -> tf.Tensor:
        # Integers of any size are welcome as a seed; the generator takes 32 bits.
        base = tf.constant([self.seed % 2**31, stream], tf.int32)
        return _fold(base, tf.cast(number, tf.int32))

    def _lessons(self, seed: tf.Tensor) -> Lessons:
        images, labels = self.teacher.batches(seed)
        return Lessons(images, labels, *self.inner_optimizer.rates())

    def _shorten(self, lessons: Lessons) -> Lessons:
        """The lessons of this meta-iteration, before all steps are in use."""
        if self.initial_steps == self.teacher.steps:
            return lessons
        steps = self.steps_at(self.iterations)
        return Lessons(*(one[:steps] for one in lessons))

    def _of_a_learner(self, seed: tf.Tensor, function: Any) -> Any:
        """Calls `function(learner, weights)` on a random one with fresh weights."""

        def branch(learner: PureModel) -> Any:
            return lambda: function(
                learner, fresh_weights(learner.model, _fold(seed, 1))
            )

        if len(self.pool) == 1:
            return branch(self.pool[0])()
        index = tf.random.stateless_uniform(
            [], _fold(seed, 2), 0, len(self.pool), tf.int32
        )
        return tf.switch_case(index, [branch(learner) for learner in self.pool])

    def _judge_lessons(
        self,
        learner: PureModel,
        weights: Sequence[tf.Tensor],
        lessons: Lessons,
        real: tuple[tf.Tensor, tf.Tensor],
    ) -> MetaGradient:
        return meta_gradient(
            self._unroll,
            learner,
            self.loss,
            start(learner, weights),
            lessons,
            real,
            self.intermediate_every,
            self.truncate_every,
        )

    def _mean_of_learners(
        self, of_learner: Any, lessons: Lessons, real: tuple[tf.Tensor, tf.Tensor]
    ) -> tuple[MetaGradient, tf.Tensor]:
        """Averages over the learners of this replica; logits `[learners, n, k]`."""
        count = self.learners_per_iteration
        first = _replica() * count
        if count == 1:
            verdict = of_learner(first)
            return verdict, verdict.logits[tf.newaxis]
        outputs = tf.zeros([tf.shape(real[1])[0], self.teacher.num_classes])
        scalar = tf.zeros([], lessons.images.dtype)
        taught = lessons.images, lessons.learning_rates, lessons.momenta
        zero = MetaGradient(scalar, outputs, *map(tf.zeros_like, taught))
        logits = tf.TensorArray(outputs.dtype, count)

        def body(
            i: tf.Tensor, total: MetaGradient, logits: tf.TensorArray
        ) -> tuple[tf.Tensor, MetaGradient, tf.TensorArray]:
            one = of_learner(first + i)
            total = MetaGradient(*(a + b for a, b in zip(total, one)))
            return i + 1, total, logits.write(i, one.logits)

        _, total, logits = tf.while_loop(
            lambda i, *_: i < count, body, (0, zero, logits), maximum_iterations=count
        )
        return MetaGradient(*(one / count for one in total)), logits.stack()

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

    def _apply(self, meta_loss: tf.Tensor, gradients: Sequence[tf.Tensor]) -> None:
        """Lets the optimizer act, unless a number is not finite."""
        applied = apply_if_finite(
            self.optimizer, self.trainable_variables, gradients, meta_loss
        )
        skipped = 1 - tf.cast(applied, tf.int64)
        self.skipped.assign_add(skipped)
        self.skipped_in_a_row.assign((self.skipped_in_a_row + 1) * skipped)
        self.iterations.assign_add(1)

    def _report(
        self, meta_loss: tf.Tensor, labels: tf.Tensor, logits: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Counts all learners' answers, `[learners, n, num_classes]`, as one batch."""
        self.meta_loss.update_state(meta_loss)
        learners, num_classes = logits.shape[0], logits.shape[-1]
        self.compiled_metrics.update_state(
            tf.tile(labels, [learners]), tf.reshape(logits, [-1, num_classes])
        )
        results = {metric.name: metric.result() for metric in self.metrics}
        return {**results, "skipped": self.skipped}


def _mean_over_batch(loss: Any) -> Loss:
    """A Keras loss as a function that is allowed in any `tf.distribute` strategy."""
    of_examples = loss.call if isinstance(loss, tf.keras.losses.Loss) else loss
    return lambda labels, logits: tf.reduce_mean(of_examples(labels, logits))


def _fold(seed: tf.Tensor, number: Any) -> tf.Tensor:
    return tf.random.experimental.stateless_fold_in(seed, number)


def _replica() -> tf.Tensor:
    """The number of this copy of the model under `tf.distribute`; 0 without."""
    context = tf.distribute.get_replica_context()
    return tf.cast(context.replica_id_in_sync_group, tf.int32)
