"""The Generative Teaching Network as a Keras model (paper, section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from gtn_tf.export import export
from gtn_tf.functional import PureModel
from gtn_tf.inner import (
    LearnedSGD,
    LearnerState,
    choose_unroll,
    graph_rewrites_off,
    start,
    train,
)
from gtn_tf.inner.step import Lessons
from gtn_tf.learners import Learners, fresh_weights
from gtn_tf.non_finite import StopWhenNotFinite
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
        unroll: `"recompute"`, `"nested_tapes"` or `"auto"`: how the meta-gradient
            is computed. Its value is the same.
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
        unroll: str = "auto",
        max_skipped: int = 10,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if teacher.steps != inner_optimizer.steps:
            raise ValueError(
                "expected as many steps of the inner optimizer as of the teacher, "
                f"{teacher.steps}, received {inner_optimizer.steps}"
            )
        if not 0 <= intermediate_every < teacher.steps:
            raise ValueError(
                "intermediate_every: expected 0 or a number of steps below "
                f"{teacher.steps}, received {intermediate_every}"
            )
        self.teacher = teacher
        self.inner_optimizer = inner_optimizer
        self.intermediate_every = intermediate_every
        self.max_skipped = max_skipped
        self.seed = seed
        self.unroll, self._unroll = choose_unroll(unroll, teacher.steps)
        models = learners.build(teacher.image_shape, teacher.num_classes)
        # As pure functions they are not tracked: a learner lasts one iteration.
        self.pool = tuple(PureModel(model) for model in models)
        self.iterations = self._add_counter("iterations")
        self.skipped = self._add_counter("skipped")
        self.skipped_in_a_row = self._add_counter("skipped_in_a_row")
        self.evaluations = self._add_counter("evaluations")
        self.meta_loss = tf.keras.metrics.Mean("meta_loss")
        self.built = True

    def _add_counter(self, name: str) -> tf.Variable:
        return self.add_weight(
            name, [], tf.int64, initializer="zeros", trainable=False
        )

    def compile(
        self, optimizer: Any = "adam", loss: Any = None, metrics: Any = None, **kwargs
    ) -> None:
        """As `tf.keras.Model.compile`.

        Args:
            optimizer: Of the meta-loss.
            loss: Of the learners, in training and as the meta-loss. Cross-entropy
                of logits with integer labels by default.
            metrics: Of taught learners on real data; accuracy by default.
            **kwargs: Passed on.
        """
        loss = loss or tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        metrics = ["accuracy"] if metrics is None else metrics
        super().compile(
            optimizer, tf.keras.losses.get(loss), metrics=metrics, **kwargs
        )

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
        images, labels, _ = tf.keras.utils.unpack_x_y_sample_weight(data)
        seed = self._seed(_TRAINING, self.iterations)
        with tf.GradientTape() as tape:
            taught = self._lessons(seed)
        meta_loss, logits, upstream = self._of_a_learner(
            seed, lambda one, weights: self._meta_gradient(one, weights, taught, data)
        )
        variables = self.trainable_variables
        lessons = [taught.images, taught.learning_rates, taught.momenta]
        gradients = tape.gradient(
            lessons, variables, upstream, tf.UnconnectedGradients.ZERO
        )
        self._apply(meta_loss, gradients, variables)
        return self._report(meta_loss, labels, logits)

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Judges one fresh learner of the pool on one batch of real data."""
        images, labels, _ = tf.keras.utils.unpack_x_y_sample_weight(data)
        seed = self._seed(_VALIDATION, self.evaluations)
        self.evaluations.assign_add(1)
        taught = self._lessons(seed)

        def judge(learner: PureModel, weights: list[tf.Tensor]) -> tf.Tensor:
            state = train(learner, self.loss, start(learner, weights), taught)
            return self._logits(learner, state, images)

        logits = self._of_a_learner(seed, judge)
        return self._report(self.loss(labels, logits), labels, logits)

    def teach(self, index: int, seed: tf.Tensor) -> LearnerState:
        """Teaches a fresh learner.

        Args:
            index: Which network of the pool.
            seed: Integer scalar; each gives another learner.

        Returns:
            The learner's state after the last step.
        """
        learner = self.pool[index]
        seed = self._seed(_TEACHING, seed)
        weights = fresh_weights(learner.model, _fold(seed, 1))
        return train(
            learner, self.loss, start(learner, weights), self._lessons(seed)
        )

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
        logits = self._logits(self.pool[index], state, images)
        predicted = tf.argmax(logits, axis=-1, output_type=labels.dtype)
        return tf.math.count_nonzero(predicted == labels)

    def export(self, path: str) -> None:
        """Writes the teacher as a SavedModel that needs only TensorFlow.

        Args:
            path: Folder to write, such as `"runs/digits/export/1"`.

        Raises:
            ValueError: If the teacher has nothing of its own to export.
        """
        export(self.teacher, self.inner_optimizer, path)

    def _seed(self, stream: int, number: tf.Tensor) -> tf.Tensor:
        # Integers of any size are welcome as a seed; the generator takes 32 bits.
        base = tf.constant([self.seed % 2**31, stream], tf.int32)
        return _fold(base, tf.cast(number, tf.int32))

    def _lessons(self, seed: tf.Tensor) -> Lessons:
        images, labels = self.teacher.batches(_fold(seed, 0))
        return Lessons(images, labels, *self.inner_optimizer.rates())

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

    def _meta_gradient(
        self,
        learner: PureModel,
        weights: list[tf.Tensor],
        taught: Lessons,
        real: tuple[tf.Tensor, tf.Tensor],
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        """The last meta-loss, the logits, and the gradient by what was taught."""
        images, labels = real
        inputs = [taught.images, taught.learning_rates, taught.momenta]
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            state, intermediate = self._unroll(
                learner,
                self.loss,
                start(learner, weights),
                taught,
                real,
                self.intermediate_every,
            )
            logits = self._logits(learner, state, images)
            meta_loss = self.loss(labels, logits)
            objective = meta_loss + intermediate
        return meta_loss, logits, tape.gradient(objective, inputs)

    def _logits(
        self, learner: PureModel, state: LearnerState, images: tf.Tensor
    ) -> tf.Tensor:
        logits, _ = learner(state.weights, state.statistics, images, training=False)
        return logits

    def _apply(
        self,
        meta_loss: tf.Tensor,
        gradients: Sequence[tf.Tensor],
        variables: Sequence[tf.Variable],
    ) -> None:
        """Lets the optimizer act, unless a number is not finite."""
        with tf.init_scope():
            self.optimizer.build(variables)  # variables cannot be made in a branch
        finite = tf.math.is_finite(meta_loss + tf.linalg.global_norm(gradients))

        def apply() -> tf.Tensor:
            self.optimizer.apply_gradients(zip(gradients, variables))
            return self.skipped_in_a_row.assign(0)

        def skip() -> tf.Tensor:
            self.skipped.assign_add(1)
            return self.skipped_in_a_row.assign_add(1)

        tf.cond(finite, apply, skip)
        self.iterations.assign_add(1)

    def _report(
        self, meta_loss: tf.Tensor, labels: tf.Tensor, logits: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        self.meta_loss.update_state(meta_loss)
        self.compiled_metrics.update_state(labels, logits)
        results = {metric.name: metric.result() for metric in self.metrics}
        return {**results, "skipped": self.skipped}


def _fold(seed: tf.Tensor, number: Any) -> tf.Tensor:
    return tf.random.experimental.stateless_fold_in(seed, number)
