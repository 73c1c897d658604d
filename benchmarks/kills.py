"""Kills runs at random moments, resumes them, and compares the results.

    python benchmarks/kills.py [--kills N] [--seed S] [--jobs train,train-final,search]

Each job is run on digits at a tiny size, once without interruption. Then it is started
repeatedly, and each time killed (SIGKILL) at a random moment of the time that the whole
run took; a run that ends before its kill is compared with the uninterrupted one, number
by number, and the next kills hit a new run. After N kills of each job the last run is
finished and compared, too. kills.csv has a line for each kill, kills.json the rest.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from gtn_tf.atomic_file import as_csv, write

_ROOT = Path(__file__).resolve().parent.parent
_TINY = {
    "train": [
        *("teacher.steps=2", "teacher.batch_size=10", "meta.intermediate_every=0"),
        *("generator.units=4", "generator.filters=2", "teacher.latent_size=3"),
        *("learners.family=mlp", "learners.units=[8]", "meta.batch_size=16"),
        *("meta.iterations=40", "meta.iterations_per_epoch=4"),
        *("evaluation.learners=2", "evaluation.real_data_iterations=8"),
    ],
    "train-final": [
        *("network.cells=0", "network.filters=2", "network.genotype=naonet_ws"),
        *("training.epochs=8", "training.batch_size=400", "data.cutout=3"),
    ],
    "search": [
        *("space.name=nas_bench_201", "space.filters=1", "ranking.candidates=4"),
        *("ranking.steps=12", "training.top_k=2", "training.epochs=2"),
    ],
}
# Times, and what depends on the process that finished the run.
_VARY = ("seconds", "iterations_per_second", "training_seconds", "peak_bytes", "cost")
_COMMAND = (sys.executable, "-m", "gtn_tf.cli")
_KILLED = "killed"
_COLUMNS = ("job", "run", "moment", "newest_file")
_LEFTOVERS = ("*_temp", "*.tempstate*", "*damaged*", ".[!l]*")  # and not .lock


def main() -> None:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=8, help="of each job (8)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (0)")
    parser.add_argument(
        "--jobs", type=lambda text: text.split(","), default=list(_TINY), help="a,b"
    )
    parser.add_argument("--run-dir", type=Path, default=_ROOT / "runs" / "kills")
    parser.add_argument(
        "--out", type=Path, default=_ROOT / "results" / "robustness_of_runs"
    )
    options = parser.parse_args()
    if unknown := set(options.jobs) - set(_TINY):
        parser.error(f"--jobs: expected some of {', '.join(_TINY)}, not {unknown}")
    if options.run_dir.exists():
        parser.error(f"{options.run_dir}: expected a new folder, found one")
    moments = random.Random(options.seed)
    kills: list[dict[str, Any]] = []
    found = {}
    for job in options.jobs:
        found[job] = kill_runs(job, options.kills, moments, options.run_dir, kills)
        print(f"{job}: {found[job]}", flush=True)
    report(options, found, kills)
    if any(one["different"] or one["failures"] for one in found.values()):
        sys.exit("at least one run came out differently")


def kill_runs(
    job: str,
    count: int,
    moments: random.Random,
    root: Path,
    kills: list[dict[str, Any]],
) -> dict[str, Any]:
    """Kills the runs of a job repeatedly.

    Args:
        job: A command of `gtn_tf.cli`.
        count: Kills.
        moments: Draws the moments of the kills.
        root: Folder of the runs.
        kills: Gets a line for each kill.

    Returns:
        The seconds of the whole run, the runs that were compared, their differences,
        and the errors of processes that ended by themselves.
    """
    whole = root / job / "whole"
    began = time.monotonic()
    failure = start(job, whole, None)
    seconds = time.monotonic() - began
    failures = [failure] if failure else []
    expected = {} if failures else content(whole)
    different: list[str] = []
    killed, runs, begun = 0, 0, False
    while not failures and (killed < count or begun):
        run = root / job / f"killed-{runs}"
        moment = moments.uniform(0, seconds) if killed < count else None
        end = start(job, run, moment)
        begun = end == _KILLED
        if begun:
            killed += 1
            line = {"job": job, "run": runs, "moment": f"{moment:.2f}"}
            kills.append({**line, "newest_file": newest(run)})
        elif end is None:
            different += [f"{run.name}: {name}" for name in compare(run, expected)]
            runs += 1
        else:
            failures.append(f"{run.name}: {end}")
    return {
        "seconds": round(seconds, 1),
        "kills": killed,
        "runs": runs,
        "compared": sorted(expected),
        "different": different,
        "failures": failures,
    }


def start(job: str, run: Path, moment: float | None) -> str | None:
    """Runs a command, and kills it if asked to.

    Args:
        job: The command.
        run: Its directory.
        moment: Seconds after which it is killed; `None` for never.

    Returns:
        `None` if it finished, else why not.
    """
    process = subprocess.Popen(
        [*_COMMAND, job, "--run-dir", str(run), "--resume", *_TINY[job]],
        cwd=_ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _, error = process.communicate(timeout=moment)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return _KILLED
    return error.strip()[-500:] or "failed" if process.returncode else None


def newest(run: Path) -> str:
    """The progress of a killed run: the file that it wrote last."""
    files = [p for p in run.rglob("*") if p.is_file()]
    last = max(files, key=lambda p: p.stat().st_mtime_ns, default=None)
    return str(last.relative_to(run)) if last else "nothing"


def compare(run: Path, expected: dict[str, Any]) -> list[str]:
    """Lists differences from the uninterrupted run, and leftovers of kills."""
    found = content(run)
    names = sorted(expected.keys() | found.keys())
    left = [
        str(p.relative_to(run)) for pattern in _LEFTOVERS for p in run.rglob(pattern)
    ]
    return [n for n in names if expected.get(n) != found.get(n)] + left


def content(run: Path) -> dict[str, Any]:
    """All results of a run except times: weights bit by bit, tables, results."""
    import h5py
    import tensorflow as tf

    found: dict[str, Any] = {}
    for index in run.rglob("*.index"):
        reader = tf.train.load_checkpoint(str(index.with_suffix("")))
        found[str(index.relative_to(run))] = {
            name: bits(reader.get_tensor(name))
            for name in reader.get_variable_to_shape_map()
            if "seconds" not in name and "OBJECT_GRAPH" not in name
        }
    for file in run.rglob("*.h5"):
        arrays = found[str(file.relative_to(run))] = {}

        def add(name: str, one: object, arrays: dict[str, Any] = arrays) -> None:
            if isinstance(one, h5py.Dataset):
                arrays[name] = bits(one[()])

        with h5py.File(file) as weights:
            weights.visititems(add)
    for file in [*run.glob("*.csv"), *run.glob("real_data/*.csv")]:
        with file.open(encoding="utf-8", newline="") as lines:
            found[str(file.relative_to(run))] = [*map(steady, csv.DictReader(lines))]
    found["summary.json"] = steady(json.loads((run / "summary.json").read_text()))
    return found


def bits(value: Any) -> Any:
    """A value that compares bit by bit, including NaN."""
    array = np.asarray(value)
    return array.tolist() if array.dtype.kind in "OSU" else array.tobytes()


def steady(row: dict[str, Any]) -> dict[str, Any]:
    """A row without the columns that vary."""
    return {name: value for name, value in row.items() if name not in _VARY}


def report(
    options: argparse.Namespace, found: dict[str, Any], kills: list[dict[str, Any]]
) -> None:
    """Writes kills.csv and kills.json."""
    from gtn_tf.runs import machine

    options.out.mkdir(parents=True, exist_ok=True)
    rows = [[kill[column] for column in _COLUMNS] for kill in kills]
    write(options.out / "kills.csv", as_csv([_COLUMNS, *rows]))
    facts = {
        "command": f"python benchmarks/kills.py --kills {options.kills} --seed "
        f"{options.seed} --jobs {','.join(options.jobs)}",
        "settings": {job: " ".join(_TINY[job]) for job in options.jobs},
        "found": found,
        **machine(),
    }
    write(options.out / "kills.json", json.dumps(facts, indent=2) + "\n")


if __name__ == "__main__":
    main()
