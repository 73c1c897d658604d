"""The directory of a run: its files, and the run that it belongs to."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, Union

from gtn_tf.atomic_file import naming, write
from gtn_tf.config import (
    Config,
    ConfigError,
    DartsConfig,
    EnasConfig,
    FinalConfig,
    GHNConfig,
    SearchConfig,
    SupernetConfig,
    differences,
    load_config,
    to_yaml,
)
from gtn_tf.run_files import RunError

_ID = "run_id"

AnyConfig = Union[
    Config,
    SearchConfig,
    SupernetConfig,
    GHNConfig,
    DartsConfig,
    EnasConfig,
    FinalConfig,
]


@dataclass(frozen=True)
class RunDirectory:
    """Names of the files of a run.

    Args:
        path: The directory; `~` in it is the home folder.
    """

    path: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path).expanduser())

    @property
    def config(self) -> Path:
        """The whole configuration, as YAML."""
        return self.path / "config.yaml"

    @property
    def run_id(self) -> str:
        """Identifies the run's checkpoints: a digest of its configuration.

        It is computed when the run begins and does not change with the configuration
        file: other comments, or more keys in a new version.
        """
        return (self.path / _ID).read_text(encoding="utf-8-sig").strip()

    @property
    def metrics(self) -> Path:
        """One line for each epoch, as CSV."""
        return self.path / "metrics.csv"

    @property
    def checkpoints(self) -> Path:
        """The teacher's last checkpoints."""
        return self.path / "checkpoints"

    @property
    def real_data(self) -> Path:
        """The real-data baseline, with checkpoints and metrics of its own."""
        return self.path / "real_data"

    @property
    def tensorboard(self) -> Path:
        """Event files."""
        return self.path / "tensorboard"

    @property
    def samples(self) -> Path:
        """Pictures of the curriculum, made during training."""
        return self.path / "samples"

    @property
    def curves(self) -> Path:
        """Accuracy by inner step, as CSV, if requested."""
        return self.path / "curves.csv"

    @property
    def curriculum(self) -> Path:
        """The picture of the finished curriculum."""
        return self.path / "curriculum.png"

    @property
    def export(self) -> Path:
        """The SavedModel."""
        return self.path / "export" / "1"

    @property
    def summary(self) -> Path:
        """The results, as JSON; the last file to be written."""
        return self.path / "summary.json"

    @property
    def model_card(self) -> Path:
        """What was trained, how, and the results."""
        return self.path / "README.md"

    @contextmanager
    def open(self, config: AnyConfig, resume: bool) -> Iterator[None]:
        """Locks the directory for one process within the context.

        Args:
            config: The run's configuration.
            resume: Whether an existing run goes on. Without one, a new run starts
                either way.

        Raises:
            RunError: If another run uses the directory, if it holds another
                configuration's run or something that is not a run, or if it holds
                a run and `resume` is false.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._expect_a_run_or_nothing()
            # The lock ends with the process, whatever ended it.
            lock = (self.path / ".lock").open("a+")
        except OSError as error:
            raise RunError(
                f"{self.path}: expected a directory to write to: {error.strerror}"
            ) from None
        with lock:
            self._lock(lock)
            self._claim(config, resume)
            yield

    def _expect_a_run_or_nothing(self) -> None:
        # An interrupted start leaves the lock, and perhaps half a configuration.
        ours = {".lock", ".config.yaml", _ID, f".{_ID}"}
        others = {p.name for p in self.path.iterdir()} - ours
        if others and not self.config.exists():
            raise RunError(
                f"{self.path}: expected a new or empty directory, or one with "
                f"the config.yaml of a run, found {sorted(others)[0]}"
            )

    def _lock(self, lock: TextIO) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise RunError(
                f"{self.path}: in use by another run (process {holder}); wait for "
                "it, stop it, or choose another --run-dir"
            ) from None
        with naming(self.path / ".lock"):
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()

    def _claim(self, config: AnyConfig, resume: bool) -> None:
        if not self.config.exists():
            self._name(config)
            write(self.config, to_yaml(config))
            return
        try:
            found = load_config(str(self.config), schema=type(config))
        except ConfigError as error:
            raise RunError(
                f"{error}; the run in {self.path} cannot go on: choose another "
                "--run-dir"
            ) from None
        different = differences(found, config)
        if different:
            raise RunError(
                f"{self.path}: made by another configuration ({'; '.join(different)})"
                "; choose another --run-dir, or the configuration of the run"
            )
        if not resume:
            raise RunError(
                f"{self.path}: already holds a run; add --resume to go on with it, "
                "or choose another --run-dir"
            )
        if not (self.path / _ID).exists():  # of an earlier version
            self._name(config)

    def _name(self, config: AnyConfig) -> None:
        digest = hashlib.sha256(to_yaml(config).encode()).hexdigest()
        write(self.path / _ID, f"{digest[:16]}\n")
