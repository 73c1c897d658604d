"""Reports of results: pictures, the literature's table, sizes of networks."""

from __future__ import annotations

import importlib
from typing import Any

_NAMES = {
    "FigureSpec": "gtn_tf.reports.figures",
    "Sizes": "gtn_tf.reports.sizes",
    "draw_figures": "gtn_tf.reports.figures",
    "names_of": "gtn_tf.reports.sizes",
    "published_sizes": "gtn_tf.reports.sizes",
    "sizes_of": "gtn_tf.reports.sizes",
    "write_figures": "gtn_tf.reports.figures",
}
__all__ = [*_NAMES]


def __getattr__(name: str) -> Any:
    # Lazy, so that only drawing imports matplotlib.
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'gtn_tf.reports' has no attribute {name!r}")
