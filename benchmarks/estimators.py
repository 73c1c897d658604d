"""Times a meta-iteration with each estimator of the meta-gradient.

    python benchmarks/estimators.py [--steps T] [--window W] [--repeats N] [--quick]

Each has a process of its own, which runs `GTN.train_step` on one batch. Run it on an
otherwise idle machine; it writes `results/benchmark/estimators.md`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import machine
import worker
from markdown import table
from processes import run_process

_ROOT = Path(__file__).resolve().parent.parent
# One that lengthens costs what a full unroll of as many steps does.
_WINDOWS = ("truncated", "persistent", "random_window", "ridge")


def main() -> None:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--steps", type=int, default=96, help="inner steps")
    add("--window", type=int, default=16, help="of them, those of a window")
    add("--repeats", type=int, default=20, help="timed meta-iterations")
    add("--quick", action="store_true", help="tiny, to try whether it runs")
    add("--results", type=Path, help="folder (results/benchmark)")
    add("--one", help=argparse.SUPPRESS)  # measured in this process
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options)))
        return
    folder = "runs" if options.quick else "results"
    results = options.results or _ROOT / folder / "benchmark"
    described = machine.describe()
    command = [sys.executable, __file__, *sys.argv[1:], "--one"]
    rows = {
        name: run_process([*command, name], f"estimator {name}")
        for name in ("full", *_WINDOWS)
    }
    results.mkdir(parents=True, exist_ok=True)
    (results / "estimators.md").write_text(page(options, rows, described))
    print(f"Written: {results / 'estimators.md'}")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Times the meta-iterations of one estimator.

    Args:
        options: Options of the command line.

    Returns:
        Seconds and bytes, by name.
    """
    worker.take_two_cores()
    import tensorflow as tf

    import gtn_tf
    from gtn_tf.inner import graph_rewrites_off
    from gtn_tf.names import ESTIMATORS
    from job import Job
    from problem import CLASSES, SIZES

    size = SIZES["digits" if options.quick else "small"]
    window = {"window": options.window} if options.one in _WINDOWS else {}
    shape = size.pixels, size.pixels, 1
    parts = 64, size.generator_units, size.generator_filters
    generator = gtn_tf.Generator(shape, CLASSES, *parts)
    gtn = gtn_tf.GTN(
        gtn_tf.teachers.FullCurriculum(generator, options.steps, size.batch_size),
        gtn_tf.learners.ConvLearners(size.filters, [size.units]),
        gtn_tf.LearnedSGD(0.02, 0.5, options.steps),
        ESTIMATORS.load(options.one)(**window),
    )
    gtn.compile(tf.keras.optimizers.Adam(1e-2))
    images = tf.random.stateless_normal([size.meta_batch, *shape], [0, 0])
    batch = images, tf.range(size.meta_batch) % CLASSES
    batches = iter(tf.data.Dataset.from_tensors(batch).repeat())
    gtn.fit(*batch, batch_size=size.meta_batch, verbose=0)  # makes all variables
    step = gtn.make_train_function()

    def iterate() -> list[tf.Variable]:
        with graph_rewrites_off():
            step(batches)
        return gtn.trainable_variables

    def weights(variables: list[tf.Variable]) -> dict[str, Any]:
        return {v.name: v.numpy() for v in variables if "bias" not in v.name}

    job = Job(iterate, weights, ("tensorflow",), details={"unroll": gtn.unroll})
    return worker.measure(job, options.repeats)


def page(
    options: argparse.Namespace,
    rows: Mapping[str, Mapping[str, Any]],
    described: Mapping[str, str],
) -> str:
    """The page of results, in Markdown.

    Args:
        options: Options of the command line.
        rows: What `measure` returned, by estimator.
        described: The machine.
    """
    header = "estimator", "unroll", "mean, s", "fastest and slowest, s", "peak, GB"
    cells = [
        [
            name,
            row["unroll"],
            f"{statistics.mean(row['seconds']):.3f}",
            f"{min(row['seconds']):.3f} to {max(row['seconds']):.3f}",
            f"{row['peak_bytes'] / 1e9:.2f}",
        ]
        for name, row in rows.items()
    ]
    size = "digits" if options.quick else "small"
    facts = {**described, **next(iter(rows.values()))["versions"]}
    return f"""# A meta-iteration with each estimator

```sh
python benchmarks/estimators.py --steps {options.steps} --window {options.window}
```

`{size}` with {options.steps} inner steps, windows of {options.window}, no intermediate
meta-losses; {options.repeats} meta-iterations each, after the first. The time of
a random window depends on where it is. `ridge` differentiates no step: it takes the
features of {options.window} lessons.

{table(header, cells)}

{", ".join(f"{name}: {value}" for name, value in facts.items())}
"""


if __name__ == "__main__":
    main()
