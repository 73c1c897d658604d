"""Real examples that a teacher's own may start from."""

from __future__ import annotations

import numpy as np

from gtn_tf.data.stored_images import Images
from gtn_tf.errors import ArgumentError
from gtn_tf.labels import as_integers


def real_examples(
    images: Images, labels: np.ndarray, wanted: np.ndarray, seed: int = 0
) -> np.ndarray:
    """Draws a real image for each wanted label, none twice while there are others.

    Args:
        images: `[n, h, w, c]`, of the training split, so that tests stay honest.
        labels: Their labels, in any form that Keras takes.
        wanted: Integer labels of any shape.
        seed: Integer of any size, of the draw.

    Returns:
        Images `[*wanted.shape, h, w, c]`.

    Raises:
        ArgumentError: If a wanted class has no image.

    Example:

    >>> images = np.arange(4.0).reshape([4, 1, 1, 1])
    >>> real_examples(images, [0, 1, 0, 1], wanted=np.array([1, 1])).shape
    (2, 1, 1, 1)
    """
    rng = np.random.default_rng(seed)
    classes = as_integers(labels).numpy()
    chosen = np.zeros(wanted.shape, np.int64)
    for label in np.unique(wanted):
        of_label = np.flatnonzero(classes == label)
        if not len(of_label):
            raise ArgumentError(
                f"expected an image of each class to start from, received none of "
                f"class {label}"
            )
        places = wanted == label
        rounds = -(-places.sum() // len(of_label))
        drawn = [rng.permutation(of_label) for _ in range(rounds)]
        chosen[places] = np.concatenate(drawn)[: places.sum()]
    return images[chosen]
