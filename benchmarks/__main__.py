"""Times one meta-gradient in gtn_tf and its peers, after proving them equal.

    python benchmarks {digits,small,paper,sweep} [--rounds N] [--only NAME,NAME]
    python benchmarks SIZE --other PYTHON
    python benchmarks SIZE --plot
    python benchmarks ranking [--memory N] [--long-memory N] [--quick]

`make bench SIZE=small` makes the two virtual environments and runs this. Run it on an
otherwise idle machine. Interrupted, the same command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import contenders
import machine
import ranking.command
import report
from agreement import TOLERANCE
from contenders import Contender, StackError, is_gtn_tf, is_other_stack
from measuring import Disagreement, Line, Measuring
from problem import SIZES
from processes import WorkerError
from rows import make_rows
from store import Store
from worker import MODULES

_ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Parses the command line."""
    if sys.argv[1:2] == ["ranking"]:  # another benchmark, with options of its own
        ranking.command.main(sys.argv[2:])
        return
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
    add("--other", type=Path, help="a Python with gtn_tf's other stack, timed as well")
    options = parser.parse_args()
    names = [name for name in MODULES if name in (options.only or MODULES)]
    unknown = set(options.only or ()) - set(MODULES)
    if unknown or not names:
        parser.error(f"--only: expected some of {', '.join(MODULES)}")
    if options.other and "gtn_tf" not in names:
        parser.error("--other: measures gtn_tf, which --only leaves out")
    # A part of the benchmark does not replace its results.
    whole = not (options.only or options.steps or options.unroll)
    default = _ROOT / ("results" if whole else "runs") / "benchmark"
    options.results = options.results or default
    if options.plot:
        report.draw(options.results, options.size)
        return
    try:
        run(options, contenders.find(names, options.peers, options.other))
    except (StackError, WorkerError) as error:
        raise SystemExit(f"error: {error}") from None
    except Disagreement as error:
        raise SystemExit(
            f"error: the meta-gradient of {error} differs from gtn_tf's by more than "
            f"{TOLERANCE:g} of its norm. Nothing was timed."
        ) from None


def run(options: argparse.Namespace, found: Sequence[Contender]) -> None:
    """Compares, measures, and writes the results."""
    pythons = [options.peers, *([options.other] if options.other else [])]
    store = Store(options.size, pythons)
    facts = machine.describe()  # before the code may change
    ours = Contender("gtn_tf", "gtn_tf", Path(sys.executable))
    measuring = Measuring(
        store, options.size, found, ours, options.steps, options.unroll
    )
    differences = measuring.compare()
    speed = measuring.convolution_speed()
    lines = measuring.rounds(options.rounds)
    rows = make_rows(lines)
    context = report.Context(
        command(options),
        facts,
        _versions(lines),
        differences,
        _stacks(lines),
        speed,
    )
    report.write(options.results, options.size, rows, context)
    store.remove()
    print("\n".join(report.headlines(rows)))
    print(f"Written: {options.size}.* in {options.results}")


def command(options: argparse.Namespace) -> str:
    """The command that repeats the benchmark."""
    extra = [f"--rounds {options.rounds}"] if options.rounds else []
    extra += [f"--only {','.join(options.only)}"] if options.only else []
    extra += [f"--steps {options.steps}"] if options.steps else []
    extra += [f"--unroll {options.unroll}"] if options.unroll else []
    arguments = f' ARGS="{" ".join(extra)}"' if extra else ""
    other = " OTHER=path/to/python" if options.other else ""  # no machine's paths
    return f"make bench SIZE={options.size}{other}{arguments}"


def _versions(lines: Sequence[Line]) -> dict[str, str]:
    """Versions of everything but gtn_tf's other stack."""
    own = (line for line in lines if not is_other_stack(line["implementation"]))
    return {k: v for line in own for k, v in line.get("versions", {}).items()}


def _stacks(lines: Sequence[Line]) -> dict[str, dict[str, str]]:
    """Versions of gtn_tf's stacks, by label."""
    return {
        line["implementation"]: line["versions"]
        for line in lines
        if "versions" in line and is_gtn_tf(line["implementation"])
    }


if __name__ == "__main__":
    main()
