"""Accuracy, and balanced accuracy where classes are uneven."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from gtn_tf import data
from gtn_tf.accuracy import (
    are_correct,
    are_uneven,
    balanced_accuracy,
    in_words,
    measure,
    measures_of,
    over_learners,
)

ANSWERS = st.lists(st.tuples(st.sampled_from([0, 1, 4]), st.integers(0, 4)), min_size=1)


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@settings(max_examples=50, deadline=None)
@given(answers=ANSWERS)
def test_balanced_accuracy_is_that_of_scikit_learn(answers):
    labels, predicted = np.transpose(answers)
    if len({*labels}) > 1:  # scikit-learn warns of one
        expected = balanced_accuracy_score(labels, predicted, adjusted=False)
    else:
        expected = accuracy_score(labels, predicted)
    assert balanced_accuracy(labels, labels == predicted) == pytest.approx(expected)


@pytest.mark.parametrize("form", ["integers", "column", "one_hot"])
def test_uneven_classes_have_two_measures(form):
    labels = np.array([0] * 6 + [1] * 3 + [2] * 2, np.int32)
    predicted = np.array([0] * 6 + [1, 0, 0] + [2, 1])
    given_as = {
        "integers": labels,
        "column": labels[:, np.newaxis],
        "one_hot": np.eye(3, dtype=np.float32)[labels],
    }[form]
    logits = np.eye(3, dtype=np.float32)[predicted]
    batches = tf.data.Dataset.from_tensor_slices((logits, given_as)).batch(4)
    np.testing.assert_allclose(
        measure(are_correct, batches),
        [accuracy_score(labels, predicted), balanced_accuracy_score(labels, predicted)],
    )
    even = tf.data.Dataset.from_tensors((logits[4:8], given_as[4:8]))
    assert measure(are_correct, even).tolist() == [0.75]


def test_the_parts_of_the_digits_are_even():
    digits = data.load("digits")
    for labels in (digits.train_labels, digits.validation_labels, digits.test_labels):
        assert not are_uneven(labels)
        assert measures_of(labels) == ("accuracy",)
    # The largest and the smallest class of MNIST's test images.
    assert not are_uneven(np.repeat([1, 5], [1135, 892]))


def test_words():
    values = np.array([[0.9, 0.5], [0.7, 0.3]])
    words = in_words(over_learners(values), "±")
    assert words == "80.00% ± 14.14%, balanced 40.00% ± 14.14%"
    assert in_words(over_learners(values[:, :1])) == "80.00% +- 14.14%"
    assert in_words({"mean": None, "std": None}) == "not measured"
