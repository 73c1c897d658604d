"""Pictures as files, written atomically."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from gtn_tf.atomic_file import whole


def save_figure(figure: Figure, path: Path, dpi: float | None = None) -> None:
    """Writes a figure.

    Args:
        figure: The figure.
        path: The file; its suffix is the format, PNG by default.
        dpi: Dots per inch.
    """
    kind = Path(path).suffix[1:] or "png"
    with whole(path) as unfinished:
        figure.savefig(unfinished, dpi=dpi or "figure", format=kind)
