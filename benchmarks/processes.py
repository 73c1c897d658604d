"""Workers as processes of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contenders import Contender

_ROOT = Path(__file__).resolve().parent.parent
_WORKER = Path(__file__).with_name("worker.py")


class WorkerError(Exception):
    """A worker that stopped without a result."""


def run_worker(
    contender: Contender, size: str, steps: int, *options: object
) -> dict[str, Any]:
    """Runs one worker.

    Args:
        contender: The contender that it measures.
        size: The problem's name.
        steps: Inner steps.
        *options: Further arguments of `worker.py`.

    Returns:
        What it printed, under the contender's label. One that gave up has the reason,
        `gave_up`, instead of times; the system kills a process when memory runs out.

    Raises:
        WorkerError: If it failed otherwise.
    """
    command = [contender.python, _WORKER, contender.name, size, "--steps", steps]
    what = f"{contender.label} with {steps} steps of size {size}"
    asked = {"implementation": contender.label, "size": size, "steps": steps}
    return {**run_process([*command, *options], what), **asked}


def run_process(command: Sequence[object], what: str) -> dict[str, Any]:
    """Runs one process.

    Args:
        command: A Python and its arguments. It imports this gtn_tf, and the modules of
            this folder.
        what: Its name in errors.

    Returns:
        As `run_worker`, without the contender's label.

    Raises:
        WorkerError: As `run_worker`.
    """
    # A compiler's cache on disk would speed up the next process's first call.
    folder = tempfile.mkdtemp(prefix="benchmark-")
    # Both stacks measure this gtn_tf, not an installed one.
    paths = [str(_ROOT), str(_WORKER.parent)]
    paths += filter(None, [os.environ.get("PYTHONPATH")])
    try:
        run = subprocess.run(
            [str(word) for word in command],
            env={
                **os.environ,
                "TMPDIR": folder,
                "PYTHONPATH": os.pathsep.join(paths),
            },
            capture_output=True,
            text=True,
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if run.returncode == -signal.SIGKILL:
        return {"gave_up": "killed, probably for want of memory"}
    printed = None if run.returncode else last_object(run.stdout)
    if printed is None:
        end = "\n".join(run.stderr.strip().splitlines()[-15:])
        raise WorkerError(f"{what} failed:\n{end}")
    return printed


def last_object(output: str) -> dict[str, Any] | None:
    """The last line that is a JSON object, whatever a framework printed around it.

    Example:

    >>> last_object('ready\\n{"seconds": [1.0]}\\nWarning: 2 threads')
    {'seconds': [1.0]}
    """
    for line in reversed(output.splitlines()):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            return found
    return None
