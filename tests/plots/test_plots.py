"""Pictures, checked pixel by pixel or read back."""

from __future__ import annotations

import matplotlib.image
import numpy as np

from conftest import expect_drawn
from gtn_tf import plots
from gtn_tf.plots import curves, quality


def test_grid_places_each_class_and_step():
    images = np.zeros([2, 3, 2, 2, 1], np.float32)
    images[0, 1] = 0.25  # the first of class 1 in step 0
    labels = np.array([[0, 1, 1], [0, 0, 0]])
    grid = plots.curriculum_grid(images, labels, 2, mean=[0.5], std=[1.0])
    assert grid.shape == (7, 7, 1)
    np.testing.assert_allclose(grid[1:3, 1:3], 0.5)  # class 0, step 0
    np.testing.assert_allclose(grid[4:6, 1:3], 0.75)  # class 1, step 0
    np.testing.assert_allclose(grid[4:6, 4:6], 1.0)  # class 1 is not in step 1


def test_shown_steps_reach_from_first_to_last():
    assert plots.shown_steps(3) == [0, 1, 2]
    shown = plots.shown_steps(128)
    assert len(shown) == 16 and shown[0] == 0 and shown[-1] == 127


def test_files(tmp_path):
    for channels in (1, 3):
        grid = np.full([7, 7, channels], 0.5, np.float32)
        plots.save_image(grid, tmp_path / "grid.png")
        assert matplotlib.image.imread(tmp_path / "grid.png").shape[:2] == (14, 14)
        plots.save_curriculum(grid, 2, ["a", "b"], "title", tmp_path / "figure.png")
        expect_drawn(tmp_path / "figure.png")
    values = {"learning_rate": np.array([0.1, 0.3]), "momentum": np.array([0.5, 0.6])}
    picture = plots.hyperparameters(values)
    assert picture.dtype == np.uint8 and picture.std() > 0


def test_operations_of_any_number_of_epochs_are_drawn(tmp_path):
    for steps in ([10], [10, 20, 30]):
        of_edge = {op: np.linspace(0.2, 0.4, len(steps)) for op in ("none", "skip")}
        edges = {f"0->{node}": of_edge for node in (1, 2, 3, 4)}
        skips = np.arange(len(steps))
        plots.operations(edges, skips, 4, steps, "title", tmp_path / "operations.png")
        expect_drawn(tmp_path / "operations.png")


def test_a_legend_of_long_names_is_not_cut(tmp_path):
    names = [f"a source whose name is as long as this, number {n}" for n in range(5)]
    curves = {name: ([1, 2], np.ones([1, 2])) for name in names}
    plots.bands(curves, ("x", "y", "title"), tmp_path / "bands.png")
    picture = matplotlib.image.imread(tmp_path / "bands.png")
    np.testing.assert_array_equal(picture[:, [0, -1]], 1.0)  # white


def test_costs_are_drawn_whatever_they_are(tmp_path):
    found = {
        "several": [(10.0, 93.0), (300.0, 94.0)],
        "below": [(1.0, 54.3)],
        **{f"no cost, {y}": [(float("nan"), y)] for y in (88, 90, 91, 92, 93)},
    }
    labels = "seconds", "accuracy", "title"
    pictures = []
    for y_range, log in (((86.0, 95.0), True), (None, False)):
        plots.costs(found, labels, tmp_path / "costs.png", y_range, log)
        expect_drawn(tmp_path / "costs.png")
        pictures.append(matplotlib.image.imread(tmp_path / "costs.png"))
    assert np.any(pictures[0] != pictures[1])


def test_every_curve_is_drawn_in_a_style_of_its_own(monkeypatch, tmp_path):
    drawn = []
    monkeypatch.setattr(curves, "save_figure", lambda figure, *_: drawn.append(figure))
    found = {f"teacher {n}": ([1, 2], np.array([[n, n + 1.0]])) for n in range(14)}
    plots.bands(found, ("step", "accuracy", "title"), tmp_path / "curves.png")
    lines = drawn[0].axes[0].get_lines()
    named = [line for line in lines if line.get_label() in found]
    assert [line.get_label() for line in named] == list(found)
    assert len({curves.curve_style(number) for number in range(14)}) == 14


def test_costs_from_nothing_to_many(monkeypatch, tmp_path):
    curve = plots.CostLine([1, 10], [0.3, 0.5], [0.2, 0.4], [0.4, 0.6])
    point = plots.CostLine([2], [0.4], [0.3], [0.45])
    panels = [
        plots.CostPanel("all", "s", "quality", {"a": curve, "b": point}, {"c": 0.35}),
        plots.CostPanel("half", "s", "quality", {"b": point}, {"a": 0.1}),
        plots.CostPanel("nothing", "s", "quality", {}, log_x=False),
        plots.CostPanel("others", "s", "quality", {"a": curve}, joined=False),
    ]
    plots.against_cost(panels, tmp_path / "cost.png")
    expect_drawn(tmp_path / "cost.png")
    drawn = []
    monkeypatch.setattr(quality, "save_figure", lambda figure, *_: drawn.append(figure))
    plots.against_cost(panels, tmp_path / "cost.png")
    plots.against_cost(panels[:3], tmp_path / "cost.png")
    first, second, third, fourth = drawn[0].axes
    (legend,) = drawn[0].legends
    assert {text.get_text() for text in legend.get_texts()} == {"a", "b", "c"}
    assert first.get_xscale() == "log" and third.get_xscale() == "linear"
    colours = [first.get_lines()[0].get_color(), second.get_lines()[-1].get_color()]
    assert colours[0] == colours[1]  # of a, in both
    styles = [axes.get_lines()[0].get_linestyle() for axes in (first, fourth)]
    assert styles[0] != "None" and styles[1] == "None"  # joined, and not
    assert not drawn[1].axes[-1].axison
