"""Makes a teacher that comes with gtn_tf, and its model card.

    python cli/bundle.py {digits,mnist,fashion_mnist} [--data-dir D] [--run-dir D]
        [--preset P] [--out D]

Trains the preset NAME_bundled, tests it on ten fresh networks of each kind against real
data, and writes `gtn_tf/bundled/NAME`. Interrupted, the same command goes on. Another
preset of the same data goes to another folder.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from common import ROOT, after_all_steps, say
from gtn_tf import data, runs
from gtn_tf.atomic_file import write
from gtn_tf.config import Config, load_config
from gtn_tf.names import LEARNERS
from gtn_tf.runs.model_card import data_of, start_of
from gtn_tf.teaching import BUNDLED, TrainedTeacher, load_teacher

_SOURCES = ("teacher", "real", "real_tuned")
_COUNT = 10  # fresh networks of each kind

_CARD = """\
# A teacher of any network for {dataset}

{steps} steps of {batch} examples, {lessons},
meta-trained by gtn_tf (Generative Teaching Networks, Such et al. 2020, arXiv
1912.07768).

Test accuracy after {steps} steps, mean ± standard deviation over {count} fresh
networks:

| network | this teacher | real data, this teacher's rates | real data, tuned rates |
|---|---|---|---|
{rows}

`conv`, `conv_pooled` (with global pooling) and `mlp` are of the paper's kind;
`keras_conv` and `resnet` (three residual blocks) are of plain Keras layers. Real data:
as many random batches of the same size. Its tuned rates, one learning rate and one
momentum of SGD for all steps, are the best of ten pairs on validation images; the
teacher's were meta-learned, for each step.

## Where it fails

{failures}
- Nothing but these five kinds of small networks was tried, and nothing but {dataset}.

## How it was made

- `{command}`: the preset `{preset}`, {iterations} meta-iterations in
  {seconds:.0f} s of training.
- Seed {seed}; {cores} x {processor}; TensorFlow {tensorflow}, Python {python}; {date}.
- It was meta-trained on learners of the families {families}, of several widths, with
  weight norm or batch norm. The test images were used for this table alone.
- Licence of the teacher: Apache-2.0. Its images are made after
  {origin}.
{start}"""
_STARTS = {
    "real": """\
- Each image began as one training image, whose pixels meta-training then changed; it
  may still show that image.
""",
    "fitted": """\
- The generator was first fitted to training images, one for each image of a lesson,
  which may still show it.
""",
}
_ORIGIN = {
    "digits": "scikit-learn's copy of the UCI optical digits (CC BY 4.0)",
    "mnist": "MNIST (Yann LeCun, Corinna Cortes, Christopher Burges)",
    "fashion_mnist": "Fashion-MNIST (Zalando, MIT licence)",
}
_MOST = 1_000_000  # bytes of images in a SavedModel
_LEVELS = 63  # between the least and the greatest pixel of others


def main() -> None:
    """Parses the command line; makes the teacher or resumes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=BUNDLED)
    parser.add_argument("--data-dir", type=Path, help="folder with the data files")
    parser.add_argument("--run-dir", type=Path, help="default: runs/bundled/PRESET")
    parser.add_argument("--preset", help="default: NAME_bundled")
    parser.add_argument("--out", type=Path, help="default: gtn_tf/bundled/NAME")
    options = parser.parse_args()
    preset = options.preset or f"{options.name}_bundled"
    run_dir = options.run_dir or ROOT / "runs" / "bundled" / preset
    folder = options.out or ROOT / "gtn_tf" / "bundled" / options.name
    bundle(options.name, preset, options.data_dir, run_dir, folder)


def bundle(
    name: str, preset: str, data_dir: Path | None, run_dir: Path, folder: Path
) -> None:
    """Trains, tests, and writes the folder."""
    config = load_config(preset)
    summary = runs.train(config, run_dir, resume=True, data_dir=data_dir, report=say)
    teacher = load_teacher(run_dir)
    stored = config.teacher.source == "dataset_distillation"
    if stored and teacher.images.nbytes > _MOST:
        teacher = _rounded(teacher)
    splits = data.load(name, data_dir=data_dir)
    evaluations = run_dir / "bundle"
    results = after_all_steps(
        teacher, splits, tuple(LEARNERS), evaluations, _COUNT, _SOURCES
    )
    shutil.rmtree(folder / "1", ignore_errors=True)
    (folder / "teacher.npz").unlink(missing_ok=True)
    _write_teacher(teacher, folder)
    facts = {
        "command": f"python cli/bundle.py {name} --preset {preset}",
        "preset": preset,
        "seed": config.seed,
        "training_seconds": summary["seconds"],
        "learners": _COUNT,
        "results": results,
        **runs.machine(),
    }
    write(folder / "results.json", json.dumps(facts, indent=2) + "\n")
    card = _card(config, teacher.classes.shape, summary, facts)
    write(folder / "README.md", card)
    print(card)


def _rounded(teacher: TrainedTeacher) -> TrainedTeacher:
    """Rounds pixels to 64 values, which an npz file compresses to 6 bits each."""
    least, most = teacher.images.min(), teacher.images.max()
    step = (most - least) / _LEVELS
    images = least + step * np.round((teacher.images - least) / step)
    return dataclasses.replace(
        teacher, images=images.astype(np.float32), make_images=None
    )


def _write_teacher(teacher: TrainedTeacher, folder: Path) -> None:
    if teacher.make_images is None:  # its lessons are all that it has
        teacher.save_npz(folder / "teacher.npz")
    else:
        teacher.copy_saved_model(folder / "1")


def _card(
    config: Config,
    shape: tuple[int, int],
    summary: dict[str, Any],
    facts: dict[str, Any],
) -> str:
    name, results = config.data.name, facts["results"]
    families = {network.family for network in config.learners.networks()}
    rows = [
        "| ".join([f"| `{learner}` ", *(f"{_text(one[key])} " for key in _SOURCES)])
        + "|"
        for learner, one in results.items()
    ]
    return _CARD.format(
        dataset=name,
        steps=shape[0],
        batch=shape[1],
        count=_COUNT,
        rows="\n".join(rows),
        failures="\n".join(_failures(results)),
        iterations=summary["meta_iterations"],
        seconds=summary["seconds"],
        origin=_ORIGIN[name],
        lessons=data_of(config),
        families=", ".join(sorted(families)),
        start=_STARTS.get(start_of(config), ""),
        **{k: v for k, v in facts.items() if k not in ("results", "learners")},
    )


def _failures(results: dict[str, Any]) -> list[str]:
    """The weaknesses of the teacher, from the figures."""
    lines = []
    for learner, one in results.items():
        best = max(one["real"]["mean"], one["real_tuned"]["mean"])
        gap = 100 * (best - one["teacher"]["mean"])
        if gap > 0:
            lines.append(
                f"- `{learner}`: as many steps of real data teach it more, by "
                f"{gap:.1f} points."
            )
    by_mean = sorted(results, key=lambda learner: results[learner]["teacher"]["mean"])
    worst = results[by_mean[0]]["teacher"]
    lines.append(f"- It teaches `{by_mean[0]}` worst: {_text(worst)}.")
    return lines


def _text(result: dict[str, float]) -> str:
    return f"{result['mean']:.2%} ± {result['std']:.2%}"


if __name__ == "__main__":
    main()
