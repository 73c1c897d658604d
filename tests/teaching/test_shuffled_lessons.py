"""Lessons in a shuffled order: each once in a pass, from any place, soft ones too."""

from __future__ import annotations

import itertools

import numpy as np

from gtn_tf import Augmentation
from gtn_tf.teaching import TrainedTeacher, shuffled_lessons
from tiny_teacher import BATCH, CLASSES, STEPS, make_teacher


def streamed(teacher: TrainedTeacher, count: int, seed: int = 0, start: int = 0):
    lessons = shuffled_lessons(teacher, seed, start).as_numpy_iterator()
    return [*itertools.islice(lessons, count)]


def places(teacher: TrainedTeacher, **kwargs) -> list[int]:
    """Which lesson each is, by its images; its labels are those of the same lesson."""
    found = []
    for images, labels in streamed(teacher, **kwargs):
        (place,) = np.flatnonzero((teacher.images == images).all(axis=(1, 2, 3, 4)))
        np.testing.assert_array_equal(labels, teacher.labels[place])
        found.append(int(place))
    return found


def test_a_pass_has_each_lesson_once_and_the_seed_gives_its_order() -> None:
    teacher = make_teacher()
    found = places(teacher, count=3 * STEPS, seed=1)
    passes = np.reshape(found, [3, STEPS])
    assert (np.sort(passes) == np.arange(STEPS)).all()
    assert len({tuple(one) for one in passes.tolist()}) > 1
    assert places(teacher, count=3 * STEPS, seed=2) != found
    for start in (1, STEPS, 2 * STEPS + 3):
        assert places(teacher, count=2, seed=1, start=start) == found[start:][:2]


def test_soft_labels_stay_soft() -> None:
    rng = np.random.default_rng(0)
    soft = rng.dirichlet(np.ones(CLASSES), [STEPS, BATCH]).astype(np.float32)
    teacher = make_teacher(labels=soft)
    assert sorted(places(teacher, count=STEPS)) == [*range(STEPS)]
    images, labels = streamed(teacher, 1)[0]
    assert images.dtype == labels.dtype == np.float32
    assert labels.shape == (BATCH, CLASSES)


def test_an_augmentation_is_drawn_anew_for_each_lesson() -> None:
    config = Augmentation(shift=1).get_config()
    ones = np.ones([STEPS, BATCH, 4, 4, 1], np.float32)
    teacher = make_teacher(images=ones, description={"augmentation": config})
    found = streamed(teacher, 4 * STEPS, seed=3)
    shapes = {images.tobytes() for images, _ in found}
    assert len(shapes) > 3  # of nine
    later = streamed(teacher, 2, seed=3, start=7)
    for (images, _), (expected, _) in zip(later, found[7:]):
        np.testing.assert_array_equal(images, expected)
