"""`plot` draws what a folder's own files say, whatever they say."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from gtn_tf import plots, reports
from gtn_tf.cli.__main__ import main
from gtn_tf.reports import FigureSpec, table
from gtn_tf.runs import RunError

CURVES = FigureSpec("t.png", "curves", "t.csv", by="who", x="x", y="y")


@pytest.fixture
def folder(tmp_path) -> Path:
    path = tmp_path / "results" / "one"
    path.mkdir(parents=True)
    (path / "t.csv").write_text("who,x,y\na,1,0.1\na,2,0.2\n")
    return path


def refusal(folder: Path, **changes: object) -> str:
    """The error of a folder whose one figure was changed; nothing is drawn."""
    spec = {**vars(CURVES), **changes}
    sound = {**vars(CURVES), "picture": "sound.png"}
    (folder / "figures.json").write_text(json.dumps([sound, spec]))
    before = {path: path.stat().st_mtime_ns for path in folder.parent.rglob("*")}
    with pytest.raises(RunError) as error:
        reports.draw_figures(folder)
    after = {path: path.stat().st_mtime_ns for path in folder.parent.rglob("*")}
    assert after == before
    message = str(error.value)
    assert "\n" not in message and len(message) < 700
    return message


@pytest.mark.parametrize(
    "name", ["../t.png", "/tmp/t.png", "sub/t.png", "..", "", ".png", "t.py", 3, None,
             "a\\t.png", "a\0.png", "x" * 300 + ".png", ["t.png"]],
)  # fmt: skip
def test_pictures_stay_in_the_folder(folder, name) -> None:
    message = refusal(folder, picture=name)
    assert "picture: expected a name that ends in .png, without folders" in message


@pytest.mark.parametrize("name", ["../t.csv", "/etc/passwd", "/dev/zero", "t.txt", 5])
def test_tables_come_from_the_folder(folder, name) -> None:
    message = refusal(folder, table=name)
    assert "table: expected a name that ends in .csv, without folders" in message


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({"y_range": [0, 1e300]}, "y_range: expected null or two finite numbers"),
        ({"y_range": [1, 0]}, "y_range: expected"),
        ({"y_range": "01"}, "y_range: expected"),
        ({"factor": float("nan")}, "factor: expected a finite number"),
        ({"factor": True}, "factor: expected"),
        ({"title": "x" * 10**6}, "title: expected a text of at most 250"),
        ({"log": "no"}, "log: expected true or false"),
        ({"kind": "pie"}, "KeyError('pie')"),
        ({"size": [9, 9]}, "unexpected keyword argument 'size'"),
    ],
)
def test_what_no_figure_has_is_refused(folder, changes, expected) -> None:
    assert expected in refusal(folder, **changes)


def test_files_without_an_end_are_refused(folder) -> None:
    (folder / "t.csv").unlink()
    (folder / "t.csv").symlink_to("/dev/zero")
    reports.write_figures(folder, [CURVES])
    with pytest.raises(RunError, match="t.csv: expected a CSV file, found a folder or"):
        reports.draw_figures(folder)
    (folder / "t.csv").unlink()
    os.mkfifo(folder / "t.csv")
    with pytest.raises(RunError, match="found a folder or a device"):
        reports.draw_figures(folder)
    (folder / "t.csv").unlink()
    with (folder / "t.csv").open("wb") as file:
        file.truncate(10**10)  # without taking so much of the disk
    with pytest.raises(RunError, match="of at most 67108864 bytes"):
        reports.draw_figures(folder)


def test_names_without_number_are_refused(folder) -> None:
    lines = [f"{n},1,1" for n in range(101)]
    (folder / "t.csv").write_text("\n".join(["who,x,y", *lines]))
    reports.write_figures(folder, [CURVES])
    with pytest.raises(RunError, match="who: expected at most 100 names"):
        reports.draw_figures(folder)


def announced(path: Path, shape: str) -> None:
    """An npz file whose grid announces more than it holds."""
    content = io.BytesIO()
    np.lib.format.write_array(content, np.zeros([4, 4, 1], np.uint8))
    header = content.getvalue().replace(b"(4, 4, 1)", shape.encode())
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("grid.npy", header)


SAMPLES = {
    "grid": np.full([9, 9, 1], 7, np.uint8),
    "steps": np.array(2),
    "class_names": np.array(["a", "b"]),
}


@pytest.mark.parametrize(
    "arrays, expected",
    [
        ({"grid": np.zeros([9, 9], np.uint8)}, "a grid of pixels"),
        ({"grid": np.zeros([9, 9, 1])}, "a grid of pixels"),
        ({"grid": np.zeros([9000, 9, 1], np.uint8)}, "a grid of pixels"),
        ({"grid": np.zeros([0, 9, 1], np.uint8)}, "a grid of pixels"),
        ({"grid": np.zeros([8200, 8200, 1], np.uint8)}, "bytes"),
        ({"steps": np.array(2**40)}, "a number of steps"),
        ({"steps": np.array([2])}, "a number of steps"),
        ({"class_names": np.array(["a"] * 10)}, "names of classes"),
        ({"class_names": np.array([1, 2])}, "names of classes"),
    ],
)
def test_samples_are_bounded(folder, arrays, expected) -> None:
    images = FigureSpec("s.png", "images", "s.npz", title="title")
    reports.write_figures(folder, [images])
    np.savez_compressed(folder / "s.npz", **SAMPLES)
    reports.draw_figures(folder, report=lambda line: None)
    assert (folder / "s.png").exists()
    np.savez_compressed(folder / "s.npz", **{**SAMPLES, **arrays})
    with pytest.raises(RunError, match=f"s.npz: damaged .*{expected}"):
        reports.draw_figures(folder)


@pytest.mark.parametrize("shape", ["(9**9,1)", "(9, 9, 9)", "(-1,4,1)"])
def test_samples_that_announce_too_much(folder, shape) -> None:
    reports.write_figures(folder, [FigureSpec("s.png", "images", "s.npz")])
    announced(folder / "s.npz", shape)
    with pytest.raises(RunError, match="s.npz: damaged"):
        reports.draw_figures(folder)
    (folder / "s.npz").write_bytes(b"PK not really")
    with pytest.raises(RunError, match="s.npz: damaged"):
        reports.draw_figures(folder)


def test_a_table_to_compare_with_has_an_end(tmp_path, capsys) -> None:
    assert main(["table", "--measured", "/dev/zero"]) == 1
    assert "expected a CSV file, found" in capsys.readouterr().err
    columns = ",".join(table.COLUMNS)
    (tmp_path / "t.csv").write_text(f"{columns}\nenas,s,many,s,1,1,1,1,1,1\n")
    assert main(["table", "--measured", str(tmp_path / "t.csv")]) == 1
    error = capsys.readouterr().err
    assert "expected a number as full_params of 'enas', received 'many'" in error


def test_pictures_are_written_wholly_or_not_at_all(tmp_path, monkeypatch) -> None:
    path = tmp_path / "a.png"
    grid = np.zeros([9, 9, 1], np.float32)
    plots.save_image(grid, path)
    before = path.read_bytes()

    def full(*_: object, **__: object) -> None:
        (tmp_path / ".a.png").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("matplotlib.image.imsave", full)
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", full)
    monkeypatch.setattr("PIL.Image.Image.save", full)
    figure = plots.labelled_grid(grid, [], [], "title")
    for save in (
        lambda: plots.save_image(grid, path),
        lambda: plots.save_figure(figure, path),
        lambda: plots.save_curriculum(grid, 2, ["a"], "title", path),
        lambda: plots.save_animation([figure], path),
        lambda: plots.bands({"a": ([1], np.ones([1, 1]))}, ("x", "y", "t"), path),
        lambda: plots.boxes({"a": [1.0]}, "y", "t", path),
        lambda: plots.dots({"a": [1.0]}, "y", path),
        lambda: plots.draw_tables({"t": [("a",)]}, ("h",), path),
    ):
        with pytest.raises(OSError, match=f"No space left.*{path}"):
            save()
        assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
        assert path.read_bytes() == before
