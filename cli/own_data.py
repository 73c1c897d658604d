"""Does the automatic preset teach more than as many steps of real data, on any images?

    python cli/own_data.py [--scale smoke|laptop] [--data-dir D]

Writes data sets as a user would bring them (a CSV of pixels, CSVs of measurements,
two photographs cut into a folder of patches), trains a teacher of each by `train --data
PATH`, which chooses all settings itself, and tests it. Interrupted, the same command
goes on.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_breast_cancer, load_sample_images, load_wine

from common import (
    add_recipe_arguments,
    read_table,
    say,
    summary,
    write_facts,
    write_table,
)
from gtn_tf import data, runs
from gtn_tf.atomic_file import as_csv, write
from gtn_tf.config import DataConfig, with_overrides
from gtn_tf.data import Splits

_SIDE = 32  # of a patch, in pixels
_SECONDS = "seconds.json"
_TABLES = {"breast_cancer_csv": load_breast_cancer, "wine_csv": load_wine}


class _Scale(NamedTuple):
    sets: tuple[str, ...]
    examples: int | None  # of each part of a set; all if None
    overrides: tuple[str, ...]  # of what the preset chooses


_SCALES = {
    "laptop": _Scale(
        ("fashion_mnist_csv", "breast_cancer_csv", "wine_csv", "patches"), None, ()
    ),
    "smoke": _Scale(
        ("patches",),
        40,
        (
            *("meta.iterations=2", "meta.iterations_per_epoch=2", "meta.batch_size=8"),
            *(
                "meta.intermediate_every=0",
                "teacher.steps=2",
                "teacher.batch_size=4",
                "learners.filters=[2, 2]",
            ),
            *("evaluation.learners=2", "evaluation.real_data_iterations=2"),
        ),
    ),
}


def main() -> None:
    """Parses the command line; runs or resumes the experiment."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_recipe_arguments(parser, _SCALES, "own_data")
    options = parser.parse_args()
    scale = _SCALES[options.scale]
    folder = options.run_dir / options.scale / "own_data"
    for name in scale.sets:
        print(name, flush=True)
        path = _written(name, folder / "data", options.data_dir, scale.examples)
        _train(path, folder / name, scale.overrides)
    rows = [_row(name, folder / name) for name in scale.sets]
    write_table(rows, options.out / "results.csv")
    command = f"python cli/own_data.py --scale {options.scale}"
    write_facts(options.out, command, scale)
    for row in read_table(options.out / "results.csv"):
        print(row)


def _train(path: Path, run_dir: Path, overrides: tuple[str, ...]) -> None:
    """What `train --data PATH` does; its seconds are kept if nothing interrupts it."""
    if (run_dir / "summary.json").exists():
        return
    began = None if run_dir.exists() else time.monotonic()
    config = runs.choose_config(DataConfig(path=str(path)), report=say)
    runs.train(with_overrides(config, overrides), run_dir, True, None, say)
    if began is not None:
        spent = {"seconds": time.monotonic() - began}
        write(run_dir / _SECONDS, json.dumps(spent) + "\n")
    tf.keras.backend.clear_session()


def _row(name: str, run_dir: Path) -> dict[str, object]:
    found = summary(run_dir)
    spent = run_dir / _SECONDS
    seconds = json.loads(spent.read_text())["seconds"] if spent.exists() else ""
    return {
        "set": name,
        "steps": found["steps"],
        "batch": found["batch_size"],
        "meta_iterations": found["meta_iterations"],
        "seconds": seconds,  # from the command to the end, tests included
        "learners": found["learners"],
        "teacher_mean": found["test_accuracy_mean"],
        "teacher_std": found["test_accuracy_std"],
        "real_mean": found["real_data_accuracy_mean"],
        "real_std": found["real_data_accuracy_std"],
    }


def _written(
    name: str, folder: Path, data_dir: Path | None, examples: int | None
) -> Path:
    """Writes a data set, unless it is there."""
    path = folder / (f"{name}.csv" if name.endswith("_csv") else name)
    done = folder / f"{name}.done"
    if done.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    if name == "patches":
        _write_patches(path, examples)
    elif name in _TABLES:
        _write_features(_TABLES[name](), path)
    else:
        splits = data.load(name.rsplit("_", 1)[0], data_dir=data_dir)
        _write_csv(splits, path, examples)
    done.touch()
    return path


def _pixels(images: np.ndarray, splits: Splits) -> np.ndarray:
    scaled = images * np.asarray(splits.std) + np.asarray(splits.mean)
    return np.rint(scaled * 255).clip(0, 255).astype(np.uint8)


def _parts(splits: Splits) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {
        "train": (
            np.concatenate([splits.train_images, splits.validation_images]),
            np.concatenate([splits.train_labels, splits.validation_labels]),
        ),
        "test": (splits.test_images, splits.test_labels),
    }


def _write_csv(splits: Splits, path: Path, examples: int | None) -> None:
    """As on Kaggle: the label and a column for each pixel; all examples in one."""
    columns = [f"pixel{n}" for n in range(int(np.prod(splits.image_shape)))]
    lines = [("label", *columns)]
    for images, labels in _parts(splits).values():
        pixels = _pixels(images[:examples], splits).reshape(len(labels[:examples]), -1)
        lines += [(label, *row) for label, row in zip(labels.tolist(), pixels.tolist())]
    write(path, as_csv(lines))


def _write_features(found: Any, path: Path) -> None:
    """Of scikit-learn: a name in each column and for each class."""
    lines = [("label", *found.feature_names)]
    labels = found.target_names[found.target].tolist()
    lines += [(label, *row) for label, row in zip(labels, found.data.tolist())]
    write(path, as_csv(lines))


def _write_patches(path: Path, examples: int | None) -> None:
    """Squares of scikit-learn's two photographs; the lower fifth is for the test."""
    photographs = load_sample_images()
    for file, image in zip(photographs.filenames, photographs.images):
        rows, columns = (size // _SIDE for size in image.shape[:2])
        places = [(row, column) for row in range(rows) for column in range(columns)]
        for row, column in places[:examples]:
            part = "test" if row >= rows * 4 // 5 or column == 0 else "train"
            corner = row * _SIDE, column * _SIDE
            patch = image[corner[0] :, corner[1] :][:_SIDE, :_SIDE]
            name = f"{row:02}_{column:02}.png"
            _write_png(patch, path / part / Path(file).stem / name)


def _write_png(pixels: np.ndarray, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(tf.io.encode_png(pixels).numpy())


if __name__ == "__main__":
    main()
