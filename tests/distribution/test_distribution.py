"""TF_CONFIG, the strategy, and what each replica of a training does."""

from __future__ import annotations

import json

import pytest
import tensorflow as tf

from gtn_tf.cli.__main__ import main
from gtn_tf.config import ConfigError
from gtn_tf.distribution import (
    Cluster,
    a_batch_each,
    choose_strategy,
    expect_same,
    learners_of_each,
    read_tf_config,
    together,
)
from gtn_tf.distribution import workers as module
from gtn_tf.evaluation import split_for_learners
from gtn_tf.run_files import RunError

TWO = ["10.0.0.1:2222", "10.0.0.2:2222"]
TASK = {"type": "worker", "index": 1}


def test_no_cluster(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert read_tf_config() is None
    for text in ("", " ", "{}", '{"cluster": {}, "task": {}}'):
        monkeypatch.setenv("TF_CONFIG", text)
        assert read_tf_config() is None


def test_the_chief_comes_first(monkeypatch):
    cluster = {"worker": TWO, "chief": ["[::1]:2221"]}
    config = {"cluster": cluster, "task": TASK, "environment": "cloud"}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    assert read_tf_config() == Cluster(("[::1]:2221", *TWO), number=2)


@pytest.mark.parametrize(
    "config, problem",
    [
        ("{", "expected JSON, received '{'"),
        ("[" * 10**5, "expected JSON, received"),
        ("[1]", "a JSON object, received '[1]'"),
        ({"cluster": {"worker": TWO}}, "a task such as"),
        ({"cluster": {"worker": TWO}, "task": {"type": "worker"}}, "a task such as"),
        (
            {"cluster": {"worker": TWO, "ps": TWO}, "task": TASK},
            "chief and worker, rec",
        ),
        ({"cluster": TWO, "task": TASK}, "a cluster of chief and worker"),
        ({"cluster": {"worker": "a:1"}, "task": TASK}, "worker: a list of host:port"),
        ({"cluster": {"worker": ["a"]}, "task": TASK}, "worker: a list of host:port"),
        ({"cluster": {"worker": ["a:0"]}, "task": TASK}, "a list of host:port"),
        ({"cluster": {"worker": [3]}, "task": TASK}, "a list of host:port"),
        ({"cluster": {"worker": TWO[:1]}, "task": TASK}, "cluster, received worker 1"),
        ({"cluster": {"chief": TWO[:1]}, "task": TASK}, "cluster, received worker 1"),
        ({"cluster": {"chief": TWO}, "task": TASK}, "one chief at most"),
        ({"cluster": {"worker": TWO[:1] * 2}, "task": TASK}, "an address of its own"),
        (
            {"cluster": {"worker": TWO}, "task": {"type": "worker", "index": True}},
            "a task such as",
        ),
    ],
)
def test_a_broken_tf_config_is_told_in_one_line(
    monkeypatch, tmp_path, capsys, config, problem
):
    text = config if isinstance(config, str) else json.dumps(config)
    monkeypatch.setenv("TF_CONFIG", text)
    assert main(["train", "--run-dir", str(tmp_path / "run")]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: TF_CONFIG: expected") and problem in line
    assert len(line) < 500 and not (tmp_path / "run").exists()


def test_what_tf_config_and_the_setting_say(monkeypatch, two_replicas):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(ConfigError, match="meta.distribute: expected TF_CONFIG in"):
        choose_strategy("multi_worker_mirrored")
    alone = choose_strategy("auto")
    assert alone is tf.distribute.get_strategy()
    monkeypatch.setenv("TF_CONFIG", "broken")
    assert choose_strategy("none") is alone
    monkeypatch.setattr(tf.distribute, "MirroredStrategy", lambda: two_replicas)
    assert choose_strategy("mirrored") is two_replicas


def test_learners_are_shared_equally():
    assert [learners_of_each(4, count) for count in (1, 2, 4)] == [4, 2, 1]
    for learners, replicas in ((1, 2), (5, 3)):
        with pytest.raises(ConfigError, match="a multiple of .*replicas") as error:
            learners_of_each(learners, replicas)
        assert error.value.key == "meta.learners_per_iteration"


def test_each_replica_gets_the_whole_batch(two_replicas):
    rows = tf.data.Dataset.from_tensor_slices((tf.range(6), tf.range(6) * 10))
    batches = a_batch_each(rows.batch(3), replicas=2)
    for number, batch in enumerate(
        two_replicas.experimental_distribute_dataset(batches)
    ):
        expected = [3 * number, 3 * number + 1, 3 * number + 2]
        for one, factor in zip(batch, (1, 10)):
            for of_replica in two_replicas.experimental_local_results(one):
                assert of_replica.numpy().tolist() == [factor * x for x in expected]


def test_replicas_share_the_learners_of_a_test(two_replicas):
    """Those of one process, in its order: a learner for each replica and batch."""

    def shares(count, **kwargs):
        data = tf.range(count).numpy(), tf.range(count).numpy()
        batches = split_for_learners(*data, **kwargs)
        for images, _ in two_replicas.experimental_distribute_dataset(batches):
            of_replicas = two_replicas.experimental_local_results(images)
            yield [one.numpy().tolist() for one in of_replicas]

    first, second = shares(16, replicas=2)
    assert first == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert second == [[8, 9, 10, 11], [12, 13, 14, 15]]
    odd = [image for step in shares(13, replicas=2) for one in step for image in one]
    assert odd == list(range(13))  # each is tested once
    assert len(list(shares(18, learners=5, replicas=2))) == 3  # of six learners


def test_another_configuration_is_refused(monkeypatch):
    strategy, chiefs = tf.distribute.get_strategy(), []
    expect_same(strategy, "seed: 1")

    def number_from_chief(strategy, number):
        chiefs.append(number)
        return chiefs[0]

    monkeypatch.setattr(module, "number_from_chief", number_from_chief)
    expect_same(strategy, "seed: 1")
    expect_same(strategy, "seed: 1")
    with pytest.raises(RunError, match="the chief's configuration in every worker"):
        expect_same(strategy, "seed: 2")


def test_an_error_of_the_only_process_stays_what_it_is():
    with pytest.raises(tf.errors.UnavailableError):
        with together(tf.distribute.get_strategy()):
            raise tf.errors.UnavailableError(None, None, "of something else")
