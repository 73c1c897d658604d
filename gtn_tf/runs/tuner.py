"""Makes the tuner of a search's configuration, and its scorers."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf

from gtn_tf.config import RankingConfig, SearchConfig, TrainingConfig
from gtn_tf.config.rules import as_tuple
from gtn_tf.data import Splits
from gtn_tf.evaluation import RealLessons
from gtn_tf.names import PROPOSERS
from gtn_tf.search import (
    CellSpace,
    GTNOracle,
    GTNTuner,
    Scorer,
    SupernetScorer,
    make_scorer,
)


class Scorers(NamedTuple):
    """The scorers of a search: those that rank, and those that are only recorded."""

    rank_by: list[Scorer]
    also: list[Scorer]


def make_tuner(
    config: SearchConfig,
    space: CellSpace[Any],
    scorers: Scorers,
    run_dir: Path,
    report: Callable[[str], None] = print,
) -> GTNTuner:
    """Makes the tuner of a configuration.

    Args:
        config: The configuration.
        space: From `make_space`.
        scorers: From `make_scorers`.
        run_dir: KerasTuner's files are kept in it.
        report: Called with each line of progress.
    """
    training, ranking = config.training, config.ranking
    proposer = PROPOSERS.load(config.search.proposer)
    return GTNTuner(
        space,
        scorer=scorers.rank_by,
        also=scorers.also,
        oracle=GTNOracle(
            "val_accuracy",
            candidates=ranking.candidates,
            top_k=training.top_k,
            seconds=ranking.seconds or math.inf,
            seed=config.seed,
            proposer=proposer(**config.search.settings),
            report=report,
        ),
        directory=str(run_dir.parent),
        project_name=run_dir.name,
    )


def make_optimizer(
    training: TrainingConfig, splits: Splits
) -> Callable[[], tf.keras.optimizers.Optimizer]:
    """Makes what makes the optimizer of a full training.

    Args:
        training: The configuration.
        splits: The real data, which decides how many steps it takes.
    """
    images = training.images or len(splits.train_labels)
    steps = training.epochs * -(-images // training.batch_size)

    def optimizer() -> tf.keras.optimizers.Optimizer:
        return tf.keras.optimizers.SGD(
            tf.keras.optimizers.schedules.CosineDecay(training.learning_rate, steps),
            training.momentum,
            global_clipnorm=training.gradient_clip or None,
        )

    return optimizer


def make_scorers(
    ranking: RankingConfig, splits: Splits, space: CellSpace[Any]
) -> Scorers:
    """Makes the scorers of a configuration.

    Args:
        ranking: The configuration.
        splits: The real data.
        space: From `make_space`.

    Raises:
        GTNError: If one cannot score these architectures on this data.
    """
    given = ranking, splits, space
    return Scorers(_scorers(ranking.scorer, *given), _scorers(ranking.also, *given))


def _scorers(
    names: str | tuple[str, ...],
    ranking: RankingConfig,
    splits: Splits,
    space: CellSpace[Any],
) -> list[Scorer]:
    made = [
        make_scorer(
            name,
            ranking.teacher,
            ranking.steps,
            ranking.learners,
            ranking.images,
            ranking.real_learning_rate,
            ranking.real_momentum,
            ranking.supernet,
            ranking.ghn,
        )
        for name in as_tuple(names)
    ]
    for scorer in made:
        if scorer.teacher is not None:
            # Fails once, here, not for every candidate.
            RealLessons(splits, scorer.teacher)
        if isinstance(scorer, SupernetScorer):
            scorer.expect_network(space.supernetwork)
    return made
