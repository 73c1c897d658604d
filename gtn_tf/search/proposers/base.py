"""The interface of a search method: a `Proposer`, which sees a `History`."""

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
            them. Do not change them.
        status: `"COMPLETED"`, `"FAILED"`, or another before it is scored.
        score: Greater is better: the score, or minus the sum of the ranks if there are
            several scores. `None` unless it is completed.
    """

    hyperparameters: keras_tuner.HyperParameters
    status: str
    score: float | None = None

    @property
    def values(self) -> dict[str, Any]:
        """The values of the architecture."""
        return without_phase(self.hyperparameters.values)

    @property
    def is_running(self) -> bool:
        """Whether it is still to be scored."""
        return self.status not in ("COMPLETED", "FAILED")


@dataclasses.dataclass(frozen=True)
class History:
    """The search so far, as a proposer sees it.

    Args:
        observations: Of all candidates so far, in the order of their proposals. With
            several workers, some of them are not scored yet.
        space: The hyperparameters that the hypermodel declares.
        seed: Of the search.
        draw: Draws values at random that no candidate has had; `None` if there are
            none left.
        is_tried: Whether a candidate has had these values.
    """

    observations: tuple[Observation, ...]
    space: keras_tuner.HyperParameters
    seed: int
    draw: Callable[[], dict[str, Any] | None]
    is_tried: Callable[[Values], bool]

    def rng(self, number: int | None = None) -> np.random.Generator:
        """A generator for this proposal, the same in a resumed search.

        Args:
            number: Of an earlier proposal, from 0.
        """
        number = len(self.observations) if number is None else number
        return np.random.default_rng([self.seed, number])


class Proposer(abc.ABC):
    """Chooses the next candidate.

    The oracle handles the rest: phases, files, kills and workers. A proposal depends
    only on the history, and on a state if there is one, so that a killed search resumes
    with the same proposals. Public attributes are the proposer's settings; a search
    cannot resume with others.

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
        """Returns the values of the next candidate.

        Called under the oracle's lock: all workers wait for it.

        Args:
            history: The search so far.

        Returns:
            Values that no candidate has had, or `None`. After `None`, the oracle asks
            again once the running candidates are scored; if none is running, the first
            phase ends.
        """

    def get_state(self) -> Any:
        """State beyond the history, as a JSON value; `None` if there is none.

        It is saved after the trial. After a kill in between, the state is from before
        the last proposal: skip its values, which `is_tried` then reports.
        """
        return None

    def set_state(self, state: Any) -> None:
        """Restores the state from `get_state`.

        Args:
            state: From a proposer with the same settings.
        """
