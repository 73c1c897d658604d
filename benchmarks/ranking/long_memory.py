"""The memory of a process that scores many candidates: `--long-memory 1000`.

It does not depend on how long a candidate is trained, so few steps are enough.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import machine
from gtn_tf.atomic_file import as_csv, write
from markdown import table
from processes import WorkerError, run_process
from ranking.problem import SETTINGS, SPACES, TITLES
from store import Store

_SETTLED = 50  # candidates after which memory should stay


def measure(folder: Path, count: int, setting: str, command: str) -> None:
    """Measures gtn_tf in each space; writes `long_memory.csv` and `long_memory.json`.

    Args:
        folder: Of the results.
        count: Candidates of each space.
        setting: One of `SETTINGS`.
        command: Repeats it.
    """
    described = machine.describe()  # before the code may change
    store = Store(f"memory_{setting}", [Path(sys.executable)])
    kept = {(line["space"], line["count"]): line for line in store.lines()}
    rows: list[list[Any]] = [["space", "candidates", "resident_bytes"]]
    folder.mkdir(parents=True, exist_ok=True)
    for space in SPACES:
        if (space, count) not in kept:
            line = _measured(space, count, setting)
            kept[space, count] = {"space": space, "count": count, **line}
            store.add(kept[space, count])
        print(f"  memory, {space}: measured", flush=True)
        rows += [[space, *one] for one in kept[space, count]["resident"]]
        facts = {
            "command": command,
            "steps": SETTINGS[setting].memory_steps,
            "images": SETTINGS[setting].memory_images,
            "machine": described,
            "versions": kept[space, count]["versions"],
        }
        write(folder / "long_memory.csv", as_csv(rows))
        write(folder / "long_memory.json", json.dumps(facts, indent=2) + "\n")
    store.remove()


def _measured(space: str, count: int, setting: str) -> dict[str, Any]:
    words = ["gtn_tf", "memory", space, setting, "--candidates", count]
    worker = [sys.executable, "-m", "ranking.worker", *words]
    line = run_process(worker, f"memory of {space}")
    if "gave_up" in line:
        raise WorkerError(f"memory of {space}: {line['gave_up']}")
    return line


def section(folder: Path) -> str:
    """The section of the page; nothing if nothing was measured.

    Args:
        folder: Of the results.
    """
    file = folder / "long_memory.csv"
    if not file.exists():
        return ""
    facts = json.loads((folder / "long_memory.json").read_text())
    by_space: dict[str, list[tuple[int, int]]] = {}
    with file.open(newline="") as lines:
        for row in csv.DictReader(lines):
            recorded = int(row["candidates"]), int(row["resident_bytes"])
            by_space.setdefault(row["space"], []).append(recorded)
    header = ["space", "MB, first", "MB, about 50", "MB, last", "most / about 50"]
    on = {k: v for k, v in facts["machine"].items() if k not in ("Date", "Commit")}
    about = (
        f"`{facts['command']}`: the same of gtn_tf alone, {facts['steps']} steps and "
        f"{facts['images']} images a candidate. Measured on {facts['machine']['Date']} "
        f"at {facts['machine']['Commit']} with {_listed(facts['versions'])}; "
        f"{_listed(on)}."
    )
    cells = [[TITLES[space], *_cells(found)] for space, found in by_space.items()]
    return "\n\n".join(["## Memory over many candidates", about, table(header, cells)])


def _cells(found: Sequence[tuple[int, int]]) -> list[str]:
    settled = min(found, key=lambda one: abs(one[0] - _SETTLED))
    most = max(resident for count, resident in found if count >= settled[0])
    shown = [f"{r / 1e6:.0f} after {n}" for n, r in (found[0], settled, found[-1])]
    return [*shown, f"{most / settled[1]:.3f}"]


def _listed(found: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in found.items())
