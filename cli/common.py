"""What the recipes share."""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gtn_tf import plots, runs
from gtn_tf.atomic_file import write
from gtn_tf.data import Splits
from gtn_tf.search import CellSpace, Scorer, ScoringData, correlations, score
from gtn_tf.teaching import TrainedTeacher

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


def score_all(
    genotypes: Sequence[Any],
    space: CellSpace,
    scorers: Sequence[Scorer],
    data: ScoringData,
    file: Path,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Scores genotypes by several scorers, each timed.

    The table is written after each genotype. Interrupted, the same call goes on.

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
    rows = {row["genotype"]: row for row in read_table(file)}
    names = [space.text(genotype) for genotype in genotypes]
    missing = [n for n in range(len(names)) if names[n] not in rows]
    started = time.monotonic()
    for done, number in enumerate(missing, start=1):
        row: dict[str, Any] = {"genotype": names[number]}
        for scorer in scorers:
            begun = time.monotonic()
            try:
                found = score(
                    lambda: space.network(genotypes[number], space.scored_as),
                    [scorer],
                    data,
                    seed,
                )
                row[scorer.name] = found[scorer.name]
            except (ValueError, ArithmeticError) as error:
                say(f"{names[number]}: {scorer.name}: {error}")
                row[scorer.name] = math.nan
            row[f"seconds_{scorer.name}"] = time.monotonic() - begun
        rows[names[number]] = row
        write_table([rows[name] for name in names if name in rows], file)
        left = (time.monotonic() - started) / done * (len(missing) - done)
        say(f"{len(rows)} of {len(names)}  {left / 60:.0f} minutes left")
    return [rows[name] for name in names]


def write_table(rows: Sequence[Mapping[str, Any]], file: Path) -> None:
    """Writes rows as CSV, wholly or not at all.

    Args:
        rows: With the same keys.
        file: The file; its folder is made.
    """
    lines = io.StringIO()
    table = csv.DictWriter(lines, list(rows[0]), lineterminator="\n")
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
            {k: v if k in _TEXTS else float(v or "nan") for k, v in row.items()}
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
        whole, half = found["all"], found["top half"]
        notes[name] = (
            f"Spearman {whole['spearman']:.2f} [{whole['low']:.2f}, "
            f"{whole['high']:.2f}], top half {half['spearman']:.2f}"
        )
    write_table(rows, out / "correlations.csv")
    plots.score_scatter(scores, np.asarray(truth), notes, label, out / "scores.png")
