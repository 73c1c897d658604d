"""A training step is traced once, if what it makes is there before."""

from __future__ import annotations

import pytest
import tensorflow as tf

from conftest import real_batches
from gtn_tf.first_trace import make_variables
from gtn_tf.teaching import teach
from tiny_teacher import CLASSES, SHAPE, make_teacher

layers = tf.keras.layers


def two_outputs() -> tf.keras.Model:
    inputs = layers.Input([3])
    heads = {n: layers.Dense(k, name=n)(inputs) for n, k in (("a", 2), ("b", 1))}
    model = tf.keras.Model(inputs, heads)
    model.compile("adam", "mse", metrics={"a": ["mae"], "b": ["accuracy"]})
    return model


def traces_of(model: tf.keras.Model) -> int:
    return model.train_function.experimental_get_tracing_count()


@pytest.mark.parametrize("before", [True, False])
def test_of_several_outputs(before: bool) -> None:
    model = two_outputs()
    labels = {"a": tf.ones([6, 2]), "b": tf.ones([6, 1])}
    if before:
        make_variables(model, model.output, labels)
    names = {*model.fit(tf.ones([6, 3]), labels, verbose=0).history}
    assert traces_of(model) == (1 if before else 2)
    assert names == {"loss", "a_loss", "b_loss", "a_mae", "b_accuracy"}


@pytest.mark.parametrize("metrics", [None, ["accuracy"]])
def test_of_a_taught_model(metrics: list[str] | None) -> None:
    head = layers.Dense(CLASSES)
    model = tf.keras.Sequential([layers.Input(SHAPE), layers.Flatten(), head])
    history = teach(model, make_teacher(), metrics=metrics, verbose=0).history
    assert {*history} == {"loss", "accuracy"} and traces_of(model) == 1


def test_of_a_meta_iteration_on_labels_of_another_form(tiny_gtn) -> None:
    gtn = tiny_gtn()
    data = real_batches().map(lambda x, y: (x, tf.one_hot(y, 3)))
    history = gtn.fit(data, steps_per_epoch=2, verbose=0).history
    assert {*history} == {"meta_loss", "accuracy", "skipped"}
    assert traces_of(gtn) == 1
