"""Adam with a learning rate for each group of a GTN's variables."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

import gtn_tf
from conftest import real_batches, tiny_generator
from gtn_tf.adam_by_group import AdamByGroup, group_of
from gtn_tf.config import RateFactorsConfig
from gtn_tf.errors import ArgumentError
from gtn_tf.names import GROUPS

FACTORS = {"generator": 0.0, "pixels": 0.25, "labels": 2.0}


def test_every_group_has_a_setting():
    assert tuple(one.name for one in dataclasses.fields(RateFactorsConfig)) == GROUPS


@pytest.mark.parametrize(
    "make", [gtn_tf.LearnedSGD, gtn_tf.LearnedAdam, gtn_tf.LearnedRMSProp]
)
def test_groups_of_a_gtn(make):
    teacher = gtn_tf.teachers.GeneratorAndPixels(
        tiny_generator(), 3, 4, soft_labels=1.0
    )
    groups = {
        "generator": teacher.generator.trainable_variables,
        "latents": [teacher.latents],
        "pixels": [teacher.pixels],
        "labels": [teacher.label_logits],
        "inner_optimizer": make(steps=3).trainable_variables,
    }
    for group, variables in groups.items():
        assert {group_of(variable) for variable in variables} == {group}


def test_a_first_step_is_the_rate_times_its_factor(tiny_gtn):
    """Adam's first step is as large as its learning rate, whatever the gradient."""
    teacher = gtn_tf.teachers.GeneratorAndPixels(
        tiny_generator(), 3, 4, soft_labels=1.0
    )
    optimizer = AdamByGroup(0.01, epsilon=1e-12, factors=FACTORS)
    gtn = tiny_gtn(teacher, optimizer=optimizer)
    before = [one.numpy() for one in gtn.trainable_variables]
    gtn.fit(real_batches(), steps_per_epoch=1, verbose=0)
    for variable, old in zip(gtn.trainable_variables, before):
        step = np.median(np.abs(variable.numpy() - old))
        expected = 0.01 * FACTORS.get(group_of(variable), 1.0)
        assert step == pytest.approx(expected, rel=0.02, abs=1e-9), variable.name


@pytest.mark.slow
def test_without_factors_it_is_adam(tiny_gtn):
    results = []
    for optimizer in (AdamByGroup(0.01), tf.keras.optimizers.Adam(0.01)):
        gtn = tiny_gtn(optimizer=optimizer)
        gtn.fit(real_batches(), steps_per_epoch=2, verbose=0)
        results.append([one.numpy() for one in gtn.trainable_variables])
    for one, other in zip(*results):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_it_is_saved_with_its_factors_and_goes_on(tiny_gtn, tmp_path):
    gtn = tiny_gtn(optimizer=AdamByGroup(0.01, factors={"latents": 3.0}))
    gtn.fit(real_batches(), steps_per_epoch=2, verbose=0)
    gtn.save(tmp_path / "gtn.keras")
    again = tf.keras.models.load_model(tmp_path / "gtn.keras")
    assert again.optimizer.factors == {"latents": 3.0}
    for one in (gtn, again):
        one.fit(real_batches(), steps_per_epoch=2, verbose=0)
    for one, other in zip(gtn.trainable_variables, again.trainable_variables):
        np.testing.assert_array_equal(one, other)


def test_an_unknown_group():
    with pytest.raises(ArgumentError, match="did you mean latents"):
        AdamByGroup(factors={"latent": 1.0})
