"""The scorer `supernet`: repeatable, in any order, and strict about what it is for."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from gtn_tf.errors import GTNError
from gtn_tf.search import (
    Candidate,
    GTNTuner,
    NAOSpace,
    NASBench201Space,
    ScoreError,
    ScoringData,
    SearchError,
    SupernetScorer,
    make_scorer,
    score,
)
from gtn_tf.search.scorers import Preparation
from gtn_tf.supernet import SharedFile, SharedWeights

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=[40, 6, 6]).astype(np.float32)
LABELS = np.arange(40) % 3
DATA = ScoringData(None, (IMAGES, LABELS))


def make(cells: int = 1, filters: int = 2, **kwargs) -> NASBench201Space:
    return NASBench201Space((6, 6, 1), 3, cells=cells, filters=filters, **kwargs)


@pytest.fixture(scope="module")
def space():
    return make()


@pytest.fixture(scope="module")
def folder(space, tmp_path_factory):
    path = tmp_path_factory.mktemp("run")
    weights = SharedWeights(space.supernetwork).fresh(tf.constant([0, 1]))
    file = SharedFile(weights.numpy(), space.supernetwork.settings, "noise")
    file.save(path / "shared_weights.npz")
    return path


@pytest.fixture(scope="module")
def scorer(folder):
    return make_scorer("supernet", supernet=folder, images=30)


def test_scores_are_the_same_in_any_order_and_traced_once(space, scorer) -> None:
    genotypes = [space.sample(RNG) for _ in range(6)]

    def scores(order) -> dict[str, dict[str, float]]:
        with Preparation(0) as preparation:
            preparation.prepare([scorer], DATA)
            found = {
                str(g): score(space.candidate(g), [scorer], DATA, seed)
                for seed, g in enumerate(order)
            }
            (traced,) = scorer._traced.values()
            assert traced._traced.experimental_get_tracing_count() == 1
        return found

    found = scores(genotypes)
    assert found == scores(genotypes[::-1])
    assert len({one["supernet"] for one in found.values()}) == 6
    for one in found.values():
        assert one["supernet"] < 0 <= one["supernet_accuracy"] <= 1
        accuracy = one["supernet_accuracy"] * 30
        assert accuracy == pytest.approx(round(accuracy))
    assert not scorer._traced and scorer._validation is None  # closed


def test_what_does_not_fit_is_told(space, scorer, folder, tmp_path) -> None:
    wider, other = make(filters=4), NAOSpace((6, 6, 1), 3, cells=0, filters=2)
    for wrong, words in (
        (wider, "expected candidates with filters 2, as it was trained with, received "
        "filters 4"),
        (make(cells=0), "cells 1, .* cells 0"),
        (make(scored_as="evaluation"), "kind training, .* kind evaluation"),
        (other, "space nas_bench_201, .* received space nao"),
    ):  # fmt: skip
        with pytest.raises(ScoreError, match=words):
            scorer(wrong.candidate(wrong.sample(RNG)), DATA, 0)
    with pytest.raises(
        ScoreError, match="in the space nas_bench_201, received another"
    ):
        scorer(Candidate(tf.keras.Sequential), DATA, 0)
    for wrong in (
        ScoringData(None, (IMAGES[:, :5], LABELS)),
        ScoringData(None, (IMAGES, LABELS + 1)),
        ScoringData(),
    ):
        with pytest.raises(GTNError, match="expected"):
            scorer.prepare(wrong, 0)
    with pytest.raises(ValueError, match="expected a run directory of train-supernet"):
        make_scorer("supernet")
    with pytest.raises(ValueError, match="found no such file"):
        SupernetScorer(tmp_path)
    file = SharedFile(np.zeros(7, np.float32), space.supernetwork.settings, "noise")
    file.save(tmp_path / "shared_weights.npz")
    with pytest.raises(ScoreError, match="expected [0-9]+ shared weights, received 7"):
        SupernetScorer(tmp_path)(space.candidate(space.sample(RNG)), DATA, 0)


def test_a_search_knows_its_shared_weights(space, folder, tmp_path) -> None:
    def search(source) -> GTNTuner:
        tuner = GTNTuner(
            space,
            scorer=[SupernetScorer(source), "params"],
            candidates=3,
            top_k=0,
            directory=tmp_path,
            project_name="search",
        )
        tuner.search(IMAGES, LABELS, validation_data=(IMAGES, LABELS), verbose=0)
        return tuner

    search(folder)
    header = (tmp_path / "search" / "results.csv").read_text().splitlines()[0]
    assert "supernet" in header
    moved = tmp_path / "moved"
    moved.mkdir()
    content = (folder / "shared_weights.npz").read_bytes()
    (moved / "shared_weights.npz").write_bytes(content)
    search(moved)  # nothing is different
    weights = np.zeros(SharedWeights(space.supernetwork).size, np.float32)
    other = SharedFile(weights, space.supernetwork.settings, "noise")
    other.save(moved / "shared_weights.npz")
    with pytest.raises(SearchError, match="supernet.weights: .* != "):
        search(moved)
