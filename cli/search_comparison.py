"""Which search finds the better network in equal time: by a teacher or by real data?

    python cli/search_comparison.py --teacher runs/mnist_cells [--data-dir D]
        [--scale smoke|laptop]

For each seed, one search draws random NAS-Bench-201 cells and ranks them by the
teacher. Another ranks the same draws by real data for the same time, and then for the
time that the teacher took to train, shared among the seeds. The winners are trained
fully. Interrupted, the same command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from common import ROOT, read_table, say, write_table
from gtn_tf import reports, runs
from gtn_tf.accuracy import mean_and_std
from gtn_tf.config import (
    DataConfig,
    RankingConfig,
    SearchConfig,
    SpaceConfig,
    TrainingConfig,
)
from gtn_tf.search import RealDataScorer, ScoringData
from gtn_tf.search.ranking import summed_ranks
from gtn_tf.teaching import load_teacher, training_seconds
from rankings import add_ranking_arguments, load_data, score_all, write_ranking_facts

_FULL, _SPEED = "full training", "speed of full training"
_MANY = 10_000  # more candidates than any search has time for
_BATCH = 32  # real examples in a step of scoring, as many as the teacher's
_ARMS = {
    "random": "the first draw, trained without a search",
    "params": "the largest of the teacher's candidates",
    "gtn": "the best by the teacher",
    "gtn + params": "the best by both ranks added",
    "real data": "the best by real data in as many seconds of scoring",
    "real data, longer": "and in as many as scoring and the teacher's training took",
}


_FIGURE = reports.FigureSpec(
    "winners.png",
    "dots",
    "winners.csv",
    by="arm",
    y="test_accuracy",
    y_label="test accuracy of the winner after full training [%]",
    factor=100,
)


class _Scale(NamedTuple):
    seeds: int
    seconds: float  # of scoring, in each search
    counts_teacher: bool  # whether real data also gets the time of its training
    steps: int  # inner steps of a scoring, of the teacher and of real data
    cells: int
    filters: int
    full_steps: int  # of the full training, in batches of 64


_SCALES = {
    "laptop": _Scale(3, 240.0, True, 128, 1, 8, 1000),
    "smoke": _Scale(1, 0.1, False, 2, 1, 2, 2),
}


def main() -> None:
    """Parses the command line; runs or resumes the experiment."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", choices=_SCALES, default="laptop")
    parser.add_argument("--run-dir", type=Path, default=ROOT / "runs" / "comparison")
    add_ranking_arguments(parser, ROOT / "results" / "search_comparison")
    options = parser.parse_args()
    if len(options.teacher) > 1:
        parser.error(f"--teacher: expected one, received {len(options.teacher)}")
    measure(options)
    reports.draw_figures(options.out, say)


def measure(options: argparse.Namespace) -> None:
    """Searches and trains the winners; writes `winners.csv` and `facts.json`."""
    scale = _SCALES[options.scale]
    once = training_seconds(options.teacher[0]) or 0.0
    more = once / scale.seeds if scale.counts_teacher else 0.0
    rows = []
    for seed in range(scale.seeds):
        by_teacher = _search("gtn", scale.seconds, seed, options)
        by_real_data = _search("real", scale.seconds + more, seed, options)
        winners = _winners(by_teacher, by_real_data, scale.seconds)
        rows += [
            {"seed": seed, "arm": arm, **winner} for arm, winner in winners.items()
        ]
    for seed in range(scale.seeds):
        mine = [row for row in rows if row["seed"] == seed]
        accuracy = _full_training([row["genotype"] for row in mine], seed, options)
        for row in mine:
            row["test_accuracy"] = accuracy[row["genotype"]]
    write_table(rows, options.out / "winners.csv")
    write_ranking_facts(options, "search_comparison", scale)
    reports.write_figures(options.out, [_FIGURE])
    for arm, meaning in _ARMS.items():
        found = [100 * row["test_accuracy"] for row in rows if row["arm"] == arm]
        over = mean_and_std(found)
        say(f"{arm}: {over['mean']:.2f}% \u00b1 {over['std']:.2f}%, {meaning}")


def _search(
    scorer: str, seconds: float, seed: int, options: argparse.Namespace
) -> list[dict[str, Any]]:
    """Scores random candidates for some time: rows of the search's results.csv."""
    scale = _SCALES[options.scale]
    size = load_teacher(options.teacher[0]).image_shape[0]
    config = SearchConfig(
        seed=seed,
        data=DataConfig(options.data, image_size=size),
        space=SpaceConfig("nas_bench_201", scale.cells, scale.filters),
        ranking=RankingConfig(
            candidates=_MANY,
            seconds=seconds,
            scorer=scorer,
            teacher=options.teacher[0],
            steps=scale.steps,
        ),
        training=TrainingConfig(top_k=0, batch_size=_BATCH),
    )
    folder = options.run_dir / f"{scorer}_{seed}"
    say(f"seed {seed}: search by {scorer} for {seconds:.0f} seconds")
    runs.search(config, folder, resume=True, data_dir=options.data_dir, report=say)
    return read_table(folder / "results.csv")


def _winners(
    by_teacher: Sequence[dict[str, Any]],
    by_real_data: Sequence[dict[str, Any]],
    seconds: float,
) -> dict[str, dict[str, Any]]:
    """For each arm, its winner, how many it chose from, and the seconds of scoring."""
    by_teacher = [row for row in by_teacher if "gtn_score" in row]
    by_real_data = [row for row in by_real_data if "real_score" in row]
    sums = summed_ranks(
        [[row[name] for row in by_teacher] for name in ("gtn_score", "params")]
    )
    for row, total in zip(by_teacher, sums):
        row["sum"] = -total
    spent = itertools.accumulate(row["seconds"] for row in by_real_data)
    within = 1 + sum(total < seconds for total in spent)  # as the search would stop
    chosen = {
        "random": (by_teacher[:1], "params"),
        "params": (by_teacher, "params"),
        "gtn": (by_teacher, "gtn_score"),
        "gtn + params": (by_teacher, "sum"),
        "real data": (by_real_data[:within], "real_score"),
        "real data, longer": (by_real_data, "real_score"),
    }
    found = {}
    for arm in _ARMS:
        candidates, key = chosen[arm]
        best = max(candidates, key=lambda row: row[key])
        found[arm] = {
            "candidates": len(candidates),
            "scoring_seconds": sum(row["seconds"] for row in candidates),
            "params": best["params"],
            "genotype": best["genotype"],
        }
    return found


def _full_training(
    names: Sequence[str], seed: int, options: argparse.Namespace
) -> dict[str, float]:
    """Trains winners and returns their test accuracies."""
    scale = _SCALES[options.scale]
    splits = load_data(options)
    chosen = SpaceConfig("nas_bench_201", scale.cells, scale.filters)
    space = runs.make_space(chosen, splits)
    test = splits.test_images, splits.test_labels
    full = RealDataScorer(
        scale.full_steps, cosine=True, images=len(test[1]), names=(_FULL, _SPEED)
    )
    say(f"seed {seed}: full training of the winners")
    rows = score_all(
        [space.parse(name) for name in dict.fromkeys(names)],
        space,
        [full],
        ScoringData((splits.train_images, splits.train_labels), test, 64),
        options.run_dir / f"winners_{seed}.csv",
        seed,
    )
    return {row["genotype"]: row[_FULL] for row in rows}


if __name__ == "__main__":
    main()
