"""Shared weights trained on a pool that NAO renews (NAONet-WS)."""

from __future__ import annotations

import csv
import itertools
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from conftest import kill_when_written
from gtn_tf import runs
from gtn_tf.cells import read_genotypes
from gtn_tf.cli.__main__ import main
from gtn_tf.config import ConfigError, SupernetConfig, load_config
from gtn_tf.runs import architecture_pool
from gtn_tf.runs.architecture_pool import ArchitecturePool
from gtn_tf.search import NASBench201Space, RandomProposer
from gtn_tf.supernet import SharedScore, load_shared

TINY = [
    *("data.name=digits", "data.image_size=0", "data.augment=[]"),
    *("space.cells=0", "space.filters=2", "training.steps=9"),
    *("training.steps_per_epoch=3", "training.batch_size=32", "training.tested=2"),
    *("training.tested_images=50", "supernet.architectures=pool"),
    *("supernet.pool_size=6", "supernet.renewed=2", "supernet.renew_every=1"),
    "supernet.predictor_steps=3",
]
RENEWALS = [3, 6]  # after these steps; after the ninth there is nothing to train


def config(*more: str) -> SupernetConfig:
    return load_config("supernet_nas_bench_201", [*TINY, *more], SupernetConfig)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        found = list(csv.DictReader(file))
    return [{k: v for k, v in row.items() if k != "seconds"} for row in found]


# The pool itself, with scores that are no network's


def score(weights: tf.Variable, code: tf.Tensor) -> SharedScore:
    """Planted: the weights tell how much each operation loses."""
    loss = float(tf.reduce_sum(tf.gather(weights, code)))
    return SharedScore(loss, 0.5)


LOSSES = tf.Variable([0.0, 1.0, 0.3, 0.2, 0.7])  # of the five operations


@pytest.fixture
def make(monkeypatch):
    """Makes a pool; new architectures are random ones, which takes no training."""
    monkeypatch.setattr(
        architecture_pool, "NAOProposer", lambda *size, steps: RandomProposer()
    )
    space = NASBench201Space((8, 8, 1), 10, cells=0, filters=2)

    def of(*more: str, said: list[str] | None = None) -> ArchitecturePool:
        report = (said if said is not None else []).append
        return ArchitecturePool(space, config(*more), score, report)

    return of


def codes_of(pool: ArchitecturePool) -> list[tuple[int, ...]]:
    return [tuple(code.numpy().tolist()) for code in pool._codes()]


def take(pool: ArchitecturePool, start: int, count: int) -> list[tuple[int, ...]]:
    codes = itertools.islice(pool.drawn(LOSSES, start), count)
    return [tuple(code.numpy().tolist()) for code in codes]


def test_draws_are_of_the_pool_alone_and_uniform(make) -> None:
    never = "supernet.renew_every=1000000", "training.steps=3000003"
    pool = make(*never)
    found, known = take(pool, 0, 600), codes_of(pool)
    assert {*found} == {*known} and len({*known}) == 6
    for code in known:
        assert found.count(code) / 600 == pytest.approx(1 / 6, abs=0.06)
    assert take(pool, 590, 10) == found[590:]
    assert take(make("seed=1", *never), 0, 9) != found[:9]


def test_a_renewal_keeps_the_best_and_drops_the_worst(make) -> None:
    said: list[str] = []
    pool = make(said=said)
    pools = [codes_of(pool)]
    for step, code in enumerate(itertools.islice(pool.drawn(LOSSES), 9)):
        if step in RENEWALS:
            pools.append(codes_of(pool))
        assert tuple(code.numpy().tolist()) in pools[-1]
        assert codes_of(pool) == pools[-1]
    assert len(said) == len(RENEWALS)
    for before, after in zip(pools, pools[1:]):
        losses = {one: score(LOSSES, tf.constant(one)).loss for one in before}
        best = sorted(before, key=losses.__getitem__)[:4]
        assert sorted(after[:4]) == sorted(best)
        assert losses[after[0]] == min(losses.values())
        assert not {*after[4:]} & {*before} and len({*after}) == 6
    ranked = pool.ranked(LOSSES)
    found = [one.score.loss for one in ranked]
    assert found == sorted(found) and len(found) == 6
    network = NASBench201Space((8, 8, 1), 10, cells=0, filters=2).supernetwork
    for genotype, known in ranked:
        assert score(LOSSES, network.encode(genotype)) == known


def test_a_resumed_pool_goes_on_from_its_tokens(make) -> None:
    whole, resumed = make(), make()
    expected = take(whole, 0, 3)
    resumed.tokens.assign(whole.tokens)  # as a checkpoint after step 3 has them
    expected += take(whole, 3, 6)
    assert take(resumed, 3, 6) == expected[3:]
    np.testing.assert_array_equal(resumed.tokens, whole.tokens)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["supernet.renewed=6"],
            "supernet.renewed: expected less than supernet.pool_s",
        ),
        (
            ["supernet.pool_size=1"],
            "supernet.pool_size: expected an integer from 2 to ",
        ),
        (
            ["supernet.architectures=pol"],
            "expected one of uniform, pool, received 'pol'",
        ),
        (
            ["supernet.renew_every=3"],
            "supernet.renew_every: expected less than the 3 epochs that",
        ),
        (
            ["supernet.architectures=uniform"],
            "expected its default, 100, beside supernet.architectures=uniform",
        ),
    ],
)
def test_refused_settings(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(*overrides)
    assert message in str(caught.value) and "\n" not in str(caught.value)


# The job, with NAO's networks


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "whole"
    said: list[str] = []
    summary = runs.train_supernet(config(), path, report=said.append)
    return path, summary, said


def test_a_training_leaves_the_pool_and_its_best(finished) -> None:
    path, summary, said = finished
    assert sum(line.startswith("pool before step") for line in said) == 2
    pool = [one.genotype for one in read_genotypes(path / "pool.txt")]
    assert len({*pool}) == 6
    losses = [
        float(line.partition("# loss ")[2].partition(",")[0])
        for line in (path / "pool.txt").read_text().splitlines()
    ]
    assert losses == sorted(losses)
    (best,) = read_genotypes(path / "genotype.txt")
    assert best.genotype == pool[0] and best.name == "nao_pool_0"
    assert summary["genotype"] == str(pool[0])
    assert summary == json.loads((path / "summary.json").read_text())
    assert summary["genotype"] in said[-1]
    card = (path / "README.md").read_text()
    assert "a pool of 6 were trained; the worst\n2 were" in card
    assert summary["genotype"] in card and "Li & Talwalkar" not in card


def test_rank_and_train_final_take_what_it_leaves(finished, tmp_path) -> None:
    path, summary, _ = finished
    out = tmp_path / "ranked.csv"
    words = ["rank", "--scorer", "params", "--data", "digits", "--filters", "2"]
    words += ["--genotypes", str(path / "pool.txt"), "--out", str(out)]
    assert main(words) == 0
    ranked = {row["genotype"] for row in rows(out)}
    assert len(ranked) == 6 and summary["genotype"] in ranked
    words = ["train-final", "--config", "final_digits", "--print-config"]
    assert main([*words, "--genotype", str(path / "genotype.txt")]) == 0


@pytest.mark.slow
@pytest.mark.parametrize("line", ["epoch 1", "pool before step 7"])
def test_interrupted_and_resumed_it_ends_the_same(line, finished, tmp_path) -> None:
    whole, summary, _ = finished

    def interrupt(said: str) -> None:
        if said.startswith(line):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs.train_supernet(config(), tmp_path / "run", report=interrupt)
    resume(tmp_path / "run", whole, summary)


@pytest.mark.slow
def test_kill_9_and_resume_give_the_same_pool(finished, tmp_path) -> None:
    whole, summary, _ = finished
    path = tmp_path / "killed"
    command = [sys.executable, "-m", "gtn_tf.cli", "train-supernet", "--run-dir"]
    kill_when_written(
        [*command, path, *TINY], path / "checkpoints" / "epoch-00001.index"
    )
    assert not (path / "summary.json").exists()
    resume(path, whole, summary)
    # What is lost of a finished run is made again, without training.
    said: list[str] = []
    for name in ("pool.txt", "genotype.txt", "shared_weights.npz"):
        (path / name).unlink()
        runs.train_supernet(config(), path, resume=True, report=said.append)
        assert (path / name).read_bytes() == (whole / name).read_bytes()
    assert not any(one.startswith(("tracing", "pool")) for one in said)


def resume(path: Path, whole: Path, summary: dict) -> None:
    said: list[str] = []
    found = runs.train_supernet(config(), path, resume=True, report=said.append)
    assert any(one.startswith("resuming after step") for one in said)
    assert rows(path / "metrics.csv") == rows(whole / "metrics.csv")
    assert found["genotype"] == summary["genotype"]
    assert (path / "pool.txt").read_text() == (whole / "pool.txt").read_text()
    weights = [load_shared(one).weights for one in (path, whole)]
    np.testing.assert_array_equal(*weights)
