"""Pictures as files, written wholly or not at all."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from gtn_tf.atomic_file import whole


def save_figure(figure: Figure, path: Path, dpi: float | None = None) -> None:
    """Writes a figure.

    Args:
        figure: The figure.
        path: The file, of the format that its suffix says; PNG without one.
        dpi: Dots in an inch.
    """
    kind = Path(path).suffix[1:] or "png"
    with whole(path) as unfinished:
        figure.savefig(unfinished, dpi=dpi or "figure", format=kind)
