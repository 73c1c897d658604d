"""Large sets: pixels on disk, decoded once, and the same numbers as of small sets."""

from __future__ import annotations

import logging
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import gtn_tf
from gtn_tf import data
from gtn_tf.data import picture_cache, pictures
from gtn_tf.data.problems import find_problems
from gtn_tf.data.stored_images import StoredImages
from gtn_tf.evaluation import RealLessons, split_for_learners
from gtn_tf.search import ScoringData
from gtn_tf.search.identity import identity
from gtn_tf.teachers import RealData

PARTS = ("train", "validation", "test")
ROW = 8 * 8 * 3
RANDOM = np.random.default_rng(0)


def save(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RANDOM.integers(0, 256, [8, 8, 3], np.uint8)).save(path)


@pytest.fixture
def folder(tmp_path):
    """42 pictures, in two classes."""
    for n in range(42):
        save(tmp_path / "mine" / f"class_{n % 2}" / f"{n}.png")
    return tmp_path / "mine"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GTN_TF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("gtn_tf.data.picture_cache._CHUNK", 10 * ROW)
    return tmp_path / "cache"


@pytest.fixture
def large(cache, monkeypatch):
    """All sets are large."""
    monkeypatch.setattr("gtn_tf.data.stored_images.LARGE", 1)


@pytest.fixture
def both(folder, cache, monkeypatch):
    """The same set, small and large."""
    options = {"batch_size": 16, "augment": ["shift", "mirror"], "cutout": 2}
    small = data.from_directory(folder, **options)
    assert not cache.exists()
    monkeypatch.setattr("gtn_tf.data.stored_images.LARGE", 1)
    return small, data.from_directory(folder, **options)


@pytest.fixture
def reads(monkeypatch):
    """The names of the pictures that are decoded."""
    names: list[str] = []
    read = pictures.read_picture

    def noted(path, grey):
        names.append(path.name)
        return read(path, grey)

    monkeypatch.setattr(pictures, "read_picture", noted)
    return names


def pixels(folder: Path) -> np.ndarray:
    splits = data.from_directory(folder)
    return np.concatenate([getattr(splits, f"{part}_images") for part in PARTS])


def assert_same_batches(first: tf.data.Dataset, second: tf.data.Dataset) -> None:
    assert first.element_spec == second.element_spec
    for one, other in zip(first.take(9), second.take(9)):
        for x, y in zip(one, other):
            np.testing.assert_array_equal(x, y)


# The same numbers


def test_images_and_batches_are_those_of_a_small_set(both):
    small, large = both
    assert (small.mean, small.std) == (large.mean, large.std)
    for part in PARTS:
        images, stored = (getattr(one, f"{part}_images") for one in both)
        assert isinstance(images, np.ndarray) and isinstance(stored, StoredImages)
        assert stored.shape == images.shape and stored.dtype == images.dtype
        np.testing.assert_array_equal(stored, images)
        np.testing.assert_array_equal([*stored], images)
        np.testing.assert_array_equal(stored[[2, 0]], images[[2, 0]])
        np.testing.assert_array_equal(stored[1], images[1])
        with pytest.raises(ValueError, match=r"take rows first: \[:100\]"):
            stored[..., 0]
    assert_same_batches(small.train, large.train)
    assert_same_batches(small.train_batches(5), large.train_batches(5))
    assert_same_batches(small.test, large.test)
    shares = (split_for_learners(x.test_images, x.test_labels) for x in both)
    assert_same_batches(*shares)
    assert find_problems(small) == find_problems(large)


def test_pixels_stay_in_the_file(both):
    stored = both[1].train_images.take([0])._stored
    assert isinstance(stored.base, np.memmap) and stored.dtype == np.uint8


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_large_arrays_of_every_type(dtype, monkeypatch):
    images = RANDOM.integers(0, 200, [2100, 2, 2, 1]).astype(dtype)
    small = data.from_arrays(images, np.arange(2100) % 3)
    monkeypatch.setattr("gtn_tf.data.stored_images.LARGE", 1)
    large = data.from_arrays(images, np.arange(2100) % 3)
    assert isinstance(large.test_images, StoredImages)
    np.testing.assert_array_equal(large.train_images, small.train_images)


def test_a_data_set_with_a_name_may_be_large_too(monkeypatch):
    small = data.load("digits")
    monkeypatch.setattr("gtn_tf.data.stored_images.LARGE", 1)
    np.testing.assert_array_equal(data.load("digits").test_images, small.test_images)


def test_scorers_see_the_same(both):
    found = [
        ScoringData(
            (splits.train_images, splits.train_labels),
            (splits.validation_images, splits.validation_labels),
            batch_size=5,
        )
        for splits in both
    ]
    assert_same_batches(*(one.train_batches(3) for one in found))
    assert_same_batches(*(one.validation_batches(3) for one in found))
    np.testing.assert_array_equal(*(one.some_images(4) for one in found))
    small, large = (identity([], [], {}, one, 0) for one in found)
    assert small == large


def test_real_data_as_a_teacher_is_the_same(both):
    seed = tf.constant([3, 4])
    batches = []
    for splits in both:
        images, labels = splits.train_images, splits.train_labels
        teacher = RealData(images, labels, 2, steps=3, batch_size=4)
        batches.append(tf.function(teacher.batches)(seed)[0])
        one, _ = tf.function(teacher.batch)(tf.constant(2), seed)
        np.testing.assert_array_equal(one, batches[-1][2])
        assert batches[-1].shape == (3, 4, 8, 8, 3)
    np.testing.assert_array_equal(*batches)


def test_a_teacher_is_tested_on_the_same(monkeypatch):
    teacher, found = gtn_tf.load_teacher("digits"), []
    for size in (2**28, 1):
        monkeypatch.setattr("gtn_tf.data.stored_images.LARGE", size)
        found.append(RealLessons(data.load("digits"), teacher))
    assert_same_batches(found[0].test, found[1].test)
    np.testing.assert_array_equal(found[0].lessons(1)[0], found[1].lessons(1)[0])


# The cache


def test_pictures_are_decoded_once(folder, large, reads, monkeypatch, caplog):
    caplog.set_level(logging.INFO, "gtn_tf")
    monkeypatch.setattr("gtn_tf.data.telling._SECONDS", 0.0)
    found = pixels(folder)
    assert len(reads) == 42
    assert "decoded 30/42 pictures, " in caplog.text
    monkeypatch.setattr(pictures, "read_header", None)  # nor are headers read
    np.testing.assert_array_equal(pixels(folder), found)
    moved = shutil.move(folder, folder.with_name("yours"))
    np.testing.assert_array_equal(pixels(moved), found)
    assert len(reads) == 42


def test_another_size_has_a_cache_of_its_own(folder, large, cache):
    for size in (None, 4, 4):
        splits = data.from_directory(folder, image_size=size)
        assert splits.image_shape == (size or 8, size or 8, 3)
    assert len([*cache.glob("pictures/*/pixels.npy")]) == 2
    assert {x.shape for x in map(np.load, cache.rglob("*.npy"))} == {
        (42, 8, 8, 3),
        (42, 4, 4, 3),
    }


def test_what_was_decoded_before_a_kill_stays(folder, large, reads, monkeypatch):
    whole = pixels(folder)
    shutil.rmtree(picture_cache.cache_folder())
    reads.clear()
    read = pictures.read_picture

    def killed(path, grey):
        if len(reads) > 25:
            raise KeyboardInterrupt
        return read(path, grey)

    with monkeypatch.context() as context, pytest.raises(KeyboardInterrupt):
        context.setattr(pictures, "read_picture", killed)
        pixels(folder)
    reads.clear()
    np.testing.assert_array_equal(pixels(folder), whole)
    assert len(reads) == 22  # two chunks of ten were whole


@pytest.mark.parametrize(
    ("name", "place", "decoded"),
    [
        ("pixels.npy", 128 + 15 * ROW, 10),  # a chunk has ten rows
        ("pixels.npy", 20, 0),  # what NumPy reads
        ("journal", -20, 2),  # the last chunk's line
        ("journal", 40, 0),  # the headers
    ],
)
def test_only_what_is_damaged_is_decoded_again(
    folder, large, cache, reads, name, place, decoded
):
    whole = pixels(folder)
    (file,) = cache.rglob(name)
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)
    reads.clear()
    np.testing.assert_array_equal(pixels(folder), whole)
    assert len(reads) == decoded
    assert len(np.load(next(cache.rglob("*.npy")))) == 42


@pytest.mark.parametrize("name", ["pixels.npy", "journal"])
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_half_a_file_is_completed(folder, large, cache, name, share):
    whole = pixels(folder)
    (file,) = cache.rglob(name)
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    np.testing.assert_array_equal(pixels(folder), whole)
    assert len(np.load(next(cache.rglob("*.npy")))) == 42


def test_a_changed_picture_is_seen(folder, large):
    before = pixels(folder)
    save(folder / "class_0" / "0.png")
    assert (pixels(folder) != before).any()


def test_broken_pictures_are_told_each_time(folder, large, reads):
    half = folder / "class_1" / "7.bmp"  # its header is whole
    save(half)
    half.write_bytes(half.read_bytes()[:-100])
    (folder / "class_0" / "8.png").write_bytes(b"\x89PNG")
    for _ in range(2):
        with pytest.raises(data.DataError, match="8.png: expected a whole picture"):
            data.from_directory(folder)
    for _ in range(2):
        reads.clear()
        splits = data.from_directory(folder, on_error="skip")
        assert sum(len(getattr(splits, f"{part}_labels")) for part in PARTS) == 41
    assert reads == ["7.bmp"]  # for its message
    with pytest.raises(data.DataError, match="8.png: expected a whole"):
        data.from_directory(folder)


def test_two_at_once_decode_once(folder, large, reads):
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(pixels, [folder, folder])
    np.testing.assert_array_equal(one, other)
    assert len(reads) == 42


def test_a_cache_that_cannot_be_written(folder, large, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    with monkeypatch.context() as context:
        context.setattr("shutil.disk_usage", lambda path: usage)
        with pytest.raises(data.DataError, match="No space left on device; make room"):
            data.from_directory(folder)
    (tmp_path / "file").touch()
    monkeypatch.setenv("GTN_TF_CACHE", str(tmp_path / "file"))
    with pytest.raises(data.DataError, match="Not a directory; .* by GTN_TF_CACHE"):
        data.from_directory(folder)


def test_where_the_cache_is(monkeypatch):
    monkeypatch.delenv("GTN_TF_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert picture_cache.cache_folder() == Path("/caches/gtn_tf")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert picture_cache.cache_folder() == Path.home() / ".cache" / "gtn_tf"
    monkeypatch.setenv("GTN_TF_CACHE", "~/own")
    assert picture_cache.cache_folder() == Path.home() / "own"
