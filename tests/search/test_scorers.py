"""What candidates are ranked by, against closed forms."""

from __future__ import annotations

import gc
import math

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework.func_graph import FuncGraph

import gtn_tf
from gtn_tf import Augmentation
from gtn_tf.ghn import GHNFile
from gtn_tf.names import SCORERS
from gtn_tf.precision import precision
from gtn_tf.search import (
    Candidate,
    GTNScorer,
    GTNTuner,
    NAOSpace,
    NASBench201Space,
    RealDataScorer,
    ScoreError,
    Scorer,
    ScoringData,
    SearchError,
    make_scorer,
    score,
)
from gtn_tf.search.scorers import Preparation
from gtn_tf.supernet import SharedFile
from tiny_teacher import SHAPE, make_teacher

layers = tf.keras.layers
IMAGES = np.random.default_rng(0).normal(size=[12, 4, 4, 1]).astype(np.float32)
LABELS = np.arange(12) % 3
DATA = ScoringData((IMAGES, LABELS), (IMAGES, LABELS), batch_size=4)


def dense(*widths: int, activation: str | None = None, use_bias: bool = False):
    def build() -> tf.keras.Model:
        hidden = [layers.Dense(w, activation, use_bias=use_bias) for w in widths[:-1]]
        out = layers.Dense(widths[-1], use_bias=use_bias)
        flatten = [layers.Input([4, 4, 1]), layers.Flatten()]
        return tf.keras.Sequential([*flatten, *hidden, out])

    return build


def test_parameters_and_operations_are_counted() -> None:
    build = dense(5, 3, use_bias=True)
    assert make_scorer("params")(build, DATA, 0) == 16 * 5 + 5 + 5 * 3 + 3
    flops = make_scorer("flops")(build, DATA, 0)
    assert flops == 2 * (16 * 5 + 5 * 3) + 5 + 3  # and the biases


def test_synflow_is_that_of_a_linear_network() -> None:
    kernels = []

    def build() -> tf.keras.Model:
        model = dense(5, 4, 3)()
        kernels[:] = [np.abs(k) for k in model.get_weights()]
        return model

    found = make_scorer("synflow")(build, DATA, 0)
    total = (np.ones(16) @ kernels[0] @ kernels[1] @ kernels[2]).sum()
    # The output is linear in each layer, so each layer's flow is the output.
    assert found == pytest.approx(math.log(3 * total))
    assert tf.keras.backend.floatx() == "float32"


def test_synflow_of_a_deep_network_is_finite() -> None:
    deep = dense(*[64] * 60, 3, activation="relu")
    found = make_scorer("synflow")(deep, DATA, 0)
    assert math.log(np.finfo(np.float32).max) < found < 200


def test_naswot_is_the_determinant_of_agreements() -> None:
    codes = []

    def build() -> tf.keras.Model:
        model = dense(32, 3, activation="relu")()
        codes[:] = [(IMAGES.reshape(12, -1) @ model.get_weights()[0]) > 0]
        return model

    found = make_scorer("naswot")(build, DATA, 0)
    (code,) = codes
    agreements = [[np.sum(a == b) for b in code] for a in code]
    assert found == pytest.approx(np.linalg.slogdet(agreements)[1], rel=1e-6)


def test_naswot_needs_relus_that_it_can_see() -> None:
    with pytest.raises(ScoreError, match="with ReLUs"):
        make_scorer("naswot")(dense(8, 3), DATA, 0)


@pytest.fixture(scope="module")
def digits():
    splits = gtn_tf.data.load("digits")
    train = splits.train_images, splits.train_labels
    validation = splits.validation_images, splits.validation_labels
    return ScoringData(train, validation, 64)


def mlp() -> tf.keras.Model:
    return tf.keras.Sequential(
        [
            layers.Input([8, 8, 1]),
            layers.Flatten(),
            layers.Dense(32, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dense(10),
        ]
    )


def test_the_teacher_scores_what_it_has_taught(digits) -> None:
    teacher = gtn_tf.load_teacher("digits")
    scorers = [GTNScorer(teacher, steps=teacher.steps), RealDataScorer(steps=12)]
    found = score(mlp, scorers, digits, seed=1)
    assert found["gtn_score"] > 0.8
    assert found["real_score"] > 0.6
    # A scorer's result does not depend on the others.
    assert score(mlp, scorers[:1], digits, seed=1)["gtn_score"] == found["gtn_score"]
    assert score(mlp, scorers[:1], digits, seed=2)["gtn_score"] != found["gtn_score"]


def test_training_speed_comes_with_the_accuracy(digits) -> None:
    teacher, built = gtn_tf.load_teacher("digits"), []

    def build() -> tf.keras.Model:
        built.append(mlp())
        return built[-1]

    names = ("gtn", "gtn_tse", "real_tse")
    scorers = [make_scorer(name, teacher, steps=6) for name in names]
    assert [one.name for one in scorers] == ["gtn_score", "gtn_tse", "real_tse"]
    found = score(build, scorers, digits, seed=0)
    assert len(built) == 2  # one training gives both scores
    assert set(found) == {"gtn_score", "gtn_tse", "real_score", "real_tse"}
    tf.keras.utils.set_random_seed(0)
    model = mlp()
    history = gtn_tf.teach(model, teacher.repeated(6), verbose=0)
    assert found["gtn_tse"] == pytest.approx(-history.history["loss"][0], rel=1e-5)


def test_datasets_are_taken_as_arrays_are(digits) -> None:
    def batches(pair) -> tf.data.Dataset:
        return tf.data.Dataset.from_tensor_slices(pair).batch(64)

    data = ScoringData(batches(digits.train), batches(digits.validation))
    validation = next(iter(data.validation_batches(70)))
    np.testing.assert_array_equal(validation[0], digits.validation[0][:70])
    assert data.some_images(3).shape == (3, 8, 8, 1)
    assert next(iter(data.train_batches(0)))[0].shape == (64, 8, 8, 1)


def test_real_data_stops_when_its_time_is_over(digits) -> None:
    steps = []

    def build() -> tf.keras.Model:
        model = mlp()
        steps.append(model)
        return model

    RealDataScorer(steps=100_000, seconds=0.2)(build, digits, 0)
    assert 1 <= steps[0].optimizer.iterations.numpy() < 100_000


def test_repeated_curriculum_has_lower_rates() -> None:
    teacher = gtn_tf.load_teacher("digits")
    longer = teacher.repeated(3 * teacher.steps - 1)
    ratio = (
        longer.learning_rates
        / np.resize(teacher.learning_rates, [3 * teacher.steps])[:-1]
    )
    expected = np.repeat([1, 1 / 2, 1 / 3], teacher.steps)[:-1]
    np.testing.assert_allclose(ratio, expected, rtol=1e-6)
    np.testing.assert_array_equal(longer.images[teacher.steps], teacher.images[0])
    assert longer.steps == len(longer.as_dataset())


def test_missing_parts_are_told() -> None:
    with pytest.raises(ValueError, match="'gtn': expected a teacher"):
        make_scorer("gtn")
    with pytest.raises(ValueError, match="one of gtn, gtn_tse, real, real_tse, params"):
        make_scorer("grasp")
    with pytest.raises(ScoreError, match="pass validation_data"):
        GTNScorer(gtn_tf.load_teacher("digits"))(mlp, ScoringData(), 0)


@pytest.mark.slow
def test_a_scored_network_leaves_no_graph_behind(digits) -> None:
    teacher = gtn_tf.load_teacher("digits")
    scorers = [GTNScorer(teacher, 2), RealDataScorer(2)]

    def graphs() -> int:
        tf.keras.backend.clear_session()
        gc.collect()
        return sum(isinstance(one, FuncGraph) for one in gc.get_objects())

    score(mlp, scorers, digits, seed=0)
    before = graphs()
    for seed in range(2):
        score(mlp, scorers, digits, seed)
    assert graphs() <= before


def test_the_factory_makes_every_scorer_of_a_configuration(tmp_path) -> None:
    teacher = gtn_tf.load_teacher("digits")
    network = {"image_shape": [8, 8, 1], "num_classes": 10}
    weights = SharedFile(np.zeros([1], np.float32), network, "digits")
    weights.save(tmp_path / "shared_weights.npz")
    own = {"state": 1, "hidden": 1, "passes": 1}
    GHNFile(weights.weights, network, own, "digits").save(tmp_path / "ghn.npz")
    settings = {"teacher": teacher, "steps": 3, "learners": 2, "images": 50}
    settings["supernet"] = settings["ghn"] = tmp_path
    made = [make_scorer(name, **settings, learning_rate=0.3) for name in SCORERS]
    assert len({one.name for one in made}) == len(SCORERS)
    by_name = {one.name: one for one in made}
    for name in ("gtn_score", "gtn_tse", "real_score", "real_tse"):
        one = by_name[name]
        assert (one.steps, one.learners, one.images) == (3, 2, 50)
        assert (one.teacher is teacher) == name.startswith("gtn")
        assert one.needs_training_data == name.startswith("real")
    assert by_name["real_tse"].learning_rate == 0.3
    assert by_name["supernet"].images == by_name["ghn"].images == 50
    assert by_name["naswot"].images == 64  # of a batch, and not of the validation


class SharedWeights(Scorer):
    """A network of its own judges all candidates, by the genotype: traced once."""

    name = "shared"

    def __init__(self) -> None:
        self._calls: list[str] = []
        self._traces = 0

    def prepare(self, data, seed) -> None:
        self._calls.append(f"prepare {seed}")
        self._network = mlp()

        @tf.function
        def logits(choice):
            self._traces += 1
            return self._network(tf.gather(self._images, [choice]), training=False)

        self._images, self._logits = data.some_images(8), logits

    def close(self) -> None:
        self._calls.append("close")
        del self._network, self._logits, self._images

    def __call__(self, candidate, data, seed) -> float:
        self._calls.append(str(candidate.genotype))
        skips = str(candidate.genotype).count("skip_connect")
        return float(tf.reduce_sum(self._logits(tf.constant(skips))))


def digits_search(folder, digits, scorers, **kwargs) -> GTNTuner:
    space = NASBench201Space((8, 8, 1), 10, cells=0, filters=2)
    tuner = GTNTuner(
        space, scorer=scorers, top_k=0, directory=folder, project_name="s", **kwargs
    )
    tuner.search(*digits.train, validation_data=digits.validation, verbose=0)
    return tuner


def test_a_scorer_of_shared_weights_lives_as_long_as_the_search(tmp_path, digits):
    shared = SharedWeights()
    tuner = digits_search(tmp_path, digits, [shared, "params"], candidates=4, seed=5)
    ranked = tuner.oracle.scored_trials()
    genotypes = [tuner.hypermodel.describe(t.hyperparameters) for t in ranked]
    assert shared._calls == ["prepare 5", *genotypes, "close"]
    assert shared._traces == 1  # whatever cleared the session in between
    # The same score again, in the other order and beside no other scorer.
    space = tuner.hypermodel

    def scores(order: list[str]) -> dict[str, dict[str, float]]:
        with Preparation(seed=1) as preparation:
            preparation.prepare([shared], digits)
            return {
                name: score(space.candidate(space.parse(name)), [shared], digits, 0)
                for name in order
            }

    assert scores(genotypes) == scores(genotypes[::-1])
    shared._calls.clear()
    digits_search(tmp_path, digits, [shared, "params"], candidates=4, seed=5)
    assert not shared._calls  # nothing was left to score


def test_scorers_are_closed_after_a_failure(tmp_path, digits) -> None:
    class Unprepared(SharedWeights):
        name = "unprepared"

        def prepare(self, data, seed) -> None:
            super().prepare(data, seed)
            raise ScoreError("expected a file of weights, received none")

    scorers = [SharedWeights(), Unprepared()]
    with pytest.raises(SearchError, match="scorer unprepared: expected a file"):
        digits_search(tmp_path, digits, scorers, candidates=2)
    assert [one._calls for one in scorers] == [["prepare 0", "close"]] * 2


def test_all_candidates_see_the_same_data(tmp_path, digits) -> None:
    class Keeping(Scorer):
        name = "keeping"

        def __init__(self) -> None:
            self._seen: list[ScoringData] = []

        def __call__(self, candidate, data, seed) -> float:
            self._seen.append(data)
            return float(len(self._seen))

    scorer = Keeping()
    digits_search(tmp_path, digits, [scorer], candidates=3)
    first, *others = scorer._seen
    assert len(others) == 2 and all(one is first for one in others)


def test_any_failure_to_prepare_ends_the_search(tmp_path, digits) -> None:
    class Broken(SharedWeights):
        def prepare(self, data, seed) -> None:
            super().prepare(data, seed)
            raise OSError("no space left on device")

    scorer = Broken()
    with pytest.raises(SearchError, match="shared: OSError: no space left on device"):
        digits_search(tmp_path, digits, [scorer], candidates=2)
    assert scorer._calls == ["prepare 0", "close"]


def test_a_seed_may_be_larger_than_tensorflows(tmp_path, digits) -> None:
    tuner = digits_search(tmp_path, digits, ["params"], candidates=2, seed=2**32)
    assert [t.status for t in tuner.oracle.ranking()] == ["COMPLETED"] * 2


def test_a_candidate_knows_its_genotype_where_there_is_one() -> None:
    space = NASBench201Space((4, 4, 1), 3, cells=0, filters=1, scored_as="evaluation")
    genotype = space.sample(np.random.default_rng(0))
    candidate = space.candidate(genotype)
    assert candidate.genotype == genotype
    kinds = [{type(one).__name__ for one in m.layers} for m in (
        candidate(), space.network(genotype, "evaluation"), space.network(genotype)
    )]  # fmt: skip
    assert kinds[0] == kinds[1] != kinds[2]
    assert Candidate(dense(3)).genotype is None
    with pytest.raises(ScoreError, match="expected a Keras model, received 3"):
        Candidate(lambda: 3)()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        pytest.param("real", "training", marks=pytest.mark.slow),
        ("gtn", "evaluation"),
    ],
)
def test_scores_of_a_supernetwork_are_those_of_keras_models(name, kind):
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(96, 8, 8, 1)), rng.integers(0, 10, 96)
    train = tf.data.Dataset.from_tensor_slices((images, labels)).batch(16, True)
    data = ScoringData(train, (images[:50], labels[:50]))
    with precision("float64"):
        space = NASBench201Space((8, 8, 1), 10, cells=1, filters=2, scored_as=kind)
        network, scorer = space.supernetwork, make_scorer(name, "digits", steps=4)
        for _ in range(3):
            genotype = space.sample(rng)
            code = network.encode(genotype)
            weights = network.fresh_weights(code, tf.constant([3, 0]))
            statistics = network.fresh_statistics(code)
            alone = Candidate(lambda: network.extract(genotype, weights, statistics))  # noqa: B023 (called at once)
            found = scorer.scores(space.candidate(genotype), data, seed=3)
            assert found == pytest.approx(scorer.scores(alone, data, 3), abs=1e-6)
    assert len(scorer._traced) == 1


@pytest.mark.slow
def test_candidates_of_a_space_share_one_trace():
    space = NASBench201Space((8, 8, 1), 10, cells=1, filters=2)
    scorer, rng = make_scorer("gtn", "digits", steps=2), np.random.default_rng(1)
    images, labels = rng.normal(size=(40, 8, 8, 1)), rng.integers(0, 10, 40)
    data = ScoringData(None, (images.astype(np.float32), labels))
    for _ in range(3):
        score(space.candidate(space.sample(rng)), [scorer], data, seed=0)
    (training,) = scorer._traced.values()
    assert training._traced_train.experimental_get_tracing_count() == 1
    scorer.close()
    assert not scorer._traced


SMALL_SPACES = {
    "201": lambda **kw: NASBench201Space((8, 8, 1), 10, cells=1, filters=2, **kw),
    "nao": lambda **kw: NAOSpace((8, 8, 1), 10, cells=0, filters=2, ops="small", **kw),
}


@pytest.mark.parametrize(
    ("space", "kind"),
    [
        ("201", "training"),
        pytest.param("201", "evaluation", marks=pytest.mark.slow),
        pytest.param("nao", "training", marks=pytest.mark.slow),
    ],
)
def test_zero_cost_scores_of_a_supernetwork_are_those_of_keras_models(space, kind):
    rng = np.random.default_rng(0)
    data = ScoringData(None, (rng.normal(size=(20, 8, 8)), np.arange(20) % 10))
    made = SMALL_SPACES[space](scored_as=kind)
    scorers = [make_scorer(name) for name in ("naswot", "synflow")]
    with precision("float64"):
        network = made.supernetwork
        for _ in range(3):
            genotype = made.sample(rng)
            code = network.encode(genotype)
            weights = network.fresh_weights(code, tf.constant([3, 0]))
            statistics = network.fresh_statistics(code)
            # Of its own for each scorer: naswot changes statistics, synflow weights.
            alone = Candidate(lambda: network.extract(genotype, weights, statistics))  # noqa: B023 (called at once)
            for scorer in scorers:
                found = scorer(made.candidate(genotype), data, seed=3)
                assert found == pytest.approx(scorer(alone, data, 3), rel=1e-9)
    for scorer in scorers:
        (traced,) = scorer._traced.values()
        assert traced.experimental_get_tracing_count() == 1


def test_synflow_has_a_supernetwork_in_double_precision_whatever_keras_has(digits):
    space = NASBench201Space((8, 8, 1), 10, cells=0, filters=2)
    candidate = space.candidate(space.sample(np.random.default_rng(0)))
    scorers = [make_scorer(name) for name in ("synflow", "naswot")]
    assert not any(one.builds(candidate, digits) for one in scorers)
    found, again, other = (score(candidate, scorers, digits, s) for s in (0, 0, 1))
    assert found == again and found["synflow"] != other["synflow"]
    single = space.supernetwork
    for scorer in scorers:
        assert [*scorer._traced] == [id(single)]
    with precision("float64"):
        assert scorers[0](candidate, digits, 0) == found["synflow"]
        assert space.supernetwork is not single
    for scorer in scorers:
        scorer.close()
        assert not scorer._traced


def test_synflow_leaves_keras_precision_alone_once_it_is_traced(digits, monkeypatch):
    """Other scorers may run beside it."""
    space = NASBench201Space((8, 8, 1), 10, cells=0, filters=2)
    candidate = space.candidate(space.sample(np.random.default_rng(0)))
    synflow = make_scorer("synflow")
    first = synflow(candidate, digits, 0)
    monkeypatch.delattr(tf.keras.backend, "set_floatx")
    assert synflow(candidate, digits, 0) == first


def test_an_order_of_training_data_does_not_depend_on_when_it_is_read():
    """A real-data scorer draws twice: to train, and then for the batch norms."""
    drawn = DATA.train_batches(seed=0).take(5)
    first, second = (
        np.stack([images for images, _ in drawn.as_numpy_iterator()]) for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)
    other = next(iter(DATA.train_batches(seed=1)))[0]
    assert not np.array_equal(first[0], other)


def test_augmented_lessons_are_drawn_for_each_score_and_not_kept():
    for shifted, kept in ((2, False), (0, True)):
        augmentation = Augmentation(shift=shifted).get_config()
        teacher = make_teacher(description={"augmentation": augmentation})
        scorer = GTNScorer(teacher, steps=2)
        one, other = (scorer.batches(DATA, seed, SHAPE)[0].images for seed in (0, 1))
        assert np.array_equal(one, other) == kept
        assert (scorer._stacked is not None) == kept


def test_a_network_of_a_subclass_is_built_for_its_score(digits):
    class Deeper(NASBench201Space):
        def network(self, genotype, kind="training"):
            built.append(genotype)
            return super().network(genotype, kind)

    built = []
    space = Deeper((8, 8, 1), 10, cells=0, filters=2)
    genotype = space.sample(np.random.default_rng(0))
    for name in ("synflow", "naswot"):
        assert math.isfinite(make_scorer(name)(space.candidate(genotype), digits, 0))
    assert built == [genotype] * 2


@pytest.mark.slow
@pytest.mark.parametrize("why", ["seconds", "batches of other sizes"])
def test_what_no_supernetwork_can_do_is_seeded_and_freed_as_ever(why):
    images = np.random.default_rng(1).normal(size=(10, 8, 8, 1)).astype(np.float32)
    train = images, np.arange(10)
    if why != "seconds":
        train = tf.data.Dataset.from_tensor_slices(train).batch(4)
    data = ScoringData(train, (images, np.arange(10)), batch_size=4)
    scorer = RealDataScorer(steps=3, seconds=100 if why == "seconds" else None)
    space = NASBench201Space((8, 8, 1), 10, cells=1, filters=2)
    candidate = space.candidate(space.sample(np.random.default_rng(0)))
    assert scorer.builds(candidate, data)
    one, again, other = (score(candidate, [scorer], data, seed) for seed in (0, 0, 1))
    assert one == again and one["real_tse"] != other["real_tse"]
    assert not scorer._traced
