"""Tables: which CSV files are some, their standardisation, and what is told."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.preprocessing import StandardScaler

from gtn_tf import data
from gtn_tf.config import DataConfig
from gtn_tf.data.csv_files import read_table
from gtn_tf.data.features import feature_statistics, standardise
from gtn_tf.data.paths import read_path
from gtn_tf.data.problems import find_problems
from gtn_tf.runs.splits import read_source

RANDOM = np.random.default_rng(0)
PARTS = ("train", "validation", "test")


def write(path: Path, table, header: str = "") -> Path:
    lines = [",".join(str(x) for x in row) for row in table]
    path.write_text("\n".join([*([header] if header else []), *lines]) + "\n")
    return path


def wine_csv(path: Path) -> Path:
    wine = load_wine()
    rows = [[*x.tolist(), f"kind {y}"] for x, y in zip(wine.data, wine.target)]
    return write(path, rows, ",".join([*wine.feature_names, "target"]))


def message(call, *args, **kwargs) -> str:
    with pytest.raises(ValueError) as caught:
        call(*args, **kwargs)
    text = str(caught.value)
    assert text.isprintable() and len(text) < 700
    return text


# Names


@pytest.mark.parametrize(
    "name, load, counts",
    [
        ("wine", load_wine, [124, 18, 36]),
        ("breast_cancer", load_breast_cancer, [409, 46, 114]),
    ],
)
def test_tables_of_scikit_learn(name, load, counts):
    table, splits = load(), data.load(name, seed=3)
    assert splits.image_shape == table.data.shape[1:]
    assert splits.class_names == tuple(table.target_names)
    assert splits.feature_names == tuple(table.feature_names)
    assert [len(getattr(splits, f"{part}_labels")) for part in PARTS] == counts
    raw = {
        part: getattr(splits, f"{part}_images") * np.array(splits.std)
        + np.array(splits.mean)
        for part in PARTS
    }
    # Every line of the table is in one part, with its label.
    for part in PARTS:
        distance = np.abs(raw[part][:, None] - table.data) / np.array(splits.std)
        distance = distance.max(axis=2)
        assert distance.min(axis=1).max() < 1e-4
        own = table.target[distance.argmin(axis=1)]
        np.testing.assert_array_equal(getattr(splits, f"{part}_labels"), own)
    scaler = StandardScaler().fit(raw["train"])
    for part in PARTS:
        np.testing.assert_allclose(
            getattr(splits, f"{part}_images"), scaler.transform(raw[part]), atol=1e-4
        )
    other = data.load(name, seed=4)
    np.testing.assert_allclose(
        other.test_images * np.array(other.std) + np.array(other.mean),
        raw["test"],
        rtol=1e-4,
        atol=1e-6,
    )
    told = find_problems(splits)  # some classes have half as many again
    assert find_problems(other) == told and told[0].startswith("classes are uneven")
    images, labels = next(iter(splits.train))
    assert images.shape == (min(128, counts[0]), *splits.image_shape)
    assert labels.shape == images.shape[:1]


# Standardisation


def test_the_scale_of_each_feature():
    table = np.array([[1.0, 1e9, 7.0, 0.1], [3.0, 1e9 + 2, 7.0, 0.1], [2, 1e9, 7, 0.1]])
    mean, std = feature_statistics(table)
    np.testing.assert_allclose(mean, [2, 1e9 + 2 / 3, 7, 0.1], rtol=1e-14)
    np.testing.assert_allclose(std, [np.sqrt(2 / 3), np.sqrt(8 / 9), 1, 1])
    scaled = standardise(table, mean, std)
    # Exact, where float32 would have lost all of a difference of 2 beside 1e9.
    np.testing.assert_allclose(
        scaled[:, 1], np.array([-2, 4, -2]) / 3 / np.sqrt(8 / 9), rtol=1e-6
    )
    assert (scaled[:, 2:] == 0).all() and scaled.dtype == np.float32
    assert "too far from the mean" in message(standardise, table * 1e30, mean, std)


def test_a_constant_feature_is_told(tmp_path, caplog):
    table = RANDOM.normal(size=[30, 3])
    table[:, 1] = 0.1
    rows = [[*x, n % 2] for n, x in enumerate(table.tolist())]
    path = write(tmp_path / "t.csv", rows, "ash,hue,magnesium,y")
    with caplog.at_level(logging.WARNING, "gtn_tf"):
        splits = data.from_path(path)
    told = "feature hue has one value in all training examples and teaches nothing"
    assert f"t: {told}" in caplog.text and told in find_problems(splits)[0]
    assert (splits.train_images[:, 1] == 0).all() and splits.std[1] == 1


def test_problems_are_told_of_examples():
    table = np.repeat(RANDOM.normal(size=[40, 2]), 2, axis=0)
    found = find_problems(data.from_arrays(table, np.arange(80) % 2))
    assert any("test examples are training examples, too" in one for one in found)


# CSV files


def test_a_csv_file_of_features(tmp_path):
    wine = load_wine()
    path = wine_csv(tmp_path / "mine.csv")
    source = read_path(path)
    assert (source.kind, source.image_shape) == ("CSV of features", (13,))
    assert source.feature_names == tuple(wine.feature_names) and source.remarks == ()
    np.testing.assert_array_equal(source.parts["train"].images, wine.data)
    assert source.class_names == ("kind 0", "kind 1", "kind 2")
    splits = data.from_path(path, batch_size=9)
    np.testing.assert_allclose(splits.train_images.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(splits.train_images.std(axis=0), 1, rtol=1e-6)


BYTES = RANDOM.integers(0, 256, [6, 64])
NUMBERED = [f"V{n + 1}" for n in range(64)]
WORDS = [f"gene {chr(65 + n % 26)}{chr(65 + n // 26)}" for n in range(64)]
TABLE, PICTURE = (64,), (8, 8, 1)


@pytest.mark.parametrize(
    "names, numbers, options, shape",
    [
        ([f"pixel{n}" for n in range(64)], BYTES, {}, PICTURE),
        ([f"{n // 8 + 1}x{n % 8 + 1}" for n in range(64)], BYTES / 255, {}, PICTURE),
        (NUMBERED, BYTES, {}, PICTURE),
        ([], BYTES, {}, PICTURE),
        ([str(n) for n in range(64)], BYTES / 255, {}, PICTURE),
        (WORDS, BYTES, {}, TABLE),
        (NUMBERED, BYTES + 200, {}, TABLE),
        (NUMBERED, BYTES / 100, {}, TABLE),
        ([], BYTES - 200, {}, TABLE),
        ([], BYTES[:, :9], {}, (9,)),
        (NUMBERED[:9], BYTES[:, :9], {}, (9,)),
        (NUMBERED[:60], BYTES[:, :60], {}, (60,)),
        ([f"pixel{n}" for n in range(64)], BYTES, {"image_shape": [64]}, TABLE),
        ([], BYTES, {"image_shape": [64]}, TABLE),
        (WORDS, BYTES, {"image_shape": [16, 4]}, (16, 4, 1)),
        (NUMBERED[:9], BYTES[:, :9], {"image_shape": [3, 3]}, (3, 3, 1)),
    ],
)
def test_tables_and_pictures_are_told_apart(tmp_path, names, numbers, options, shape):
    rows = [[n % 2, *x] for n, x in enumerate(numbers.tolist())]
    path = write(tmp_path / "t.csv", rows, ",".join(["label", *names] if names else []))
    table = read_table(path, **options)
    assert table.images.shape[1:] == shape
    np.testing.assert_allclose(table.images.reshape(numbers.shape), numbers, rtol=1e-6)
    assert table.feature_names == (tuple(names) if len(shape) == 1 else ())
    # Where nothing but the numbers tells, the other reading is told.
    ambiguous = not options and names in ([], NUMBERED, [*map(str, range(64))])
    if ambiguous and shape == TABLE:
        assert "image_shape=[height,width] makes pixels of" in table.remarks[-1]
    if ambiguous and shape == PICTURE:
        assert "image_shape=[64] makes features of them" in table.remarks[-1]


@pytest.mark.parametrize(
    "text, label_column, names, left_out",
    [
        ("5.1,3.5,rose\n4.9,3,lily\n", "", (), ["the label is number 3"]),
        ("rose,5.1,3.5\nlily,4.9,3\n", "", (), ["the label is number 1"]),
        ("1,5.1,3.5\n2,4.9,3\n", "", (), ["the label is number 1"]),
        ("a;b;Class\n5.1;3.5;1\n4.9;3;2\n", "", ("a", "b"), []),
        ("0,1,species\n5.1,3.5,rose\n4.9,3,lily\n", "species", ("0", "1"), []),
        (
            "id,kind,a,b,\n7,rose,5.1,3.5,\n8,lily,4.9,3,\n",
            "kind",
            ("a", "b"),
            ["columns left out: id, one without a name"],
        ),
        (
            ",a,b,target\n0,5.1,3.5,x\n1,4.9,3,y\n",
            "",
            ("a", "b"),
            ["columns left out: one without a name"],
        ),
    ],
)
def test_columns_of_tables(tmp_path, text, label_column, names, left_out):
    (tmp_path / "t.csv").write_text(text)
    shape = [2] if label_column == "kind" else []  # an id may name a picture
    table = read_table(tmp_path / "t.csv", label_column, shape)
    np.testing.assert_array_equal(table.images, [[5.1, 3.5], [4.9, 3]])
    assert table.feature_names == names and len({*table.labels}) == 2
    assert all(any(one in told for told in table.remarks) for one in left_out)


@pytest.mark.parametrize(
    "line, problem",
    [
        ("1,,3,x", "line 4: expected a finite number in column hue, received an empty"),
        (
            "1, ,3,x",
            "line 4: expected a finite number in column hue, received an empty",
        ),
        ("1,nan,3,x", "line 4: expected a finite number in column hue, received 'nan'"),
        ("1,2,NA,x", "line 4: expected a finite number in column ph, received 'NA'"),
        ("?,2,3,x", "line 4: expected a finite number in column ash, received '?'"),
        ("1,inf,3,x", "line 4: expected a finite number in column hue, received 'inf'"),
        ("1,2,1e300,x", "column ph, received '1e300'"),
        ("1,red,3,x", "column hue, received 'red'; fill it in, or leave the line or"),
        ("1,2,3", "line 4: expected 4 cells, as in the first line, received 3"),
        ("1,2,3,", "line 4: expected a label, received an empty cell"),
    ],
)
def test_lines_that_cannot_be_used(tmp_path, line, problem):
    path = tmp_path / "t.csv"
    path.write_text(f"ash,hue,ph,label\n1,2,3.5,x\n2,1,3,y\n{line}\n")
    text = message(data.from_path, path)
    assert text.startswith(f"{path}, {problem[:6]}" if "line" in problem[:4] else "")
    assert str(path) in text and problem in text


def test_tables_that_cannot_be_used(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b,y\n1,2,0\n2,3,1\n")
    assert "expected 3 features in a line for image_shape [3], received 2" in (
        message(data.from_path, path, image_shape=[3])
    )
    for name, shown in (("x" * 101, "x" * 9), ("a\x1b[1m", "x1b")):
        path.write_text(f"{name},b,y\n1,2.5,0\n2,3,1\n")
        assert shown in message(data.from_path, path)
    path.write_text("id,y\n1,2\n2,3\n")
    assert "No such file" in message(data.from_path, path)  # of pictures
    assert "expected columns beside the labels, received id, y" in (
        message(data.from_path, path, image_shape=[1])
    )
    many = np.zeros([4, 5001])
    assert "train features: expected at most 5000, received 5001" in (
        message(data.from_arrays, many, [0, 1, 0, 1])
    )


def test_parts_have_the_same_columns(tmp_path):
    rows = [[n, n / 2, n % 2] for n in range(20)]
    write(tmp_path / "train.csv", rows, "a,b,y")
    write(tmp_path / "test.csv", rows[:8], "b,a,y")
    text = message(data.from_path, tmp_path)
    assert (
        "test.csv: expected the columns of train.csv in their order, with 'a'" in text
    )
    # Bytes in a square are pixels; but not where the training part is a table.
    numbers = RANDOM.integers(0, 256, [20, 64])
    rows = [[n % 2, *x] for n, x in enumerate(numbers.tolist())]
    write(tmp_path / "test.csv", rows)
    rows[3][7] = 0.5
    write(tmp_path / "train.csv", rows)
    source = read_path(tmp_path)
    assert {one.images.shape for one in source.parts.values()} == {(20, 64)}


# Arrays, and what needs pictures


def test_tables_in_arrays(tmp_path):
    wine = load_wine()
    splits = data.from_arrays(wine.data.astype(np.float32), wine.target, name="w")
    assert splits.image_shape == (13,) and splits.feature_names == ()
    np.savez(tmp_path / "w.npz", x_train=wine.data, y_train=wine.target)
    of_file = data.from_path(tmp_path / "w.npz")
    np.testing.assert_allclose(of_file.train_images, splits.train_images, atol=1e-4)
    table = wine.data.copy()
    table[5, 2] = np.nan
    assert "in 1 examples, the first in row 5, column 2" in (
        message(data.from_arrays, table, wine.target)
    )
    both = wine.data, wine.target
    assert "test features: expected 13, as the training part has, received 12" in (
        message(
            data.from_arrays,
            *both,
            test_images=wine.data[:, 1:],
            test_labels=wine.target,
        )
    )
    assert "pixel_max: expected none for a table" in (
        message(data.from_arrays, *both, pixel_max=1)
    )


@pytest.mark.parametrize(
    "option",
    [{"image_size": 8}, {"resize": "pad"}, {"cutout": 3}, {"augment": ["shift"]}],
)
def test_what_needs_pictures(tmp_path, option):
    path = wine_csv(tmp_path / "mine.csv")
    (name,) = option
    problem = f"{name}: expected pictures, received a table of 13 features; leave it"
    assert problem in message(data.from_path, path, **option)
    assert problem in message(data.load, "wine", **option)
    if name in ("image_size", "resize"):
        chosen = DataConfig(path=str(path), **option)
        assert f"data.{name}: {problem}" in message(
            read_source, chosen, image_size=(8, 8)
        )
        wine = load_wine()
        assert problem in message(data.from_arrays, wine.data, wine.target, **option)
