"""The run directory of each worker of a distributed run: only the chief's is kept.

Every worker does the same, as a tf.distribute strategy expects it. So there is one
course of a run, however many take part in it.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import tensorflow as tf

from gtn_tf.distribution import is_chief
from gtn_tf.non_finite import NonFiniteError
from gtn_tf.run_files import RunError
from gtn_tf.runs.directory import RunDirectory


@contextlib.contextmanager
def directory_of(
    strategy: tf.distribute.Strategy, path: str | Path
) -> Iterator[RunDirectory]:
    """Opens the run's directory in the chief, and a temporary one in other workers.

    Args:
        strategy: Of `choose_strategy`.
        path: The run's directory.

    Raises:
        RunError: In other workers, if meta-training diverges.
    """
    if is_chief(strategy):
        yield RunDirectory(Path(path))
        return
    with tempfile.TemporaryDirectory(prefix="gtn_tf-") as folder:
        try:
            yield RunDirectory(Path(folder))
        except NonFiniteError:
            raise RunError("meta-training diverges: see the chief's output") from None


def report_of(
    strategy: tf.distribute.Strategy, report: Callable[[str], None]
) -> Callable[[str], None]:
    """Lets the chief alone report on the run.

    Args:
        strategy: Of `choose_strategy`.
        report: Called with each line of progress.
    """
    if is_chief(strategy):
        return report
    report("the chief reports on the run")
    return lambda line: None
