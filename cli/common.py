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

from gtn_tf import plots, runs
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
)
from gtn_tf.search.ranking import in_words, summed_ranks
from gtn_tf.teaching import TrainedTeacher, load_teacher

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
    add("--data", default="mnist", help="what the teacher teaches")
    add("--data-dir", type=Path, help="folder with the data files")
    add("--teacher", default="mnist")
    add("--out", type=Path, default=out)
    add("--plot", action="store_true", help="draw the picture again and stop")


def write_facts(
    out: Path, command: str, teacher: str, scale: Mapping[str, Any]
) -> None:
    """Writes facts.json: how the figures beside it were made, and on what machine.

    Args:
        out: The folder.
        command: That makes them.
        teacher: Whose scores they are.
        scale: The sizes.
    """
    facts = {
        "command": command,
        "teacher": teacher,
        "scale": scale,
        "seed": 0,
        **runs.machine(),
    }
    (out / "facts.json").write_text(json.dumps(facts, indent=2) + "\n")


def ranking_scorers(
    teacher: str, untrained: Sequence[str], steps: Sequence[int]
) -> list[Scorer]:
    """What recipes compare: no training, a teacher, and as many steps of real data.

    Args:
        teacher: A bundled one's name, or a path.
        untrained: Names of scorers that train nothing.
        steps: Inner steps of the teacher and of real data.
    """
    loaded, name = load_teacher(teacher), Path(teacher).stem
    scorers: list[Scorer] = [make_scorer(one) for one in untrained]
    for count in steps:
        gtn = GTNScorer(loaded, count)
        gtn.name = f"gtn {name}, {count} steps"
        scorers += [gtn, RealDataScorer(count, name=f"real data, {count} steps")]
    return scorers


def score_columns(
    rows: Sequence[Mapping[str, Any]], besides: Sequence[str] = ()
) -> dict[str, list[float]]:
    """The scores of a table, and for each of a teacher the sum with the size's ranks.

    Args:
        rows: What `score_all` gave.
        besides: Columns that are no scores.
    """
    others = ("genotype", *besides)
    columns = {
        name: [row[name] for row in rows]
        for name in rows[0]
        if name not in others and not name.startswith("seconds")
    }
    for name in [name for name in columns if name.startswith("gtn")]:
        sums = summed_ranks([columns[name], columns["params"]])
        columns[f"{name} + params"] = (-sums).tolist()
    return columns


def score_all(
    genotypes: Sequence[Any],
    space: CellSpace,
    scorers: Sequence[Scorer],
    data: ScoringData,
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
        data: Real data.
        file: The CSV file.
        seed: Of the weights.

    Returns:
        A row for each genotype: `genotype`, and for each scorer its score, NaN if it
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
            rows[name].update(_timed_score(genotype, space, scorer, data, seed))
        write_table([row for row in rows.values() if row], file)
        done += 1
        left = (time.monotonic() - started) / done * (len(rows) - number)
        say(f"{number} of {len(rows)}  {left / 60:.0f} minutes left")
    return list(rows.values())


def _timed_score(
    genotype: Any, space: CellSpace, scorer: Scorer, data: ScoringData, seed: int
) -> dict[str, float]:
    def build() -> Any:
        return space.network(genotype, space.scored_as)

    started = time.monotonic()
    try:
        value = score(build, [scorer], data, seed)[scorer.name]
    except (ValueError, ArithmeticError) as error:
        say(f"{space.text(genotype)}: {scorer.name}: {error}")
        value = math.nan
    return {scorer.name: value, f"seconds_{scorer.name}": time.monotonic() - started}


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


_TEXTS = ("genotype", "score", "slice")


def compare(
    scores: Mapping[str, Sequence[float]],
    truth: Sequence[float],
    label: str,
    out: Path,
) -> None:
    """Writes correlations.csv and draws scores.png.

    Args:
        scores: For each score's name, that of each architecture.
        truth: The accuracy of each.
        label: Of the accuracy's axis.
        out: The folder.
    """
    rows, notes = [], {}
    for name, values in scores.items():
        found = correlations(values, truth)
        rows += [
            {"score": name, "slice": part, **numbers} for part, numbers in found.items()
        ]
        notes[name] = in_words(found)
    write_table(rows, out / "correlations.csv")
    plots.score_scatter(scores, np.asarray(truth), notes, label, out / "scores.png")
