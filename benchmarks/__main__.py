"""Times one meta-gradient in gtn_tf and its peers, after proving them equal.

    python benchmarks {digits,small,paper,sweep} [--rounds N] [--only NAME,NAME]
    python benchmarks SIZE --plot

`make bench SIZE=small` makes the two virtual environments and runs this. Run it on an
otherwise idle machine. One that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import machine
import report
from agreement import TOLERANCE, Difference, agrees, compare
from plan import Measurement, plan
from problem import SIZES
from processes import OURS, WorkerError, run_worker
from rows import make_rows
from store import Store
from worker import MODULES

_ROOT = Path(__file__).resolve().parent.parent
_UNROLLS = ("recompute", "keep")  # of gtn_tf; the first is the reference


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog="benchmarks", description=__doc__.splitlines()[0]
    )
    add = parser.add_argument
    add("size", choices=SIZES)
    add("--rounds", type=int, help="rounds over all implementations")
    add("--only", type=lambda text: text.split(","), help="implementations, a,b")
    add("--steps", type=int, help="inner steps instead of the size's, for a try")
    add("--unroll", help="gtn_tf's, instead of the one it picks")
    add("--plot", action="store_true", help="draw the plots again, from the JSON file")
    add("--results", type=Path, help="folder of the results (results/benchmark)")
    add("--peers", type=Path, default=_ROOT / ".venv-peers" / "bin" / "python")
    options = parser.parse_args()
    names = [name for name in MODULES if name in (options.only or MODULES)]
    unknown = set(options.only or ()) - set(MODULES)
    if unknown or not names:
        parser.error(f"--only: expected some of {', '.join(MODULES)}")
    # What is not the whole benchmark does not replace its results.
    whole = not (options.only or options.steps or options.unroll)
    default = _ROOT / ("results" if whole else "runs") / "benchmark"
    options.results = options.results or default
    if options.plot:
        report.draw(options.results, options.size)
        return
    try:
        run(options, names)
    except WorkerError as error:
        raise SystemExit(f"error: {error}") from None


def run(options: argparse.Namespace, names: Sequence[str]) -> None:
    """Compares, measures, and writes the results."""
    store = Store(options.size, options.peers)
    facts = machine.describe()  # before the code may change
    differences = check_agreement(options, names, store)
    lines = measure(options, names, store)
    rows = make_rows(lines)
    versions = {k: v for line in lines for k, v in line.get("versions", {}).items()}
    context = report.Context(
        command(options),
        facts,
        versions,
        differences,
        sorted({(x["implementation"], x["steps"]) for x in lines if "killed" in x}),
        {x["steps"]: x["unroll"] for x in lines if "unroll" in x},
    )
    report.write(options.results, options.size, rows, context)
    store.remove()
    print("\n".join(report.headlines(rows)))
    print(f"Written: {options.size}.* in {options.results}")


def check_agreement(
    options: argparse.Namespace, names: Sequence[str], store: Store
) -> dict[str, Difference]:
    """Compares all float64 meta-gradients with gtn_tf's; ends if one is another.

    gtn_tf may pick another unroll for more steps, so that each has to agree.
    """
    size = SIZES[options.size]
    steps = min(options.steps or size.steps, size.agreement_steps)
    print(f"Comparing the meta-gradients of {steps} steps in float64 ...", flush=True)
    todo = {f"gtn_tf, {unroll}": ("gtn_tf", "--unroll", unroll) for unroll in _UNROLLS}
    todo |= {name: (name,) for name in names if name not in OURS}

    def save(label: str) -> Path:
        name, *special = todo[label]
        path = store.gradient(label, steps)
        if not path.exists():
            words = "--save", path, *special
            run_worker(options.peers, name, options.size, steps, *words)
        if not path.exists():
            raise WorkerError(f"{label}: killed, probably for want of memory")
        return path

    with ThreadPoolExecutor(machine.CORES) as threads:  # nothing is timed yet
        paths = dict(zip(todo, threads.map(save, todo)))
    found = {}
    with np.load(paths.pop(next(iter(todo)))) as reference:
        for name, path in paths.items():
            with np.load(path) as gradients:
                found[name] = one = compare(gradients, reference)
            print(
                f"  {name}: {one.relative:.1e} at most, in {one.tensor} "
                f"({one.compared} tensors)"
            )
    wrong = [name for name, one in found.items() if not agrees(one)]
    if wrong:
        raise SystemExit(
            f"error: the meta-gradient of {', '.join(wrong)} differs from gtn_tf's by "
            f"more than {TOLERANCE:g} of its norm. Nothing was timed."
        )
    return found


def measure(
    options: argparse.Namespace, names: Sequence[str], store: Store
) -> list[dict]:
    """Runs all processes that have not finished before; returns all their lines."""
    kept = {tuple(line["key"]): line for line in store.lines()}
    lines = []
    for one in plan(options.size, names, options.steps, options.rounds):
        words = ["--repeats", one.repeats]
        if options.unroll and one.implementation == "gtn_tf":
            words += ["--unroll", options.unroll]
        key = one.implementation, one.steps, one.round, *words
        if key not in kept:
            line = run_worker(
                options.peers, one.implementation, options.size, one.steps, *words
            )
            kept[key] = {**line, "key": key}
            store.add(kept[key])
        lines.append(kept[key])
        print(_progress(one, kept[key]), flush=True)
    return lines


def command(options: argparse.Namespace) -> str:
    """What to type for the same again."""
    extra = [f"--rounds {options.rounds}"] if options.rounds else []
    extra += [f"--only {','.join(options.only)}"] if options.only else []
    extra += [f"--steps {options.steps}"] if options.steps else []
    extra += [f"--unroll {options.unroll}"] if options.unroll else []
    arguments = f' ARGS="{" ".join(extra)}"' if extra else ""
    return f"make bench SIZE={options.size}{arguments}"


def _progress(one: Measurement, line: dict) -> str:
    name = f"round {one.round + 1}, {one.steps} steps, {one.implementation}"
    if "killed" in line:
        return f"  {name}: killed, probably for want of memory"
    peak = line["peak_bytes"] / 1e6
    return f"  {name}: {min(line['seconds']):.3f} s, {peak:.0f} MB"


if __name__ == "__main__":
    main()
