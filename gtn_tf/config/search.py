"""The whole configuration of an architecture search, as frozen dataclasses."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from gtn_tf import names
from gtn_tf.config.rules import (
    ABOVE_0,
    COUNT,
    COUNT_OR_0,
    DECAY,
    FROM_0,
    TEXT,
    TEXT_OR_NONE,
    Checked,
    ConfigError,
    as_tuple,
    expect_unused,
    one_of,
    or_each,
    section,
    setting,
)
from gtn_tf.config.schema import DataConfig, Each


@dataclasses.dataclass(frozen=True)
class SpaceConfig(Checked):
    """The architectures that are searched."""

    _prefix: ClassVar[str] = "space."

    name: str = setting("nao", one_of(*names.SPACES))  # cell space
    cells: int = setting(1, COUNT_OR_0)  # N: cells in each of the three stages
    filters: int = setting(8, COUNT)  # F: channels of the first stage
    ops: str = setting("large", one_of(*names.OPS))  # nao: 11 operations, or 5
    # Layers of the scored networks; fully trained ones have training layers.
    scored_as: str = setting("training", one_of(*names.BLOCKS))

    def __post_init__(self) -> None:
        super().__post_init__()
        expect_unused(self, "name", {"nao": ("ops",)})


# The settings of each proposer that has some.
_PROPOSERS = {
    "evolution": ("population", "sample"),
    "reinforce": ("learning_rate", "baseline", "entropy"),
    "bayesian": ("num_initial_points", "alpha", "beta"),
    "nao": ("seeds", "round_size"),
}
# How many candidates are random before the first of a proposer's own.
_RANDOM = {
    "evolution": "population",
    "bayesian": "num_initial_points",
    "nao": "seeds",
}
# The jobs whose weights a scorer needs.
_TRAINED_BY = {"supernet": "train-supernet", "ghn": "train-ghn"}


@dataclasses.dataclass(frozen=True)
class ProposerConfig(Checked):
    """The search method: which candidate is scored next."""

    _prefix: ClassVar[str] = "search."

    proposer: str = setting("random", one_of(*names.PROPOSERS))
    population: int = setting(20, COUNT)  # of evolution: candidates that may be parents
    sample: int = setting(5, COUNT)  # of evolution: drawn of them; the best is mutated
    learning_rate: float = setting(0.1, ABOVE_0)  # of reinforce: Adam's
    baseline: float = setting(0.9, DECAY)  # of reinforce: of the scores' average
    entropy: float = setting(0.0, FROM_0)  # of reinforce: weight of the entropy
    # Of bayesian: candidates drawn at random; 0: three for each choice of the space.
    num_initial_points: int = setting(0, COUNT_OR_0)
    alpha: float = setting(1e-4, ABOVE_0)  # of bayesian: variance of the scores' noise
    beta: float = setting(2.6, FROM_0)  # of bayesian: weight of what is not yet known
    seeds: int = setting(50, COUNT)  # of nao: candidates before the first round
    round_size: int = setting(25, COUNT)  # of nao: candidates of a round

    def __post_init__(self) -> None:
        super().__post_init__()
        expect_unused(self, "proposer", _PROPOSERS)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the proposer, as keywords."""
        return {name: getattr(self, name) for name in _PROPOSERS.get(self.proposer, ())}


@dataclasses.dataclass(frozen=True)
class RankingConfig(Checked):
    """The first phase: how candidates are ranked."""

    _prefix: ClassVar[str] = "ranking."

    candidates: int = setting(50, COUNT)  # architectures scored
    # Seconds of scoring after which no further candidate is scored; 0: any.
    seconds: float = setting(0.0, FROM_0)
    # One, or several whose ranks are added.
    scorer: Each[str] = setting("gtn", or_each(one_of(*names.SCORERS)))
    # Scores that are recorded but do not rank; [] for none.
    also: Each[str] = setting((), or_each(one_of(*names.SCORERS), empty=True))
    # Of gtn and gtn_tse: a bundled teacher's name, or a path.
    teacher: str = setting("mnist", TEXT)
    steps: int = setting(128, COUNT)  # of gtn and real, as all below
    real_learning_rate: float = setting(0.1, ABOVE_0)  # of real
    real_momentum: float = setting(0.9, DECAY)  # of real
    learners: int = setting(1, COUNT)  # fresh networks averaged
    images: int = setting(2000, COUNT)  # validation images; of supernet and ghn, too
    supernet: str = setting("", TEXT_OR_NONE)  # of supernet: its run directory
    ghn: str = setting("", TEXT_OR_NONE)  # of ghn: its run directory

    def __post_init__(self) -> None:
        super().__post_init__()
        chosen = {*as_tuple(self.scorer), *as_tuple(self.also)}
        for name, job in _TRAINED_BY.items():
            received = getattr(self, name)
            if bool(received) == (name in chosen):
                continue
            expected = (
                f"none, as {name} is not among the scorers, received {received}"
                if received
                else f"a run directory of {job}, which the scorer {name} needs, "
                "received none"
            )
            raise ConfigError(f"ranking.{name}: expected {expected}", f"ranking.{name}")


@dataclasses.dataclass(frozen=True)
class TrainingConfig(Checked):
    """The second phase: how the best are trained."""

    _prefix: ClassVar[str] = "training."

    top_k: int = setting(5, COUNT_OR_0)  # architectures trained
    epochs: int = setting(5, COUNT)  # passes over the training images
    images: int = setting(0, COUNT_OR_0)  # training images; 0: all
    batch_size: int = setting(64, COUNT)  # real examples in a step
    learning_rate: float = setting(0.025, ABOVE_0)  # SGD's, cosine decay to 0
    momentum: float = setting(0.9, DECAY)  # SGD's
    gradient_clip: float = setting(5.0, FROM_0)  # largest norm of the gradient; 0: any


@dataclasses.dataclass(frozen=True)
class SearchConfig(Checked):
    """The whole configuration of a search.

    Raises:
        ConfigError: If a value is not what its field accepts.

    Example:

    >>> SearchConfig(ranking=RankingConfig(candidates=20)).ranking.candidates
    20
    """

    seed: int = setting(0, COUNT_OR_0)  # of everything drawn at random
    data: DataConfig = section(DataConfig)
    space: SpaceConfig = section(SpaceConfig)
    search: ProposerConfig = section(ProposerConfig)
    ranking: RankingConfig = section(RankingConfig)
    training: TrainingConfig = section(TrainingConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("augment", "cutout"):
            if getattr(self.data, name):
                raise ConfigError(
                    f"data.{name}: expected none in a search, whose networks see the "
                    f"images as they are, received {getattr(self.data, name)}"
                )
        if self.training.top_k > self.ranking.candidates:
            raise ConfigError(
                "training.top_k: expected at most ranking.candidates "
                f"({self.ranking.candidates}), received {self.training.top_k}"
            )
        self._expect_proposals()

    def _expect_proposals(self) -> None:
        """Checks that not all candidates are those before the proposer's own."""
        chosen, candidates = self.search.proposer, self.ranking.candidates
        name = _RANDOM.get(chosen)
        if name and getattr(self.search, name) >= candidates:
            raise ConfigError(
                f"search.{name}: expected less than ranking.candidates ({candidates}), "
                f"or all are drawn at random and none by {chosen}, received "
                f"{getattr(self.search, name)}",
                f"search.{name}",
            )
