"""Exports teachers from a run's checkpoints, also while it trains.

    python cli/checkpoint_teachers.py RUN --out D [--checkpoints FOLDER] [--data-dir D]

Writes `D/iteration-00400` for the checkpoint after 400 meta-iterations, with an export
that `gtn_tf.load_teacher` reads, and the seconds of its meta-training. A run keeps its
last three checkpoints: copy others to a folder of their own in time, and name it with
`--checkpoints`. What is exported already is left as it is, and the run, too.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import tensorflow as tf

from common import say
from gtn_tf.atomic_file import whole_folder, write
from gtn_tf.build import build_gtn
from gtn_tf.config import Config, load_config
from gtn_tf.data import Splits
from gtn_tf.runs import RunDirectory, load_splits


def main() -> None:
    """Parses the command line; exports what is not exported yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("run", type=Path, help="run directory of gtn_tf.cli train")
    add("--out", type=Path, required=True, help="folder of the teachers")
    add("--checkpoints", type=Path, help="default: the run's own")
    add("--data-dir", type=Path, help="folder with the data files")
    options = parser.parse_args()
    run = RunDirectory(options.run)
    config = load_config(str(run.config))
    splits = load_splits(config.data, options.data_dir, seed=config.seed % 2**32)
    for index in sorted((options.checkpoints or run.checkpoints).glob("epoch-*.index")):
        export(index.with_suffix(""), config, splits, options.out)


def export(prefix: Path, config: Config, splits: Splits, out: Path) -> None:
    """Exports the teacher of a checkpoint, unless that is done.

    Args:
        prefix: The checkpoint's files without their suffixes.
        config: Of its run.
        splits: The data of its run.
        out: The folder of the teachers.
    """
    epochs = int(prefix.name.rpartition("-")[2])
    iterations = epochs * config.meta.iterations_per_epoch
    folder = out / f"iteration-{iterations:05d}"
    if folder.exists():
        return
    gtn = build_gtn(config, splits)
    seconds = tf.Variable(0.0, dtype=tf.float64)
    found = tf.train.Checkpoint(gtn=gtn, seconds=seconds).read(str(prefix))
    found.assert_existing_objects_matched()
    found.expect_partial()  # the state of its optimizer is not needed
    summary = {"meta_iterations": iterations, "seconds": round(float(seconds), 1)}
    with whole_folder(folder) as unfinished:
        gtn.export(unfinished / "export" / "1", splits)
        write(unfinished / "summary.json", json.dumps(summary, indent=2) + "\n")
    say(f"{folder}: {iterations} meta-iterations, {float(seconds):.0f} s")


if __name__ == "__main__":
    main()
