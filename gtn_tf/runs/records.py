"""What a run records while it trains: metrics, samples, TensorBoard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf import plots
from gtn_tf.atomic_file import as_csv, naming, write
from gtn_tf.data import Splits
from gtn_tf.errors import shown
from gtn_tf.evaluation import split_for_learners
from gtn_tf.gtn import GTN
from gtn_tf.labels import classes_of_lessons
from gtn_tf.run_files import damaged, read_cells
from gtn_tf.shapes import is_vector

_SEED = (0, 0)  # of the batches that are shown


class Metrics(tf.keras.callbacks.CSVLogger):
    """Keras' `CSVLogger`, without the lines of epochs that a resumed run repeats.

    Args:
        path: The CSV file.
        epochs_done: Epochs whose lines stay.

    Raises:
        RunError: If the file has lines that no run wrote. It is not changed.
    """

    def __init__(self, path: Path, epochs_done: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        if epochs_done and path.exists():
            write(path, _first_epochs(path, epochs_done))
        super().__init__(str(path), append=epochs_done > 0)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        with naming(self._path):
            super().on_epoch_end(epoch, logs)


def _first_epochs(path: Path, epochs_done: int) -> str:
    header, *rows = read_cells(path) or [[]]
    if header and header[0] != "epoch":
        raise damaged(path, f"no table of epochs: {shown(header)}")
    if rows and len(rows[-1]) < len(header):  # truncated by a kill or a full disk
        rows.pop()
    for row in rows:
        if len(row) != len(header) or not row[0].isdecimal():
            raise damaged(path, f"no line of an epoch: {shown(row)}")
    kept = [header, *(row for row in rows if int(row[0]) < epochs_done)]
    return as_csv(filter(None, kept))


class Scalars(tf.keras.callbacks.Callback):
    """Shows the logs of each epoch in TensorBoard.

    Args:
        tensorboard: Folder of the event file.
        steps: Of an epoch.
    """

    def __init__(self, tensorboard: Path, steps: int) -> None:
        super().__init__()
        self._writer = tf.summary.create_file_writer(str(tensorboard))
        self._steps = steps

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        with self._writer.as_default(step=(epoch + 1) * self._steps):
            for name, value in logs.items():
                tf.summary.scalar(name, value)
        self._writer.flush()


class TestAccuracy(tf.keras.callbacks.Callback):
    """Tests fresh learners on the test images after each epoch.

    It adds `test_accuracy` to the logs, so it has to come before the callbacks that
    record them.

    Args:
        splits: The real data.
        replicas: Number of replicas of the GTN.
    """

    def __init__(self, splits: Splits, replicas: int = 1) -> None:
        super().__init__()
        self._test = split_for_learners(
            splits.test_images, splits.test_labels, replicas=replicas
        )

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        found = self.model.evaluate(self._test, verbose=0, return_dict=True)
        logs["test_accuracy"] = found["accuracy"]


class Pictures(tf.keras.callbacks.Callback):
    """Shows the curriculum and the inner optimizer, in files and in TensorBoard.

    Of a table, only the optimizer: its lessons are no pictures.

    Args:
        gtn: The GTN.
        splits: The real data, whose normalisation is undone.
        samples: Folder of the PNG files, one for each epoch.
        tensorboard: Folder of the event file.
    """

    def __init__(
        self, gtn: GTN, splits: Splits, samples: Path, tensorboard: Path
    ) -> None:
        super().__init__()
        self._splits = splits
        self._samples = samples
        self._writer = tf.summary.create_file_writer(str(tensorboard / "teacher"))
        self._batches = tf.function(gtn.teacher.batches)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        iteration = int(self.model.iterations.numpy())
        grid = self.grid()
        optimizer = self.model.inner_optimizer
        values = {
            optimizer.values[name].name: values.numpy()
            for name, values in optimizer.hyperparameters().items()
        }
        if grid is not None:
            self._samples.mkdir(parents=True, exist_ok=True)
            plots.save_image(grid, self._samples / f"iteration-{iteration:06d}.png")
        with self._writer.as_default(step=iteration):
            if grid is not None:
                tf.summary.image("curriculum", grid[np.newaxis])
            picture = plots.hyperparameters(values)
            tf.summary.image("hyperparameters", picture[np.newaxis])
            for name, of_steps in values.items():
                for step, value in enumerate(of_steps):
                    tf.summary.scalar(f"{name}/step_{step:03d}", value)
        self._writer.flush()

    def grid(self) -> np.ndarray | None:
        """The curriculum as one image `[h, w, c]`; `None` of a table."""
        if is_vector(self._splits.image_shape):
            return None
        images, labels = self._batches(tf.constant(_SEED))
        return plots.curriculum_grid(
            images.numpy(),
            classes_of_lessons(labels.numpy()),
            self._splits.num_classes,
            self._splits.mean,
            self._splits.std,
        )
