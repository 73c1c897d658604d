"""How much memory and time a large folder of pictures takes.

    python cli/own_data_memory.py [--scale smoke|full] [--folder F]

Makes PNG files of 64 x 64 pixels in colour, then trains on them twice with a tiny
configuration: the first start decodes them into the cache, the second finds them there.
Everything is in a folder that is removed at the end.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from common import ROOT, say
from gtn_tf.atomic_file import write
from gtn_tf.runs.machine import machine

_SCALES = {"full": 100_000, "smoke": 300}
_CLASSES, _SIDE = 10, 64
_SETTINGS = (
    *("teacher.steps=4", "teacher.batch_size=20", "meta.intermediate_every=0"),
    *("meta.batch_size=128", "meta.iterations=20", "meta.iterations_per_epoch=10"),
    *("evaluation.learners=2", "evaluation.real_data_iterations=2"),
)
# Lines that tell how far a training is.
_MOMENTS = {
    "until decoding begins": "decoding",
    "until all pictures are decoded": "decoded all",
    "until the data is there": "tracing the meta-loop",
    "until the tests": "testing",
}


class _Start(NamedTuple):
    seconds: float
    gigabytes: float  # at most, of the training and what it started
    printed: list[tuple[float, str]]  # lines, and when


def main() -> None:
    """Measures, and writes a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", choices=[*_SCALES], default="full")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "results" / "own_data" / "memory.md"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        say(f"writing {_SCALES[options.scale]} pictures ...")
        _write_pictures(Path(folder) / "pictures", _SCALES[options.scale])
        first, second = (_train(Path(folder), f"run_{n}") for n in range(2))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write(options.out, _page(options.scale, first, second))
    say(f"Written: {options.out}")


def _write_pictures(folder: Path, count: int) -> None:
    rng = np.random.default_rng(0)
    means = rng.uniform(40, 215, [_CLASSES, 4, 4, 3])
    for n in range(count):
        label = n % _CLASSES
        small = means[label] + rng.normal(0, 50, [4, 4, 3])
        picture = Image.fromarray(small.clip(0, 255).astype(np.uint8))
        pixels = np.asarray(picture.resize((_SIDE, _SIDE), Image.Resampling.BICUBIC))
        noisy = pixels + rng.integers(-12, 13, pixels.shape)
        file = folder / f"class_{label}" / f"{n}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(
            file, compress_level=1
        )


def _train(folder: Path, run: str) -> _Start:
    config = ROOT / "configs" / "digits_real_start.yaml"
    paths = "--data", folder / "pictures", "--run-dir", folder / run
    words = "-m", "gtn_tf.cli", "train", "--config", config, *paths, *_SETTINGS
    environment = {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "GTN_TF_CACHE": str(folder / "cache"),
    }
    began, printed = time.monotonic(), []
    with subprocess.Popen(
        [sys.executable, *map(str, words)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        for line in process.stdout or ():
            printed.append((time.monotonic() - began, line.rstrip()))
            say(f"{printed[-1][0]:5.0f} s  {printed[-1][1]}")
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the training failed: {process.returncode}")
    return _Start(time.monotonic() - began, usage.ru_maxrss * 1024 / 1e9, printed)


def _until(start: _Start, words: str) -> str:
    """When a line with these words was printed first."""
    found = [when for when, line in start.printed if words in line]
    return f"{found[0]:.0f} s" if found else "not done"


def _page(scale: str, first: _Start, second: _Start) -> str:
    count = _SCALES[scale]
    facts = machine()
    rows = [
        *(
            (name, *(_until(start, words) for start in (first, second)))
            for name, words in _MOMENTS.items()
        ),
        ("all", *(f"{start.seconds:.0f} s" for start in (first, second))),
        ("memory at most", *(f"{start.gigabytes:.1f} GB" for start in (first, second))),
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"""# Memory of a large folder of pictures

```sh
python cli/own_data_memory.py --scale {scale}
```

{count:,} PNG files of {_SIDE} x {_SIDE} pixels in colour, {_CLASSES} classes; as
float32 they would take {count * _SIDE**2 * 12 / 1e9:.1f} GB. The configuration is
`configs/digits_real_start.yaml` with `{" ".join(_SETTINGS)}`.
Memory is the resident set at its largest, with the pages of the memory-mapped file that
are in use, which the system may take back at any time.

| | first start | second start |
|---|---|---|
{table}

{facts["processor"]}, {facts["cores"]} cores; Python {facts["python"]}, TensorFlow
{facts["tensorflow"]}; {facts["date"]}. Other work ran beside it.
"""


if __name__ == "__main__":
    main()
