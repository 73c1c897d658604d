"""The inputs of inner steps, all or some."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from conftest import tiny_generator
from gtn_tf import names
from gtn_tf.teachers import DatasetDistillation, RealData, Teacher


def teacher_of(name: str) -> Teacher:
    kind = names.TEACHERS.load(name)
    if kind is RealData:
        images = np.random.default_rng(0).normal(size=[9, 4, 4, 1])
        return RealData(images.astype(np.float32), np.arange(9) % 3, 3, 4, 5)
    if kind is DatasetDistillation:
        return DatasetDistillation((4, 4, 1), 3, 4, 5)
    return kind(tiny_generator(), 4, 5)


@pytest.mark.parametrize("name", names.TEACHERS)
def test_the_inputs_of_some_steps_are_those_of_all_steps(tiny_gtn, name):
    gtn = tiny_gtn(teacher=teacher_of(name))
    seed = tf.constant([1, 2])

    @tf.function
    def inputs(first):
        return gtn.meta.inner_inputs(seed, slice(first, first + 2))

    found = inputs(tf.constant(1))
    expected = gtn.meta.inner_inputs(seed).at(slice(1, 3))
    for a, b in zip(tf.nest.flatten(found), tf.nest.flatten(expected)):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
