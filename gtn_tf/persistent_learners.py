"""Learners that live on between meta-iterations: their state, saved with the model."""

from __future__ import annotations

import math

import tensorflow as tf

from gtn_tf.errors import ArgumentError
from gtn_tf.functional import PureModel
from gtn_tf.inner import (
    Estimator,
    InnerLoop,
    InnerOptimizer,
    LearnerState,
    PersistentEstimator,
    init_state,
)
from gtn_tf.learners.pool import TRAINING, WINDOW, LearnerPool, fold


class PersistentLearners(tf.keras.layers.Layer):
    """The state of learners that are taught some inner steps at a time.

    Meta-iterations take turns with them. A learner's network, fresh weights and batches
    are those of a fresh learner of the meta-iteration that it was born in; what is kept
    beside that number are its age, weights, optimizer state and moving statistics.

    Args:
        estimator: How many learners are alive, and the steps of their turns.
        pool: The networks, each of its own architecture.
        optimizer: The learners'.
        per_iteration: Learners that are taught in one meta-iteration, all of one age.

    Raises:
        ArgumentError: If learners cannot be kept: they differ in size with each draw,
            or would differ from replica to replica.

    Example:

    >>> from gtn_tf.learners import MLPLearners
    >>> from gtn_tf.inner import LearnedSGD, PersistentWindow
    >>> pool = LearnerPool(MLPLearners(units=[4]), (2, 2, 1), num_classes=3, seed=0)
    >>> estimator = PersistentWindow(window=2, persistent_learners=5)
    >>> learners = PersistentLearners(estimator, pool, LearnedSGD(steps=6), 1)
    >>> born, age = learners.at(tf.constant(7, tf.int64))
    >>> int(born), int(age)
    (7, 0)
    """

    def __init__(
        self,
        estimator: PersistentEstimator,
        pool: LearnerPool,
        optimizer: InnerOptimizer,
        per_iteration: int,
    ) -> None:
        super().__init__(name="persistent_learners", trainable=False)
        _expect_one_replica(estimator)
        self.estimator = estimator
        self.pool = pool
        self.steps = optimizer.steps
        self.per_iteration = per_iteration
        networks = _of_known_size(pool, estimator)
        sizes = [_numbers(_state_of(network, optimizer)) for network in networks]
        count = estimator.persistent_learners
        # One row each, flat: networks of a pool differ in size.
        self.states = self._add("states", [count * per_iteration, max(sizes)])
        self.ages = self._add("ages", [count], tf.int32)  # inner steps taken
        self.born = self._add("born", [count], tf.int64)  # in this meta-iteration
        self.built = True

    def _add(
        self, name: str, shape: list[int], dtype: tf.DType | None = None
    ) -> tf.Variable:
        return self.add_weight(name, shape, dtype, "zeros", trainable=False)

    def at(self, iteration: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The learners whose turn it is.

        Args:
            iteration: Integer scalar, counted from 0.

        Returns:
            The meta-iteration that they were born in, and the inner steps that they
            have taken.
        """
        turn = self._turn(iteration)
        age, born = tf.gather(self.ages, turn), tf.gather(self.born, turn)
        return tf.where(age == 0, tf.cast(iteration, tf.int64), born), age

    def state(
        self, iteration: tf.Tensor, number: tf.Tensor, fresh: LearnerState
    ) -> LearnerState:
        """The state of one of them.

        Args:
            iteration: As for `at`.
            number: Which of the meta-iteration's learners, from 0.
            fresh: Its state if it is yet to take its first step.
        """
        leaves = tf.nest.flatten(fresh)
        row = tf.gather(self.states, self._row(iteration, number))
        parts = tf.split(row[: _numbers(fresh)], [_size(one) for one in leaves])
        _, age = self.at(iteration)
        kept = [
            tf.where(age == 0, leaf, tf.reshape(part, leaf.shape))
            for leaf, part in zip(leaves, parts)
        ]
        return tf.nest.pack_sequence_as(fresh, kept)

    def keep(
        self, iteration: tf.Tensor, number: tf.Tensor, state: LearnerState
    ) -> None:
        """Keeps the state of one of them after its turn.

        Args:
            iteration: As for `at`.
            number: As for `state`.
            state: After the turn.
        """
        flat = tf.concat([tf.reshape(x, [-1]) for x in tf.nest.flatten(state)], 0)
        row = tf.pad(flat, [[0, self.states.shape[1] - _numbers(state)]])
        where = [[self._row(iteration, number)]]
        self.states.scatter_nd_update(where, row[tf.newaxis])

    def grow_older(self, iteration: tf.Tensor, finite: tf.Tensor) -> None:
        """Ends a meta-iteration; the learners' lives, too, if they are over.

        Args:
            iteration: As for `at`.
            finite: Whether the meta-loss was, a bool scalar: learners that have
                diverged make way for fresh ones.
        """
        born, age = self.at(iteration)
        age += self.estimator.steps_of_turn
        lives = finite & (age < self._last_age(born))
        where = [[self._turn(iteration)]]
        self.ages.scatter_nd_update(where, [tf.where(lives, age, 0)])
        self.born.scatter_nd_update(where, [born])

    def _last_age(self, born: tf.Tensor) -> tf.Tensor:
        """The steps of a life: all, or, of the first learners, a random part of them.

        Each of the first ones draws from its own share of the range, so that from then
        on their ages are spread over it.
        """
        turn, count = self.estimator.steps_of_turn, self.estimator.persistent_learners
        seed = fold(self.pool.seed(TRAINING, born), WINDOW)
        place = tf.cast(born, tf.float32) + tf.random.stateless_uniform([], seed)
        turns = 1 + tf.cast(place * (self.steps // turn) / count, tf.int32)
        first = tf.minimum(turn * turns, self.steps)
        return tf.where(born < count, first, self.steps)

    def _turn(self, iteration: tf.Tensor) -> tf.Tensor:
        turn = iteration % self.estimator.persistent_learners
        return tf.cast(turn, tf.int32)

    def _row(self, iteration: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
        return self._turn(iteration) * self.per_iteration + number


def persistent_learners(
    estimator: Estimator,
    pool: LearnerPool,
    optimizer: InnerOptimizer,
    per_iteration: int,
) -> PersistentLearners | None:
    """The learners that live on, if the estimator has such.

    Args:
        estimator: Any.
        pool: As for `PersistentLearners`.
        optimizer: As for `PersistentLearners`.
        per_iteration: As for `PersistentLearners`.
    """
    if isinstance(estimator, PersistentEstimator):
        return PersistentLearners(estimator, pool, optimizer, per_iteration)
    return None


def _expect_one_replica(estimator: Estimator) -> None:
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    if replicas > 1:
        raise ArgumentError(
            "estimator: expected one of fresh learners, such as FullUnroll, under a "
            f"tf.distribute strategy of {replicas} replicas, where each has learners "
            f"of its own, received {type(estimator).__name__}"
        )


def _of_known_size(pool: LearnerPool, estimator: Estimator) -> list[PureModel]:
    networks = [network for network in pool if isinstance(network, PureModel)]
    if len(networks) < len(pool):
        raise ArgumentError(
            "estimator: expected one of fresh learners, such as FullUnroll, beside "
            "architectures='all', where every learner is of another size, received "
            f"{type(estimator).__name__}"
        )
    return networks


def _state_of(network: PureModel, optimizer: InnerOptimizer) -> LearnerState:
    # Any loss: it decides on no shape.
    loop = InnerLoop(network, tf.reduce_mean, optimizer)
    return init_state(loop, network.trainable)


def _numbers(state: LearnerState) -> int:
    return sum(map(_size, tf.nest.flatten(state)))


def _size(tensor: tf.Tensor) -> int:
    return math.prod(tensor.shape)
