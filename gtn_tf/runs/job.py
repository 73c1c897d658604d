"""What all trainings on a super-network do around their own part."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from gtn_tf.config import DartsConfig, EnasConfig, GHNConfig, SupernetConfig
from gtn_tf.data import Splits
from gtn_tf.inner import graph_rewrites_off
from gtn_tf.runs.directory import RunDirectory
from gtn_tf.runs.limits import expect_possible
from gtn_tf.runs.results import is_finished, report_results
from gtn_tf.runs.splits import load_training_splits

GENOTYPE = "genotype.txt"  # what a search ends with, for `train-final`

Report = Callable[[str], None]
_Config = TypeVar("_Config", SupernetConfig, GHNConfig, DartsConfig, EnasConfig)


def run_job(
    config: _Config,
    run_dir: Path,
    resume: bool,
    data_dir: Path | None,
    report: Report,
    product: str,
    finish: Callable[[RunDirectory, _Config, Splits, Report], None],
    outcome: Callable[[dict[str, Any], RunDirectory], str],
    check: Callable[[Splits], object] = lambda splits: None,
) -> dict[str, Any]:
    """Loads the data, does what is left of a run, and reports its results.

    Args:
        config: The configuration.
        run_dir: The run directory.
        resume: Whether an existing run goes on.
        data_dir: Folder with the data files.
        report: Called with each line of progress.
        product: Name of the file that the run is for; it is made again if it is gone.
        finish: Does what is left; the summary comes last.
        outcome: As for `report_results`.
        check: Raises an error, before there is a run directory, if the data does not
            fit.

    Returns:
        The content of `summary.json`.

    Raises:
        RunError: If the directory cannot be used.
    """
    splits = load_training_splits(config, data_dir)
    expect_possible(config, splits)
    check(splits)
    run = RunDirectory(run_dir)
    with run.open(config, resume):
        if not is_finished(run, False, report) or not (run.path / product).exists():
            with graph_rewrites_off():
                finish(run, config, splits, report)
        return report_results(run, outcome, report)
