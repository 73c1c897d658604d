"""Runs one contender alone, for one part of the benchmark.

    PYTHON -m ranking.worker CONTENDER PART SPACE SETTING [--candidates N]

with `benchmarks/` on PYTHONPATH; PYTHON is `.venv/bin/python` for gtn_tf, else
`.venv-peers/bin/python`. Prints one line of JSON, the last of its output.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from ranking.contenders import MODULES
from worker import take_two_cores

_RECORDED = 10  # candidates between two records of the memory


def main() -> None:
    """Parses the command line."""
    take_two_cores()
    from ranking import problem  # numpy counts its cores when imported

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("contender", choices=MODULES)
    add("part", choices=_PARTS)
    add("space", choices=problem.SPACES)
    add("setting", choices=problem.SETTINGS)
    add("--candidates", type=int, help="of the part, instead of the setting's")
    add("--ours", type=Path, help="agreement: file of gtn_tf's networks")
    add("--save", type=Path, help="agreement: the file to write")
    options = parser.parse_args()
    options.setting = problem.SETTINGS[options.setting]
    if options.candidates:
        options.setting = options.setting._replace(
            candidates=options.candidates, memory_candidates=options.candidates
        )
    print(json.dumps(_PARTS[options.part](options)), flush=True)


def speed(options: argparse.Namespace) -> dict[str, Any]:
    """Times each candidate; the first separately, with all that precedes it."""
    from ranking.problem import draw_cells

    setting = options.setting
    first, *others = draw_cells(options.space, 1 + setting.candidates)
    began = time.perf_counter()
    with _module(options).ranker(
        options.contender,
        options.space,
        setting,
        setting.steps,
        setting.validation_images,
    ) as ranker:
        scores = [ranker.score(first)]
        first_seconds = time.perf_counter() - began
        seconds, more = timed(ranker.score, others)
    return {
        "first_seconds": round(first_seconds, 4),
        "seconds": seconds,
        "scores": scores + more,
        "versions": _versions(ranker.packages),
    }


def together(options: argparse.Namespace) -> dict[str, Any]:
    """Times candidates scored at the same time, each twice, without the first."""
    from ranking.problem import draw_cells

    setting = options.setting
    first, *others = draw_cells(options.space, 1 + setting.candidates)
    asked = options.contender, options.space, setting, first, 2 * others
    found = _module(options).together(*asked)
    return {"seconds": found, "candidates": 2 * len(others)}


def sizes(options: argparse.Namespace) -> dict[str, Any]:
    """Times the counting of parameters and operations; only in gtn_tf."""
    from gtn_tf.search.scorers import make_scorer
    from ranking.problem import draw_cells
    from ranking.run_gtn_tf import scoring

    first, *others = draw_cells(options.space, 1 + options.setting.candidates)
    scorers = [make_scorer("params"), make_scorer("flops")]
    with scoring(options.contender, options.space, options.setting, scorers) as run:
        run(first)
        seconds, _ = timed(run, others)
    return {"seconds": seconds}


def steps(options: argparse.Namespace) -> dict[str, Any]:
    """Times scoring steps and those of a traced network; only in gtn_tf."""
    from gtn_tf.runs import use_one_thread_per_operation
    from ranking import running_time

    use_one_thread_per_operation()
    return running_time.seconds(options.contender, options.space, options.setting)


def meta(options: argparse.Namespace) -> dict[str, Any]:
    """Times meta-gradients of fresh cells and of fixed ones; only in gtn_tf."""
    from gtn_tf.runs import use_one_thread_per_operation
    from ranking import meta_iteration

    use_one_thread_per_operation()
    return meta_iteration.seconds(options.space, options.setting, resident_bytes)


def memory(options: argparse.Namespace) -> dict[str, Any]:
    """Measures the process's memory after the first, and each tenth, candidate."""
    from ranking.problem import draw_cells

    setting = options.setting
    count = setting.memory_candidates
    recorded: list[tuple[int, int]] = []
    with _module(options).ranker(
        options.contender,
        options.space,
        setting,
        setting.memory_steps,
        setting.memory_images,
    ) as ranker:
        for number, text in enumerate(draw_cells(options.space, count), start=1):
            ranker.score(text)
            if number in (1, count) or number % _RECORDED == 0:
                recorded.append((number, resident_bytes()))
    return {"resident": recorded, "versions": _versions(ranker.packages)}


def agreement(options: argparse.Namespace) -> dict[str, Any]:
    """Saves networks and their logits."""
    import numpy as np

    if MODULES[options.contender] == "run_gtn_tf":
        from ranking import weights_gtn_tf

        found = weights_gtn_tf.arrays(options.setting)
    else:
        from ranking import weights_torch

        with np.load(options.ours) as ours:
            found = weights_torch.arrays(options.setting, dict(ours))
    np.savez(options.save, **found)
    return {}


_PARTS = {
    "speed": speed,
    "together": together,
    "sizes": sizes,
    "steps": steps,
    "meta": meta,
    "memory": memory,
    "agreement": agreement,
}


def timed(function: Any, arguments: Sequence[str]) -> tuple[list[float], list[Any]]:
    """Seconds of each call, and what the calls returned.

    Args:
        function: Has finished when it returns.
        arguments: One for each call.
    """
    seconds, found = [], []
    for argument in arguments:
        began = time.perf_counter()
        found.append(function(argument))
        seconds.append(round(time.perf_counter() - began, 5))
    return seconds, found


def resident_bytes() -> int:
    """The process's memory now; its peak where the system does not give that."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:  # not Linux
        from worker import peak_bytes

        return peak_bytes()
    return pages * os.sysconf("SC_PAGE_SIZE")


def _module(options: argparse.Namespace) -> ModuleType:
    return importlib.import_module(f"ranking.{MODULES[options.contender]}")


def _versions(packages: Sequence[str]) -> dict[str, str]:
    versions = {name: importlib.metadata.version(name) for name in packages}
    return {"Python": platform.python_version(), **versions}


if __name__ == "__main__":
    main()
