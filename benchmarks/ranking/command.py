"""`make bench SIZE=ranking`: compares, measures, and writes the results."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import machine
from contenders import Contender
from processes import WorkerError
from ranking import long_memory, report
from ranking.agreement import Disagreement
from ranking.contenders import MODULES, find
from ranking.measuring import Effort, Line, Measuring, effort
from ranking.problem import SETTINGS
from ranking.rows import largest_difference, memory_rows, speed_rows
from store import Store

_ROOT = Path(__file__).resolve().parent.parent.parent


def main(arguments: Sequence[str]) -> None:
    """Parses the command line.

    Args:
        arguments: Those after `python benchmarks ranking`.
    """
    parser = argparse.ArgumentParser(
        prog="benchmarks ranking", description=__doc__.splitlines()[0]
    )
    add = parser.add_argument
    add("--candidates", type=int, help="timed in each process, after its first")
    add("--memory", type=int, help="candidates of the part that measures memory")
    add("--long-memory", type=int, help="only gtn_tf's memory, over so many candidates")
    add("--rounds", type=int, help="over all contenders and spaces")
    add("--only", type=lambda text: text.split(","), help="contenders, a,b")
    add("--quick", action="store_true", help="tiny, to try whether it runs")
    add("--plot", action="store_true", help="draw again, from the tables")
    add("--results", type=Path, help="folder of the results (results/ranking_speed)")
    add("--peers", type=Path, default=_ROOT / ".venv-peers" / "bin" / "python")
    options = parser.parse_args(arguments)
    names = [name for name in MODULES if name in (options.only or MODULES)]
    if set(options.only or ()) - set(MODULES):
        parser.error(f"--only: expected some of {', '.join(MODULES)}")
    # A part of the benchmark does not replace its results.
    whole = not (options.only or options.candidates or options.quick)
    default = _ROOT / ("results" if whole else "runs") / "ranking_speed"
    options.results = options.results or default
    if options.plot:
        report.draw(options.results)
        return
    try:
        if options.long_memory:
            setting = "quick" if options.quick else "long"
            asked = options.long_memory, setting, command(options)
            long_memory.measure(options.results, *asked)
            report.draw(options.results)
        else:
            run(options, find(names, options.peers))
    except (WorkerError, Disagreement) as error:
        raise SystemExit(f"error: {error}") from None


def run(options: argparse.Namespace, contenders: Sequence[Contender]) -> None:
    """Compares, measures, and writes the results.

    Args:
        options: Options of the command line.
        contenders: The contenders.
    """
    name = "quick" if options.quick else "full"
    how_much = effort(name, options.candidates, options.memory, options.rounds)
    store = Store(f"ranking_{name}", [options.peers])
    described = machine.describe()  # before the code may change
    measuring = Measuring(store, contenders, how_much)
    difference = measuring.compare()
    lines = measuring.lines()
    facts = {
        "command": command(options),
        "setting": _setting(how_much),
        "rounds": how_much.rounds,
        "machine": described,
        "versions": _versions(lines),
        "logits_difference": difference and difference.relative,
        "score_difference": largest_difference(lines),
    }
    speed, memory = speed_rows(lines), memory_rows(lines)
    report.write_results(options.results, speed, memory, facts)
    store.remove()
    print("\n".join(report.headlines(speed)))
    print(f"Written: {options.results}")


def command(options: argparse.Namespace) -> str:
    """The command that repeats the benchmark.

    Args:
        options: Options of the command line.
    """
    names = "candidates", "memory", "long_memory", "rounds"
    asked = {n.replace("_", "-"): getattr(options, n) for n in names}
    extra = [f"--{name} {value}" for name, value in asked.items() if value]
    extra += [f"--only {','.join(options.only)}"] if options.only else []
    extra += ["--quick"] if options.quick else []
    arguments = f' ARGS="{" ".join(extra)}"' if extra else ""
    return f"make bench SIZE=ranking{arguments}"


def _setting(how_much: Effort) -> dict[str, int]:
    setting = SETTINGS[how_much.setting]._replace(
        candidates=how_much.candidates, memory_candidates=how_much.memory_candidates
    )
    return setting._asdict()


def _versions(lines: Sequence[Line]) -> dict[str, dict[str, str]]:
    found = {x["contender"]: x["versions"] for x in lines if "versions" in x}
    return {
        label: found[label] for label in found if label in ("gtn_tf", "torch eager")
    }
