"""What is understood of a data set, before anything is trained on it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from gtn_tf import plots
from gtn_tf.config import DataConfig
from gtn_tf.data import Splits
from gtn_tf.data.problems import counts, find_problems
from gtn_tf.data.source import Sizes, splits_of, with_all_parts
from gtn_tf.errors import cut
from gtn_tf.runs.splits import load_splits, read_source
from gtn_tf.shapes import is_vector

_CLASSES = 30  # or features, in a table or a picture
_LINES = 10  # classes in a histogram
_EXAMPLES = 12  # of a class in a picture
_SIZES = 5  # in a sentence
_WIDEST = 30  # characters of a class's name


def look_at_data(
    chosen: DataConfig,
    data_dir: str | os.PathLike[str] | None = None,
    seed: int = 0,
    plot: Path | None = None,
    report: Callable[[str], None] = print,
) -> Splits:
    """Tells what a data set is: kind, sizes, classes, splits, normalisation, problems.

    Of a table: its features, in place of sizes.

    Broken pictures are left out, and named.

    Args:
        chosen: The `data` section of a configuration.
        data_dir: Folder with the data files, of a data set with a name.
        seed: Decides which images validate.
        plot: Picture of examples of each class, or of a table's features; none by
            default.
        report: Called with each line.

    Returns:
        The data.

    Raises:
        DataError: If the data cannot be used.
    """
    if chosen.is_own:
        # All broken files are told at once, and nothing is trained without them.
        skipping = {"on_error": "skip"} if chosen.path else {}
        found = read_source(chosen, data_dir, **skipping)
        source = with_all_parts(found, seed)
        splits = splits_of(dataclasses.replace(source, remarks=()), seed=seed)
        kind, sizes, remarks = source.kind, source.sizes, source.remarks
    else:
        plain = dataclasses.replace(chosen, augment=(), cutout=0)
        splits = load_splits(plain, data_dir, seed=seed)
        kind, sizes, remarks = "data set of gtn_tf", {}, ()
    for line in _lines(splits, kind, sizes, chosen.resize):
        report(line)
    told = [*remarks, *find_problems(splits)]
    report("To know:" if told else "No problem was found.")
    for line in told:
        report(f"  {line}")
    if plot is not None:
        _draw(splits, plot)
        report(f"Written: {plot}")
    return splits


def _lines(splits: Splits, kind: str, sizes: Sizes, resize: str) -> Iterator[str]:
    yield f"{splits.name}: {kind}, {splits.num_classes} classes"
    if is_vector(splits.image_shape):
        yield from _feature_lines(splits)
    else:
        height, width, channels = splits.image_shape
        yield f"  images: {height} x {width} (height x width), {_colours(channels)}"
        if [*sizes] not in ([], [(height, width)]):
            yield f"  resized ({resize}) from: {_shown_sizes(sizes)}"
        mean, std = _rounded(splits.mean), _rounded(splits.std)
        yield f"  normalised: (pixel - {mean}) / {std}, for pixels from 0 to 1"
    found = counts(splits)
    yield ""
    yield _row("class", [*found])
    for number, name in enumerate(splits.class_names[:_CLASSES]):
        yield _row(name, [str(one[number]) for one in found.values()])
    more = splits.num_classes - _CLASSES
    if more > 0:
        yield _row(
            f"... {more} more", [str(x[_CLASSES:].sum()) for x in found.values()]
        )
    yield _row("all", [str(one.sum()) for one in found.values()])
    yield ""


def _feature_lines(splits: Splits) -> Iterator[str]:
    """Each feature with the scale of its own."""
    (count,) = splits.image_shape
    yield f"  table of {count} features, each standardised: (value - mean) / deviation"
    yield ""
    yield _row("feature", ["mean", "deviation"])
    rows = zip(_feature_names(splits)[:_CLASSES], splits.mean, splits.std)
    for name, mean, std in rows:
        yield _row(cut(name), [f"{mean:.4g}", f"{std:.4g}"])
    if count > _CLASSES:
        yield f"  ... {count - _CLASSES} more"


def _feature_names(splits: Splits) -> Sequence[str]:
    return splits.feature_names or [f"number {n}" for n in range(splits.image_shape[0])]


def _colours(channels: int) -> str:
    return {1: "grey", 3: "colour"}.get(channels, f"{channels} channels")


def _shown_sizes(sizes: Sizes) -> str:
    ordered = sorted(sizes.items(), key=lambda one: -one[1])
    shown = [f"{count} of {h} x {w}" for (h, w), count in ordered[:_SIZES]]
    rest = sum(count for _, count in ordered[_SIZES:])
    return ", ".join([*shown, *([f"{rest} of other sizes"] if rest else [])])


def _rounded(values: Sequence[float]) -> str:
    shown = [f"{value:.4g}" for value in values]
    return shown[0] if len(shown) == 1 else f"[{', '.join(shown)}]"


def _row(name: str, cells: Sequence[str]) -> str:
    name = name if len(name) <= _WIDEST else f"{name[: _WIDEST - 3]}..."
    return f"  {name:<{_WIDEST}}" + "".join(f"{cell:>12}" for cell in cells)


def _draw(splits: Splits, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if is_vector(splits.image_shape):
        _draw_features(splits, path)
    else:
        _draw_images(splits, path)


def _draw_features(splits: Splits, path: Path) -> None:
    """A histogram of each feature, in its own unit."""
    plots.histograms(
        splits.train_images * np.array(splits.std) + np.array(splits.mean),
        splits.train_labels,
        splits.class_names[:_LINES],
        _feature_names(splits)[:_CLASSES],
        f"{splits.title}: training examples",
        path,
    )


def _draw_images(splits: Splits, path: Path) -> None:
    """A row of training images for each class."""
    rows: list[list[np.ndarray | None]] = []
    for label in range(min(splits.num_classes, _CLASSES)):
        (found,) = np.nonzero(splits.train_labels == label)
        shown = [*splits.train_images[found[:_EXAMPLES]]]
        rows.append(shown + [None] * (_EXAMPLES - len(shown)))
    grid = plots.image_grid(rows, splits.mean, splits.std)
    names = splits.class_names[: len(rows)]
    title = f"{splits.title}: training images"
    plots.save_figure(plots.labelled_grid(grid, names, [], title), path, dpi=120)
