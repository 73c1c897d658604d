"""The results' files: two tables, facts, a picture, and a page in Markdown."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gtn_tf.atomic_file import as_csv, write
from markdown import table
from ranking import long_memory, picture
from ranking.problem import SPACES, TITLES
from ranking.rows import Row, times_faster

_TEXTS = ("space", "contender", "together")
_ABOUT_50 = 50  # candidates: memory is compared with that after so many


def write_results(
    folder: Path, speed: Sequence[Row], memory: Sequence[Row], facts: dict[str, Any]
) -> None:
    """Writes `speed.csv`, `memory.csv` and `facts.json`, and draws them.

    Args:
        folder: The folder.
        speed: One row for each contender and space.
        memory: One row for each contender and recorded number of candidates.
        facts: What was measured, how, where and when.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (("speed", speed), ("memory", memory)):
        columns = list(dict.fromkeys(key for row in rows for key in row))
        cells = [[row.get(column, "") for column in columns] for row in rows]
        write(folder / f"{name}.csv", as_csv([columns, *cells]))
    write(folder / "facts.json", json.dumps(facts, indent=2) + "\n")
    draw(folder)


def draw(folder: Path) -> None:
    """Draws `ranking.png` and writes `README.md`, from the tables and facts alone.

    Args:
        folder: The folder.
    """
    speed, memory = (_read(folder / f"{name}.csv") for name in ("speed", "memory"))
    picture.save(speed, memory, folder / "ranking.png")
    facts = json.loads((folder / "facts.json").read_text())
    more = long_memory.section(folder)
    write(folder / "README.md", page(speed, memory, facts, more))


def _read(path: Path) -> list[Row]:
    with path.open(newline="") as file:
        return [
            {k: v if k in _TEXTS else _number(v) for k, v in row.items() if v}
            for row in csv.DictReader(file)
        ]


def _number(text: str) -> float:
    return int(text) if text.isdigit() else float(text)


def page(
    speed: Sequence[Row], memory: Sequence[Row], facts: dict[str, Any], more: str
) -> str:
    """The Markdown page.

    Args:
        speed: As for `write_results`.
        memory: As for `write_results`.
        facts: As for `write_results`.
        more: A section that is measured for itself.
    """
    setting = facts["setting"]
    pixels = setting["pixels"]
    about = (
        f"A candidate is a network of random cells (N = {setting['cells']}, F = "
        f"{setting['filters']}) for images of {pixels}x{pixels}x3 "
        f"pixels. It is trained for {setting['steps']} steps of SGD with batches of "
        f"{setting['batch_size']}, its batch norm is estimated again, and its accuracy "
        f"on {setting['validation_images']} images is its score. The images are "
        "random, the same for all: noise around an image for each class."
    )
    parts = [
        "# How fast architectures are ranked",
        f"`{facts['command']}`",
        "\n".join(headlines(speed)),
        "![Candidates per minute, and memory by candidates](ranking.png)",
        about,
        _together(speed),
        "## One at a time",
        _speed(speed),
        "Each contender and space has a process of its own; the first candidate's "
        "seconds are from before the data is made, with all tracing. Candidates per "
        "minute are those after it, by all their seconds.",
        _agreement(facts),
        _sizes(speed),
        _steps(speed),
        _meta(speed, setting),
        _memory(memory, setting),
        more,
        "## Machine and versions",
        "\n".join(
            f"- {k}: {v}" for k, v in {**facts["machine"], **_versions(facts)}.items()
        ),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def headlines(speed: Sequence[Row]) -> list[str]:
    """The ratios as lines of a list.

    Args:
        speed: As for `write_results`.
    """
    rates = {
        "together_per_minute": "two at a time",
        "candidates_per_minute": "one at a time",
    }
    lines = [
        f"- {TITLES[space]}, {how}: gtn_tf's candidates per minute / those of {label}: "
        f"**{ratio:.2f}**"
        for space in SPACES
        for rate, how in rates.items()
        for label, ratio in times_faster(speed, space, rate).items()
    ]
    for row in speed:
        if "steps_ratio_median" in row:
            lines.append(
                f"- {TITLES[row['space']]}: time of the steps in scoring / of the "
                f"network alone, traced: **{row['steps_ratio_median']:.2f}**"
            )
    return lines


def _speed(rows: Sequence[Row]) -> str:
    header = ["space", "contender", "candidates", "first, s", "median, s", "min, s"]
    header += ["max, s", "per minute", "mean accuracy"]
    return table(
        header,
        (
            [
                TITLES[row["space"]],
                row["contender"],
                f"{row['candidates']}",
                f"{row['first_seconds']:.1f}",
                *(f"{row[f'seconds_{k}']:.2f}" for k in ("median", "min", "max")),
                f"**{row['candidates_per_minute']:.1f}**",
                f"{row['accuracy_mean']:.3f}",
            ]
            for row in rows
            if "seconds_median" in row
        ),
    )


def _together(rows: Sequence[Row]) -> str:
    cells = [
        [
            TITLES[row["space"]],
            row["contender"],
            row["together"],
            f"{row['together_seconds']:.2f}",
            f"**{row['together_per_minute']:.1f}**",
        ]
        for row in rows
        if "together" in row
    ]
    header = ["space", "contender", "on two", "seconds a candidate", "per minute"]
    text = (
        "As `rank` scores: a candidate on each core, each operation on one core. The "
        "seconds of all candidates together, divided by their number; a first one is "
        "not counted. PyTorch has threads or processes, whichever are faster."
    )
    return _section("Two at a time", text, header, cells)


def _agreement(facts: dict[str, Any]) -> str:
    text = []
    if facts["logits_difference"] is not None:
        text.append(
            "Before anything is timed, each network in PyTorch is compared with "
            "gtn_tf's: it has as many parameters, and with the same weights its logits "
            f"differ by {facts['logits_difference']:.1e} of their norm at most."
        )
    if facts["score_difference"] is not None:
        text.append(
            "gtn_tf's scores of a candidate differ from those of a Keras network each "
            f"by {facts['score_difference']:.4f} at most."
        )
    return " ".join(text)


def _sizes(rows: Sequence[Row]) -> str:
    cells = [
        [
            TITLES[row["space"]],
            row["contender"],
            f"{row['sizes_seconds_median']:.4f}",
        ]
        for row in rows
        if "sizes_seconds_median" in row
    ]
    header = ["space", "contender", "params and flops of a candidate, median, s"]
    return _section("Sizes", "", header, cells)


def _steps(rows: Sequence[Row]) -> str:
    cells = [
        [
            TITLES[row["space"]],
            f"{row['steps_seconds_median']:.2f}",
            f"{row['steps_alone_seconds_median']:.2f}",
            f"{row['steps_ratio_median']:.2f}",
        ]
        for row in rows
        if "steps_ratio_median" in row
    ]
    header = ["space", "in scoring, s", "the network alone, traced, s", "ratio"]
    text = (
        "Medians over candidates, one at a time, each operation on one core. Both "
        "times are differences, of trainings of twice the steps and of the steps, so "
        "that they have nothing that is done once."
    )
    return _section("The steps alone", text, header, cells)


def _meta(rows: Sequence[Row], setting: dict[str, Any]) -> str:
    cells = [
        [
            TITLES[row["space"]],
            f"{row['meta_first_seconds']:.0f}",
            *(f"{row[f'meta_{k}_seconds_median']:.2f}" for k in ("fresh", "fixed")),
            f"{row['meta_ratio_median']:.2f}",
            f"{row['meta_resident_bytes'] / 1e9:.2f}",
        ]
        for row in rows
        if "meta_ratio_median" in row
    ]
    header = ["space", "first, s", "a fresh cell, s", "the fixed cell, s", "ratio"]
    header += ["memory of the fresh ones, GB"]
    text = (
        f"The meta-gradient of one learner through {setting['meta_steps']} steps. "
        "Fresh cells run on a super-network that is traced with the first; a fixed "
        "cell is a network of its own, already traced. Medians over the same cells; "
        "each operation is on one core."
    )
    return _section("Meta-gradients", text, header, cells)


def _memory(rows: Sequence[Row], setting: dict[str, Any]) -> str:
    by_label: dict[str, list[Row]] = {}
    for row in rows:
        by_label.setdefault(row["contender"], []).append(row)
    cells = []
    for label, own in by_label.items():
        near = min(own, key=lambda row: abs(row["candidates"] - _ABOUT_50))
        cells.append(
            [
                label,
                *(
                    f"{row['resident_bytes'] / 1e6:.0f} after {row['candidates']:.0f}"
                    for row in (own[0], near, own[-1])
                ),
            ]
        )
    header = ["contender", "MB, first", "MB, about 50", "MB, last"]
    text = (
        "Resident memory of a process that scores candidates of NAS-Bench-201, each "
        f"for {setting['memory_steps']} steps and on {setting['memory_images']} images."
    )
    return _section("Memory", text, header, cells)


def _section(
    title: str, text: str, header: Sequence[str], cells: Sequence[Sequence[str]]
) -> str:
    """A heading, a text and a table; nothing if nothing was measured."""
    if not cells:
        return ""
    parts = [f"## {title}", text, table(header, cells)]
    return "\n\n".join(part for part in parts if part)


def _versions(facts: dict[str, Any]) -> dict[str, str]:
    versions = facts["versions"]
    return {
        label: ", ".join(f"{name} {version}" for name, version in found.items())
        for label, found in versions.items()
    }
