"""Times one meta-iteration and its peak memory.

    python benchmarks/meta_iteration.py {digits,small,paper} [--repeats 20]

Prints one JSON line. The sizes are those of the literature's learners: `paper` is
MNIST as in the paper (32 steps of 128, convolutions of 64 and 128), `small` a fraction
of it, `digits` the same for 8x8 images. Alternate it with whatever it is compared to,
on an otherwise idle machine.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import time
from typing import NamedTuple


class Size(NamedTuple):
    """What a meta-iteration is made of."""

    pixels: int  # height and width
    steps: int
    batch_size: int
    filters: tuple[int, int]
    units: int
    generator_units: int
    generator_filters: int
    meta_batch: int


SIZES = {
    "digits": Size(8, 16, 64, (16, 32), 64, 128, 32, 256),
    "small": Size(28, 16, 64, (16, 32), 64, 256, 32, 128),
    "paper": Size(28, 32, 128, (64, 128), 256, 1024, 64, 128),
}


def measure(name: str, repeats: int) -> dict[str, object]:
    """Runs meta-iterations; the first, which traces, is timed apart.

    Args:
        name: One of `SIZES`.
        repeats: Timed meta-iterations.

    Returns:
        Seconds and bytes, by name.
    """
    import tensorflow as tf

    import gtn_tf
    from gtn_tf.inner import graph_rewrites_off

    size = SIZES[name]
    shape = (size.pixels, size.pixels, 1)
    generator = gtn_tf.Generator(
        shape, 10, 64, size.generator_units, size.generator_filters
    )
    gtn = gtn_tf.GTN(
        gtn_tf.teachers.FullCurriculum(generator, size.steps, size.batch_size),
        gtn_tf.learners.ConvLearners(size.filters, [size.units]),
        gtn_tf.LearnedSGD(0.02, 0.5, size.steps),
    )
    gtn.compile(tf.keras.optimizers.Adam(1e-3))
    images = tf.random.stateless_normal([size.meta_batch, *shape], [0, 0])
    real = images, tf.range(size.meta_batch) % 10
    step = tf.function(gtn.train_step)
    times = []
    with graph_rewrites_off():
        for _ in range(repeats + 1):
            began = time.perf_counter()
            float(step(real)["meta_loss"])
            times.append(time.perf_counter() - began)
    first, *rest = times
    return {
        "size": name,
        "steps": size.steps,
        "unroll": gtn.unroll,
        "first_seconds": round(first, 2),
        "seconds_median": round(statistics.median(rest), 4),
        "seconds_min": round(min(rest), 4),
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("--repeats", type=int, default=20)
    options = parser.parse_args()
    print(json.dumps(measure(options.size, options.repeats)))


if __name__ == "__main__":
    main()
