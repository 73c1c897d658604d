"""What a search method is: a `Proposer`, which sees a `History`."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import keras_tuner
import numpy as np

from gtn_tf.search.phases import without_phase

Values = Mapping[str, Any]  # of hyperparameters, by name


@dataclasses.dataclass(frozen=True)
class Observation:
    """A candidate that was proposed before.

    Args:
        hyperparameters: As KerasTuner keeps them; a `CellSpace` reads the genotype from
            them. They are not to be changed.
        status: `"COMPLETED"`, `"FAILED"`, or another while it is not scored yet.
        score: What it is ranked by, the greater the better: the score, or minus the sum
            of its ranks if there are several. `None` unless it is completed.
    """

    hyperparameters: keras_tuner.HyperParameters
    status: str
    score: float | None = None

    @property
    def values(self) -> dict[str, Any]:
        """The values of the architecture."""
        return without_phase(self.hyperparameters.values)


@dataclasses.dataclass(frozen=True)
class History:
    """What a search has come to, as a proposer sees it.

    Args:
        observations: Of all candidates so far, in the order of their proposals. With
            several workers, some of them are not scored yet.
        space: The hyperparameters that the hypermodel declares.
        seed: Of the search.
        draw: Draws values at random that no candidate has had; `None` if there are no
            more.
        is_tried: Whether a candidate has had these values.
    """

    observations: tuple[Observation, ...]
    space: keras_tuner.HyperParameters
    seed: int
    draw: Callable[[], dict[str, Any] | None]
    is_tried: Callable[[Values], bool]

    def rng(self) -> np.random.Generator:
        """Random numbers of this proposal: the same when a killed search goes on."""
        return np.random.default_rng([self.seed, len(self.observations)])


class Proposer(abc.ABC):
    """Says which candidate is scored next.

    All else (the phases, the trials' files, kills, workers) is the oracle's. What is
    proposed follows from the history alone, and from a state if there is one, so that a
    search that was killed goes on as it would have without. Public attributes are the
    proposer's settings: a search does not go on with others.

    Example:

    A hill climber, which changes one value of the best candidate.

    >>> class Climber(Proposer):
    ...     def propose(self, history):
    ...         known = [one for one in history.observations if one.score is not None]
    ...         if len(known) < 10:
    ...             return history.draw()
    ...         rng, best = history.rng(), max(known, key=lambda one: one.score)
    ...         for _ in range(100):
    ...             hp = history.space.space[rng.integers(len(history.space.space))]
    ...             value = hp.random_sample(int(rng.integers(2**31)))
    ...             changed = {**best.values, hp.name: value}
    ...             if not history.is_tried(changed):
    ...                 return changed
    ...         return history.draw()
    """

    @abc.abstractmethod
    def propose(self, history: History) -> Values | None:
        """Gives the values of the next candidate.

        It is called under the oracle's lock: all workers wait for it.

        Args:
            history: The search so far.

        Returns:
            Values that no candidate has had. `None` for nothing now: if some candidates
            are not scored yet, the oracle asks again when they are, and otherwise the
            first phase is over.
        """

    def get_state(self) -> Any:
        """What is to be kept beside the history, as JSON holds it; `None` if nothing.

        It is kept after the trial. A kill between both leaves a state from before the
        last proposal, whose values are tried then: they are to be passed over.
        """
        return None

    def set_state(self, state: Any) -> None:
        """Takes back what `get_state` gave.

        Args:
            state: Of a proposer with the same settings.
        """
