"""The main job: meta-train, test and export a teacher."""

from __future__ import annotations

import functools
import json
import resource
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf import plots
from gtn_tf.accuracy import in_words, over_learners
from gtn_tf.atomic_file import as_csv, write
from gtn_tf.build import build_gtn, build_real_data_gtn, start
from gtn_tf.config import Config, to_yaml
from gtn_tf.data import Splits
from gtn_tf.distribution import (
    a_batch_each,
    choose_strategy,
    expect_same,
    is_chief,
    learners_of_each,
    number_from_chief,
    together,
    variables_from_chief,
)
from gtn_tf.evaluation import TaughtLearners, split_for_learners
from gtn_tf.gtn import GTN
from gtn_tf.non_finite import NonFiniteError
from gtn_tf.runs.checkpoints import Checkpoints
from gtn_tf.runs.curves import as_rows, of_learners, tested_steps
from gtn_tf.runs.directory import RunDirectory
from gtn_tf.runs.distributed import directory_of, report_of
from gtn_tf.runs.limits import expect_possible
from gtn_tf.runs.model_card import data_of, model_card
from gtn_tf.runs.progress import Progress
from gtn_tf.runs.records import Metrics, Pictures, TestAccuracy
from gtn_tf.runs.results import (
    accuracy_of,
    as_entries,
    is_finished,
    report_results,
)
from gtn_tf.runs.splits import expect_augmentable, load_splits
from gtn_tf.shapes import is_vector

Report = Callable[[str], None]

_BASELINE = "real-data baseline"


def train(
    config: Config,
    path: str | Path,
    resume: bool = False,
    data_dir: str | Path | None = None,
    report: Report = print,
) -> dict[str, Any]:
    """Meta-trains a teacher and the real-data baseline, and writes all results.

    A run that is interrupted at any moment and resumed ends with the same weights.

    Args:
        config: The configuration.
        path: The run directory.
        resume: Whether an existing run goes on.
        data_dir: Folder with the data files; see `gtn_tf.data.load`.
        report: Called with each line of progress.

    Returns:
        The content of `summary.json`; of several workers, only the chief has it.

    Raises:
        RunError: If the run directory cannot be used, or another worker is gone.
        DataError: If the data cannot be used.
        NonFiniteError: If meta-training diverges.
    """
    strategy = choose_strategy(config.meta.distribute, report)
    learners_of_each(config.meta.learners_per_iteration, strategy.num_replicas_in_sync)
    seed, batch_size = config.seed % 2**32, config.meta.batch_size
    splits = load_splits(config.data, data_dir, seed=seed, batch_size=batch_size)
    expect_possible(config, splits)
    expect_augmentable(config.augmentation, splits)
    report = report_of(strategy, report)
    with together(strategy), directory_of(strategy, path) as run:
        expect_same(strategy, to_yaml(config))
        with run.open(config, resume):
            return _run(run, config, splits, strategy, report)


def _run(
    run: RunDirectory,
    config: Config,
    splits: Splits,
    strategy: tf.distribute.Strategy,
    report: Report,
) -> dict[str, Any]:
    """Finishes a run, if it is not finished, and reports its results."""
    exports = config.teacher.source != "real_data"
    finished = is_finished(run, exports, report)
    if not number_from_chief(strategy, finished):
        _finish(run, config, splits, strategy, report)
    if not is_chief(strategy):
        return {}
    describe = functools.partial(outcome, config=config)
    return report_results(run, describe, report)


def _finish(
    run: RunDirectory,
    config: Config,
    splits: Splits,
    strategy: tf.distribute.Strategy,
    report: Report,
) -> None:
    """Does what is left of a run; the summary comes last."""
    with strategy.scope():
        gtn = build_gtn(config, splits)
    report(
        f"meta-training a teacher of {config.teacher.steps} steps of "
        f"{config.teacher.batch_size} on {splits.title} (unroll: {gtn.unroll})"
    )
    if is_vector(splits.image_shape):
        report("no pictures of the curriculum: its lessons are lines of a table")
    pictures = Pictures(gtn, splits, run.samples, run.tensorboard)
    board = tf.keras.callbacks.TensorBoard(str(run.tensorboard), write_graph=False)
    tests = (
        [TestAccuracy(splits, strategy.num_replicas_in_sync)]
        if config.evaluation.test_each_epoch
        else []
    )
    iterations = config.meta.iterations
    seconds = meta_train(
        gtn,
        splits,
        run.path,
        config,
        iterations,
        report,
        [*tests, board, pictures],
        run.run_id,
    )
    source = config.teacher.source.replace("_", " ")
    curves = {source: _test(source, gtn, splits, config, report)}
    if config.evaluation.real_data_iterations:
        curves[_BASELINE] = _baseline(run, config, splits, strategy, report)
    if config.evaluation.every:
        _write_curves(run, curves, config, splits)
    summary = {"dataset": splits.title, **_summary(config, gtn, curves, seconds)}
    title = f"What {config.teacher.steps} steps of {splits.title} are taught with"
    names = splits.class_names
    steps = config.teacher.steps
    grid = pictures.grid()
    if grid is not None:
        plots.save_curriculum(grid, steps, names, title, run.curriculum)
    if config.teacher.source == "real_data":
        report("no export: real data has no teacher of its own")
    else:
        gtn.export(run.export, splits, _accuracy(summary))
    write(run.model_card, model_card(config, splits, summary))
    write(run.summary, json.dumps(summary, indent=2) + "\n")


def _baseline(
    run: RunDirectory,
    config: Config,
    splits: Splits,
    strategy: tf.distribute.Strategy,
    report: Report,
) -> np.ndarray:
    report("real-data baseline: learning its rates at the same number of steps")
    with strategy.scope():
        gtn = build_real_data_gtn(config, splits)
    iterations = config.evaluation.real_data_iterations
    meta_train(
        gtn, splits, run.real_data, config, iterations, report, run_id=run.run_id
    )
    return _test(_BASELINE, gtn, splits, config, report)


def meta_train(
    gtn: GTN,
    splits: Splits,
    folder: Path,
    config: Config,
    iterations: int,
    report: Report,
    more_callbacks: list[tf.keras.callbacks.Callback] | None = None,
    run_id: str = "",
) -> float:
    """Runs or resumes the meta-iterations of one GTN.

    Args:
        gtn: A compiled GTN.
        splits: The real data.
        folder: Folder for `checkpoints` and `metrics.csv`.
        config: The configuration.
        iterations: Meta-iterations in all; a multiple of an epoch's.
        report: Called with each line of progress.
        more_callbacks: Further Keras callbacks. What they add to the logs is in
            `metrics.csv`.
        run_id: The run that the checkpoints belong to.

    Returns:
        The seconds of training, including earlier parts of the run.

    Raises:
        NonFiniteError: If meta-training diverges.
    """
    strategy, per_epoch = gtn.distribute_strategy, config.meta.iterations_per_epoch
    replicas = strategy.num_replicas_in_sync
    checkpoints = Checkpoints(gtn, folder / "checkpoints", report, run_id)
    done = number_from_chief(strategy, checkpoints.restore())
    if not done:
        start(gtn, config, splits, report)
    else:
        report(f"resuming after iteration {done * per_epoch} of {iterations}")
    variables_from_chief(strategy, [*gtn.variables, *gtn.optimizer.variables])
    callbacks = [
        Progress(iterations, checkpoints.seconds, report),
        *(more_callbacks or []),
        Metrics(folder / "metrics.csv", done),
        checkpoints,  # last: an epoch counts once all else is recorded
    ]
    if done * per_epoch < iterations:
        try:
            gtn.fit(
                a_batch_each(
                    splits.train_batches(int(gtn.iterations.numpy())), replicas
                ),
                initial_epoch=done,
                epochs=iterations // per_epoch,
                steps_per_epoch=per_epoch,
                validation_data=split_for_learners(
                    splits.validation_images,
                    splits.validation_labels,
                    replicas=replicas,
                ),
                callbacks=callbacks,
                verbose=0,
            )
        except NonFiniteError as error:
            raise NonFiniteError(
                f"{error}. The last good checkpoint is {checkpoints.last()}"
            ) from None
    return float(checkpoints.seconds)


def _test(
    name: str, gtn: GTN, splits: Splits, config: Config, report: Report
) -> np.ndarray:
    """Accuracies of fresh learners, `[learners, tested steps, measures]`."""
    learners = config.evaluation.learners
    report(f"testing {learners} fresh learners: {name} ...")
    return TaughtLearners(gtn).accuracies(splits.test, learners, _tested(config))


def _tested(config: Config) -> list[int]:
    steps = config.teacher.steps
    return tested_steps(steps, config.evaluation.every or steps)


def _write_curves(
    run: RunDirectory, curves: Mapping[str, np.ndarray], config: Config, splits: Splits
) -> None:
    steps = _tested(config)
    title = (
        f"{config.evaluation.learners} fresh learners of the pool on "
        f"{splits.title}: mean ± standard deviation"
    )
    write(run.curves, as_csv(as_rows(of_learners(curves), steps)))
    accuracies = {name: curve[..., 0] for name, curve in curves.items()}
    plots.learning_curves(accuracies, steps, title, run.curves.with_suffix(".png"))


def _summary(
    config: Config, gtn: GTN, curves: Mapping[str, np.ndarray], seconds: float
) -> dict[str, Any]:
    last = [over_learners(curve[:, -1]) for curve in curves.values()]
    no_baseline: dict[str, Any] = {"mean": None, "std": None}
    taught, on_real_data, *_ = [*last, no_baseline]
    return {
        **as_entries(taught, "test"),
        **as_entries(on_real_data, "real_data"),
        "learners": config.evaluation.learners,
        "steps": config.teacher.steps,
        "batch_size": config.teacher.batch_size,
        "meta_iterations": int(gtn.iterations.numpy()),
        "skipped": int(gtn.skipped.numpy()),
        "seconds": round(seconds, 1),
        "peak_bytes": _peak_bytes(),
    }


def _accuracy(summary: dict[str, Any]) -> dict[str, Any]:
    """The results in the export's description."""
    real_data = accuracy_of(summary, "real_data")
    return {
        **accuracy_of(summary, "test"),
        **{f"real_data_{name}": value for name, value in real_data.items()},
        "learners": summary["learners"],
    }


def _peak_bytes() -> int:
    """The peak memory of this process, including TensorFlow."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def outcome(summary: dict[str, Any], run: RunDirectory, config: Config) -> str:
    """Describes the result in a few lines.

    Args:
        summary: The content of `summary.json`.
        run: Its directory.
        config: The configuration.
    """
    data = data_of(config)
    baseline = "taught on real data".ljust(len(f"taught on {data}"))
    drawn = run.curriculum.exists()  # not of a table
    files = [f"{run.curriculum.name} (the curriculum)"] if drawn else []
    files += [] if config.teacher.source == "real_data" else ["export/1 (SavedModel)"]
    files += [run.summary.name, run.model_card.name]
    return "\n".join(
        [
            "",
            f"Test accuracy of {summary['learners']} fresh learners after "
            f"{summary['steps']} steps of {summary['batch_size']} "
            "(mean +- standard deviation):",
            f"  taught on {data}  {in_words(accuracy_of(summary, 'test'))}",
            f"  {baseline}  {in_words(accuracy_of(summary, 'real_data'))}",
            f"Meta-training: {summary['meta_iterations']} iterations, "
            f"{summary['seconds']:.0f} s. Everything is in {run.path}:",
            f"  {', '.join(files)}",
        ]
    )
