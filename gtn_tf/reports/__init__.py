"""What is made of results: pictures, the literature's table, sizes of networks."""

from gtn_tf.reports.figures import FigureSpec, draw_figures, write_figures
from gtn_tf.reports.sizes import (
    Sizes,
    count_published,
    count_written,
    names_of,
    network_sizes,
    published_sizes,
)

__all__ = [
    "FigureSpec",
    "Sizes",
    "count_published",
    "count_written",
    "draw_figures",
    "names_of",
    "network_sizes",
    "published_sizes",
    "write_figures",
]
