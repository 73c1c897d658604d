"""Reading data files: what loads, and which clear line each damaged file gives."""

from __future__ import annotations

import gzip
import os
import pickle
import tempfile
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from gtn_tf import data
from gtn_tf.data.catalog import CIFAR10, MNIST
from gtn_tf.data.files import read_files
from gtn_tf.data.idx import read_idx
from gtn_tf.data.npz import read_npz

CIFAR = CIFAR10


def idx_bytes(array: np.ndarray) -> bytes:
    header = np.array([0x0800 + array.ndim, *array.shape], ">u4")
    return header.tobytes() + array.tobytes()


def grey(count: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(count)
    images = random.integers(0, 256, [count, 28, 28], dtype=np.uint8)
    return images, (np.arange(count) % 10).astype(np.uint8)


def colour(count: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(count)
    images = random.integers(0, 256, [count, 32, 32, 3], dtype=np.uint8)
    return images, (np.arange(count) % 10).astype(np.uint8)


def write_idx(folder: Path, suffix: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for part, count in (("train", 40), ("t10k", 20)):
        images, labels = grey(count)
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            content = idx_bytes(array)
            path = folder / f"{part}-{name}-ubyte{suffix}"
            path.write_bytes(gzip.compress(content) if suffix else content)


def write_jpegs(path: Path, **changes: np.ndarray) -> None:
    contents: dict[str, np.ndarray] = {"class_names": np.array(CIFAR.class_names)}
    for part, count in (("train", 20), ("test", 10)):
        images, labels = colour(count)
        files = [tf.io.encode_jpeg(image).numpy() for image in images]
        contents[f"{part}_jpeg"] = np.frombuffer(b"".join(files), np.uint8)
        contents[f"{part}_offsets"] = np.cumsum([0, *map(len, files)])
        contents[f"{part}_labels"] = labels
    np.savez(path, **{**contents, **changes})


def message(entry, folder: Path) -> str:
    """The one line that reading this folder gives; it always names the source."""
    with pytest.raises(data.DataError) as caught:
        read_files(entry, folder)
    text = str(caught.value)
    assert "\n" not in text and entry.source in text
    return text


# IDX


@settings(max_examples=30, deadline=None)
@given(
    arrays(np.uint8, array_shapes(min_dims=1, max_dims=3, max_side=6)), st.booleans()
)
def test_idx_round_trip(array, compressed):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("a.gz" if compressed else "a")
        content = idx_bytes(array)
        path.write_bytes(gzip.compress(content) if compressed else content)
        np.testing.assert_array_equal(read_idx(path, ndim=array.ndim), array)


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=40), st.booleans())
def test_idx_of_anything_is_read_or_refused(content, compressed):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("a.gz" if compressed else "a")
        path.write_bytes(content)
        try:
            assert read_idx(path, ndim=1).ndim == 1
        except data.DataError as error:
            assert str(path) in str(error)


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("place", ["", "mnist"])
def test_idx_files_are_found(tmp_path, suffix, place):
    write_idx(tmp_path / place, suffix)
    train, test, _ = read_files(MNIST, tmp_path)
    np.testing.assert_array_equal(train.images[..., 0], grey(40)[0])
    np.testing.assert_array_equal(test.labels, grey(20)[1])
    assert train.images.shape == (40, 28, 28, 1) and train.labels.dtype == np.int32


def damaged(content: bytes, how: str) -> bytes:
    return {
        "truncated": content[:-5],
        "longer": content + b"x",
        "header only": content[:6],
        "empty": b"",
        "float pixels": b"\0\0\x0d\x03" + content[4:],
    }[how]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("truncated", "wrong length, expected 31376 bytes"),
        ("longer", "wrong length, expected 31376 bytes"),
        ("header only", "truncated header, expected at least 16 bytes, received 6"),
        ("empty", "truncated header"),
        ("float pixels", "wrong magic number, expected 2051, received 3331"),
    ],
)
def test_damaged_idx(tmp_path, how, expected):
    write_idx(tmp_path)
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(damaged(path.read_bytes(), how))
    text = message(MNIST, tmp_path)
    assert expected in text and str(path) in text


@pytest.mark.parametrize("keep", [slice(0, -20), slice(0, 200), slice(5, None)])
def test_damaged_gzip(tmp_path, keep):
    write_idx(tmp_path, ".gz")
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[keep])
    assert f"{path}: cannot be read" in message(MNIST, tmp_path)


def test_corrupt_gzip(tmp_path):
    write_idx(tmp_path, ".gz")
    path = tmp_path / "train-images-idx3-ubyte.gz"
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xff" * 100 + content[200:])
    assert f"{path}: cannot be read" in message(MNIST, tmp_path)


def test_swapped_idx_files(tmp_path):
    write_idx(tmp_path)
    labels = tmp_path / "train-labels-idx1-ubyte"
    (tmp_path / "train-images-idx3-ubyte").write_bytes(labels.read_bytes())
    assert "expected 2051, received 2049" in message(MNIST, tmp_path)


@pytest.mark.parametrize(
    ("name", "array", "expected"),
    [
        ("train-labels-idx1", np.zeros(39, np.uint8), "40 images and labels of shape"),
        ("train-labels-idx1", np.full(40, 10, np.uint8), "0 to 9, received 10 to 10"),
        ("t10k-images-idx3", np.zeros([20, 8, 8], np.uint8), "[n, 28, 28, 1]"),
    ],
)
def test_idx_files_that_do_not_fit(tmp_path, name, array, expected):
    write_idx(tmp_path)
    (tmp_path / f"{name}-ubyte").write_bytes(idx_bytes(array))
    assert expected in message(MNIST, tmp_path)


# Missing files


def test_missing_folder(tmp_path):
    folder = tmp_path / "nowhere"
    with pytest.raises(data.DataError, match="does not exist, expected in it train-im"):
        data.load("mnist", data_dir=folder)
    assert str(folder) in message(MNIST, folder)


def test_empty_folder_names_the_files_expected(tmp_path):
    text = message(MNIST, tmp_path)
    assert "t10k-labels-idx1-ubyte (each with or without .gz) or else mnist.npz" in text
    assert "expected cifar10.npz" in message(CIFAR, tmp_path)


def test_one_missing_idx_file(tmp_path):
    write_idx(tmp_path / "mnist", ".gz")
    (tmp_path / "mnist" / "t10k-labels-idx1-ubyte.gz").unlink()
    assert "missing t10k-labels-idx1-ubyte, expected" in message(MNIST, tmp_path)


def test_grey_idx_files_are_not_taken_for_cifar(tmp_path):
    write_idx(tmp_path)
    assert "no files of cifar10" in message(CIFAR, tmp_path)


# npz


@pytest.mark.parametrize(
    "place", ["cifar10.npz", "cifar10/cifar10.npz", "cifar10/a.npz"]
)
def test_keras_npz(tmp_path, place):
    (tmp_path / "cifar10").mkdir()
    (x_train, y_train), (x_test, y_test) = colour(20), colour(10)
    # As Keras gives CIFAR-10: labels with two axes.
    np.savez(
        tmp_path / place,
        x_train=x_train, y_train=y_train[:, np.newaxis],
        x_test=x_test, y_test=y_test[:, np.newaxis].astype(np.int64),
    )  # fmt: skip
    train, test, _ = read_files(CIFAR, tmp_path)
    np.testing.assert_array_equal(train.images, x_train)
    np.testing.assert_array_equal(train.labels, y_train)
    assert test.labels.shape == (10,) and test.labels.dtype == np.int32


def test_several_npz_files_are_not_guessed_among(tmp_path):
    (tmp_path / "cifar10").mkdir()
    for name in "ab":
        write_jpegs(tmp_path / "cifar10" / f"{name}.npz")
    assert "no files of cifar10" in message(CIFAR, tmp_path)


def test_results_tell_jpegs(tmp_path):
    write_jpegs(tmp_path / "cifar10.npz")
    sizes = {"batch_size": 2, "validation_size": 10, "image_size": 16}
    splits = data.load("cifar10", data_dir=tmp_path, **sizes)
    assert splits.title == "cifar10 (JPEG)"
    assert data.load("digits").title == "digits"


def test_jpeg_npz(tmp_path):
    write_jpegs(tmp_path / "cifar10.npz")
    train, test, _ = read_files(CIFAR, tmp_path)
    for part, count in ((train, 20), (test, 10)):
        images, labels = colour(count)
        decoded = [tf.io.decode_jpeg(tf.io.encode_jpeg(image)) for image in images]
        np.testing.assert_array_equal(part.images, decoded)
        np.testing.assert_array_equal(part.labels, labels)


JUNK = np.frombuffer(b"not a jpeg", np.uint8)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"train_offsets": np.array([0, 5, 3])}, "offsets rising from 0 to"),
        ({"train_offsets": np.array([0])}, "at least 2 offsets"),
        ({"train_offsets": np.array([0.0, 1.0])}, "integer offsets"),
        ({"train_jpeg": JUNK.astype(np.int64)}, "expected uint8 bytes"),
        ({"train_jpeg": JUNK, "train_offsets": np.array([0, 10])}, "one size"),
        ({"train_labels": np.zeros(3, np.uint8)}, "20 images and labels of shape [3]"),
        ({"train_labels": np.full(20, -1)}, "received -1 to -1"),
        ({"class_names": np.array(MNIST.class_names)}, "expected the class names"),
    ],
)
def test_damaged_jpeg_npz(tmp_path, changes, expected):
    write_jpegs(tmp_path / "cifar10.npz", **changes)
    text = message(CIFAR, tmp_path)
    assert expected in text and str(tmp_path / "cifar10.npz") in text


def test_jpegs_of_two_sizes(tmp_path):
    files = [tf.io.encode_jpeg(np.zeros([s, s, 3], np.uint8)).numpy() for s in (32, 16)]
    write_jpegs(
        tmp_path / "cifar10.npz",
        train_jpeg=np.frombuffer(b"".join(files), np.uint8),
        train_offsets=np.cumsum([0, *map(len, files)]),
    )
    assert "expected JPEG files of one size" in message(CIFAR, tmp_path)


class Hostile:
    def __reduce__(self):
        return os.mkdir, ("executed",)


def test_pickle_in_npz_is_refused_and_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x, y = grey(10)
    hostile = np.array([Hostile()], object)
    np.savez(tmp_path / "mnist.npz", x_train=x, y_train=hostile, x_test=x, y_test=y)
    assert "without pickles" in message(MNIST, tmp_path)
    (tmp_path / "mnist.npz").write_bytes(pickle.dumps(Hostile()))
    assert "received no zip archive" in message(MNIST, tmp_path)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_npz(tmp_path, content):
    (tmp_path / "mnist.npz").write_bytes(content)
    assert str(tmp_path / "mnist.npz") in message(MNIST, tmp_path)


@pytest.mark.parametrize("position", [0.1, 0.5, 0.9])
def test_corrupt_npz(tmp_path, position):
    x, y = grey(10)
    path = tmp_path / "mnist.npz"
    np.savez_compressed(path, x_train=x, y_train=y, x_test=x, y_test=y)
    content = bytearray(path.read_bytes())
    start = int(position * len(content))
    content[start : start + 20] = b"\xff" * 20
    path.write_bytes(content)
    assert str(path) in message(MNIST, tmp_path)


def test_wrong_keys(tmp_path):
    np.savez(tmp_path / "mnist.npz", images=grey(4)[0])
    text = message(MNIST, tmp_path)
    assert "wrong keys, expected x_train, y_train" in text and "received images" in text


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"x_train": np.zeros([4, 28, 28])}, "expected uint8 images, received float64"),
        ({"x_train": np.zeros([4, 784], np.uint8)}, "received [4, 784]"),
        ({"y_test": np.zeros(4)}, "expected integer labels, received float64"),
        ({"y_test": np.eye(4, dtype=int)}, "labels of shape [4, 4]"),
        ({"x_test": np.zeros([0, 28, 28], np.uint8)}, "at least one image"),
    ],
)
def test_wrong_arrays(tmp_path, changes, expected):
    x, y = grey(4)
    contents = {"x_train": x, "y_train": y, "x_test": x, "y_test": y, **changes}
    np.savez(tmp_path / "mnist.npz", **contents)
    with pytest.raises(data.DataError) as caught:
        read_npz(tmp_path / "mnist.npz", MNIST)
    assert expected in str(caught.value)


# More than there can be


def npz_of(path: Path, header: bytes, data: bytes = b"") -> None:
    """An npz file whose first array has a header of its own."""
    x, y = grey(4)
    np.savez(path, y_train=y, x_test=x, y_test=y)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        start = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little")
        archive.writestr("x_train.npy", start + header + data)


@pytest.mark.parametrize(
    ("shape", "data", "expected"),
    [
        ((10**12,), b"", "compressed bytes can hold"),
        ((10**30, 10**30), b"", "compressed bytes can hold"),
        ((2**21,), b"", "compressed bytes can hold"),
        ((1,) * 40, b"", "expected a shape"),
        ((-1,), b"", "expected a shape"),
        ((784 * 10**6 + 1,), os.urandom(2**20), "at most 784000000 bytes"),
    ],
)
def test_an_npz_that_claims_too_much(tmp_path, shape, data, expected):
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    npz_of(tmp_path / "mnist.npz", repr(header).encode(), data)
    tracemalloc.start()
    text = message(MNIST, tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert expected in text and peak < 2**24


def test_a_directory_of_many_arrays(tmp_path):
    arrays = {f"a{number}": np.zeros(1) for number in range(100)}
    np.savez(tmp_path / "mnist.npz", **arrays)
    assert "expected at most 64 arrays" in message(MNIST, tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "mnist.npz")
    assert "no files of mnist" in message(MNIST, tmp_path)
    with pytest.raises(data.DataError, match="expected an ordinary file"):
        read_npz(tmp_path / "mnist.npz", MNIST)
    os.mkfifo(tmp_path / "labels")
    with pytest.raises(data.DataError, match="expected an ordinary file"):
        read_idx(tmp_path / "labels", ndim=1)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_an_idx_header_that_claims_too_much(tmp_path, suffix):
    content = np.array([0x0803, 2**32 - 1, 2**32 - 1, 28], ">u4").tobytes() + bytes(99)
    path = tmp_path / f"images{suffix}"
    path.write_bytes(gzip.compress(content) if suffix else content)
    tracemalloc.start()
    with pytest.raises(data.DataError, match="wrong length"):
        read_idx(path, ndim=3)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**24


def test_a_gzip_bomb(tmp_path):
    """What follows the pixels that the header tells of is not decompressed."""
    path = tmp_path / "labels.gz"
    path.write_bytes(gzip.compress(idx_bytes(np.zeros(10, np.uint8)) + bytes(10**8)))
    tracemalloc.start()
    with pytest.raises(data.DataError, match="wrong length.* received more"):
        read_idx(path, ndim=1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10**7


def test_jpegs_that_claim_too_much(tmp_path):
    file = bytearray(tf.io.encode_jpeg(np.zeros([8, 8, 3], np.uint8)).numpy())
    at = file.index(b"\xff\xc0") + 5  # height and width in the frame's header
    file[at : at + 4] = b"\x80\x00\x80\x00"
    write_jpegs(
        tmp_path / "cifar10.npz",
        train_jpeg=np.frombuffer(bytes(file), np.uint8),
        train_offsets=np.array([0, len(file)]),
    )
    assert "1 images of 32768 x 32768" in message(CIFAR, tmp_path)
