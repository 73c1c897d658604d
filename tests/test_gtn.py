"""GTN as a Keras model."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import gtn_tf
from conftest import full_curriculum, real_batches, tiny_generator
from gtn_tf.evaluation import TaughtLearners
from gtn_tf.inner import logits_of
from gtn_tf.learners import ConvLearners, MLPLearners
from gtn_tf.learners.pool import TRAINING, fold
from gtn_tf.non_finite import NonFiniteError


def weights_of(gtn):
    return [v.numpy() for v in gtn.trainable_variables]


def equal(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b))


def test_fit_changes_generator_latents_and_rates(tiny_gtn):
    gtn = tiny_gtn(estimator=gtn_tf.FullUnroll(intermediate_every=1))
    before = weights_of(gtn)
    history = gtn.fit(
        real_batches(),
        steps_per_epoch=2,
        epochs=2,
        validation_data=real_batches().take(2),
        verbose=0,
    )
    assert set(history.history) == {
        *("meta_loss", "accuracy", "skipped"),
        *("val_meta_loss", "val_accuracy", "val_skipped"),
    }
    assert int(gtn.iterations) == 4 and int(gtn.evaluations) == 4
    names = {
        v.name
        for v, b in zip(gtn.trainable_variables, before)
        if (v != b).numpy().all()
    }
    assert any("latents" in name for name in names)
    assert any("log_learning_rate" in name for name in names)
    assert any("kernel" in name for name in names)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights(tiny_gtn):
    def trained(**kwargs):
        gtn = tiny_gtn(**kwargs)
        gtn.fit(real_batches(), steps_per_epoch=3, verbose=0)
        return weights_of(gtn)

    first = trained()
    assert equal(first, trained())
    assert not equal(first, trained(seed=10**20))  # any integer is a seed


def test_meta_training_lowers_the_meta_loss(tiny_gtn):
    """Images all of one colour for each class are soon learned."""
    images = np.repeat(np.linspace(-1, 1, 3, dtype=np.float32), 16).reshape(
        [3, 4, 4, 1]
    )
    data = tf.data.Dataset.from_tensors((images, np.arange(3))).repeat()
    gtn = tiny_gtn(
        teacher=full_curriculum(steps=4, batch_size=6),
        learners=MLPLearners(units=[8]),
        optimizer=tf.keras.optimizers.Adam(0.05),
    )
    losses = gtn.fit(data, steps_per_epoch=20, epochs=8, verbose=0).history["meta_loss"]
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.slow
def test_a_training_step_is_the_same_by_all_unrolls(tiny_gtn):
    """One step of plain SGD gives the same weights by all unrolls."""
    results = []
    for unroll in ("nested_tapes", "recompute", "keep"):
        gtn = tiny_gtn(
            unroll=unroll,
            estimator=gtn_tf.FullUnroll(intermediate_every=2),
            optimizer=tf.keras.optimizers.SGD(1.0),
        )
        gtn.fit(real_batches(), steps_per_epoch=1, verbose=0)
        results.append(weights_of(gtn))
    for found in results[1:]:
        for a, b in zip(found, results[0]):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


def test_learners_of_an_iteration_are_averaged(tiny_gtn):
    sgd = {"optimizer": tf.keras.optimizers.SGD(1.0)}
    gtn = tiny_gtn(learners_per_iteration=2, seed=3, **sgd)
    before = weights_of(gtn)
    data = next(iter(real_batches()))
    seed = gtn.pool.seed(TRAINING, 0)
    each = [
        gtn.meta.gradient(
            0,
            gtn.pool.draw(0, fold(seed, k))[1],
            data,
            seed,
            gtn.trainable_variables,
        )
        for k in (0, 1)
    ]
    history = gtn.fit(tf.data.Dataset.from_tensors(data), verbose=0).history
    expected = np.mean([float(found.meta_loss) for found, _ in each])
    assert history["meta_loss"][0] == pytest.approx(expected, rel=1e-5)
    gradients = zip(*(gradients for _, gradients in each))
    for old, new, (a, b) in zip(before, weights_of(gtn), gradients):
        np.testing.assert_allclose(old - new, (a + b) / 2, rtol=1e-3, atol=1e-5)
    assert not np.allclose(
        each[0][0].logits, each[1][0].logits
    )  # two learners, not one twice


@pytest.mark.slow
def test_two_replicas_are_two_learners_of_one_process(tiny_gtn, two_replicas):
    """Each replica judges its learner on its half of the batch: here the same."""

    def sgd():
        return tf.keras.optimizers.SGD(0.1, momentum=0.9)

    images, labels = next(iter(real_batches()))
    twice = tf.concat([images, images], 0), tf.concat([labels, labels], 0)

    def train(gtn, batch):
        data = tf.data.Dataset.from_tensors(batch).repeat()
        fit = {"steps_per_epoch": 2, "verbose": 0, "validation_data": data.take(1)}
        return gtn.fit(data, **fit).history

    one = tiny_gtn(learners_per_iteration=2, optimizer=sgd())
    expected = train(one, (images, labels))
    with two_replicas.scope():
        two = tiny_gtn(optimizer=sgd())
    found = train(two, twice)
    assert found["meta_loss"] == pytest.approx(expected["meta_loss"], rel=1e-5)
    assert found["accuracy"] == pytest.approx(expected["accuracy"])
    for a, b in zip(weights_of(two), weights_of(one)):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert two.iterations.numpy() == two.optimizer.iterations.numpy() == 2
    before = weights_of(two)
    train(two, (twice[0] * np.nan, twice[1]))
    assert two.skipped.numpy() == 2 and equal(before, weights_of(two))


def test_inner_steps_are_added_during_meta_training(tiny_gtn):
    gtn = tiny_gtn(
        teacher=full_curriculum(steps=4),
        estimator=gtn_tf.LengtheningUnroll(2, lengthen_every=2, intermediate_every=1),
        optimizer=tf.keras.optimizers.SGD(0.1),
    )
    assert gtn.unroll == "recompute"
    first = gtn.teacher.latents.numpy()
    changed = []
    for _ in range(5):
        gtn.fit(real_batches(), steps_per_epoch=1, verbose=0)
        pairs = zip(first, gtn.teacher.latents.numpy())
        changed.append([not np.array_equal(a, b) for a, b in pairs])
    assert changed[1] == [True, True, False, False]
    assert changed[3] == [True, True, True, False]
    assert changed[4] == [True, True, True, True]
    assert [int(gtn.estimator.steps_at(i, 4)) for i in range(6)] == [2, 2, 3, 3, 4, 4]


@pytest.mark.slow
def test_truncated_meta_training_reaches_every_lesson(tiny_gtn):
    gtn = tiny_gtn(
        teacher=full_curriculum(steps=4), estimator=gtn_tf.TruncatedUnroll(window=2)
    )
    before = gtn.teacher.latents.numpy()
    gtn.fit(real_batches(), steps_per_epoch=1, verbose=0)
    assert all((a != b).any() for a, b in zip(before, gtn.teacher.latents.numpy()))


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"estimator": gtn_tf.TruncatedUnroll(2)}, "a divisor of the 3 steps, rec"),
        ({"estimator": gtn_tf.LengtheningUnroll(4)}, "from 1 to 3, received 4"),
        ({"learners_per_iteration": 0}, "learners_per_iteration: expected at least"),
    ],
)
def test_settings_that_do_not_fit_the_teacher_are_refused(tiny_gtn, settings, message):
    with pytest.raises(ValueError, match=message):
        tiny_gtn(**settings)


@pytest.mark.slow
def test_every_architecture_of_the_pool_is_taught(tiny_gtn):
    gtn = tiny_gtn(learners=ConvLearners(filters=[(2, 9)], units=[], architectures=2))
    gtn.fit(real_batches(), steps_per_epoch=4, verbose=0)
    assert len(gtn.pool) == 2
    assert np.isfinite(np.concatenate([w.ravel() for w in weights_of(gtn)])).all()


@pytest.mark.parametrize("source", ["distillation", "real", "no_curriculum"])
def test_other_teachers(tiny_gtn, source):
    images = np.random.default_rng(0).normal(size=[9, 4, 4, 1]).astype(np.float32)
    teacher = {
        "distillation": lambda: gtn_tf.teachers.DatasetDistillation((4, 4, 1), 3, 2, 4),
        "real": lambda: gtn_tf.teachers.RealData(images, np.arange(9) % 3, 3, 2, 4),
        "no_curriculum": lambda: gtn_tf.teachers.NoCurriculum(tiny_generator(), 2, 4),
    }[source]()
    gtn = tiny_gtn(teacher=teacher)
    before = weights_of(gtn)
    gtn.fit(real_batches(), steps_per_epoch=2, verbose=0)
    assert not equal(before, weights_of(gtn))
    assert (len(before) == 2) == (source == "real")


@pytest.mark.slow
def test_learners_are_tested_along_their_lessons(tiny_gtn):
    """After all steps, the accuracy is that of `teach`, whatever was asked before."""
    gtn = tiny_gtn(learners=ConvLearners(filters=[(2, 9)], units=[], architectures=2))
    real = real_batches().take(9)
    learners = TaughtLearners(gtn)
    curves = learners.accuracies(real, learners=3, steps=[1, 3])
    assert curves.shape[:2] == (3, 2)
    last = learners.accuracies(real, learners=3)
    np.testing.assert_array_equal(curves[:, 1:], last)
    state = gtn.meta.teach(0, tf.constant(2))  # the third learner has the first network
    assert last[2, 0, 0] == share_of_correct(gtn, state, real)
    state = gtn.meta.teach(0, tf.constant(2), tf.constant(1))
    assert curves[2, 0, 0] == share_of_correct(gtn, state, real)


def share_of_correct(gtn, state, data):
    right = [
        np.argmax(logits_of(gtn.pool[0], state, images), axis=-1) == labels
        for images, labels in data
    ]
    return np.mean(right)


def bad_batches(*bad):
    """Batches of which those with the given numbers hold a NaN."""
    images, labels = next(iter(real_batches()))

    def batches():
        number = 0
        while True:
            yield images * (np.nan if number in bad else 1.0), labels
            number += 1

    spec = tf.TensorSpec([5, 4, 4, 1]), tf.TensorSpec([5], tf.int32)
    return tf.data.Dataset.from_generator(batches, output_signature=spec)


def test_a_step_that_is_not_finite_is_skipped_and_counted(tiny_gtn):
    gtn = tiny_gtn()
    gtn.fit(bad_batches(0), steps_per_epoch=1, verbose=0)
    fresh = tiny_gtn()
    assert equal(weights_of(gtn), weights_of(fresh))
    assert int(gtn.optimizer.iterations) == 0
    logs = gtn.fit(bad_batches(1), steps_per_epoch=3, verbose=0).history
    assert logs["skipped"] == [2]
    assert int(gtn.iterations) == 4 and int(gtn.skipped_in_a_row) == 0
    assert not equal(weights_of(gtn), weights_of(fresh))
    assert np.isfinite(np.concatenate([w.ravel() for w in weights_of(gtn)])).all()


def test_too_many_skips_in_a_row_stop_the_training(tiny_gtn):
    gtn = tiny_gtn(max_skipped=2)
    before = weights_of(gtn)
    with pytest.raises(NonFiniteError, match="2 meta-iterations in a row.*real data"):
        gtn.fit(bad_batches(0, 1, 2), steps_per_epoch=3, verbose=0)
    assert int(gtn.iterations) == 2
    assert equal(before, weights_of(gtn))


def test_an_exploding_learner_is_skipped(tiny_gtn):
    gtn = tiny_gtn(learning_rate=1e30, max_skipped=5)
    gtn.fit(real_batches(), steps_per_epoch=2, verbose=0)
    assert int(gtn.skipped) == 2


def test_keras_checkpoint_of_weights(tiny_gtn, tmp_path):
    gtn = tiny_gtn()
    gtn.fit(real_batches(), steps_per_epoch=2, verbose=0)
    gtn.save_weights(tmp_path / "gtn")
    other = tiny_gtn(seed=1)
    other.load_weights(tmp_path / "gtn")
    assert equal(weights_of(gtn), weights_of(other))


def test_parts_that_do_not_fit_are_refused():
    learners = ConvLearners(filters=[3], units=[])
    with pytest.raises(ValueError, match="as of the teacher, 3, received 5"):
        gtn_tf.GTN(full_curriculum(), learners, gtn_tf.LearnedSGD(steps=5))
    with pytest.raises(ValueError, match="below 3, received 3"):
        gtn_tf.GTN(
            full_curriculum(),
            learners,
            gtn_tf.LearnedSGD(steps=3),
            gtn_tf.FullUnroll(intermediate_every=3),
        )


@pytest.mark.slow
def test_long_unrolls_of_large_tensors_run_twice(tiny_gtn):
    """TensorFlow's memory rewrite would stop the second run (see graph_rewrites)."""
    generator = gtn_tf.Generator((28, 28, 1), 10, 4, 8, 2)
    gtn = gtn_tf.GTN(
        gtn_tf.teachers.FullCurriculum(generator, steps=3, batch_size=128),
        ConvLearners(filters=[24], units=[]),
        gtn_tf.LearnedSGD(steps=3),
        gtn_tf.FullUnroll(intermediate_every=1),
    )
    gtn.compile()
    images = tf.random.stateless_normal([256, 28, 28, 1], [0, 0])
    data = tf.data.Dataset.from_tensors((images, tf.range(256) % 10)).repeat()
    gtn.fit(data, steps_per_epoch=3, verbose=0)
    assert int(gtn.iterations) == 3
