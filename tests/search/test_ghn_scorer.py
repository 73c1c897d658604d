"""The scorer `ghn`: repeatable, in any order, and strict about what it is for."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from gtn_tf.ghn import GHN, GHNFile
from gtn_tf.runs.score_table import add_scores
from gtn_tf.search import (
    GHNScorer,
    NASBench201Space,
    ScoreError,
    ScoringData,
    make_scorer,
    score,
)
from gtn_tf.search.identity import settings_of
from gtn_tf.search.scorers import Preparation
from gtn_tf.supernet import SharedScores

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=[40, 6, 6]).astype(np.float32)
LABELS = np.arange(40) % 3
DATA = ScoringData(None, (IMAGES, LABELS))


@pytest.fixture(scope="module")
def space():
    return NASBench201Space((6, 6, 1), 3, cells=1, filters=2)


@pytest.fixture(scope="module")
def file(space):
    ghn = GHN(space.supernetwork, state=4, hidden=4)
    weights = ghn.fresh(tf.constant([0, 1])).numpy()
    return GHNFile(weights, space.supernetwork.settings, ghn.settings, "noise")


@pytest.mark.slow
def test_scores_are_the_same_in_any_order_and_traced_once(
    space, file, tmp_path
) -> None:
    file.save(tmp_path / "ghn.npz")
    scorer = make_scorer("ghn", ghn=tmp_path, images=30)
    genotypes = [space.sample(RNG) for _ in range(5)]

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
    assert len({one["ghn"] for one in found.values()}) == 5
    for one in found.values():
        assert one.keys() == {"ghn", "ghn_accuracy"}
        assert one["ghn"] < 0 <= one["ghn_accuracy"] <= 1


@pytest.mark.slow
def test_scores_side_by_side_are_those_of_one_at_a_time(
    file, space, tmp_path, monkeypatch
) -> None:
    traced, trace = [], SharedScores._sums
    monkeypatch.setattr(
        SharedScores, "_sums", lambda *given: traced.append(1) or trace(*given)
    )
    file.save(tmp_path / "ghn.npz")
    genotypes = [*{str(g): g for g in (space.sample(RNG) for _ in range(8))}.values()]
    tables = []
    for workers in (1, 3):
        rows: dict = {}
        scorer = make_scorer("ghn", ghn=tmp_path)
        given = genotypes, space, [scorer], DATA, tmp_path / f"{workers}.csv"
        add_scores(rows, *given, lambda: None, report=str, workers=workers)
        tables.append([(row["ghn"], row["ghn_accuracy"]) for row in rows.values()])
        assert len(traced) == len(tables)  # once for all candidates
    assert tables[0] == tables[1] and len(tables[0]) == len(genotypes)
    assert np.isfinite(tables).all()


def test_what_does_not_fit_is_told(space, file, tmp_path) -> None:
    file.save(tmp_path / "ghn.npz")
    scorer = GHNScorer(tmp_path)
    assert settings_of(scorer)["weights"] == f'"{file.digest}"'
    wider = NASBench201Space((6, 6, 1), 3, cells=1, filters=4)
    with pytest.raises(ScoreError, match="expected candidates with filters 2"):
        scorer(wider.candidate(wider.sample(RNG)), DATA, 0)
    with pytest.raises(ValueError, match="expected a run directory of train-ghn"):
        make_scorer("ghn")
    file._replace(settings={**file.settings, "state": 5}).save(tmp_path / "ghn.npz")
    with pytest.raises(ScoreError, match="expected [0-9]+ weights of the hypernetwork"):
        GHNScorer(tmp_path)(space.candidate(space.sample(RNG)), DATA, 0)
