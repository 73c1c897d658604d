"""A user's npz, CSV and IDX files: what is read of them, and what is told."""

from __future__ import annotations

import gzip
import logging
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gtn_tf import data
from gtn_tf.data.csv_files import read_table
from gtn_tf.data.paths import read_path

RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.integers(0, 256, [30, 4, 4], dtype=np.uint8)
LABELS = np.arange(30) % 3


def message(path: Path, **options) -> str:
    with pytest.raises(ValueError) as caught:
        data.from_path(path, **options)
    text = str(caught.value)
    assert text.isprintable() and len(text) < 700
    return text


def counts(path: Path, **options) -> dict[str, int]:
    source = read_path(path, **options)
    return {part: len(one.labels) for part, one in source.parts.items()}


# npz


@pytest.mark.parametrize(
    "keys, parts",
    [
        ("x_train y_train x_test y_test", {"train": 30, "test": 30}),
        (
            "train_images train_labels val_images val_labels test_images test_labels",
            {"train": 30, "validation": 30, "test": 30},
        ),
        ("images labels", {"train": 30}),
        ("x y other", {"train": 30}),
        ("x_train y_train x_test", {"train": 30}),
    ],
)
def test_keys_of_npz_files(tmp_path, keys, parts):
    path = tmp_path / "mine.npz"
    is_image = ("x", "images")
    arrays = {
        key: PIXELS if any(word in key for word in is_image) else LABELS[:, None]
        for key in keys.split()
    }
    np.savez_compressed(path, **arrays)
    assert counts(path) == counts(tmp_path) == parts  # the only file of a folder
    source = read_path(path)
    assert source.name == "mine" and source.kind == "npz file"
    np.testing.assert_array_equal(source.parts["train"].images[..., 0], PIXELS)
    assert bool(source.remarks) == (keys == "x_train y_train x_test")


def test_names_in_npz_files(tmp_path):
    path = tmp_path / "mine.npz"
    np.savez(path, images=PIXELS, labels=LABELS, class_names=["a", "b", "c"])
    assert data.from_path(path).class_names == ("a", "b", "c")
    np.savez(path, images=PIXELS, labels=np.array(["x", "y", "z"])[LABELS])
    assert data.from_path(path).class_names == ("x", "y", "z")


@pytest.mark.parametrize(
    "arrays, problem",
    [
        ({"pixels": PIXELS}, "x_train and y_train or train_images and train_labels or"),
        ({"images": PIXELS, "labels": np.array([None] * 30)}, "without pickles"),
        ({"images": PIXELS, "labels": LABELS[:9]}, "one label per image"),
        ({"images": PIXELS / 100 - 1, "labels": LABELS}, "not yet normalised"),
        ({"images": PIXELS, "labels": np.eye(30, 3) * 0}, "expected one-hot rows"),
    ],
)
def test_npz_files_that_cannot_be_used(tmp_path, arrays, problem):
    path = tmp_path / "mine.npz"
    np.savez(path, **arrays)
    text = message(path)
    assert text.startswith(f"{path}: ") and problem in text


@pytest.mark.parametrize("content", [b"", b"PK\5\6", b"x" * 1000])
def test_npz_files_that_are_none(tmp_path, content):
    (tmp_path / "mine.npz").write_bytes(content)
    assert f"{tmp_path / 'mine.npz'}: expected a whole npz file" in message(
        tmp_path / "mine.npz"
    )


# IDX


@pytest.mark.parametrize("names", ["train t10k", "emnist-letters-train x-test"])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_idx_files(tmp_path, names, suffix):
    for name in names.split():
        for kind, array in (("images-idx3", PIXELS), ("labels-idx1", LABELS + 1)):
            header = np.array([0x0800 + array.ndim, *array.shape], ">u4").tobytes()
            content = header + array.astype(np.uint8).tobytes()
            path = tmp_path / f"{name}-{kind}-ubyte{suffix}"
            path.write_bytes(gzip.compress(content) if suffix else content)
    assert counts(tmp_path) == {"train": 30, "test": 30}
    assert data.from_path(tmp_path).class_names == ("1", "2", "3")
    next(tmp_path.glob("*train-labels*")).unlink()
    assert "found" in message(tmp_path) and "alone" in message(tmp_path)
    next(tmp_path.glob("*train-images*")).unlink()
    assert "expected train images (idx3) and their labels (idx1), found none" in (
        message(tmp_path)
    )


# CSV


def lines_of(pixels=PIXELS, labels=LABELS, header: str = "label") -> list[str]:
    """A line of names and one for each image."""
    rows = pixels.reshape(len(pixels), -1).tolist()
    names = [f"pixel{n}" for n in range(len(rows[0]))] if header else []
    body = [",".join(map(str, [label, *row])) for label, row in zip(labels, rows)]
    return ([",".join([header, *names])] if header else []) + body


def write(path: Path, lines: list[str], encoding: str = "utf-8") -> Path:
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


@pytest.mark.parametrize("header", ["label", "Class", "y", ""])
@pytest.mark.parametrize("form", ["bytes", "floats", "semicolons", "marked", "blank"])
def test_csv_of_pixels(tmp_path, header, form):
    large = RANDOM.integers(0, 256, [30, 8, 8], dtype=np.uint8)
    pixels = PIXELS if header else large  # names say that few numbers are pixels, too
    pixels = pixels / 255 if form == "floats" else pixels
    lines = lines_of(pixels, header=header)
    if form == "semicolons":
        lines = [line.replace(",", ";") for line in lines]
    if form == "blank":
        lines = [text for line in lines for text in (line, "")]
    encoding = "utf-8-sig" if form == "marked" else "utf-8"
    path = write(tmp_path / "mine.csv", lines, encoding)
    source = read_path(path)
    np.testing.assert_allclose(
        source.parts["train"].images[..., 0], pixels, rtol=1e-6, atol=1e-6
    )
    np.testing.assert_array_equal(source.parts["train"].labels, LABELS)
    assert source.pixel_max == (1 if form == "floats" else 255)
    assert source.kind == "CSV of pixels"


def test_columns_by_name_and_shape(tmp_path):
    colour = RANDOM.integers(0, 256, [30, 2, 3, 3], dtype=np.uint8)
    words = np.array(["ant", "bee", "cow"])[LABELS]
    lines = lines_of(colour, words, "species")
    lines = [f"{'id' if n == 0 else n},{line}" for n, line in enumerate(lines)]
    path = write(tmp_path / "mine.csv", lines)
    assert "called label, class or the like, received id, species, pixel0" in (
        message(path)
    )
    assert "give image_shape" in message(path, label_column="species")
    options = {"label_column": "species", "image_shape": (2, 3, 3)}
    source = read_path(path, **options)
    np.testing.assert_array_equal(source.parts["train"].images, colour)
    assert source.class_names == ("ant", "bee", "cow")
    assert source.remarks == ("mine.csv: columns left out: id",)
    assert "did you mean species?" in message(path, label_column="specie")
    wrong = {"label_column": "species", "image_shape": (2, 3)}
    assert "expected 6 pixels in a line for image_shape [2, 3, 1], received 18" in (
        message(path, **wrong)
    )
    square = RANDOM.integers(0, 256, [30, 2, 2, 3], dtype=np.uint8)
    path = write(tmp_path / "rgb.csv", lines_of(square))
    assert data.from_path(path).image_shape == (2, 2, 3)


def test_a_folder_of_kaggle(tmp_path, caplog):
    write(tmp_path / "train.csv", lines_of())
    without = [line.partition(",")[2] for line in lines_of()]
    write(tmp_path / "test.csv", without)
    write(tmp_path / "sample_submission.csv", ["ImageId,Label", "1,0"])
    with caplog.at_level(logging.WARNING, "gtn_tf"):
        splits = data.from_path(tmp_path)
    assert "test.csv has no labels and is left out" in caplog.text
    assert len(splits.test_labels) == 6 and splits.name == tmp_path.name
    (tmp_path / "train.csv").rename(tmp_path / "fashion-mnist_train.csv")
    write(tmp_path / "test.csv", lines_of(PIXELS[:9], LABELS[:9]))
    assert counts(tmp_path) == {"train": 30, "test": 9}
    (tmp_path / "fashion-mnist_train.csv").rename(tmp_path / "all.csv")
    assert "one CSV file of the train part, such as train.csv, found all.csv" in (
        message(tmp_path)
    )


@pytest.mark.parametrize("form", ["path,label", "label,image", "id,label", "none"])
def test_csv_of_pictures(tmp_path, form):
    folder = tmp_path / ("train" if form == "id,label" else "")
    folder.mkdir(exist_ok=True)
    for n, pixels in enumerate(PIXELS):
        Image.fromarray(pixels).save(folder / f"p{n}.png")
    words = np.array(["ant", "bee", "cow"])[LABELS].tolist()
    suffix = "" if form == "id,label" else ".png"
    rows = [(f"p{n}{suffix}", words[n]) for n in range(30)]
    rows = [pair[::-1] if form == "label,image" else pair for pair in rows]
    lines = [*([] if form == "none" else [form]), *map(",".join, rows)]
    path = write(tmp_path / "train.csv", lines)
    source = read_path(path)
    np.testing.assert_array_equal(source.parts["train"].images[..., 0], PIXELS)
    assert [source.class_names[n] for n in source.parts["train"].labels] == words
    assert source.kind == "CSV of pictures"
    (folder / "p3.png").unlink()
    text = message(path)
    assert "p3" in text and "No such file" in text
    assert counts(path, on_error="skip") == {"train": 29}


def test_labels_that_look_like_numbers(tmp_path):
    lines = lines_of(labels=np.array(["01", "1", "2"])[LABELS])
    path = write(tmp_path / "mine.csv", lines)
    assert data.from_path(path).class_names == ("01", "1", "2")


@pytest.mark.parametrize(
    "change, problem",
    [
        (
            lambda x: [*x[:4], x[4][:-8].rpartition(",")[0], *x[5:]],
            "line 5: expected 17",
        ),
        (lambda x: [*x, x[4] + ",3"], "line 32: expected 17 cells, as in the first"),
        (lambda x: [*x, "3," + "x," * 15 + "1"], "line 32: expected numbers as pixels"),
        (lambda x: [*x, "3," + "0.5," * 15 + "nan"], "line 32: expected finite pixels"),
        (lambda x: [*x, "3," + "1e999," * 15 + "0"], "line 32: expected finite pixels"),
        (lambda x: [*x, "3," + "9" * 40 + ",0" * 15], "expected numbers as pixels"),
        (lambda x: [*x, "3," + "," * 15], "line 32: expected numbers as pixels"),
        (lambda x: [*x, " ," + "0," * 15 + "1"], "line 32: expected a label"),
        (lambda x: [*x, "3," + "-1," * 15 + "1"], "expected integers from 0 to 255"),
        (lambda x: x[:1], "expected a line for each image, found none"),
        (lambda x: [], "expected a line for each image, found none"),
        (lambda x: ["5", "6"], "received one cell in a line"),
        (lambda x: ['label,"' + "x" * 200_000], "expected a CSV file"),
        (lambda x: x[:2], "at least 2 classes"),
    ],
)
def test_csv_files_that_cannot_be_used(tmp_path, change, problem):
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(change(lines_of())), encoding="utf-8")
    text = message(path)
    assert text.startswith(f"{path}") and problem in text


def test_no_text(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_bytes(b"label,\xff\xfe\n1,2\n")
    assert f"{path}: expected a CSV file: UnicodeDecodeError" in message(path)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet='0123456789.,;\t\n"aelb-\0', max_size=60))
def test_any_text_is_read_or_refused(content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_text(content)
        try:
            assert read_table(path) is not None
        except data.DataError as error:
            assert str(path) in str(error) and str(error).isprintable()


# Paths


def test_paths_of_no_known_kind(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("x")
    Image.fromarray(PIXELS[0]).save(tmp_path / "a.png")
    for name in ("a.txt", "a.png"):
        text = message(tmp_path / name)
        assert text.startswith(f"{tmp_path / name}: expected a folder of class folders")
        assert text.endswith("received a file of another kind")
    for name in ("b.npz", "b.csv", "b"):
        assert message(tmp_path / name).endswith("received nothing there")
    os.mkfifo(tmp_path / "pipe.csv")
    assert "expected an ordinary file" in message(tmp_path / "pipe.csv")
    np.savez(tmp_path / "a.npz", images=PIXELS, labels=LABELS)
    assert "label_column: expected none for" in message(
        tmp_path / "a.npz", label_column="x"
    )

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)  # root may read anything
    assert message(tmp_path) == f"{tmp_path}: cannot be read: Permission denied"


def test_options_reach_every_kind(tmp_path):
    np.savez(tmp_path / "a.npz", images=PIXELS, labels=LABELS)
    write(tmp_path / "b.csv", lines_of())
    for path in (tmp_path / "a.npz", tmp_path / "b.csv"):
        splits = data.from_path(
            path, image_size=(3, 2), resize="pad", batch_size=5, seed=3, cutout=1
        )
        assert splits.image_shape == (3, 2, 1) and splits.batch_size == 5
        assert (splits.seed, splits.cutout) == (3, 1)
