"""Every picture that gtn_tf draws."""

from gtn_tf.plots.boxes import boxes
from gtn_tf.plots.cells import Arc, CellPicture, draw_cells
from gtn_tf.plots.curves import bands, heat_map, hyperparameters, learning_curves
from gtn_tf.plots.dots import dots
from gtn_tf.plots.grids import (
    curriculum_grid,
    image_grid,
    labelled_grid,
    save_animation,
    save_curriculum,
    save_image,
    shown_steps,
)
from gtn_tf.plots.histograms import histograms
from gtn_tf.plots.operations import operations
from gtn_tf.plots.quality import CostLine, CostPanel, against_cost, costs
from gtn_tf.plots.saving import save_figure
from gtn_tf.plots.scatter import score_scatter
from gtn_tf.plots.table import draw_tables

__all__ = [
    "Arc",
    "CellPicture",
    "CostLine",
    "CostPanel",
    "against_cost",
    "bands",
    "boxes",
    "costs",
    "curriculum_grid",
    "dots",
    "draw_cells",
    "draw_tables",
    "heat_map",
    "histograms",
    "hyperparameters",
    "image_grid",
    "labelled_grid",
    "learning_curves",
    "operations",
    "save_animation",
    "save_curriculum",
    "save_figure",
    "save_image",
    "score_scatter",
    "shown_steps",
]
