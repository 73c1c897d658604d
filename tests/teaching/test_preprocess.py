"""Raw pictures of any size and colour become what the training made of them."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import gtn_tf
from gtn_tf import data
from gtn_tf.data.raw_pictures import prepare_pictures
from tiny_teacher import make_teacher

RANDOM = np.random.default_rng(0)
HALF = np.array([0.5]), np.array([0.25])


def exported(splits: data.Splits, path: str) -> gtn_tf.teaching.TrainedTeacher:
    gtn = gtn_tf.GTN(
        gtn_tf.teachers.DatasetDistillation(
            splits.image_shape, splits.num_classes, steps=2, batch_size=2
        ),
        gtn_tf.learners.MLPLearners(units=[4]),
        gtn_tf.LearnedSGD(steps=2),
    )
    gtn.export(path, splits)
    return gtn_tf.load_teacher(path)


@pytest.mark.parametrize("resize", ["area", "crop", "pad"])
def test_a_reloaded_teacher_sees_what_its_training_saw(tmp_path, resize):
    pictures = [
        RANDOM.integers(0, 256, shape, np.uint8)
        for shape in [(9, 14, 3), (12, 7, 3), (6, 8, 3), (20, 20, 3)] * 3
    ]
    for n, pixels in enumerate(pictures):
        folder = tmp_path / "pictures" / f"class_{n % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{n:02}.png")
    splits = data.from_directory(
        tmp_path / "pictures", image_size=(6, 8), resize=resize
    )
    teacher = exported(splits, str(tmp_path / "teacher" / "1"))
    assert teacher.description["resize"] == resize
    found = {one.tobytes() for one in teacher.preprocess(pictures)}
    seen = [splits.train_images, splits.validation_images, splits.test_images]
    assert found == {one.tobytes() for part in seen for one in part}


@pytest.mark.parametrize("scale", [1, 255, 257, 16.0, 1 / 255])
def test_numbers_of_every_type(tmp_path, scale):
    kind = {1: np.uint8, 255: np.int64, 257: np.uint16}.get(scale, np.float32)
    images = (
        RANDOM.integers(0, 2 if scale == 255 else 256, [40, 4, 5]) * scale
    ).astype(kind)
    pixel_max = 255 * 16 if scale == 16 else None
    splits = data.from_arrays(images, np.arange(40) % 2, pixel_max=pixel_max)
    teacher = exported(splits, str(tmp_path / "1"))
    found = teacher.preprocess(images, pixel_max)
    parts = [splits.train_images, splits.validation_images, splits.test_images]
    seen = np.concatenate(parts)
    assert found.dtype == np.float32 and found.shape == seen.shape
    order = [np.lexsort(x.reshape([40, -1]).T) for x in (found, seen)]
    np.testing.assert_allclose(found[order[0]], seen[order[1]], rtol=2e-6, atol=1e-6)


def test_colours_and_alpha_are_as_pillow_has_them():
    colour = RANDOM.integers(0, 256, [30, 40, 4], np.uint8)
    picture = Image.fromarray(colour)
    white = Image.new("RGBA", picture.size, "white")
    opaque = Image.alpha_composite(white, picture).convert("RGB")
    zero_to_one = np.zeros(3), np.ones(3)

    def prepared(one: np.ndarray, channels: int) -> np.ndarray:
        scale = [x[:channels] for x in zero_to_one]
        return prepare_pictures([one], (30, 40, channels), *scale)[0] * 255

    np.testing.assert_allclose(prepared(colour, 3), opaque, atol=1e-4)
    grey = np.asarray(Image.fromarray(colour[..., :3]).convert("L"))
    np.testing.assert_allclose(prepared(colour[..., :3], 1)[..., 0], grey, atol=1e-4)
    thrice = prepared(grey, 3)
    np.testing.assert_allclose(thrice, np.stack([grey] * 3, -1), atol=1e-4)
    with_alpha = np.stack([grey, np.full_like(grey, 255)], -1)
    np.testing.assert_allclose(prepared(with_alpha, 1)[..., 0], grey, atol=1e-4)
    floats = prepared((colour[..., :3] / 255).astype(np.float32), 1)[..., 0]
    np.testing.assert_allclose(floats, grey, atol=0.51)


def test_types_do_not_mix():
    white = [
        np.full([4, 4], 255, np.uint8),
        np.full([4, 4], 65535, np.uint16),
        np.ones([4, 4], bool),
        np.ones([4, 4, 3], np.float32),
    ]
    found = prepare_pictures(white, (2, 2, 1), *HALF)
    np.testing.assert_array_equal(found, np.full([4, 2, 2, 1], 2.0))


def test_older_teachers_stretch():
    teacher = make_teacher()
    assert "resize" not in teacher.description
    wide = np.zeros([2, 4, 8], np.uint8)
    wide[:, :, :4] = 255
    found = teacher.preprocess(wide)
    assert found.shape == (2, 4, 4, 1)
    assert found[0, 0, :, 0].tolist() == [2, 2, -2, -2]
    padded = make_teacher(description={"resize": "pad"}).preprocess(tf.constant(wide))
    assert padded[0, :, 0, 0].tolist() == [-2, 2, 2, -2]
    same = RANDOM.integers(0, 256, [3, 4, 4, 1], np.uint8)
    np.testing.assert_allclose(
        teacher.preprocess(same), teacher.normalise(same), rtol=1e-5, atol=1e-6
    )
    assert teacher.preprocess([]).shape == (0, 4, 4, 1)


@pytest.mark.parametrize(
    "pixels, problem",
    [
        (np.zeros([4, 4], np.uint8), "put a single picture in a list"),
        (np.zeros([40, 40, 3], np.uint8), "put a single picture in a list"),
        ([np.zeros([4], np.uint8)], "picture 0: expected [height, width]"),
        ([np.zeros([4, 4, 5], np.uint8)], "expected 1 channels"),
        ([np.full([4, 4], np.nan)], "picture 0: expected finite pixels"),
        ([np.full([4, 4], -3.0)], "not yet normalised"),
        (["cat.png"], "picture 0: expected [height, width]"),
    ],
)
def test_what_are_no_pictures(pixels, problem):
    with pytest.raises(data.DataError) as error:
        make_teacher().preprocess(pixels)
    assert problem in str(error.value) and "\n" not in str(error.value)


def test_a_resize_that_is_none():
    with pytest.raises(gtn_tf.teaching.TeacherError, match="resize to be null, or one"):
        make_teacher(description={"resize": "zoom"})
