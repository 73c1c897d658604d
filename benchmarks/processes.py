"""Workers as processes of their own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from worker import MODULES

_WORKER = Path(__file__).with_name("worker.py")
OURS = [name for name, module in MODULES.items() if module == "run_gtn_tf"]


class WorkerError(Exception):
    """A worker that stopped without a result."""


def run_worker(
    peers: Path, name: str, size: str, steps: int, *options: object
) -> dict[str, Any]:
    """Runs one worker to its end.

    Args:
        peers: The Python that has the peers.
        name: The implementation.
        size: The problem's name.
        steps: Inner steps.
        *options: Further arguments of `worker.py`.

    Returns:
        What it printed; of one that was killed, `killed` instead of times. The
        system kills a process when memory runs out.

    Raises:
        WorkerError: If it failed otherwise.
    """
    python = sys.executable if name in OURS else peers
    command = [python, _WORKER, name, size, "--steps", steps, *options]
    run = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True
    )
    if run.returncode == -signal.SIGKILL:
        return {"implementation": name, "size": size, "steps": steps, "killed": True}
    if run.returncode:
        end = "\n".join(run.stderr.strip().splitlines()[-15:])
        raise WorkerError(f"{name} with {steps} steps of size {size} failed:\n{end}")
    return json.loads(run.stdout.strip().splitlines()[-1])
