"""Runs one implementation alone: times it, or saves its meta-gradient.

    PYTHON benchmarks/worker.py IMPLEMENTATION SIZE [--steps T] [--repeats N]
    PYTHON benchmarks/worker.py IMPLEMENTATION SIZE --save gradients.npz
    PYTHON benchmarks/worker.py gtn_tf SIZE --jit

PYTHON is `.venv/bin/python` for gtn_tf, first_order_limit and convolution, else
`.venv-peers/bin/python`. Prints one line of JSON, the last of its output: times, or
why it gave up.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import os
import platform
import resource
import sys
import time
from pathlib import Path
from typing import Any

from giving_up import GaveUp, limited
from machine import CORES

# The module that builds each implementation.
MODULES = {
    "gtn_tf": "run_gtn_tf",
    "torch": "run_torch",
    "torch_channels_last": "run_torch",
    "torch_compile": "run_torch",
    "torch_checkpoint": "run_torch",
    "higher": "run_torch",
    "torchopt": "run_torch",
    "jax_remat": "run_jax",
    "jax_mixed": "run_jax",
    "first_order_limit": "run_gtn_tf",
}
OURS = tuple(name for name, module in MODULES.items() if module == "run_gtn_tf")
# Not an implementation, but the operation that dominates them all.
_CONVOLUTION = {"convolution": "run_convolution"}


def main() -> None:
    """Parses the command line."""
    take_two_cores()
    from problem import SIZES, make_problem  # numpy counts its cores when imported

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    modules = {**MODULES, **_CONVOLUTION}
    parser.add_argument("implementation", choices=modules)
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("--steps", type=int, help="inner steps, if not the size's")
    parser.add_argument("--repeats", type=int, default=5, help="timed meta-gradients")
    parser.add_argument("--save", type=Path, help="file for the float64 meta-gradient")
    parser.add_argument("--unroll", help="gtn_tf's, if not the one it picks")
    parser.add_argument("--jit", action="store_true", help="gtn_tf under XLA")
    options = parser.parse_args()
    special = {"unroll": options.unroll} if options.unroll else {}
    special |= {"jit": True} if options.jit else {}
    if special and options.implementation not in OURS:
        parser.error(f"--{next(iter(special))}: expected one of {', '.join(OURS)}")
    size = SIZES[options.size]
    size = size._replace(steps=options.steps or size.steps)
    problem = make_problem(size, "float64" if options.save else "float32")
    module = importlib.import_module(modules[options.implementation])
    job = module.build(options.implementation, problem, **special)
    try:
        if options.save:
            result = save(job, options.save)
        else:
            result = measure(job, options.repeats)
    except GaveUp as reason:
        result = {"gave_up": str(reason)}
    named = {"implementation": options.implementation, "size": options.size}
    print(json.dumps({**named, "steps": size.steps, **result}), flush=True)


def take_two_cores() -> None:
    """Gives the process two cores. Call it before a framework is imported."""
    if hasattr(os, "sched_setaffinity"):  # not on macOS
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    os.environ["OMP_NUM_THREADS"] = str(CORES)
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:  # if memory runs out, this is the process to end
        Path("/proc/self/oom_score_adj").write_text("1000")
    except OSError:
        pass


def measure(job: Any, repeats: int) -> dict[str, Any]:
    """Times meta-gradients; the first, which traces or compiles, separately.

    Ends the process with the reason as its only output if the first exceeds the job's
    limit.

    Args:
        job: An implementation's job.
        repeats: Timed meta-gradients after the first call.

    Returns:
        Seconds and bytes, by name.

    Raises:
        ValueError: If a result is zero or not finite.
    """
    with limited(job.limit):
        _, first = _timed(job.compile or job.iterate)
    seconds = []
    for _ in range(repeats):
        outcome, taken = _timed(job.iterate)
        seconds.append(round(taken, 5))
    peak = peak_bytes()  # before the check below makes its own arrays
    _check(job.gradients(outcome))
    return {
        "seconds": seconds,
        "first_seconds": round(first, 3),
        "peak_bytes": peak,
        "versions": _versions(job),
        **job.details,
    }


def save(job: Any, path: Path) -> dict[str, Any]:
    """Writes a meta-gradient. Gives up as `measure` does.

    Args:
        job: An implementation's job, of a float64 problem.
        path: The .npz file; it appears when it is complete.

    Returns:
        The versions of what computed it, by name.
    """
    with limited(job.limit):
        outcome = (job.compile or job.iterate)()
    gradients = job.gradients(job.iterate() if job.compile else outcome)
    import numpy as np

    partial = path.with_suffix(".partial.npz")
    np.savez(partial, **gradients)
    partial.replace(path)
    return {"versions": _versions(job)}


def _timed(function: Any) -> tuple[Any, float]:
    began = time.perf_counter()
    outcome = function()
    return outcome, time.perf_counter() - began


def peak_bytes() -> int:
    """The peak memory of the process."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _check(gradients: dict[str, Any]) -> None:
    """A time means nothing if a part was not computed."""
    import numpy as np

    for name, array in gradients.items():
        if not np.isfinite(array).all() or not np.any(array):
            raise ValueError(f"{name}: expected finite numbers, not all of them zero")


def _versions(job: Any) -> dict[str, str]:
    versions = {name: importlib.metadata.version(name) for name in job.packages}
    return {"Python": platform.python_version(), **versions}


if __name__ == "__main__":
    main()
