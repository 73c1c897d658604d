"""A trained teacher at work on any Keras model."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import gtn_tf
from gtn_tf.non_finite import NonFiniteError
from gtn_tf.precision import precision
from gtn_tf.teaching import (
    BUNDLED,
    CurriculumAdam,
    CurriculumRMSProp,
    CurriculumSGD,
    SettleBatchNorm,
    TeacherError,
    TrainedTeacher,
    teach,
)
from gtn_tf.weight_tensors import OneTensor
from tiny_teacher import BATCH, CLASSES, SHAPE, STEPS, make_teacher

layers = tf.keras.layers


SOFT = np.random.default_rng(0).dirichlet([1, 1, 1], [STEPS, BATCH]).astype(np.float32)


def adaptive_teacher(kind: str) -> TrainedTeacher:
    betas = np.linspace(0.5, 0.9, STEPS).astype(np.float32)
    names = ("rhos",) if kind == "rmsprop" else ("betas_1", "betas_2")
    rates = {"learning_rates": np.linspace(0.02, 0.01, STEPS).astype(np.float32)}
    return make_teacher(
        description={"inner_optimizer": {"name": kind, "epsilon": 1e-5}},
        hyperparameters={**dict.fromkeys(names, betas), **rates},
    )


class Scale(layers.Layer):
    """A user's own layer."""

    def build(self, input_shape):
        self.scale = self.add_weight("scale", [input_shape[-1]], initializer="ones")

    def call(self, inputs):
        return inputs * self.scale


class Subclassed(tf.keras.Model):
    """A user's own model."""

    def __init__(self):
        super().__init__()
        self.stack = [layers.Flatten(), layers.Dense(4), Scale(), layers.Dense(CLASSES)]

    def call(self, x, training=None):
        for layer in self.stack:
            x = layer(x)
        return x


def sequential(*more: layers.Layer) -> tf.keras.Model:
    return tf.keras.Sequential(
        [layers.Input(SHAPE), layers.Flatten(), *more, layers.Dense(CLASSES)]
    )


def with_batch_norm() -> tf.keras.Model:
    return tf.keras.Sequential(
        [
            layers.Input(SHAPE),
            layers.Conv2D(4, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(CLASSES),
        ]
    )


def functional() -> tf.keras.Model:
    inputs = layers.Input(SHAPE)
    x = layers.Conv2D(3, 3, kernel_regularizer="l2", activation="relu")(inputs)
    x = layers.Add()([x, layers.BatchNormalization()(x)])
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    return tf.keras.Model(inputs, layers.Dense(CLASSES, activation="softmax")(x))


@pytest.mark.parametrize("make", [sequential, functional, with_batch_norm, Subclassed])
def test_any_model_is_taught(make):
    tf.keras.utils.set_random_seed(1)
    model, teacher = make(), make_teacher()
    history = teach(model, teacher, epochs=3, verbose=0)
    assert isinstance(history, tf.keras.callbacks.History)
    assert len(history.history["accuracy"]) == 3
    assert history.history["loss"][2] < history.history["loss"][0]
    assert int(model.optimizer.iterations) == 3 * STEPS
    # It stays compiled, and ready for what Keras can do with it.
    assert len(model.evaluate(teacher.as_dataset(), verbose=0)) == 2


@pytest.mark.parametrize(
    "learned, make",
    [
        (gtn_tf.LearnedSGD, make_teacher),
        (gtn_tf.LearnedAdam, lambda: adaptive_teacher("adam")),
        (gtn_tf.LearnedLAMB, lambda: adaptive_teacher("lamb")),
        (gtn_tf.LearnedRMSProp, lambda: adaptive_teacher("rmsprop")),
        (gtn_tf.LearnedSGD, lambda: make_teacher(labels=SOFT)),
    ],
)
def test_the_inner_loop_is_repeated_exactly(learned, make):
    """Against the update of meta-training, batch by batch, in order."""
    model, teacher, inner = sequential(), make(), learned()
    weights = [tf.constant(w) for w in model.get_weights()]
    states = [inner.init(w) for w in weights]
    for t in range(STEPS):
        x, y = teacher.images[t].reshape(BATCH, -1), teacher.labels[t]
        y = np.eye(CLASSES)[y] if y.ndim == 1 else y
        logits = x @ weights[0].numpy() + weights[1].numpy()
        share = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        error = (share - y) / BATCH
        values = {name: x[t] for name, x in teacher.hyperparameters.items()}
        for n, gradient in enumerate([x.T @ error, error.sum(0)]):
            gradient = tf.cast(gradient, tf.float32)
            of_one = functools.partial(OneTensor, len(weights[n].shape))
            weights[n], states[n] = inner.update(
                weights[n], states[n], gradient, values, of_one
            )
    teach(model, teacher, optimizer=teacher.optimizer(clipnorm=None), verbose=0)
    for found, expected in zip(model.get_weights(), weights):
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_parts_alone_do_the_same():
    tf.keras.utils.set_random_seed(2)
    one, teacher = with_batch_norm(), make_teacher()
    other = tf.keras.models.clone_model(one)
    other.set_weights(one.get_weights())
    teach(one, teacher, verbose=0)
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    other.compile(teacher.optimizer(), loss)
    settle = SettleBatchNorm(teacher.as_dataset())
    other.fit(teacher.as_dataset(), callbacks=[settle], verbose=0)
    for a, b in zip(one.get_weights(), other.get_weights()):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_weight_decay_and_dataset():
    teacher = make_teacher()
    plain, decayed = sequential(), sequential()
    decayed.set_weights(plain.get_weights())
    teach(plain, teacher, verbose=0)
    teach(decayed, teacher, optimizer=teacher.optimizer(weight_decay=0.5), verbose=0)
    norms = [np.linalg.norm(model.get_weights()[0]) for model in (plain, decayed)]
    assert norms[1] < norms[0]
    data = teacher.as_dataset()
    assert int(data.cardinality()) == STEPS
    for t, (images, labels) in enumerate(data):
        np.testing.assert_array_equal(images, teacher.images[t])
        np.testing.assert_array_equal(labels, teacher.labels[t])


def test_batch_norm_has_to_be_settled():
    """The lessons' mean is 1 and their deviation 2: far from a fresh average's 0, 1."""
    teacher = make_teacher()
    model = tf.keras.Sequential(
        [
            layers.Input(SHAPE),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(CLASSES),
        ]
    )
    first = model.get_weights()
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(teacher.optimizer(), loss)
    model.fit(teacher.as_dataset(), verbose=0)
    (unsettled,) = model.layers[0].moving_mean.numpy()
    unsettled_loss = model.evaluate(teacher.as_dataset(), verbose=0)

    model.set_weights(first)
    # Validation within fit sees settled averages, too.
    history = teach(model, teacher, verbose=0, validation_data=teacher.as_dataset())
    norm, mean = model.layers[0], float(teacher.images.mean())
    assert abs(unsettled) < 0.1 < 0.9 < mean
    assert norm.moving_mean.numpy()[0] == pytest.approx(mean, abs=0.05)
    assert norm.moving_variance.numpy()[0] == pytest.approx(
        teacher.images.var(), rel=0.1
    )
    settled_loss = model.evaluate(teacher.as_dataset(), verbose=0)[0]
    assert history.history["val_loss"][0] == pytest.approx(settled_loss, rel=1e-4)
    assert settled_loss < 0.9 * unsettled_loss
    before = norm.moving_mean.numpy()
    model.evaluate(teacher.as_dataset(), verbose=0)
    np.testing.assert_array_equal(norm.moving_mean, before)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.99])
def test_settled_averages_are_those_of_the_batches(momentum):
    batches = np.random.default_rng(0).normal(size=[4, 8, 2]).astype(np.float32)
    norm = layers.BatchNormalization(momentum=momentum)
    model = tf.keras.Sequential([layers.Input([2]), norm])
    data = tf.data.Dataset.from_tensor_slices((batches,))
    callback = SettleBatchNorm(data)
    callback.set_model(model)
    callback.settle()
    weights = momentum ** np.arange(3, -1, -1.0)
    expected = weights @ batches.mean(1) / weights.sum()
    np.testing.assert_allclose(norm.moving_mean, expected, atol=1e-5)


def test_a_frozen_batch_norm_stays():
    model = with_batch_norm()
    model.layers[1].trainable = False
    before = model.layers[1].get_weights()
    teach(model, make_teacher(), verbose=0)
    for a, b in zip(model.layers[1].get_weights(), before):
        np.testing.assert_array_equal(a, b)


def test_gradients_are_clipped_unless_told_otherwise():
    teacher, weight = make_teacher(), tf.Variable([0.0, 0.0])
    optimizer = teacher.optimizer()
    optimizer.apply_gradients([(tf.constant([30.0, 40.0]), weight)])
    np.testing.assert_allclose(weight, [-0.03, -0.04], rtol=1e-5)  # rate 0.1, norm 0.5
    assert teacher.optimizer(global_clipnorm=2.0).clipnorm is None
    assert teacher.optimizer(clipnorm=None).clipnorm is None


@pytest.mark.parametrize(
    "optimizer",
    [
        CurriculumSGD([0.5, 0.25], [0.1, 0.2], weight_decay=0.1),
        CurriculumAdam([0.5, 0.25], [0.9, 0.8], [0.9, 0.99], epsilon=0.1),
        CurriculumRMSProp([0.5, 0.25], [0.9, 0.8], clipnorm=1.0),
    ],
)
def test_optimizer_is_a_keras_optimizer(optimizer):
    config = tf.keras.optimizers.serialize(optimizer)
    again = tf.keras.optimizers.deserialize(config)
    assert again.get_config() == optimizer.get_config()
    with pytest.raises(ValueError, match="2 learning rates beside {'momenta': 1}"):
        CurriculumSGD([0.5, 0.25], [0.1])
    with pytest.raises(ValueError, match="2 learning rates beside {'rhos': 1}"):
        CurriculumRMSProp([0.5, 0.25], [0.1])


@pytest.mark.parametrize(
    "optimizer",
    [CurriculumSGD([0.5], [0.5]), CurriculumAdam([0.5], [0.5], [0.5])],
)
def test_sparse_gradients(optimizer):
    table = layers.Embedding(5, 2)
    model = tf.keras.Sequential([layers.Input([3]), table, layers.Flatten()])
    model.compile(optimizer, "mse")
    before = table.get_weights()[0]
    model.fit(np.array([[0, 1, 1]]), np.ones([1, 6]), verbose=0)
    changed = np.any(table.get_weights()[0] != before, axis=1)
    assert changed.tolist() == [True, True, False, False, False]


def _without_weights() -> tf.keras.Model:
    return tf.keras.Sequential(
        [layers.Input(SHAPE), layers.Lambda(lambda x: x[:, 0, :3, 0])]
    )


@pytest.mark.parametrize(
    "make, problem",
    [
        (
            lambda: tf.keras.Sequential([layers.Input([8, 8, 1]), layers.Flatten()]),
            r"takes the teacher's images, \[4, 4, 1\].*takes \[8, 8, 1\]",
        ),
        (
            lambda: tf.keras.Sequential([layers.Flatten(), layers.Dense(10)]),
            r"expected outputs \[batch, 3\].*received \(5, 10\)",
        ),
        (
            lambda: tf.keras.Sequential([layers.Dense(CLASSES)]),
            r"expected outputs \[batch, 3\].*received \(5, 4, 4, 3\)",
        ),
        (_without_weights, "expected weights to train, received none"),
    ],
)
def test_models_that_do_not_fit(make, problem):
    model = make()
    before = model.get_weights() if model.built else []
    with pytest.raises(TeacherError, match=problem) as caught:
        teach(model, make_teacher(), verbose=0)
    assert "\n" not in str(caught.value)
    if before:
        for a, b in zip(model.get_weights(), before):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "make, step, size, problem",
    [
        (with_batch_norm, 1, 1e30, "the loss became nan at step 3 of the curriculum"),
        (sequential, STEPS - 1, 1e20, "is not finite after the last step"),
    ],
)
def test_not_a_number_leaves_the_weights(make, step, size, problem):
    teacher, model = make_teacher(), make()
    before = model.get_weights()
    images, rates = teacher.images.copy(), teacher.learning_rates.copy()
    images[step] *= size
    rates[step] = 3e38
    hyperparameters = {**teacher.hyperparameters, "learning_rates": rates}
    teacher = make_teacher(images=images, hyperparameters=hyperparameters)
    bare = teacher.optimizer(clipnorm=None)
    with pytest.raises(NonFiniteError, match=problem):
        teach(model, teacher, optimizer=bare, verbose=0)
    for a, b in zip(model.get_weights(), before):
        np.testing.assert_array_equal(a, b)


def test_an_interruption_leaves_the_weights():
    def interrupt(batch, logs):
        raise KeyboardInterrupt

    model = sequential()
    before = model.get_weights()
    callback = tf.keras.callbacks.LambdaCallback(on_batch_end=interrupt)
    with pytest.raises(KeyboardInterrupt):
        teach(model, make_teacher(), callbacks=[callback], verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


def test_normalise_and_generate():
    teacher = make_teacher()
    pixels = np.full([2, *SHAPE], 0.75)
    np.testing.assert_allclose(teacher.normalise(pixels), 1.0)
    with pytest.raises(TeacherError, match=r"expected images \[4, 4, 1\]"):
        teacher.normalise(np.zeros([2, 5, 5, 1]))
    unknown = make_teacher(description={"normalization": None})
    with pytest.raises(TeacherError, match="does not say how images were normalised"):
        unknown.normalise(pixels)
    with pytest.raises(TeacherError, match="new images need a SavedModel"):
        teacher.generate([0])


def test_pixels_are_scaled_by_their_type():
    teacher = make_teacher()
    unit = np.random.default_rng(0).uniform(size=[2, *SHAPE])
    expected = (unit - 0.5) / 0.25
    for kind, atol in ((np.uint8, 2e-2), (np.uint16, 1e-4)):
        pixels = np.round(unit * np.iinfo(kind).max).astype(kind)
        np.testing.assert_allclose(teacher.normalise(pixels), expected, atol=atol)
        np.testing.assert_array_equal(
            teacher.normalise(tf.constant(pixels)), teacher.normalise(pixels)
        )
    np.testing.assert_allclose(teacher.normalise(unit), expected, atol=1e-6)
    np.testing.assert_allclose(teacher.normalise(unit[..., 0]), expected, atol=1e-6)
    assert teacher.normalise(unit > 0.5).dtype == np.float32


@pytest.mark.parametrize(
    "pixels, message",
    [
        (np.full([1, *SHAPE], 200.0), "floats from 0 to 1.*received 200.0 to 200.0"),
        (np.full([1, *SHAPE], -1.7), "received -1.7 to -1.7"),  # normalised already
        (np.full([1, *SHAPE], np.nan), "received nan to nan"),
        (np.zeros([1, *SHAPE], np.int64), "received int64.*cast to uint8"),
    ],
)
def test_pixels_of_another_scale_are_refused(pixels, message):
    for given in (pixels, tf.constant(pixels)):
        with pytest.raises(TeacherError, match=message):
            make_teacher().normalise(given)


def test_pixels_are_normalised_within_a_dataset():
    teacher = make_teacher()
    pixels = np.arange(32, dtype=np.uint8).reshape([2, 4, 4])
    data = tf.data.Dataset.from_tensor_slices(pixels).map(teacher.normalise)
    found = np.stack(list(data.as_numpy_iterator()))
    np.testing.assert_array_equal(found, teacher.normalise(pixels))
    assert data.element_spec.shape == SHAPE
    wrong = tf.data.Dataset.from_tensors(pixels.astype(np.float32))
    with pytest.raises(tf.errors.InvalidArgumentError, match="floats from 0 to 1"):
        list(wrong.map(teacher.normalise))


@pytest.mark.parametrize("labels", ["integers", "column", "one_hot", "soft"])
@pytest.mark.parametrize("loss", [None, "dense"])
def test_a_model_is_validated_on_labels_of_any_form(labels, loss):
    teacher = make_teacher()
    model = sequential()
    y = np.arange(9) % CLASSES
    one_hot = np.eye(CLASSES, dtype=np.float32)[y]
    forms = {"column": y[:, None], "one_hot": one_hot, "soft": one_hot * 0.8 + 0.05}
    if loss:
        loss = tf.keras.losses.CategoricalCrossentropy(True, label_smoothing=0.1)
    x = np.random.default_rng(3).normal(size=[9, *SHAPE]).astype(np.float32)
    validation = x, forms.get(labels, y)
    history = teach(model, teacher, loss, validation_data=validation, verbose=0)
    right = np.mean(model.predict(x, verbose=0).argmax(-1) == y)
    assert history.history["val_accuracy"] == pytest.approx([right])


def test_label_smoothing_is_that_of_one_hot_lessons():
    teacher, model = make_teacher(), sequential()
    other = tf.keras.models.clone_model(model)
    other.set_weights(model.get_weights())
    loss = tf.keras.losses.CategoricalCrossentropy(True, label_smoothing=0.2)
    teach(model, teacher, loss, verbose=0)
    other.compile(teacher.optimizer(), loss)
    lessons = teacher.as_dataset().map(lambda x, y: (x, tf.one_hot(y, CLASSES)))
    other.fit(lessons, verbose=0)
    for a, b in zip(model.get_weights(), other.get_weights()):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_optimizers_and_callbacks_of_every_kind():
    teacher, ended = make_teacher(), []
    note = tf.keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: ended.append(1))
    for callbacks in (None, note, [note], tf.keras.callbacks.CallbackList([note])):
        adam = tf.keras.optimizers.legacy.Adam(0.01)
        teach(sequential(), teacher, optimizer=adam, callbacks=callbacks, verbose=0)
    assert len(ended) == 3


def test_a_model_in_mixed_precision_is_taught():
    with precision("mixed_bfloat16"):
        model = with_batch_norm()
    history = teach(model, make_teacher(), epochs=2, verbose=0)
    assert history.history["loss"][1] < history.history["loss"][0]


def test_a_teachers_name_is_a_teacher():
    model = gtn_tf.learners.named_learner("mlp", (8, 8), 10)
    history = teach(model, "digits", verbose=0)
    assert history.history["accuracy"][0] > 0.3
    with pytest.raises(TeacherError, match="did you mean digits"):
        teach(model, "digit")


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_teachers(name):
    """Their cards hold what they measured, and their descriptions what others need."""
    teacher = gtn_tf.load_teacher(name)
    about = teacher.description
    assert about["dataset"] == name and len(about["class_names"]) == 10
    assert len(about["normalization"]["mean"]) == about["image_shape"][2]
    assert set(about["accuracy"]) >= {"mean", "std", "learners"}
    folder = Path(teacher.source).parent
    found = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert found["learners"] == 10
    card = (folder / "README.md").read_text(encoding="utf-8")
    for kind in ("conv", "mlp", "resnet"):
        for source in ("teacher", "real", "real_tuned"):
            result = found["results"][kind][source]
            assert f"{result['mean']:.2%} ± {result['std']:.2%}" in card
    assert found["command"] in card and "## Where it fails" in card


def test_bundled_teachers_are_small():
    folder = Path(gtn_tf.__file__).parent / "bundled"
    sizes = [file.stat().st_size for file in folder.rglob("*") if file.is_file()]
    assert 0 < sum(sizes) <= 3_000_000


def test_a_bundled_teacher_teaches_real_digits():
    """Within four standard deviations of its card."""
    teacher, splits = gtn_tf.load_teacher("digits"), gtn_tf.data.load("digits")
    card = json.loads((Path(teacher.source).parent / "results.json").read_text())
    promised = card["results"]["conv"]["teacher"]
    tf.keras.utils.set_random_seed(0)
    model = gtn_tf.learners.named_learner("conv", splits.image_shape, 10)
    history = teach(model, teacher, validation_data=splits.test, verbose=0)
    reached = history.history["val_accuracy"][-1]
    assert reached > promised["mean"] - 4 * promised["std"] > 0.6
