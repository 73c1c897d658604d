"""What the recipes share."""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gtn_tf import data, plots, runs
from gtn_tf.atomic_file import write
from gtn_tf.data import Splits
from gtn_tf.search import (
    CellSpace,
    GTNScorer,
    RealDataScorer,
    Scorer,
    ScoringData,
    correlations,
    make_scorer,
    score,
    search_cost,
    seconds_to_reach,
)
from gtn_tf.search.ranking import in_words, summed_ranks
from gtn_tf.teaching import TrainedTeacher, load_teacher, training_seconds

ROOT = Path(__file__).resolve().parent.parent


def after_all_steps(
    teacher: TrainedTeacher,
    splits: Splits,
    networks: Sequence[str],
    folder: Path,
    learners: int,
    sources: Sequence[str],
) -> dict[str, Any]:
    """Accuracies of fresh networks after the last step, for each kind and source.

    Args:
        teacher: The teacher.
        splits: The real data.
        networks: Kinds of networks; see `gtn_tf.learners.named_learner`.
        folder: Each kind's evaluation goes into a folder of its own in it.
        learners: Fresh networks of each kind.
        sources: Some of `gtn_tf.runs.SOURCES`.

    Returns:
        For each kind, for each source, its `mean` and `std`.
    """
    results = {}
    for network in networks:
        say(f"teaching {network}")
        found = runs.evaluate(
            teacher,
            splits,
            network,
            folder / network,
            learners,
            every=teacher.steps,
            sources=sources,
            report=say,
        )
        results[network] = found["results"]
    return results


def say(line: str) -> None:
    """Prints a line of progress below a recipe's own."""
    print(f"  {line}", flush=True)


def add_ranking_arguments(parser: argparse.ArgumentParser, out: Path) -> None:
    """Adds what the recipes that compare scores have in common.

    Args:
        parser: To be added to.
        out: Where results go by default.
    """
    add = parser.add_argument
    add("--data", default="mnist", help="what the teachers teach")
    add("--data-dir", type=Path, help="folder with the data files")
    add("--teacher", nargs="+", default=["mnist"], help="as for gtn_tf.cli rank")
    add("--out", type=Path, default=out)
    add("--plot", action="store_true", help="draw the picture again and stop")


def load_data(options: argparse.Namespace) -> Splits:
    """Loads the data, with images of the first teacher's size.

    Args:
        options: As parsed, with those of `add_ranking_arguments`.
    """
    size = load_teacher(options.teacher[0]).image_shape[0]
    return data.load(options.data, data_dir=options.data_dir, image_size=size)


def write_facts(options: argparse.Namespace, recipe: str, scale: Any) -> None:
    """Writes facts.json: how the figures beside it were made, and on what machine.

    Args:
        options: As parsed, with those of `add_ranking_arguments` and `--scale`.
        recipe: Name of the script.
        scale: The sizes, a named tuple.
    """
    teachers = [
        {
            "name": Path(teacher).stem,
            "image_shape": load_teacher(teacher).image_shape,
            "training_seconds": training_seconds(teacher),
        }
        for teacher in options.teacher
    ]
    facts = {
        "command": f"python cli/{recipe}.py --scale {options.scale} --data "
        f"{options.data} --teacher {' '.join(options.teacher)}",
        "teachers": teachers,
        "scale": scale._asdict(),
        "seed": 0,
        **runs.machine(),
    }
    (options.out / "facts.json").write_text(json.dumps(facts, indent=2) + "\n")


def ranking_scorers(
    teachers: Sequence[str], untrained: Sequence[str], steps: Sequence[int]
) -> list[Scorer]:
    """What recipes compare: no training, teachers, and as many steps of real data.

    Args:
        teachers: Bundled ones' names, or paths.
        untrained: Names of scorers that train nothing.
        steps: Inner steps of the teachers and of real data.
    """
    scorers: list[Scorer] = [make_scorer(one) for one in untrained]
    for teacher in teachers:
        for count in steps:
            names = ranking_names(f"gtn {Path(teacher).stem}, {count} steps")
            scorers.append(GTNScorer(load_teacher(teacher), count, names=names))
    for count in steps:
        names = ranking_names(f"real data, {count} steps")
        scorers.append(RealDataScorer(count, names=names))
    return scorers


def ranking_names(training: str) -> tuple[str, str]:
    """Columns of both scores of a training: accuracy and training speed.

    Args:
        training: What is trained with.
    """
    return training, f"{training}{_SPEED}"


_SPEED = ", training speed"


_PLUS = " + "  # of ranks
_ADDED = (("params",), ("params", "synflow"))  # scores that take no training


def score_columns(
    rows: Sequence[Mapping[str, Any]], besides: Sequence[str] = ()
) -> dict[str, list[float]]:
    """The scores of a table, and sums of ranks: scores that train, and some others.

    Args:
        rows: What `score_all` gave.
        besides: Columns that are no scores.
    """
    others = ("genotype", *besides)
    columns = {
        name: [row.get(name, math.nan) for row in rows]
        for name in rows[0]
        if name not in others and not name.startswith("seconds")
    }
    trained = [name for name in columns if name.startswith(("gtn", "real"))]
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
    call with more genotypes or scorers computes what is missing.

    Args:
        genotypes: Of the space.
        space: Builds the networks.
        scorers: What they are scored by.
        examples: Real data.
        file: The CSV file.
        seed: Of the weights.

    Returns:
        A row for each genotype: `genotype`, and for each scorer its scores, NaN if it
        failed, and `seconds_` and its name.
    """
    found = {row["genotype"]: row for row in read_table(file)}
    rows = {space.text(g): found.get(space.text(g), {}) for g in genotypes}
    started, done = time.monotonic(), 0
    for number, genotype in enumerate(genotypes, start=1):
        name = space.text(genotype)
        missing = [s for s in scorers if f"seconds_{s.name}" not in rows[name]]
        if not missing:
            continue
        rows[name]["genotype"] = name
        for scorer in missing:
            rows[name].update(_timed_score(genotype, space, scorer, examples, seed))
        write_table([row for row in rows.values() if row], file)
        done += 1
        left = (time.monotonic() - started) / done * (len(rows) - number)
        say(f"{number} of {len(rows)}  {left / 60:.0f} minutes left")
    return list(rows.values())


def _timed_score(
    genotype: Any, space: CellSpace, scorer: Scorer, examples: ScoringData, seed: int
) -> dict[str, float]:
    def build() -> Any:
        return space.network(genotype, space.scored_as)

    started = time.monotonic()
    try:
        found = score(build, [scorer], examples, seed)
    except (ValueError, ArithmeticError) as error:
        say(f"{space.text(genotype)}: {scorer.name}: {error}")
        found = {scorer.name: math.nan}
    return {**found, f"seconds_{scorer.name}": time.monotonic() - started}


def write_table(rows: Sequence[Mapping[str, Any]], file: Path) -> None:
    """Writes rows as CSV, wholly or not at all.

    Args:
        rows: A key that one lacks is left empty.
        file: The file; its folder is made.
    """
    lines = io.StringIO()
    keys = list(dict.fromkeys(key for row in rows for key in row))
    table = csv.DictWriter(lines, keys, lineterminator="\n")
    table.writeheader()
    table.writerows(
        {k: f"{v:.8g}" if isinstance(v, float) else v for k, v in row.items()}
        for row in rows
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    write(file, lines.getvalue())


def read_table(file: Path) -> list[dict[str, Any]]:
    """Reads what `write_table` wrote.

    Args:
        file: The file; if it is not there, there are no rows.
    """
    if not file.exists():
        return []
    with file.open(encoding="utf-8", newline="") as lines:
        return [
            {k: v if k in _TEXTS else float(v) for k, v in row.items() if v}
            for row in csv.DictReader(lines)
        ]


_TEXTS = ("genotype", "score", "slice", "arm", "failure")


def compare(
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, Sequence[float]],
    truth: Sequence[float],
    label: str,
    full: str | None,
    out: Path,
) -> None:
    """Writes correlations.csv and costs.csv, and draws scores.png.

    Args:
        rows: What `score_all` gave.
        columns: For each score's name, that of each architecture.
        truth: The accuracy of each.
        label: Of the accuracy's axis.
        full: The column of the full training, if it is one of the rows'.
        out: The folder.
    """
    found = {name: correlations(values, truth) for name, values in columns.items()}
    table = [
        {"score": name, "slice": part, **numbers}
        for name, parts in found.items()
        for part, numbers in parts.items()
    ]
    write_table(table, out / "correlations.csv")
    whole = {name: parts["all"]["spearman"] for name, parts in found.items()}
    write_table(_costs(rows, whole, full, out), out / "costs.csv")
    notes = {name: in_words(parts) for name, parts in found.items()}
    plots.score_scatter(columns, np.asarray(truth), notes, label, out / "scores.png")


def _costs(
    rows: Sequence[Mapping[str, Any]],
    whole: Mapping[str, float | None],
    full: str | None,
    out: Path,
) -> list[dict[str, Any]]:
    """What each score costs, and how long real data takes to be as good.

    Like is compared with like: training speed with that on real data, and sums of
    ranks with such sums.
    """

    def seconds(name: str) -> float:
        parts = [_training(name), *name.split(_PLUS)[1:]]
        return float(sum(np.mean([row[f"seconds_{p}"] for row in rows]) for p in parts))

    teachers = json.loads((out / "facts.json").read_text(encoding="utf-8"))["teachers"]
    known = {name: value or 0.0 for name, value in whole.items()}
    timed = [name for name in known if f"seconds_{_training(name)}" in rows[0]]
    table = []
    for name in timed:
        kind = name[len(_training(name)) :]
        real = [n for n in timed if n == f"{_training(n)}{kind}" and n[:4] == "real"]
        points = [(seconds(n), known[n]) for n in real]
        points += [(seconds(full), 1.0)] if full else []
        trained = [t for t in teachers if name.startswith(f"gtn {t['name']},")]
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
