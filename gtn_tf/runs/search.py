"""Runs the search of a configuration in its own directory."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf import plots
from gtn_tf.atomic_file import write
from gtn_tf.cells.drawing import draw_genotype
from gtn_tf.config import SearchConfig
from gtn_tf.data import Splits
from gtn_tf.data.stored_images import take
from gtn_tf.errors import first_line, refused_by_system
from gtn_tf.run_files import RunError, read_json, read_rows
from gtn_tf.runs.directory import RunDirectory
from gtn_tf.runs.limits import expect_possible
from gtn_tf.runs.machine import machine
from gtn_tf.runs.space import make_space
from gtn_tf.runs.splits import load_splits
from gtn_tf.runs.tuner import make_optimizer, make_scorers, make_tuner
from gtn_tf.runs.workers import (
    expect_address,
    is_worker,
    readable_connection_errors,
    warn_if_open,
)
from gtn_tf.search import GTNTuner
from gtn_tf.search.cost import search_cost
from gtn_tf.search.ranking import correlations, format_correlations
from gtn_tf.teaching import training_seconds


def search(
    config: SearchConfig,
    run_dir: Path,
    resume: bool = False,
    data_dir: Path | None = None,
    report: Callable[[str], None] = print,
) -> None:
    """Scores candidates, trains the best, and writes the results.

    Where KerasTuner's environment variables make this process a worker, it does its
    share and leaves the results to the chief.

    Args:
        config: The configuration.
        run_dir: Holds config.yaml, KerasTuner's files, results.csv, summary.json and
            the pictures.
        resume: Whether an existing search goes on.
        data_dir: Folder with the data files.
        report: Called with each line of progress.

    Raises:
        RunError: If the directory cannot be used.
        TeacherError: If the teacher does not fit the data.
    """
    expect_address()
    run_dir = RunDirectory(run_dir).path
    splits = load_splits(config.data, data_dir)
    expect_possible(config, splits)
    training, ranking = config.training, config.ranking
    space = make_space(config.space, splits, make_optimizer(training, splits))
    scorers = make_scorers(ranking, splits, space)  # may fail: before anything is kept
    with _claimed(run_dir, config, resume):
        if not is_worker():
            _expect_sound(run_dir)
        tuner = make_tuner(config, space, scorers, run_dir, report)
        warn_if_open(report)
        chosen = slice(training.images or None)
        report(
            f"{ranking.candidates} candidates are scored, the best {training.top_k} "
            "trained"
        )
        with readable_connection_errors():
            tuner.search(
                take(splits.train_images, chosen),
                splits.train_labels[chosen],
                epochs=training.epochs,
                batch_size=training.batch_size,
                validation_data=(splits.validation_images, splits.validation_labels),
                verbose=2,
            )
        if not is_worker():
            _write_summary(config, tuner, splits, run_dir, report)
            report(f"Written: results.csv, summary.json and pictures in {run_dir}")


@contextlib.contextmanager
def _claimed(run_dir: Path, config: SearchConfig, resume: bool) -> Any:
    if is_worker():  # the directory is the chief's
        yield
    else:
        with RunDirectory(run_dir).open(config, resume):
            yield


def _expect_sound(run_dir: Path) -> None:
    """Checks that no file of a search is damaged, before any of them is replaced."""
    for file in sorted([*run_dir.glob("*.json"), *run_dir.glob("trial_*/trial.json")]):
        read_json(file, "put a sound copy in its place or choose another --run-dir")


def _load(tuner: GTNTuner, trial: Any) -> tf.keras.Model:
    try:
        return tuner.load_model(trial)
    except (OSError, ValueError, IndexError, tf.errors.OpError) as error:
        folder = tuner.get_trial_dir(trial.trial_id)
        reason = refused_by_system(error) or first_line(error)
        raise RunError(
            f"{folder}: expected the weights of the best network, which cannot be read "
            f"({reason}); nothing was changed"
        ) from None


def _write_summary(
    config: SearchConfig,
    tuner: GTNTuner,
    splits: Splits,
    run_dir: Path,
    report: Callable[[str], None],
) -> None:
    tuner.oracle.save()  # writes results.csv again, in case it was lost
    rows = read_rows(run_dir / "results.csv")
    objective = tuner.oracle.objective.name
    known = [row for row in rows if row[objective]]
    names = [name for name in tuner.scorers if name in rows[0]]
    scores = {name: [_number(row[name]) for row in known] for name in names}
    truth = [_number(row[objective]) for row in known]
    found = {name: correlations(values, truth) for name, values in scores.items()}
    seconds = [_number(row["seconds"]) for row in rows if row["seconds"]]
    best = tuner.oracle.get_best_trials(1)
    summary: dict[str, Any] = {
        "correlations": found,
        "cost": _cost(config, tuner, seconds),
        **machine(),
    }
    if best:
        space = tuner.hypermodel
        genotype = space.genotype(best[0].hyperparameters)
        draw_genotype(genotype, run_dir / "best.png")
        results = _load(tuner, best[0]).evaluate(
            splits.test_images, splits.test_labels, verbose=0, return_dict=True
        )
        summary["best"] = {
            "genotype": space.text(genotype),
            objective: best[0].score,
            "test_accuracy": results["accuracy"],
        }
        report(f"best: {space.text(genotype)}")
        report(f"  {objective} {best[0].score:.2%}, test {results['accuracy']:.2%}")
    write(run_dir / "summary.json", json.dumps(summary, indent=2) + "\n")
    if len(known) > 1:
        notes = {name: format_correlations(parts) for name, parts in found.items()}
        label = f"{objective} after full training [%]"
        shown = [100 * value for value in truth]
        path = run_dir / "scores.png"
        plots.score_scatter(scores, shown, notes, label, path)


def _cost(
    config: SearchConfig, tuner: GTNTuner, seconds: list[float]
) -> dict[str, Any]:
    """The cost of scoring, without and with the teacher's training, if known."""
    each = float(np.mean(seconds or [0.0]))
    cost: dict[str, Any] = {"scoring": search_cost(0.0, len(seconds), each)}
    by_teacher = any(tuner.scorers[n].teacher is not None for n in tuner.rank_by)
    once = training_seconds(config.ranking.teacher) if by_teacher else None
    if once is not None:
        cost["with_teacher"] = search_cost(once, len(seconds), each)
    return cost


def _number(text: str) -> float:
    return float(text) if text else float("nan")
