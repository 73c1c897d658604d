"""The interface of a scorer."""

from __future__ import annotations

import abc

import tensorflow as tf

from gtn_tf.search.candidate import Candidate
from gtn_tf.search.data import ScoringData
from gtn_tf.teaching import TrainedTeacher


class Scorer(abc.ABC):
    """Scores candidates; greater is better.

    Public attributes are its settings; a search cannot resume with others.

    A scorer that needs something for the whole search, such as a network with shared
    weights, makes it in `prepare` and frees it in `close`. It has to survive
    `tf.keras.backend.clear_session`, which precedes each candidate that is built (see
    `builds`): it does if the scorer itself holds the variables and functions.

    Example:

    A score of the genotype alone, which builds no network.

    >>> class SkipConnections(Scorer):
    ...     name = "skips"
    ...     def __call__(self, candidate, data, seed):
    ...         return str(candidate.genotype).count("skip_connect")
    """

    name: str  # of the column in results.csv
    needs_training_data = False  # if not, validation data suffices
    teacher: TrainedTeacher | None = None  # its training is part of the search cost

    @abc.abstractmethod
    def __call__(self, candidate: Candidate, data: ScoringData, seed: int) -> float:
        """Scores a candidate.

        Args:
            candidate: Calling it makes the network with fresh weights.
            data: Real data.
            seed: Of all randomness but the weights.

        Raises:
            ScoreError: If it cannot be scored.
        """

    def check(self, model: tf.keras.Model, data: ScoringData) -> None:
        """Checks data and network before the first candidate.

        Args:
            model: The network of the default hyperparameters.
            data: Real data.

        Raises:
            GTNError: If the scorer cannot use the data or the network.
        """

    def prepare(self, data: ScoringData, seed: int) -> None:
        """Makes what all candidates share, once in each process that scores.

        Args:
            data: Real data.
            seed: Of the search.

        Raises:
            GTNError: If it cannot be made; the search ends.
        """

    def close(self) -> None:
        """Frees the objects of `prepare`, also after a failure."""

    def builds(self, candidate: Candidate, data: ScoringData) -> bool:
        """Whether it builds the candidate's network, which has to be freed.

        Args:
            candidate: As for a call.
            data: As for a call.
        """
        return True

    def scores(
        self, candidate: Candidate, data: ScoringData, seed: int
    ) -> dict[str, float]:
        """Its score, and by-products, by name.

        Args:
            candidate: As for a call.
            data: As for a call.
            seed: As for a call.
        """
        return {self.name: self(candidate, data, seed)}
