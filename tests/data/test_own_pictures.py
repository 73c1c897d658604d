"""Folders of pictures: what is read of each kind of file and of each layout."""

from __future__ import annotations

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
from gtn_tf.data.class_folders import list_pictures
from gtn_tf.data.directory import read_directory
from gtn_tf.data.pictures import read_pictures

RANDOM = np.random.default_rng(0)


def noise(height: int, width: int, channels: int = 3) -> np.ndarray:
    shape = [height, width, channels] if channels > 1 else [height, width]
    return RANDOM.integers(0, 256, shape, dtype=np.uint8)


def save(path: Path, pixels: np.ndarray | Image.Image, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    picture.save(path, **options)
    return path


def fill(folder: Path, classes: str = "ant bee", count: int = 6, size: int = 5) -> Path:
    """Class folders of grey pictures."""
    for name in classes.split():
        for n in range(count):
            save(folder / name / f"{n}.png", noise(size, size, 1))
    return folder


def message(function, *arguments, **options) -> str:
    with pytest.raises(data.DataError) as caught:
        function(*arguments, **options)
    text = str(caught.value)
    assert text.isprintable() and len(text) < 700
    return text


# Files


@pytest.mark.parametrize("suffix", ["png", "bmp", "gif", "webp", "jpg", "JPEG"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_format(tmp_path, suffix, channels):
    flat = np.full([6, 4, 3] if channels == 3 else [6, 4], 80, np.uint8)
    flat[:3] += 40
    options = {"lossless": True} if suffix == "webp" else {}
    path = save(tmp_path / f"a.{suffix}", flat, **options)
    found = read_pictures([path]).images
    colour = channels == 3 and suffix != "gif" or suffix == "webp"  # has no grey
    assert found.shape == (1, 6, 4, 3 if colour else 1)
    np.testing.assert_allclose(found[0, ..., 0], flat.reshape(6, 4, -1)[..., 0], atol=3)


def test_modes_become_one():
    rgb = noise(4, 6)
    grey = Image.fromarray(rgb).convert("L")
    with tempfile.TemporaryDirectory() as folder:
        paths = [
            save(Path(folder) / f"{n}.png", picture)
            for n, picture in enumerate(
                [
                    Image.fromarray(rgb),
                    grey,
                    Image.fromarray(rgb).quantize(256),
                    Image.fromarray(rgb).convert("RGBA"),
                    grey.convert("LA"),
                    Image.fromarray(np.asarray(grey).astype(np.uint16) * 257),
                    grey.point(lambda x: 255 * (x > 100)).convert("1"),
                ]
            )
        ]
        mixed, only_grey = read_pictures(paths), read_pictures(paths[4:] + paths[1:2])
    images = mixed.images.astype(int)
    assert images.shape == (7, 4, 6, 3) and only_grey.images.shape == (4, 4, 6, 1)
    np.testing.assert_array_equal(images[0], rgb)
    np.testing.assert_array_equal(images[3], rgb)
    np.testing.assert_allclose(images[2], rgb, atol=40)  # a palette of fewer colours
    for n in (1, 4, 5):
        np.testing.assert_array_equal(images[n], np.asarray(grey)[..., None] + [0] * 3)
    assert {*images[6].ravel().tolist()} == {0, 255}
    assert mixed.remarks == (
        "4 of 7 pictures are grey: read as colour, as the rest",
        "1 pictures have 16 bits: read as 8",
    )


def test_transparent_parts_become_white(tmp_path):
    pixels = np.zeros([2, 2, 4], np.uint8)
    pixels[0, :, 3] = 255, 51
    path = save(tmp_path / "a.png", pixels)
    found = read_pictures([path]).images[0, ..., 0]
    np.testing.assert_array_equal(found, [[0, 204], [255, 255]])
    palette = Image.fromarray(np.array([[0, 1]], np.uint8)).convert("P")
    save(tmp_path / "b.gif", palette, transparency=0)
    assert read_pictures([tmp_path / "b.gif"]).images[0, 0].tolist() == [[255], [1]]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_upright(tmp_path, orientation):
    upright = np.kron(np.array([[0, 80], [160, 240], [40, 120]]), np.ones([8, 8]))
    upright = upright.astype(np.uint8)
    # How a camera stores what has to be turned so to be upright.
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(
        tmp_path / "a.jpg", np.ascontiguousarray(stored), exif=exif, quality=100
    )
    pictures = read_pictures([path])
    np.testing.assert_allclose(pictures.images[0, ..., 0], upright, atol=3)
    assert pictures.sizes == {(24, 16): 1}


def test_an_animation_is_its_first_frame(tmp_path):
    frames = [Image.fromarray(np.full([3, 3], n, np.uint8)) for n in (10, 20)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert {*read_pictures([tmp_path / "a.gif"]).images.ravel().tolist()} == {10}


def bomb() -> bytes:
    """A header that claims 60,000 x 60,000 pixels."""
    good = Path(tempfile.mkdtemp()) / "a.bmp"
    save(good, noise(2, 2))
    content = bytearray(good.read_bytes())
    content[18:26] = np.array([60_000, 60_000], "<u4").tobytes()
    return bytes(content)


def cut_in_half(suffix: str) -> bytes:
    good = Path(tempfile.mkdtemp()) / f"a.{suffix}"
    content = save(good, noise(40, 40)).read_bytes()
    return content[: len(content) // 2]


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"not a picture", b"\x89PNG\r\n\x1a\n", b"%PDF-1.4", b"P6 2 2 255 "),
        *map(cut_in_half, ("png", "jpg", "webp", "bmp")),
        bomb(),
    ],
)
def test_broken_files_are_named(tmp_path, content):
    good = save(tmp_path / "good.png", noise(40, 40))
    bad = tmp_path / "bad.png"
    bad.write_bytes(content)
    text = message(read_pictures, [good, bad, bad])
    assert text.startswith(f"{bad}: expected a ") and "(and 1 more)" in text
    assert text.endswith("or leave such files out by on_error: skip")
    kept = read_pictures([bad, good, bad], on_error="skip")
    assert kept.kept.tolist() == [1] and kept.images.shape == (1, 40, 40, 3)
    assert kept.remarks[0].startswith("2 broken files are left out: ")
    assert "received 1 that cannot" in message(read_pictures, [bad], on_error="skip")


def test_no_pipe_or_folder_is_opened(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    (tmp_path / "b.png").mkdir()
    for name in ("a.png", "b.png", "c.png"):
        assert name in message(read_pictures, [tmp_path / name])


@settings(max_examples=40, deadline=None)
@given(
    st.binary(max_size=60), st.sampled_from([b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM"])
)
def test_any_bytes_are_read_or_refused(content, start):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.png"
        path.write_bytes(start + content)
        try:
            assert read_pictures([path]).images.dtype == np.uint8
        except data.DataError as error:
            assert str(path) in str(error) and str(error).isprintable()


# Folders


def test_classes_are_folders(tmp_path):
    fill(tmp_path, "bee ant cow")
    splits = data.from_directory(tmp_path)
    assert splits.class_names == ("ant", "bee", "cow")
    assert splits.image_shape == (5, 5, 1) and splits.name == tmp_path.name
    sizes = [
        len(getattr(splits, f"{p}_labels")) for p in ("train", "validation", "test")
    ]
    assert sizes == [12, 3, 3]


def test_pictures_are_of_the_class_whose_folder_they_are_in(tmp_path):
    for n in range(20):
        for name, value in (("dark", 20), ("light", 200)):
            pixels = np.full([3, 3], value, np.uint8)
            pixels[0, 0] = n
            save(tmp_path / name / f"{n}.png", pixels)
    source = read_directory(tmp_path)
    train = source.parts["train"]
    np.testing.assert_array_equal(train.images[:, 2, 2, 0] > 100, train.labels == 1)


@pytest.mark.parametrize(
    "names", ["train val test", "Train Validation", "training test"]
)
def test_parts_above_the_classes(tmp_path, names):
    for n, name in enumerate(names.split()):
        fill(tmp_path / name, count=4 + n)
    source = read_directory(tmp_path)
    second = "test" if names == "training test" else "validation"
    assert len(source.parts["train"].labels) == 8
    assert len(source.parts[second].labels) == 10
    assert len(source.parts) == len(names.split())


def test_a_class_may_be_called_train(tmp_path):
    fill(tmp_path, "train plane test")
    assert data.from_directory(tmp_path).class_names == ("plane", "test", "train")


def test_what_is_no_picture_of_a_class_is_left_out_and_told(tmp_path, caplog):
    fill(tmp_path / "train")
    fill(tmp_path / "models")
    save(tmp_path / "test" / "0.png", noise(5, 5))  # Kaggle's, without labels
    for name in (".hidden.png", "Thumbs.db", "notes.txt", "labels.xml"):
        (tmp_path / "train" / "ant" / name).write_text("x")
    save(tmp_path / "train" / "__MACOSX" / "a.png", noise(5, 5))
    save(tmp_path / "train" / ".git" / "a.png", noise(5, 5))
    save(tmp_path / "train" / "bee" / "deep" / "er" / "a.PNG", noise(5, 5, 1))
    (tmp_path / "train" / "bee" / "loop").symlink_to(tmp_path / "train" / "bee")
    with caplog.at_level(logging.WARNING, "gtn_tf"):
        splits = data.from_directory(tmp_path)
    told = caplog.text
    assert "beside train/, left out: models" in told
    assert "test/ has no pictures in class folders: left out" in told
    assert "2 files are no pictures by their names" in told and "notes.txt" in told
    counts = [
        len(getattr(splits, f"{p}_labels")) for p in ("train", "validation", "test")
    ]
    assert sum(counts) == 13 and splits.num_classes == 2


def test_mixed_sizes_need_one(tmp_path):
    fill(tmp_path)
    wide = save(tmp_path / "ant" / "wide.png", noise(6, 20))
    text = message(data.from_directory, tmp_path)
    assert "2 sizes, from 5 x 5 (" in text and f"6 x 20 ({wide}); give image" in text
    for resize in ("area", "crop", "pad"):
        splits = data.from_directory(tmp_path, image_size=[4, 8], resize=resize)
        assert splits.image_shape == (4, 8, 3)
    assert read_directory(tmp_path, 4).sizes == {(5, 5): 12, (6, 20): 1}


def test_what_no_memory_holds_is_told_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("gtn_tf.data.memory.memory_bytes", lambda: 10**6)
    fill(tmp_path)
    data.from_directory(tmp_path, image_size=100)
    text = message(data.from_directory, tmp_path, image_size=[200, 100])
    assert "received 12 of 200 x 100, which take 0.0012 GB; give a smaller" in text


def test_broken_pictures_stop_or_are_skipped(tmp_path):
    fill(tmp_path)
    (tmp_path / "bee" / "3.png").write_bytes(b"\x89PNG")
    assert "3.png: expected a whole picture" in message(data.from_directory, tmp_path)
    source = read_directory(tmp_path, on_error="skip")
    assert np.bincount(source.parts["train"].labels).tolist() == [6, 5]
    assert source.remarks[0].startswith("1 broken files are left out: ")
    for n in range(6):
        (tmp_path / "bee" / f"{n}.png").write_bytes(b"")
    problem = message(data.from_directory, tmp_path, on_error="skip")
    assert problem.startswith(
        "expected images of at least 2 classes, received 1: 'ant'"
    )
    with pytest.raises(ValueError, match="on_error: expected one of stop, skip"):
        data.from_directory(tmp_path, on_error="ignore")


def test_bad_folders(tmp_path, monkeypatch):
    assert "nowhere: expected a folder" in message(data.from_directory, "nowhere")
    assert "found no folder" in message(data.from_directory, tmp_path)
    fill(tmp_path / "a", "ant")
    assert "found one folder, 'ant'" in message(list_pictures, tmp_path / "a")
    fill(tmp_path / "b" / "flowers", "rose lily")
    assert f"did you mean {tmp_path / 'b' / 'flowers'}?" in message(
        list_pictures, tmp_path / "b"
    )
    (tmp_path / "b" / "flowers" / "lily\n2").mkdir()
    text = message(list_pictures, tmp_path / "b" / "flowers")
    assert "lily\\n2': expected pictures of a class" in text
    fill(tmp_path / "c" / "train")
    fill(tmp_path / "c" / "test", "ant cow")
    text = message(list_pictures, tmp_path / "c")
    assert f"{tmp_path / 'c' / 'test' / 'cow'}: expected a class of" in text
    fill(tmp_path / "c" / "testing")
    assert "one folder of the test part" in message(list_pictures, tmp_path / "c")

    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.listdir", refuse)  # root may read anything
    assert message(list_pictures, tmp_path).startswith(
        f"{tmp_path}: expected a folder that can be read: Permission denied; "
    )


def test_nothing_is_written_into_the_folder(tmp_path):
    fill(tmp_path)
    before = sorted(
        (str(path), path.stat().st_mtime_ns) for path in tmp_path.rglob("*")
    )
    data.from_directory(tmp_path, image_size=4)
    after = sorted((str(path), path.stat().st_mtime_ns) for path in tmp_path.rglob("*"))
    assert after == before
