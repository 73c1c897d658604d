"""The pool of networks, the learners drawn from it, and averages over several."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Union

import tensorflow as tf

from gtn_tf.fresh_weights import fresh_weights
from gtn_tf.functional import PureModel, PureNetwork
from gtn_tf.learners.learners import Learners
from gtn_tf.supernet import SubNetwork, SuperNetwork

# One stream of seeds for each use, so that none repeats another's draws.
TRAINING, VALIDATION, TEACHING = 0, 1, 2
# Folded into the seed of a meta-iteration, for all but its learners: they fold in their
# number, from 0.
WINDOW = -1

OfLearner = Callable[[PureNetwork, list[tf.Tensor]], Any]
OfNumbered = Callable[[tf.Tensor, PureNetwork, list[tf.Tensor]], Any]
Network = Union[PureModel, SuperNetwork]


class LearnerPool(Sequence[Network]):
    """Networks as pure functions; a learner is one of them with fresh weights.

    Of a super-network, it is a random architecture. Meta-training never draws those
    that are held out; all else draws no others.

    Pure functions are not part of a checkpoint: a learner lasts one meta-iteration,
    unless its state is kept elsewhere.

    Args:
        learners: The distribution that the networks are drawn from.
        image_shape: `(height, width, channels)` of an image.
        num_classes: Number of logits.
        seed: Integer of any size that all learners are drawn from.

    Example:

    >>> from gtn_tf.learners import MLPLearners
    >>> pool = LearnerPool(MLPLearners(units=[4]), (2, 2, 1), num_classes=3, seed=0)
    >>> len(pool), pool.seed(TRAINING, 5).shape
    (1, TensorShape([2]))
    """

    def __init__(
        self,
        learners: Learners,
        image_shape: tuple[int, ...],
        num_classes: int,
        seed: int,
    ) -> None:
        built = learners.build(image_shape, num_classes)
        self._networks: tuple[Network, ...] = tuple(
            one if isinstance(one, SuperNetwork) else PureModel(one) for one in built
        )
        self._seed = seed % 2**31  # TensorFlow's generator takes 32 bits

    def __len__(self) -> int:
        return len(self._networks)

    def __getitem__(self, index: Any) -> Any:
        return self._networks[index]

    def seed(self, stream: int, number: Any) -> tf.Tensor:
        """The seed of a meta-iteration, of a validation or of a taught learner.

        Args:
            stream: `TRAINING`, `VALIDATION` or `TEACHING`.
            number: Integer scalar, counted from 0.

        Returns:
            int32 `[2]`.
        """
        base = tf.constant([self._seed, stream], tf.int32)
        return fold(base, tf.cast(number, tf.int32))

    def network(
        self, index: int, seed: tf.Tensor, held_out: bool = False
    ) -> PureModel | SubNetwork:
        """The network of a learner.

        Args:
            index: Which network of the pool.
            seed: int32 `[2]`, for the architecture, if it is drawn.
            held_out: Whether to draw one that meta-training never draws.
        """
        network = self._networks[index]
        if isinstance(network, PureModel):
            return network
        return SubNetwork(network, network.draw(fold(seed, 3), held_out))

    def draw(
        self, index: int, seed: tf.Tensor, held_out: bool = False
    ) -> tuple[PureNetwork, list[tf.Tensor]]:
        """Draws a learner: its network and its fresh weights.

        Args:
            index: Which network of the pool.
            seed: int32 `[2]`.
            held_out: As for `network`.
        """
        network, of_weights = self.network(index, seed, held_out), fold(seed, 1)
        if isinstance(network, SubNetwork):
            return network, network.fresh_weights(of_weights)
        return network, fresh_weights(network.model, of_weights)

    def with_random_learner(
        self, seed: tf.Tensor, function: OfLearner, held_out: bool = False
    ) -> Any:
        """Calls `function(network, weights)` on a random learner.

        Args:
            seed: int32 `[2]`, for the choice and the weights.
            function: Returns tensors, of the same shapes for all networks.
            held_out: As for `network`.

        Returns:
            The function's result.
        """

        def branch(index: int) -> Callable[[], Any]:
            return lambda: function(*self.draw(index, seed, held_out))

        if len(self) == 1:
            return branch(0)()
        index = tf.random.stateless_uniform([], fold(seed, 2), 0, len(self), tf.int32)
        return tf.switch_case(index, [branch(index) for index in range(len(self))])

    def mean_over_learners(
        self,
        seed: tf.Tensor,
        count: int,
        function: OfNumbered,
        zeros: Callable[[], Any],
    ) -> tuple[Any, tf.Tensor]:
        """Averages over random learners, different ones in each replica.

        Args:
            seed: int32 `[2]`.
            count: Number of learners of this replica.
            function: As for `with_random_learner`, but called with the learner's
                number first; returns a named tuple with `logits`.
            zeros: Returns zeros of the same structure and shapes.

        Returns:
            The mean, and the logits of each learner, stacked.
        """
        first = replica() * count

        def of_learner(number: tf.Tensor) -> Any:
            return self.with_random_learner(
                fold(seed, number), functools.partial(function, number)
            )

        if count == 1:
            one = of_learner(first)
            return one, one.logits[tf.newaxis]
        none = zeros()
        each = tf.TensorArray(none.logits.dtype, count)

        def body(
            i: tf.Tensor, total: Any, each: tf.TensorArray
        ) -> tuple[tf.Tensor, Any, tf.TensorArray]:
            one = of_learner(first + i)
            total = tf.nest.map_structure(lambda a, b: a + b, total, one)
            return i + 1, total, each.write(i, one.logits)

        _, total, each = tf.while_loop(
            lambda i, *_: i < count, body, (0, none, each), maximum_iterations=count
        )
        return tf.nest.map_structure(lambda sum_: sum_ / count, total), each.stack()


def fold(seed: tf.Tensor, number: Any) -> tf.Tensor:
    """Derives a seed for one of several uses.

    Args:
        seed: int32 `[2]`.
        number: Integer scalar.
    """
    return tf.random.experimental.stateless_fold_in(seed, number)


def replica() -> tf.Tensor:
    """The number of this copy of the model under `tf.distribute`; 0 without."""
    context = tf.distribute.get_replica_context()
    return tf.cast(context.replica_id_in_sync_group, tf.int32)
