"""The results' files: rows as JSON, a page in Markdown, two plots."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import limit
import plots
import stacks
from agreement import TOLERANCE, Difference
from gtn_tf import atomic_file
from markdown import table
from rows import Row, all_steps, ratios, timed


class Context:
    """The page's contents besides the numbers.

    Args:
        command: The command that makes the results.
        machine: Hardware, date and commit, by name.
        versions: Versions of everything measured, by name.
        differences: Differences of the meta-gradients from gtn_tf's.
        stacks: Versions of gtn_tf's stacks, by the label of their rows.
        speed: Operations per second of one large convolution.
    """

    def __init__(
        self,
        command: str,
        machine: Mapping[str, str],
        versions: Mapping[str, str],
        differences: Mapping[str, Difference],
        stacks: Mapping[str, Mapping[str, str]] = {},
        speed: float | None = None,
    ) -> None:
        self.command = command
        self.machine = machine
        self.versions = versions
        self.differences = differences
        self.stacks = stacks
        self.speed = speed


def write(folder: Path, size: str, rows: Sequence[Row], context: Context) -> None:
    """Writes `SIZE.json`, `SIZE.md`, `SIZE_time.png` and `SIZE_memory.png`.

    Args:
        folder: The folder.
        size: The problem's name.
        rows: One for each implementation and number of steps.
        context: What else the page says.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(row) for row in rows)
    atomic_file.write(folder / f"{size}.json", f"[\n{lines}\n]\n")
    atomic_file.write(folder / f"{size}.md", page(size, rows, context))
    draw(folder, size)


def draw(folder: Path, size: str) -> None:
    """Draws the plots from `SIZE.json` alone."""
    rows = json.loads((folder / f"{size}.json").read_text())
    if not timed(rows):
        return
    plots.save(rows, size, "time", folder / f"{size}_time.png")
    plots.save(rows, size, "memory", folder / f"{size}_memory.png")


def page(size: str, rows: Sequence[Row], context: Context) -> str:
    """The Markdown page."""
    facts = [f"- {name}: {value}" for name, value in context.machine.items()]
    versions = ", ".join(f"{name} {v}" for name, v in context.versions.items())
    unrolls = [
        f"{row['unroll']} at {row['steps']} steps"
        for row in timed(rows)
        if row["implementation"] == "gtn_tf" and "unroll" in row
    ]
    unfinished = [
        f"{row['implementation']} at {row['steps']} steps ({row['gave_up']})"
        for row in rows
        if "gave_up" in row
    ]
    parts = [
        f"# One meta-gradient, size `{size}`",
        f"`{context.command}`",
        "\n".join(headlines(rows)),
        f"![Time]({size}_time.png)\n\n![Peak memory]({size}_memory.png)",
        _table(rows),
        f"gtn_tf's unroll: {', '.join(unrolls)}." if unrolls else "",
        f"Gave up: {', '.join(unfinished)}." if unfinished else "",
        "Times are of one meta-gradient after the first, which also traces or "
        "compiles. Peak memory is the whole process's, with its framework.",
        "Before any timing, meta-gradients were compared with gtn_tf's (recompute) in "
        "float64, tensor by tensor: norm of the difference / norm, at most "
        f"{TOLERANCE:g}.",
        _differences(context.differences),
        stacks.section(timed(rows), context.stacks),
        limit.section(size, timed(rows), context.speed),
        "## Machine and versions",
        "\n".join([*facts, f"- Versions: {versions}"]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def headlines(rows: Sequence[Row]) -> list[str]:
    """The ratios as lines of a list, below 1 where gtn_tf needs less."""
    lines = []
    for steps in all_steps(rows):
        for ratio in ratios(rows, steps):
            name = "time" if ratio.of == "time" else "peak memory"
            ratio_of = f"gtn_tf's {name} / that of {ratio.other}"
            lines.append(f"- {steps} steps: {ratio_of}: **{ratio.value:.2f}**")
    return lines


def _table(rows: Sequence[Row]) -> str:
    header = [
        *("steps", "implementation", "median, s", "minimum, s", "std, s"),
        *("first call, s", "peak memory, MB", "time / gtn_tf's"),
        "memory / gtn_tf's",
    ]
    lines = []
    for steps in all_steps(rows):
        here = [row for row in rows if row["steps"] == steps]
        ours = [row for row in timed(here) if row["implementation"] == "gtn_tf"]
        for row in here:
            cells = _cells(row, ours[0] if ours else None)
            lines.append([f"{steps}", row["implementation"], *cells])
    return table(header, lines)


def _cells(row: Row, ours: Row | None) -> list[str]:
    if not timed([row]):
        return [row["gave_up"], *[""] * 6]
    return [
        f"{row['seconds_median']:.3f}",
        f"{row['seconds_min']:.3f}",
        f"{row['seconds_std']:.3f}",
        f"{row['first_seconds']:.1f}",
        f"{row['peak_bytes'] / 1e6:.0f}",
        *(
            f"{row[key] / ours[key]:.2f}" if ours else ""
            for key in ("seconds_median", "peak_bytes")
        ),
    ]


def _differences(differences: Mapping[str, Difference]) -> str:
    if not differences:
        return ""
    header = ["implementation", "largest difference", "in", "tensors compared"]
    cells = (
        [name, f"{one.relative:.1e}", f"`{one.tensor}`", f"{one.compared}"]
        for name, one in differences.items()
    )
    return table(header, cells)
