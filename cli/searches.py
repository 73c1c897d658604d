"""Every search method of the library, as a function of a `Lab` that finds a cell.

All proposers are in `METHODS`; any other method that is added needs an entry there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gtn_tf import runs
from gtn_tf.cells import AnyGenotype
from gtn_tf.config import (
    AlphasConfig,
    ControllerConfig,
    DartsConfig,
    DataConfig,
    EnasConfig,
    GHNConfig,
    GHNTrainingConfig,
    MixedSpaceConfig,
    MixedTrainingConfig,
    SharedStepConfig,
    SharedTrainingConfig,
    SupernetConfig,
)
from gtn_tf.names import PROPOSERS
from gtn_tf.search import GHNScorer, RandomProposer, Scorer, ScoringData, SupernetScorer
from gtn_tf.search.ranking import summed_ranks
from gtn_tf.teaching import training_seconds
from search_by_table import SETTINGS
from search_lab import Lab

_TOP = 10  # of GHN Top: cells whose accuracies are averaged


class Found(NamedTuple):
    """The answer of a search."""

    cells: list[str]  # one, or several whose accuracies are averaged, best first
    scored: int = 0  # candidates
    training: float = 0.0  # seconds, before the first candidate
    scoring: float = 0.0  # seconds, of all candidates
    proposing: float = 0.0  # seconds, of the search method itself


class Method(NamedTuple):
    """A search method."""

    label: str  # in tables; {scorer} is the one chosen
    search: Callable[[Lab], Found]
    published: str = ""  # its row of the literature


def _by_proposer(name: str) -> Callable[[Lab], Found]:
    """Candidates that a proposer proposes, by one score."""

    def search(lab: Lab) -> Found:
        inside = scoring = 0.0  # seconds now, and when they were scored first

        def score(cell: AnyGenotype) -> float:
            nonlocal inside, scoring
            began = time.monotonic()
            value, seconds = lab.score(lab.scorer, cell)
            inside += time.monotonic() - began
            scoring += seconds
            return value

        began = time.monotonic()
        proposer = PROPOSERS.load(name)(**_settings(name, lab))
        scored = lab.simulate(proposer, score, lab.scale.candidates)
        proposing = time.monotonic() - began - inside
        best, _ = max(scored, key=lambda pair: pair[1])
        once = _of_teacher(lab, (lab.scorer,))
        return Found([lab.space.text(best)], len(scored), once, scoring, proposing)

    return search


def _settings(name: str, lab: Lab) -> dict[str, Any]:
    """The settings of a proposer."""
    if name == "bayesian":  # at most half at random, also where there are many choices
        usual = 3 * len(lab.space.choices.space)
        return {"num_initial_points": min(usual, max(1, lab.scale.candidates // 2))}
    return SETTINGS.get(name, {})


def _random_cells(lab: Lab, count: int) -> list[AnyGenotype]:
    """The cells that random search draws."""
    drawn = lab.simulate(RandomProposer(), lambda cell: 0.0, count)
    return [cell for cell, _ in drawn]


def _by_ranks(*scorers: str) -> Callable[[Lab], Found]:
    """Random cells by the sum of the ranks of several scores; "" is the one chosen."""

    def search(lab: Lab) -> Found:
        names = [name or lab.scorer for name in scorers]
        cells = _random_cells(lab, lab.scale.candidates)
        found = [[lab.score(name, cell) for cell in cells] for name in names]
        sums = summed_ranks([[score for score, _ in each] for each in found])
        scoring = sum(seconds for each in found for _, seconds in each)
        best = lab.space.text(cells[int(sums.argmin())])
        return Found([best], len(cells), _of_teacher(lab, names), scoring)

    return search


def _of_teacher(lab: Lab, scorers: Sequence[str]) -> float:
    """The seconds of the teacher's training, if a scorer has a teacher."""
    taught = lab.teacher and any(name.startswith("gtn") for name in scorers)
    return (training_seconds(lab.teacher) or 0.0) if taught else 0.0


def _by_weights(
    train: Callable[[Lab, Path], float],
    scorer: Callable[[Path, int], Scorer],
    name: str,
    top: int = 1,
) -> Callable[[Lab], Found]:
    """Random cells ranked by weights that are trained before.

    Args:
        train: Trains them in a folder; returns the seconds.
        scorer: Scores with them, given the folder and a number of images.
        name: Of the folder.
        top: Cells whose accuracies are averaged.
    """

    def search(lab: Lab) -> Found:
        folder = lab.folder / f"{name}_{lab.seed}"
        training = train(lab, folder)
        cells = _random_cells(lab, lab.scale.ranked)
        lab.report(f"ranking {len(cells)} cells")
        rows = runs.rank(
            cells,
            lab.space,
            [scorer(folder, lab.scale.images)],
            ScoringData(None, lab.validation),
            lab.folder / "scores" / f"{name}_{lab.seed}.csv",
            lab.seed,
            report=lambda line: None,  # a thousand of them
        )
        best = [row["genotype"] for row in rows[:top]]
        scoring = sum(float(row["seconds"]) for row in rows)
        return Found(best, len(rows), training, scoring)

    return search


def _supernet(lab: Lab, folder: Path) -> float:
    config = _shared(lab, lab.scale.supernet)
    return _run(runs.train_supernet, lab, config, folder)["seconds"]


def _shared(lab: Lab, steps: int, **settings: Any) -> SupernetConfig:
    """Of shared weights.

    Args:
        lab: Has the sizes.
        steps: Of the training.
        **settings: Of the section `supernet`.
    """
    return SupernetConfig(
        **_common(lab),
        space=lab.space_config,
        supernet=SharedStepConfig(**settings),
        training=SharedTrainingConfig(**_steps(lab, steps)),
    )


def _pool(lab: Lab) -> SupernetConfig:
    size, epochs = lab.scale.candidates, lab.scale.pool // lab.scale.steps_per_epoch
    return _shared(
        lab,
        lab.scale.pool,
        architectures="pool",
        pool_size=size,
        renew_every=max(1, epochs // 4),
        renewed=size // 2,
    )


def _ghn(lab: Lab, folder: Path) -> float:
    training = GHNTrainingConfig(**_steps(lab, lab.scale.ghn))
    config = GHNConfig(**_common(lab), space=lab.space_config, training=training)
    return _run(runs.train_ghn, lab, config, folder)["seconds"]


def _by_job(
    job: Callable[..., dict[str, Any]], name: str, configure: Callable[[Lab], Any]
) -> Callable[[Lab], Found]:
    """A search whose summary has a genotype and seconds.

    Args:
        job: Runs or resumes it.
        name: Of its folder.
        configure: Makes its configuration.
    """

    def search(lab: Lab) -> Found:
        summary = _run(job, lab, configure(lab), lab.folder / f"{name}_{lab.seed}")
        return Found([summary["genotype"]], training=summary["seconds"])

    return search


def _by_gradients(name: str, **settings: str) -> Callable[[Lab], Found]:
    """DARTS or GDAS.

    Args:
        name: Of its number of steps in the scale, and of the folder.
        **settings: Of the section `search`.
    """

    def configure(lab: Lab) -> DartsConfig:
        return DartsConfig(
            **_common(lab),
            space=MixedSpaceConfig(**vars(lab.space_config)),
            search=AlphasConfig(**settings, learning_rate=lab.scale.alpha_rate),
            training=MixedTrainingConfig(**_steps(lab, getattr(lab.scale, name))),
        )

    return _by_job(runs.search_darts, name, configure)


def _enas(lab: Lab) -> EnasConfig:
    scale = lab.scale
    # As many steps to an update, and of the weights alone, as the preset has.
    controller = ControllerConfig(
        warm_up=scale.enas // scale.steps_per_epoch // 3,
        updates=max(1, scale.steps_per_epoch // 10),
        drawn=scale.candidates,
        drawn_images=scale.images,
    )
    training = MixedTrainingConfig(**_steps(lab, scale.enas), learning_rate=0.05)
    space = MixedSpaceConfig(**vars(lab.space_config))
    return EnasConfig(**_common(lab), space=space, search=controller, training=training)


def _common(lab: Lab) -> dict[str, Any]:
    """What the configurations of all trainings have alike."""
    scale = lab.scale
    data = DataConfig(scale.data, augment=scale.augment, image_size=scale.image_size)
    return {"seed": lab.seed, "data": data}


def _steps(lab: Lab, steps: int) -> dict[str, int]:
    return {"steps": steps, "steps_per_epoch": lab.scale.steps_per_epoch}


def _run(
    job: Callable[..., dict[str, Any]], lab: Lab, config: Any, folder: Path
) -> dict[str, Any]:
    """Runs or resumes a job; returns its summary."""
    return job(config, folder, resume=True, data_dir=lab.data_dir, report=lab.report)


_PUBLISHED = {"random": "rs", "evolution": "rea", "reinforce": "reinforce"}

METHODS = {
    **{
        name: Method(
            f"{name}, {{scorer}}", _by_proposer(name), _PUBLISHED.get(name, "")
        )
        for name in PROPOSERS
    },
    "params": Method("random, params", _by_ranks("params")),
    "params_synflow": Method(
        "random, params + synflow", _by_ranks("params", "synflow")
    ),
    "all_ranks": Method(
        "random, {scorer} + params + synflow", _by_ranks("", "params", "synflow")
    ),
    "supernet": Method(
        "random, supernet", _by_weights(_supernet, SupernetScorer, "supernet"), "rsps"
    ),
    "darts": Method(
        "DARTS, first order",
        _by_gradients("darts", alpha_gradient="first_order"),
        "darts_v1",
    ),
    "second_order": Method(
        "DARTS, second order",
        _by_gradients("second_order", alpha_gradient="second_order"),
        "darts_v2",
    ),
    "gdas": Method("GDAS", _by_gradients("gdas", method="gdas"), "gdas"),
    "enas": Method("ENAS", _by_job(runs.search_enas, "enas", _enas), "enas"),
    "pool": Method("NAO's pool", _by_job(runs.train_supernet, "pool", _pool)),
    "ghn": Method("random, GHN", _by_weights(_ghn, GHNScorer, "ghn")),
    "ghn_top": Method(
        "random, GHN: mean of the ten best", _by_weights(_ghn, GHNScorer, "ghn", _TOP)
    ),
}
