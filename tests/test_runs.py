"""Run directories, checkpoints and resuming, as a user meets them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import gtn_tf
from gtn_tf.cli.__main__ import main
from gtn_tf.config import Config, load_config
from gtn_tf.runs import RunDirectory, RunError
from gtn_tf.runs.checkpoints import Checkpoints
from gtn_tf.runs.records import Metrics

TINY = [
    *("teacher.steps=2", "teacher.batch_size=10", "meta.intermediate_every=0"),
    *("generator.units=4", "generator.filters=2", "teacher.latent_size=3"),
    *("learners.family=mlp", "learners.units=[8]", "meta.batch_size=16"),
    *("meta.iterations=24", "meta.iterations_per_epoch=4"),
    *("evaluation.learners=2", "evaluation.real_data_iterations=4"),
]


def command(run_dir: Path, *more: str) -> list[str]:
    module = [sys.executable, "-m", "gtn_tf.cli", "train"]
    return [*module, "--run-dir", str(run_dir), *more, *TINY]


def weights(run_dir: Path) -> dict[str, np.ndarray]:
    """All that the last checkpoint holds, but the clock."""
    last = sorted((run_dir / "checkpoints").glob("*.index"))[-1]
    reader = tf.train.load_checkpoint(str(last.with_suffix("")))
    names = [n for n in reader.get_variable_to_shape_map() if "seconds" not in n]
    return {name: reader.get_tensor(name) for name in names if "GRAPH" not in name}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run that nothing interrupted."""
    run_dir = tmp_path_factory.mktemp("runs") / "whole"
    output = subprocess.check_output(command(run_dir), text=True)
    return run_dir, output


def test_a_run_leaves_everything(finished):
    run_dir, output = finished
    files = {str(p.relative_to(run_dir)) for p in run_dir.rglob("*") if p.is_file()}
    assert files >= {
        *("config.yaml", "metrics.csv", "summary.json", "README.md", "curriculum.png"),
        *("export/1/saved_model.pb", "samples/iteration-000024.png"),
        *("checkpoints/epoch-00006.index", "real_data/checkpoints/epoch-00001.index"),
    }
    assert any(name.startswith("tensorboard/") for name in files)
    summary = json.loads((run_dir / "summary.json").read_text())
    assert summary["learners"] == 2 and summary["steps"] == 2
    assert summary["batch_size"] == 10 and summary["meta_iterations"] == 24
    assert summary["seconds"] > 0 and summary["peak_bytes"] > 1e8
    for who in ("test", "real_data"):
        assert 0 <= summary[f"{who}_accuracy_mean"] <= 1
        assert summary[f"{who}_accuracy_std"] >= 0
    lines = (run_dir / "metrics.csv").read_text().splitlines()
    assert len(lines) == 7 and "val_accuracy" in lines[0]
    for shown in (
        "iteration 24/24",
        "meta-loss",
        "validation accuracy",
        "it/s",
        "left",
    ):
        assert shown in output
    assert f"{summary['test_accuracy_mean']:.2%}" in output


def test_tensorboard_has_scalars_rates_and_samples(finished):
    run_dir, _ = finished
    tags = set()
    for file in (run_dir / "tensorboard").rglob("events*"):
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            tags |= {value.tag for value in event.summary.value}
    assert tags >= {"epoch_meta_loss", "epoch_accuracy", "curriculum", "rates"}
    assert tags >= {"learning_rate/step_001", "momentum/step_000"}


def test_kill_9_and_resume_give_the_same_weights(finished, tmp_path):
    whole, _ = finished
    run_dir = tmp_path / "killed"
    process = subprocess.Popen(command(run_dir), stdout=subprocess.DEVNULL)
    wait_for(run_dir / "checkpoints" / "epoch-00002.index")
    process.kill()
    process.wait()
    assert not (run_dir / "summary.json").exists()
    output = subprocess.check_output(command(run_dir, "--resume"), text=True)
    assert "resuming after iteration" in output
    expected, found = weights(whole), weights(run_dir)
    assert expected.keys() == found.keys() and len(found) > 20
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
    rows = [
        (d / "metrics.csv").read_text().splitlines() for d in (whole, run_dir)
    ]  # the speed differs
    losses = [[line.split(",")[4] for line in lines] for lines in rows]
    assert losses[0] == losses[1] and losses[0][0] == "meta_loss"
    summaries = [json.loads((d / "summary.json").read_text()) for d in (whole, run_dir)]
    assert summaries[0]["test_accuracy_mean"] == summaries[1]["test_accuracy_mean"]
    again = subprocess.check_output(command(run_dir, "--resume"), text=True)
    assert "iteration" not in again.splitlines()[0]  # finished: told, not repeated
    assert "taught on real data" in again


def wait_for(path: Path) -> None:
    for _ in range(1200):
        if path.exists():
            return
        time.sleep(0.1)
    raise TimeoutError(path)


def test_sigterm_ends_with_advice_and_frees_the_directory(tmp_path):
    run_dir = tmp_path / "run"
    process = subprocess.Popen(command(run_dir), stdout=subprocess.PIPE, text=True)
    wait_for(run_dir / "checkpoints" / "epoch-00001.index")
    config = load_config("digits", TINY)
    with pytest.raises(RunError, match=f"in use.*process {process.pid}"):
        with RunDirectory(run_dir).open(config, resume=True):
            pass
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted; the same command" in output.splitlines()[-1]
    with RunDirectory(run_dir).open(config, resume=True):
        pass


def test_whose_directory_it_is(tmp_path):
    run = RunDirectory(tmp_path / "run")
    with run.open(Config(), resume=True):  # nothing to resume: a new run
        assert load_config(str(run.config)) == Config()
    with pytest.raises(RunError, match="already holds a run; add --resume"):
        with run.open(Config(), resume=False):
            pass
    with pytest.raises(RunError, match=r"another configuration \(seed: 0 != 3\)"):
        with run.open(Config(seed=3), resume=True):
            pass
    run.config.write_text("seeed: 3\n")
    with pytest.raises(RunError, match="seeed: unknown key.*choose another"):
        with run.open(Config(), resume=True):
            pass
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.tex").touch()
    with pytest.raises(RunError, match="new or empty directory.*thesis.tex"):
        with RunDirectory(other).open(Config(), resume=True):
            pass
    assert [p.name for p in other.iterdir()] == ["thesis.tex"]
    with pytest.raises(RunError, match="a directory to write to"):
        with RunDirectory(other / "thesis.tex").open(Config(), resume=True):
            pass


@pytest.fixture
def three_checkpoints(tiny_gtn, tmp_path):
    """Four saves, of which the last three are kept, and a GTN made anew."""
    gtn = tiny_gtn()
    saved = Checkpoints(gtn, tmp_path, print)
    for epoch in range(4):
        gtn.iterations.assign(epoch)
        saved.on_epoch_end(epoch)
    assert sorted(p.name for p in tmp_path.glob("*.index")) == [
        f"epoch-0000{n}.index" for n in (2, 3, 4)
    ]
    fresh, told = tiny_gtn(seed=1), []
    return fresh, Checkpoints(fresh, tmp_path, told.append), tmp_path, told


def damage(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "half":
        content = content[: len(content) // 2]
    elif how == "empty":
        content = b""
    else:
        for place in range(len(content) // 4, len(content), len(content) // 4):
            content[place] ^= 0xFF
    path.write_bytes(content)


@pytest.mark.parametrize("how", ["half", "empty", "flipped", "missing"])
@pytest.mark.parametrize("kind", ["data-00000-of-00001", "index"])
def test_a_damaged_checkpoint_falls_back(three_checkpoints, how, kind):
    gtn, checkpoints, folder, told = three_checkpoints
    file = folder / f"epoch-00004.{kind}"
    file.unlink() if how == "missing" else damage(file, how)
    assert checkpoints.restore() == 3
    assert int(gtn.iterations) == 2
    if (kind, how) != ("index", "missing"):  # then it was never finished
        assert len(told) == 1 and "epoch-00004: damaged" in told[0]
    assert not list(folder.glob("epoch-00004.index"))


def test_without_any_sound_checkpoint_a_run_starts_again(three_checkpoints):
    gtn, checkpoints, folder, told = three_checkpoints
    before = [v.numpy() for v in gtn.trainable_variables]
    for file in folder.glob("*.data*"):
        damage(file, "half")
    assert checkpoints.restore() == 0
    assert len(told) == 3 and int(gtn.iterations) == 0
    for variable, value in zip(gtn.trainable_variables, before):
        np.testing.assert_array_equal(variable, value)


def test_metrics_forget_what_a_resumed_run_repeats(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("epoch,loss\n0,1.5\n1,1.25\n2,1.1\n3,0.")
    Metrics(path, epochs_done=2)
    assert path.read_text() == "epoch,loss\n0,1.5\n1,1.25\n"


@pytest.mark.parametrize("name", gtn_tf.config.TEACHERS)
def test_every_preset_key_builds(name):
    splits = gtn_tf.data.load("digits")
    config = load_config("digits", [*TINY, f"teacher.source={name}"])
    from gtn_tf.build import build_gtn

    gtn = build_gtn(config, splits)
    expected = name.replace("_", "")
    assert type(gtn.teacher).__name__.lower() == expected


def test_a_pool_of_several_kinds():
    from gtn_tf.build import build_gtn

    kinds = ["learners.family=[conv, mlp]", "learners.pool=3"]
    norms = ["learners.batch_norm=[mean_only, full, none]"]
    config = load_config("digits", [*TINY, *kinds, *norms])
    gtn = build_gtn(config, gtn_tf.data.load("digits"))
    parts = gtn.learners.get_config()["parts"]
    assert [part["kind"] for part in parts] == [
        "ConvLearners",
        "MLPLearners",
        "ConvLearners",
    ]
    assert [part["batch_norm"] for part in parts] == ["mean_only", "full", "none"]
    assert len(gtn.pool) == 3


def test_divergence_names_the_last_checkpoint(tmp_path):
    command_line = [*command(tmp_path / "run"), "inner_optimizer.learning_rate=1e30"]
    command_line += ["meta.max_skipped=3"]
    done = subprocess.run(command_line, capture_output=True, text=True)
    assert done.returncode == 1
    assert "not finite in 3 meta-iterations in a row" in done.stderr
    assert "last good checkpoint is none" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_on_real_data_tells_of_real_data_alone(tmp_path, capsys):
    run_dir = tmp_path / "run"
    settings = ["teacher.source=real_data", "evaluation.real_data_iterations=0"]
    assert main(command(run_dir)[3:] + settings) == 0
    told = capsys.readouterr().out
    card = (run_dir / "README.md").read_text()
    for text in (told, card):
        assert "taught on real data, with rates learned by this run" in text
        assert "generated" not in text
    assert "export/1" not in told.split("Test accuracy")[1]
    assert "load_teacher" not in card and card.startswith(
        "# Learned rates of real data"
    )
