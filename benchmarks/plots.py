"""The plots of time and peak memory: bars, or lines over the steps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from contenders import is_other_stack
from gtn_tf.atomic_file import whole
from problem import SIZES, learner_bytes
from rows import Row, all_steps, timed

# Okabe and Ito's colours, told apart by colour-blind readers too, and a marker each;
# what is a variant of another has a lighter shade of its colour.
_STYLES = {
    "gtn_tf": ("#D55E00", "o"),
    "gtn_tf, other stack": ("#F2B48C", "h"),
    "torch": ("#0072B2", "s"),
    "torch_channels_last": ("#7FB8D8", "<"),
    "torch_compile": ("#00405F", ">"),
    "torch_checkpoint": ("#56B4E9", "D"),
    "higher": ("#009E73", "^"),
    "torchopt": ("#CC79A7", "v"),
    "jax_remat": ("#E69F00", "P"),
    "jax_mixed": ("#F0E442", "X"),
    "first_order_limit": ("#000000", "."),
}
_QUANTITIES = {
    "time": ("seconds_median", 1.0, "s", "seconds per meta-gradient (median)"),
    "memory": ("peak_bytes", 1e9, "GB", "peak memory of the process, GB"),
}
_TITLES = {"time": "Time of one meta-gradient", "memory": "Peak memory"}
_LONGEST = 3.0  # times the median: a longer bar is cut, so that the others are visible


def save(rows: Sequence[Row], size: str, quantity: str, path: Path) -> None:
    """Draws rows of one number of steps as bars, of several as lines.

    Args:
        rows: The content of `SIZE.json`. Rows without times are omitted.
        size: The problem's name.
        quantity: `"time"` or `"memory"`.
        path: The PNG file.
    """
    rows = timed(rows)
    figure = Figure((8, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    steps = all_steps(rows)
    if len(steps) > 1:
        _lines(axes, rows, size, quantity)
        title = f"{_TITLES[quantity]}, size {size}"
    else:
        _bars(axes, rows, quantity)
        title = f"{_TITLES[quantity]}, size {size}, {steps[0]} steps"
    axes.set_title(title)
    axes.spines[["top", "right"]].set_visible(False)
    with whole(path) as unfinished:
        figure.savefig(unfinished, dpi=120)


def _bars(axes: Any, rows: Sequence[Row], quantity: str) -> None:
    key, unit, symbol, label = _QUANTITIES[quantity]
    values = np.array([row[key] / unit for row in rows])
    names = [row["implementation"] for row in rows]
    limit = _LONGEST * np.median(values)
    colors = [_style(name)[0] for name in names]
    axes.barh(names, values.clip(max=limit), color=colors, edgecolor="black", lw=0.5)
    for place, value in enumerate(values):
        cut = ", bar cut" if value > limit else ""
        text = f" {value:.3g} {symbol}{cut}"
        axes.text(min(value, limit), place, text, va="center")
    axes.set_xlim(0, 1.25 * values.clip(max=limit).max())
    axes.invert_yaxis()  # the first row on top
    axes.set_xlabel(label)


def _lines(axes: Any, rows: Sequence[Row], size: str, quantity: str) -> None:
    key, unit, _, label = _QUANTITIES[quantity]
    for name in dict.fromkeys(row["implementation"] for row in rows):
        color, marker = _style(name)
        own = [row for row in rows if row["implementation"] == name]
        axes.plot(
            *zip(*sorted((row["steps"], row[key] / unit) for row in own)),
            color=color,
            marker=marker,
            markeredgecolor="black",
            markeredgewidth=0.5,
            label=name,
        )
    if quantity == "memory":
        _stored_states(axes, rows, size)
    steps = all_steps(rows)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(steps, [str(one) for one in steps])
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set(xlabel="inner steps", ylabel=label)
    axes.grid(alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)


def _style(name: str) -> tuple[str, str]:
    return _STYLES["gtn_tf, other stack" if is_other_stack(name) else name]


def _stored_states(axes: Any, rows: Sequence[Row], size: str) -> None:
    """gtn_tf's memory if each step only adds its weights and momentum."""
    ours = {
        row["steps"]: row["peak_bytes"]
        for row in rows
        if row["implementation"] == "gtn_tf"
    }
    if not ours:
        return
    first = min(ours)
    state = 2 * learner_bytes(SIZES[size])
    steps = np.array(all_steps(rows))
    grown = (ours[first] + (steps - first) * state) / 1e9
    label = f"gtn_tf's at {first} steps\n+ stored weights\nand momentum"
    axes.plot(steps, grown, color="black", linestyle="--", linewidth=1, label=label)
