"""Tables as pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from gtn_tf.plots.saving import save_figure

_DPI = 130
_CHARACTER = 0.085  # width of a character, in inches
_LINE = 0.27  # height of a line, in inches


def draw_tables(
    tables: Mapping[str, Sequence[Sequence[str]]], header: Sequence[str], path: Path
) -> None:
    """Draws tables with the same columns, one below the other.

    Args:
        tables: For each title, the rows.
        header: Names of the columns.
        path: The PNG file.
    """
    rows = [header, *(row for table in tables.values() for row in table)]
    widths = [max(len(row[c]) for row in rows) for c in range(len(header))]
    heights = [len(table) + 2 for table in tables.values()]
    size = _CHARACTER * sum(widths) + 0.4, _LINE * sum(heights) + 0.4
    figure = Figure(size, layout="constrained")
    panels = figure.subplots(len(tables), squeeze=False, height_ratios=heights)
    shares = [width / sum(widths) for width in widths]
    for axes, (title, table) in zip(panels.ravel(), tables.items()):
        axes.set_axis_off()
        axes.set_title(title, loc="left", fontsize=10)
        drawn = axes.table(
            [list(row) for row in table],
            colLabels=list(header),
            colWidths=shares,
            cellLoc="left",
            loc="upper left",
            edges="horizontal",
            bbox=[0, 0, 1, 1],
        )
        drawn.auto_set_font_size(False)
        drawn.set_fontsize(8)
        for column in range(len(header)):
            drawn[0, column].set_text_props(weight="bold")
    save_figure(figure, path, _DPI)
