"""Every picture that gtn_tf draws."""

from gtn_tf.plots.curves import heat_map, learning_curves, rates
from gtn_tf.plots.grids import (
    curriculum_grid,
    image_grid,
    labelled_grid,
    save_animation,
    save_curriculum,
    save_image,
    shown_steps,
)

__all__ = [
    "curriculum_grid",
    "heat_map",
    "image_grid",
    "labelled_grid",
    "learning_curves",
    "rates",
    "save_animation",
    "save_curriculum",
    "save_image",
    "shown_steps",
]
