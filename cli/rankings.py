"""Code shared by the recipes that compare scores of architectures."""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common import read_table, say, write_facts, write_table
from gtn_tf import data, plots
from gtn_tf.data import Splits
from gtn_tf.evaluation import RealLessons
from gtn_tf.runs.score_table import SECONDS, add_scores
from gtn_tf.search import (
    CellSpace,
    GTNScorer,
    RealDataScorer,
    Scorer,
    ScoringData,
    correlations,
    make_scorer,
    search_cost,
    seconds_to_reach,
)
from gtn_tf.search.ranking import (
    BEST_HALF,
    best_half,
    format_correlations,
    interval,
    resampled,
    spearman,
    summed_ranks,
)
from gtn_tf.teaching import load_teacher, training_seconds

_WEIGHTS = ("supernet", "ghn")


def add_ranking_arguments(parser: argparse.ArgumentParser, out: Path) -> None:
    """Adds the options of recipes that compare scores.

    Args:
        parser: The parser.
        out: Default folder of the results.
    """
    add = parser.add_argument
    add("--data", default="mnist", help="what the teachers teach")
    add("--data-dir", type=Path, help="folder with the data files")
    add("--teacher", nargs="+", default=["mnist"], help="as for gtn_tf.cli rank")
    add("--out", type=Path, default=out)


def add_weights_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of weights that were trained before, one for each scorer.

    Args:
        parser: The parser.
    """
    for name in _WEIGHTS:
        words = f"run directory of train-{name}"
        parser.add_argument(f"--{name}", type=Path, metavar="D", help=words)


def trained_weights(options: argparse.Namespace) -> dict[str, Path]:
    """The run directories that were given, by the name of their scorer.

    Args:
        options: As parsed, with those of `add_weights_arguments`.
    """
    found = {name: getattr(options, name) for name in _WEIGHTS}
    return {name: path for name, path in found.items() if path}


def load_data(options: argparse.Namespace) -> Splits:
    """Loads the data, with images of the first teacher's size.

    Args:
        options: As parsed, with those of `add_ranking_arguments`.
    """
    size = load_teacher(options.teacher[0]).image_shape[0]
    return data.load(options.data, data_dir=options.data_dir, image_size=size)


def write_ranking_facts(
    options: argparse.Namespace,
    recipe: str,
    scale: Any,
    words: Sequence[str] = (),
    **facts: Any,
) -> None:
    """Writes facts.json, with facts about the teachers.

    Args:
        options: As parsed, with those of `add_ranking_arguments` and `--scale`.
        recipe: Name of the script.
        scale: The sizes, a named tuple.
        words: What else the command has.
        **facts: More entries.
    """
    teachers = [
        {
            "name": Path(teacher).stem,
            "image_shape": load_teacher(teacher).image_shape,
            "training_seconds": training_seconds(teacher),
        }
        for teacher in options.teacher
    ]
    given = ["--scale", options.scale, "--data", options.data]
    given += ["--teacher", *options.teacher, *words]
    command = " ".join(["python", f"cli/{recipe}.py", *given])
    write_facts(options.out, command, scale, teachers=teachers, seed=0, **facts)


def ranking_scorers(
    teachers: Sequence[str], untrained: Sequence[str], steps: Sequence[int]
) -> list[Scorer]:
    """The scorers compared: untrained, teachers, and as many steps of real data.

    Args:
        teachers: Bundled ones' names, or paths.
        untrained: Names of scorers that train nothing.
        steps: Inner steps of the teachers and of real data.
    """
    scorers: list[Scorer] = [make_scorer(one) for one in untrained]
    for teacher in teachers:
        for count in steps:
            names = ranking_names(_by_teacher(Path(teacher).stem, f"{count} steps"))
            scorers.append(GTNScorer(load_teacher(teacher), count, names=names))
    for count in steps:
        names = ranking_names(f"{_REAL}{count} steps")
        scorers.append(RealDataScorer(count, names=names))
    return scorers


def controls(teacher: str, splits: Splits, steps: int, seed: int = 0) -> list[Scorer]:
    """Scorers that have only a teacher's rates: its images are replaced by real ones.

    Args:
        teacher: A bundled one's name, or a path.
        splits: Real data.
        steps: Inner steps.
        seed: Of the real images.

    Returns:
        One with new images in every step, and one that repeats as many as the teacher
        has.
    """
    fixed = load_teacher(teacher)
    scorers: list[Scorer] = []
    for kind, rated in (("new", fixed.repeated(steps)), ("fixed", fixed)):
        images, labels = RealLessons(splits, rated).lessons(seed)
        real = dataclasses.replace(rated, images=images, labels=labels.astype(np.int32))
        name = f"{kind} real images, rates of {Path(teacher).stem}, {steps} steps"
        scorers.append(GTNScorer(real, steps, names=ranking_names(name)))
    return scorers


def ranking_names(training: str) -> tuple[str, str]:
    """Columns of both scores of a training: accuracy and training speed.

    Args:
        training: Name of the training's data.
    """
    return training, f"{training}{_SPEED}"


def _by_teacher(name: str, how_long: str = "") -> str:
    return f"gtn {name}, {how_long}"


_REAL = "real data, "
_SPEED = ", training speed"
_PLUS = " + "  # of ranks
_ADDED = (("params",), ("params", "synflow"))  # scores that take no training


def score_columns(
    rows: Sequence[Mapping[str, Any]], besides: Sequence[str] = ()
) -> dict[str, list[float]]:
    """The scores of a table, and sums of ranks: scores that train, and some others.

    Args:
        rows: From `score_all`.
        besides: Columns that are not scores.
    """
    others = ("genotype", *besides)
    columns = {
        name: [row.get(name, math.nan) for row in rows]
        for name in rows[0]
        if name not in others and not name.startswith(SECONDS)
    }
    # A training has two scores: its accuracy and its speed.
    trained = [name for name in columns if f"{_training(name)}{_SPEED}" in columns]
    for added in _ADDED:
        if set(added) <= {*columns}:
            sums = [(name, *added) for name in trained]
            for parts in [added] * (len(added) > 1) + sums:
                ranks = summed_ranks([columns[part] for part in parts])
                columns[_PLUS.join(parts)] = (-ranks).tolist()
    return columns


def score_all(
    genotypes: Sequence[Any],
    space: CellSpace,
    scorers: Sequence[Scorer],
    examples: ScoringData,
    file: Path,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Scores genotypes by several scorers, each timed.

    The table is written after each genotype. Interrupted, the same call goes on; a
    call with more genotypes or scorers computes what is missing. One with other
    settings of a scorer, or other data, is refused.

    Args:
        genotypes: Genotypes of the space.
        space: Builds the networks.
        scorers: The scorers.
        examples: Real data.
        file: The CSV file.
        seed: Seed of the weights.

    Returns:
        A row for each genotype: `genotype`, and for each scorer its scores, NaN if it
        failed, and `seconds_` and its name.
    """
    known = {row["genotype"]: row for row in read_table(file)}
    rows = {space.text(g): known.get(space.text(g), {}) for g in genotypes}

    def save() -> None:
        write_table([row for row in rows.values() if row], file)

    add_scores(rows, genotypes, space, scorers, examples, file, save, seed, say)
    return [*rows.values()]


def compare(
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, Sequence[float]],
    truth: Sequence[float],
    label: str,
    full: str | None,
    out: Path,
) -> None:
    """Writes correlations.csv and costs.csv, and draws scores.png, without the sums.

    Args:
        rows: From `score_all`.
        columns: For each score's name, the architectures' values.
        truth: The accuracy of each.
        label: Label of the accuracy's axis.
        full: The column of the full training, if the rows have it.
        out: The folder.
    """
    found = {name: correlations(values, truth) for name, values in columns.items()}
    minus = _differences(columns, np.asarray(truth, float))
    table = [
        {"score": name, "slice": part, **numbers, **minus[name].get(part, {})}
        for name, parts in found.items()
        for part, numbers in parts.items()
    ]
    write_table(table, out / "correlations.csv")
    whole = {name: parts["all"]["spearman"] for name, parts in found.items()}
    write_table(_costs(rows, whole, full, out), out / "costs.csv")
    drawn = {name: columns[name] for name in columns if _PLUS not in name}
    notes = {name: format_correlations(found[name]) for name in drawn}
    plots.score_scatter(drawn, np.asarray(truth), notes, label, out / "scores.png")


def _differences(
    columns: Mapping[str, Sequence[float]], truth: np.ndarray
) -> dict[str, dict[str, dict[str, float]]]:
    """By how much each score correlates better than others, for all and the best half.

    The others are the parameters and, for a score that trains, as many steps of real
    data; each difference has the bounds of a paired bootstrap.
    """
    known = np.flatnonzero(np.isfinite(truth))
    parts = {"all": known, BEST_HALF: known[best_half(truth[known])]}
    found: dict[str, dict[str, dict[str, float]]] = {name: {} for name in columns}
    for part, at in parts.items():
        values = np.asarray([*columns.values()], float)[:, at]
        last = np.where(np.isnan(values), -np.inf, values)
        whole = dict(zip(columns, spearman(last, np.tile(truth[at], (len(last), 1)))))
        samples = dict(zip(columns, resampled([*values], truth[at])))
        for name in columns:
            row = found[name][part] = {}
            others = {"params": "params", "real data": _on_real_data(name)}
            for label, other in others.items():
                if other in columns and other != name:
                    low, high = interval(samples[name] - samples[other])
                    row[f"minus {label}"] = whole[name] - whole[other]
                    row[f"minus {label} low"], row[f"minus {label} high"] = low, high
    return found


def _on_real_data(name: str) -> str:
    """The score, of the same kind, of as many steps of real data."""
    training = _training(name)
    return f"{_REAL}{training.rpartition(', ')[2]}{name[len(training) :]}"


def _costs(
    rows: Sequence[Mapping[str, Any]],
    whole: Mapping[str, float | None],
    full: str | None,
    out: Path,
) -> list[dict[str, Any]]:
    """The cost of each score, and the time in which real data is as good.

    Like is compared with like: training speed with that on real data, and sums of
    ranks with such sums.
    """

    def seconds(name: str) -> float:
        parts = [_training(name), *name.split(_PLUS)[1:]]
        return float(
            sum(np.mean([row[f"{SECONDS}{p}"] for row in rows]) for p in parts)
        )

    teachers = json.loads((out / "facts.json").read_text(encoding="utf-8-sig"))[
        "teachers"
    ]
    known = {name: value or 0.0 for name, value in whole.items()}
    timed = [name for name in known if f"{SECONDS}{_training(name)}" in rows[0]]
    table = []
    for name in timed:
        kind = name[len(_training(name)) :]
        alike = [n for n in timed if n == f"{_training(n)}{kind}"]
        real = [n for n in alike if n.startswith(_REAL)]
        points = [(seconds(n), known[n]) for n in real]
        points += [(seconds(full), 1.0)] if full else []
        trained = [t for t in teachers if name.startswith(_by_teacher(t["name"]))]
        once = trained[0]["training_seconds"] or 0.0 if trained else 0.0
        each, as_good = seconds(name), seconds_to_reach(known[name], points)
        row: dict[str, Any] = {
            "score": name,
            "spearman": known[name],
            "seconds_each": each,
            "teacher_seconds": once,
            "days": search_cost(once, len(rows), each)["days"],
        }
        if as_good is not None:
            row["real_data_seconds_each"] = as_good
            row["times_cheaper"] = as_good / each
            row["times_cheaper_with_teacher"] = as_good / (each + once / len(rows))
        table.append(row)
    return table


def _training(name: str) -> str:
    """The column of the training that a score comes from."""
    return name.split(_PLUS)[0].removesuffix(_SPEED)
