"""Code shared by the recipes: tables, progress lines, several meta-trainings."""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from gtn_tf import reports, runs
from gtn_tf.atomic_file import as_csv, write
from gtn_tf.config import Config, to_yaml
from gtn_tf.countdown import Countdown
from gtn_tf.data import Splits
from gtn_tf.teaching import TrainedTeacher

_CPU = "cpu_seconds.json"

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
        folder: Has a subfolder for each kind's evaluation.
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


def add_recipe_arguments(
    parser: argparse.ArgumentParser, scales: Mapping[str, Any], name: str
) -> None:
    """Adds the options of recipes with several meta-trainings.

    Args:
        parser: The parser.
        scales: For each scale's name, its sizes.
        name: Name of the folder in `results/`.
    """
    add = parser.add_argument
    add("--scale", choices=scales, default="laptop")
    add("--data-dir", type=Path, help="folder with the data files")
    add("--out", type=Path, default=ROOT / "results" / name)
    add(
        "--run-dir",
        type=Path,
        default=ROOT / "runs" / "experiments",
        help="runs of equal settings are shared with other recipes",
    )


def part_that_begins(countdown: Countdown) -> str:
    """The number of the next part, and the time left once one is done.

    Args:
        countdown: Counts the parts.
    """
    pace = countdown.pace
    number = f"{pace.done + 1} of {pace.total}"
    return f"{number}, {pace.left} in all" if pace.left else number


def meta_train_all(
    configs: Mapping[str, Config], options: argparse.Namespace
) -> dict[str, Path]:
    """Trains or resumes a run for each configuration, one after the other.

    Args:
        configs: Configurations by name of the folder in `--run-dir`.
        options: As parsed, with those of `add_recipe_arguments`.

    Returns:
        The folder of each run.
    """
    folders = {name: options.run_dir / options.scale / name for name in configs}
    missing = [n for n in configs if not (folders[n] / "summary.json").exists()]
    countdown = Countdown(len(missing))
    for name in missing:
        print(f"{name}: run {part_that_begins(countdown)}", flush=True)
        began = None if folders[name].exists() else time.process_time()
        runs.train(configs[name], folders[name], True, options.data_dir, say)
        if began is not None:
            spent = {"cpu_seconds": time.process_time() - began}
            write(folders[name] / _CPU, json.dumps(spent) + "\n")
        countdown.next()
        tf.keras.backend.clear_session()
    return folders


def cpu_seconds(folder: Path) -> float | None:
    """CPU seconds of a run with its tracing and tests; None if it was interrupted.

    Args:
        folder: Folder of the run.
    """
    if not (folder / _CPU).exists():
        return None
    return json.loads((folder / _CPU).read_text(encoding="utf-8-sig"))["cpu_seconds"]


def run_name(arm: str, seed: int) -> str:
    """The folder of a run in `--run-dir`.

    Args:
        arm: Name of the arm.
        seed: Seed of the run.
    """
    return f"{arm.replace(', ', '_').replace(' ', '_')}_{seed}"


def summary(folder: Path) -> dict[str, Any]:
    """A run's `summary.json`.

    Args:
        folder: Folder of the run.
    """
    return json.loads((folder / "summary.json").read_text(encoding="utf-8-sig"))


def publish(
    recipe: str,
    options: argparse.Namespace,
    scale: Any,
    config: Config,
    figures: Sequence[reports.FigureSpec],
    **facts: Any,
) -> None:
    """Writes the files beside a recipe's tables, and draws their pictures.

    Args:
        recipe: Name of the script.
        options: As parsed, with those of `add_recipe_arguments`.
        scale: The sizes, a named tuple.
        config: The settings common to all runs, for config.yaml.
        figures: The pictures.
        **facts: More entries of facts.json.
    """
    command = f"python cli/{recipe}.py --scale {options.scale}"
    write_facts(options.out, command, scale, **facts)
    write(options.out / "config.yaml", to_yaml(config))
    reports.write_figures(options.out, figures)
    reports.draw_figures(options.out, say)


def of_runs(
    arms: Mapping[str, Sequence[str]], folders: Mapping[str, Path]
) -> dict[str, Any]:
    """Facts of several meta-trainings.

    Args:
        arms: For each arm, its changes of the configuration.
        folders: Folders of the runs.

    Returns:
        The changes, and the seconds of each meta-training.
    """
    seconds = {name: summary(folder)["seconds"] for name, folder in folders.items()}
    return {"changes": arms, "meta_training_seconds": seconds}


def accuracy_curves(
    by: str, x: str, x_label: str, y: str, over: str, **more: Any
) -> reports.FigureSpec:
    """Describes the picture of fresh learners' test accuracy in curves.csv.

    Args:
        by: Column that separates the curves.
        x: Column along the x axis.
        x_label: Its name.
        y: Column of the accuracy.
        over: What the mean and the band are taken over.
        **more: As for `gtn_tf.reports.FigureSpec`.
    """
    return reports.FigureSpec(
        "curves.png",
        "curves",
        "curves.csv",
        by=by,
        x=x,
        y=y,
        x_label=x_label,
        y_label="test accuracy of fresh learners [%]",
        title=f"Mean of {over}, band: \u00b1 standard deviation",
        factor=100,
        **more,
    )


def write_facts(out: Path, command: str, scale: Any, **facts: Any) -> None:
    """Writes facts.json: how the figures beside it were made, and on what machine.

    Args:
        out: The folder.
        command: The command that made them.
        scale: The sizes, a named tuple.
        **facts: More entries.
    """
    found = {"command": command, "scale": scale._asdict(), **facts, **runs.machine()}
    out.mkdir(parents=True, exist_ok=True)
    write(out / "facts.json", json.dumps(found, indent=2) + "\n")


def write_table(rows: Sequence[Mapping[str, Any]], file: Path) -> None:
    """Writes rows as CSV, atomically.

    Args:
        rows: A missing key is an empty cell.
        file: The file; its folder is made.
    """
    keys = list(dict.fromkeys(key for row in rows for key in row))
    cells = [[row.get(key, "") for key in keys] for row in rows]
    written = [
        [f"{cell:.8g}" if isinstance(cell, float) else cell for cell in row]
        for row in cells
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    write(file, as_csv([keys, *written]))


def read_table(file: Path) -> list[dict[str, Any]]:
    """Reads what `write_table` wrote.

    Args:
        file: The file; if it is not there, there are no rows.

    Returns:
        A dictionary for each row, without its empty cells, with numbers converted.
    """
    if not file.exists():
        return []
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return [
            {key: _number_or_text(value) for key, value in row.items() if value}
            for row in csv.DictReader(lines)
        ]


def _number_or_text(value: str) -> float | str:
    try:
        return float(value)
    except ValueError:
        return value
