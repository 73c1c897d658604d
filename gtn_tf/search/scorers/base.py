"""What candidates are ranked by: the interface of a scorer."""

from __future__ import annotations

import abc

import tensorflow as tf

from gtn_tf.search.candidate import Candidate
from gtn_tf.search.data import ScoringData
from gtn_tf.teaching import TrainedTeacher


class Scorer(abc.ABC):
    """Gives a candidate a number; the greater, the better its rank.

    Public attributes are its settings: a search does not go on with others.

    A scorer that needs something for the whole search, such as a network whose weights
    all candidates share, makes it in `prepare` and frees it in `close`. It has to
    survive `tf.keras.backend.clear_session`, which precedes each candidate that is
    built (see `builds`): it does if the scorer itself holds variables and functions.

    Example:

    A score of the genotype alone, which builds no network.

    >>> class SkipConnections(Scorer):
    ...     name = "skips"
    ...     def __call__(self, candidate, data, seed):
    ...         return str(candidate.genotype).count("skip_connect")
    """

    name: str  # of the column in results.csv
    needs_training_data = False  # whether validation data is not enough
    teacher: TrainedTeacher | None = None  # whose training is part of the cost

    @abc.abstractmethod
    def __call__(self, candidate: Candidate, data: ScoringData, seed: int) -> float:
        """Scores a candidate.

        Args:
            candidate: Called, it makes the network with fresh weights.
            data: Real data.
            seed: Of what is drawn beside the weights.

        Raises:
            ScoreError: If it cannot be scored.
        """

    def check(self, model: tf.keras.Model, data: ScoringData) -> None:
        """Checks, before the first candidate, what all of them need.

        Args:
            model: The network of the default hyperparameters.
            data: Real data.

        Raises:
            GTNError: If the data or the network is nothing that it can work with.
        """

    def prepare(self, data: ScoringData, seed: int) -> None:
        """Makes what serves all candidates, once in each process that scores.

        Args:
            data: Real data.
            seed: Of the search.

        Raises:
            GTNError: If it cannot be made; the search ends.
        """

    def close(self) -> None:
        """Frees what `prepare` made, also after a failure."""

    def builds(self, candidate: Candidate, data: ScoringData) -> bool:
        """Whether it makes the candidate's network, so that there is one to free.

        Args:
            candidate: As for a call.
            data: As for a call.
        """
        return True

    def scores(
        self, candidate: Candidate, data: ScoringData, seed: int
    ) -> dict[str, float]:
        """Its score, and others that it finds on the way, by name.

        Args:
            candidate: As for a call.
            data: As for a call.
            seed: As for a call.
        """
        return {self.name: self(candidate, data, seed)}
