"""ENAS: shared weights and a controller, each trained with the other, in turn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from gtn_tf.enas.controller import Controller, Reinforce
from gtn_tf.search.sequences import SequenceEncoding
from gtn_tf.search.spaces import CellSpace
from gtn_tf.supernet import SGD, SharedScore, SharedScores, SharedWeights, SinglePath
from gtn_tf.supernet.shared_scores import Batches

Batch = tuple[tf.Tensor, tf.Tensor]

# What architectures are drawn for; the draws of each are apart from the others'.
_WEIGHTS, _REWARDS, _PROBABILITIES, _ANSWER = 1, 2, 3, 4
_MANY = 512  # architectures over which probabilities are averaged


class Best(NamedTuple):
    """The best of the architectures that a controller drew.

    Args:
        genotype: The architecture.
        score: With shared weights.
        mean: Score of all that were drawn, on average.
        different: How many of them there were.
    """

    genotype: Any
    score: SharedScore
    mean: SharedScore
    different: int


class Enas(tf.Module):
    """Efficient neural architecture search (Pham et al. 2018, arXiv 1802.03268).

    Shared weights learn on training images, each batch with an architecture that the
    controller draws; the controller learns, by REINFORCE, from the accuracy of
    validation batches with shared weights. Batch norms take the statistics of the
    batch. Weights that were not drawn stay as they are.

    Args:
        space: The architectures, with a super-network.
        sgd: Settings of the weights' optimizer.
        reinforce: Settings of the controller.
        seed: Of the first weights of both, and of all draws.

    Example:

    >>> from gtn_tf.search import NASBench201Space
    >>> space = NASBench201Space((8, 8, 1), 3, cells=0, filters=2)
    >>> search = Enas(space, SGD(steps=10), Reinforce(units=4))
    >>> batches = [(tf.ones([6, 8, 8, 1]), tf.constant([0, 1, 2] * 2))] * 4
    >>> loss = search.train_weights(iter(batches), steps=4)
    >>> reward = search.train_controller(iter(batches), architectures=4).accuracy
    >>> len(search.best(3, batches).genotype.ops)
    6
    """

    stop_training = False  # as Keras' callbacks ask

    def __init__(
        self,
        space: CellSpace[Any],
        sgd: SGD,
        reinforce: Reinforce = Reinforce(),  # noqa: B008 (it has no state)
        seed: int = 0,
    ) -> None:
        super().__init__()
        assert space.supernetwork is not None
        self._space, self._network = space, space.supernetwork
        self._seed = seed
        self._encoding = SequenceEncoding(space.choices)
        self.controller = Controller(self._encoding, reinforce, seed)
        shared = SharedWeights(self._network)
        self._path = SinglePath(shared, sgd, seed)
        self._scores = SharedScores(shared)

    @property
    def weights(self) -> tf.Variable:
        """Of all operations."""
        return self._path.weights

    @property
    def step(self) -> tf.Variable:
        """How many steps of the weights are done."""
        return self._path.step

    def train_weights(self, batches: Iterator[Batch], steps: int) -> float:
        """Trains the shared weights, each step with another architecture.

        Args:
            batches: Training images `[batch, h, w, c]` and integers `[batch]`.
            steps: How many batches are taken.

        Returns:
            The mean of the losses before each step.
        """
        drawn = self.controller.draw(steps, self._rng(_WEIGHTS))
        losses = [
            self._path.train(self._code(tokens), images, labels)
            for tokens, (images, labels) in zip(drawn, batches)
        ]
        return float(tf.reduce_mean(losses))

    def train_controller(
        self,
        batches: Iterator[Batch],
        architectures: int,
        update: int = 0,
        learns: bool = True,
    ) -> SharedScore:
        """Trains the controller by one update.

        Args:
            batches: Validation images and integers, all of one size.
            architectures: How many are drawn, each for another batch.
            update: Number of the update among those with the same shared weights.
            learns: Whether the controller learns, or only its draws are scored.

        Returns:
            The mean score of the architectures. Its accuracy is the mean reward.
        """
        drawn = self.controller.draw(architectures, self._rng(_REWARDS, update))
        scores = [self._score(one, [batch]) for one, batch in zip(drawn, batches)]
        if learns:
            rewards = np.array([score.accuracy for score in scores])
            self.controller.learn(drawn, rewards)
        return _mean(scores)

    @property
    def probabilities(self) -> dict[str, dict[Any, float]]:
        """For each choice of the space, how probable each value is, about."""
        found = self.controller.probabilities(self._many())
        return self._encoding.by_value(found)

    @property
    def entropy(self) -> float:
        """The mean entropy of a choice, about, in nats."""
        return self.controller.entropy(self._many())

    @property
    def genotype(self) -> Any:
        """The architecture of the most probable choices, which need not be the best."""
        found = self.controller.probabilities(self._many())
        return self._genotype(found.argmax(1))

    def best(self, count: int, batches: Batches) -> Best:
        """Draws architectures, and takes the one of the best accuracy.

        Args:
            count: How many are drawn; what is drawn again is not scored again.
            batches: Validation images and integers, from
                `gtn_tf.supernet.shared_scores.equal_batches`.
        """
        drawn = self.controller.draw(count, self._rng(_ANSWER))
        different, places = np.unique(drawn, axis=0, return_inverse=True)
        scores = [self._score(tokens, batches) for tokens in different]
        # Of equal accuracies, that of the smaller loss.
        order = [(score.accuracy, -score.loss) for score in scores]
        first = order.index(max(order))
        mean = _mean([scores[place] for place in places.ravel()])
        return Best(self._genotype(different[first]), scores[first], mean, len(scores))

    def _rng(self, purpose: int, number: int = 0) -> np.random.Generator:
        # By counters alone: a search that goes on draws what it would have drawn.
        return np.random.default_rng(
            [self._seed, purpose, int(self.step.numpy()), number]
        )

    def _many(self) -> np.ndarray:
        return self.controller.draw(_MANY, self._rng(_PROBABILITIES))

    def _genotype(self, tokens: np.ndarray) -> Any:
        return self._space.from_values(self._encoding.values(tokens))

    def _code(self, tokens: np.ndarray) -> tf.Tensor:
        return self._network.encode(self._genotype(tokens))

    def _score(self, tokens: np.ndarray, batches: Batches) -> SharedScore:
        now = self.weights.read_value()
        return self._scores(now, self._code(tokens), batches)


def _mean(scores: Iterable[SharedScore]) -> SharedScore:
    return SharedScore(*np.mean([*scores], axis=0).tolist())
