"""Makes a teacher that comes with gtn_tf, and its model card.

    python cli/bundle.py {digits,mnist,fashion_mnist} [--data-dir D] [--run-dir D]

Trains the preset NAME_bundled, tests it on ten fresh learners of three kinds beside real
data, and writes `gtn_tf/bundled/NAME`. Interrupted, the same command goes on.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

from gtn_tf import data, runs
from gtn_tf.config import load_config
from gtn_tf.teaching import BUNDLED, load_teacher

_ROOT = Path(__file__).resolve().parent.parent
_LEARNERS = ("conv", "mlp", "resnet")
_SOURCES = ("teacher", "real", "real_tuned")
_COUNT = 10

_CARD = """\
# The bundled teacher for {dataset}

`gtn_tf.load_teacher("{dataset}")`: {steps} steps of {batch} generated images, meta-trained
by gtn_tf (Generative Teaching Networks, Such et al. 2020, arXiv 1912.07768).

Test accuracy after {steps} steps, mean ± standard deviation over {count} fresh networks:

| network | taught by this teacher | real data, the teacher's rates | real data, rates tuned for it |
|---|---|---|---|
{rows}

`conv` and `mlp` are of the paper's kind; `resnet` is three residual blocks of plain Keras
layers, a kind that the teacher has never met. Real data: as many random batches of the
same size; its tuned rates are the best of ten pairs on validation images. A network that
gets the teacher's rates with other data is not treated fairly, so compare with the last
column.

## Where it fails

{failures}

## How it was made

- `{command}`: the preset `{dataset}_bundled`, {iterations} meta-iterations in {seconds:.0f} s
  of training, seed {seed}, {cores} x {processor}, TensorFlow {tensorflow}, Python {python},
  {date}.
- It was meta-trained on convolutional networks with and without global pooling and on
  multilayer perceptrons, of several widths, with weight norm or batch norm. The test
  images were used for this table alone.
- Licence of the teacher: Apache-2.0. The images are generated, from {origin}.
"""
_ORIGIN = {
    "digits": "scikit-learn's copy of the UCI optical digits (CC BY 4.0)",
    "mnist": "MNIST (Yann LeCun, Corinna Cortes, Christopher Burges)",
    "fashion_mnist": "Fashion-MNIST (Zalando, MIT licence)",
}


def main() -> None:
    """Reads the command line and makes the teacher."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=BUNDLED)
    parser.add_argument("--data-dir", type=Path, help="folder with the data files")
    parser.add_argument("--run-dir", type=Path, help="default: runs/bundled/NAME")
    options = parser.parse_args()
    run_dir = options.run_dir or _ROOT / "runs" / "bundled" / options.name
    bundle(options.name, options.data_dir, run_dir)


def bundle(name: str, data_dir: Path | None, run_dir: Path) -> None:
    """Trains, tests, and writes the folder in the package."""
    config = load_config(f"{name}_bundled")
    summary = runs.train(config, run_dir, resume=True, data_dir=data_dir, report=_say)
    teacher = load_teacher(run_dir)
    splits = data.load(name, data_dir=data_dir)
    results = {}
    for learner in _LEARNERS:
        print(f"{name} teaches {learner}", flush=True)
        found = runs.evaluate(
            teacher,
            splits,
            learner,
            run_dir / "bundle" / learner,
            _COUNT,
            every=teacher.steps,
            sources=_SOURCES,
            report=_say,
        )
        results[learner] = found["results"]
    folder = _ROOT / "gtn_tf" / "bundled" / name
    shutil.rmtree(folder, ignore_errors=True)
    teacher.copy_saved_model(folder / "1")
    facts = {
        "command": f"python cli/bundle.py {name}",
        "preset": f"{name}_bundled",
        "seed": config.seed,
        "training_seconds": summary["seconds"],
        "learners": _COUNT,
        "results": results,
        **runs.machine(),
    }
    (folder / "results.json").write_text(json.dumps(facts, indent=2) + "\n")
    card = _card(name, teacher.labels.shape, summary, facts)
    (folder / "README.md").write_text(card, encoding="utf-8")
    print(card)


def _card(
    name: str, shape: tuple[int, int], summary: dict[str, Any], facts: dict[str, Any]
) -> str:
    results = facts["results"]
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
        **{k: v for k, v in facts.items() if k not in ("results", "learners")},
    )


def _failures(results: dict[str, Any]) -> list[str]:
    """What the figures say against the teacher."""
    lines = []
    for learner, one in results.items():
        gap = one["real_tuned"]["mean"] - one["teacher"]["mean"]
        if gap > 0:
            lines.append(
                f"- `{learner}` learns more from as many steps of real data with rates "
                f"of its own: {_text(one['real_tuned'])}, {100 * gap:.1f} points more."
            )
    worst = min(results, key=lambda learner: results[learner]["teacher"]["mean"])
    lines += [
        f"- Of the three, `{worst}` learns least from it. The widest spread between "
        "networks of one kind is "
        f"{max(one['teacher']['std'] for one in results.values()):.2%}.",
        "- Other kinds of networks may learn far less: transformers and very deep "
        "networks were never tried.",
        "- After its last step it has nothing more to teach: taught a second time, its "
        "rates start again from the first, which are large.",
    ]
    return lines


def _text(result: dict[str, float]) -> str:
    return f"{result['mean']:.2%} ± {result['std']:.2%}"


def _say(line: str) -> None:
    print(f"  {line}", flush=True)


if __name__ == "__main__":
    main()
