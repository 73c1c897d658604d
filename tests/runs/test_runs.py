"""Run directories, checkpoints and resuming, as a user meets them."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import gtn_tf
from conftest import full_curriculum, kill_when_written
from gtn_tf import runs
from gtn_tf.cli.__main__ import main
from gtn_tf.config import Config, load_config, to_yaml
from gtn_tf.names import OPTIMIZERS, TEACHERS
from gtn_tf.runs import RunDirectory, RunError
from gtn_tf.runs.checkpoints import Checkpoints
from gtn_tf.runs.model_card import model_card
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


def test_tensorboard_has_scalars_hyperparameters_and_samples(finished):
    run_dir, _ = finished
    tags = set()
    for file in (run_dir / "tensorboard").rglob("events*"):
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            tags |= {value.tag for value in event.summary.value}
    assert tags >= {"epoch_meta_loss", "epoch_accuracy", "curriculum"}
    assert "hyperparameters" in tags
    assert tags >= {"learning_rate/step_001", "momentum/step_000"}


def test_kill_9_and_resume_give_the_same_weights(finished, tmp_path, capsys):
    whole, _ = finished
    run_dir = tmp_path / "killed"
    kill_when_written(command(run_dir), run_dir / "checkpoints" / "epoch-00002.index")
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
    assert main(command(run_dir, "--resume")[3:]) == 0
    again = capsys.readouterr().out
    assert "iteration" not in again.splitlines()[0]  # finished: told, not repeated
    assert "taught on real data" in again


def wait_for(path: Path) -> None:
    for _ in range(1200):
        if path.exists():
            return
        time.sleep(0.1)
    raise TimeoutError(path)


@pytest.mark.slow
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
        assert (folder / "damaged-epoch-00004.index").exists()  # and nothing is lost
        assert "kept as" in told[0] and "damaged-epoch-00004" in told[0]
    assert not list(folder.glob("epoch-00004.index"))
    kept = {path.name for path in folder.glob("epoch-0000[23].*")}
    assert len(kept) == 4


def test_what_is_damaged_twice_is_kept_twice(three_checkpoints):
    _, checkpoints, folder, _ = three_checkpoints
    for _ in range(2):
        damage(folder / "epoch-00004.index", "half")
        checkpoints.restore()
        checkpoints.on_epoch_end(3)
    names = {path.name for path in folder.glob("damaged-*.index")}
    assert names == {"damaged-epoch-00004.index", "damaged-epoch-00004-2.index"}


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def no_more_files() -> None:
    """Lets no further file be opened, in this process."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))


@pytest.fixture
def file_limit():
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_too_many_open_files_cost_no_checkpoint(three_checkpoints, file_limit):
    _, checkpoints, folder, told = three_checkpoints
    before = content(folder)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    no_more_files()
    with pytest.raises(RunError, match="Too many open files.*nothing was changed"):
        checkpoints.restore()
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert content(folder) == before and not told
    assert checkpoints.restore() == 4


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.ESTALE, errno.EMFILE])
def test_a_refusal_of_the_system_costs_no_checkpoint(
    three_checkpoints, monkeypatch, code
):
    _, checkpoints, folder, told = three_checkpoints
    before = content(folder)
    file = folder / "epoch-00004.data-00000-of-00001"

    def refused(self, name):  # as TensorFlow tells it
        raise tf.errors.OpError(None, None, f"{file}; {os.strerror(code)}", 2)

    reader = type(tf.train.load_checkpoint(str(file).partition(".data")[0]))
    monkeypatch.setattr(reader, "get_tensor", refused)
    with pytest.raises(RunError, match=f"epoch-00004.*{os.strerror(code)}"):
        checkpoints.restore()
    assert content(folder) == before and not told


def test_a_folder_that_is_away_is_no_new_run(three_checkpoints, tmp_path):
    gtn, _, folder, told = three_checkpoints
    (tmp_path / "link").symlink_to(tmp_path / "away")
    away = Checkpoints(gtn, tmp_path / "link", told.append)
    with pytest.raises(RunError, match="link to a folder that is not there"):
        away.restore()
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="file: .*cannot be read now.*directory"):
        Checkpoints(gtn, tmp_path / "file", told.append).restore()


def test_other_variables_cost_no_checkpoint(three_checkpoints, tiny_gtn, first_stack):
    _, _, folder, told = three_checkpoints
    before = content(folder)
    other = tiny_gtn(full_curriculum(steps=4))
    with pytest.raises(RunError, match=r"expected the variables.*incompatible.*\(3,"):
        Checkpoints(other, folder, told.append).restore()
    plain = tf.train.Checkpoint(gtn=tiny_gtn())
    plain.write(str(folder / "epoch-00009"))
    with pytest.raises(RunError, match="epoch-00009: expected the variables"):
        Checkpoints(tiny_gtn(), folder, told.append).restore()
    for file in folder.glob("epoch-00009*"):
        file.unlink()
    assert content(folder) == before and not told


def test_a_checkpoint_of_another_run_is_refused(tiny_gtn, tmp_path):
    Checkpoints(tiny_gtn(), tmp_path, print, "a1").on_epoch_end(0)
    for own in ("a1", ""):
        assert Checkpoints(tiny_gtn(), tmp_path, print, own).restore() == 1
    with pytest.raises(RunError, match="expected a checkpoint of the run b2.*run a1"):
        Checkpoints(tiny_gtn(), tmp_path, print, "b2").restore()
    assert (tmp_path / "epoch-00001.index").exists()


def test_checkpoints_of_earlier_versions_are_read(tiny_gtn, tmp_path, first_stack):
    gtn = tiny_gtn()
    gtn.optimizer.build(gtn.trainable_variables)
    gtn.iterations.assign(7)
    numbers = {"seconds": tf.Variable(2.5, dtype=tf.float64)}
    numbers["epoch"] = tf.Variable(3, dtype=tf.int64)
    old = tf.train.Checkpoint(gtn=gtn, **numbers)
    old.write(str(tmp_path / "epoch-00003"))
    fresh = tiny_gtn(seed=1)
    checkpoints = Checkpoints(fresh, tmp_path, print, "b2")
    assert checkpoints.restore() == 3
    assert int(fresh.iterations) == 7 and float(checkpoints.seconds) == 2.5


def test_a_checkpoint_of_another_tensorflow_is_refused(three_checkpoints, monkeypatch):
    gtn, written, folder, _ = three_checkpoints
    before, weights = content(folder), gtn.get_weights()
    monkeypatch.setattr("gtn_tf.runs.checkpoints._TENSORFLOW", "2.99")
    with pytest.raises(RunError, match="written with TensorFlow 2.*with 2.99 the run"):
        written.restore()
    assert content(folder) == before
    for a, b in zip(gtn.get_weights(), weights):
        np.testing.assert_array_equal(a, b)


def test_what_a_killed_save_left_is_removed(three_checkpoints):
    _, checkpoints, folder, _ = three_checkpoints
    before = content(folder)
    unfinished = folder / "epoch-00005_temp"
    unfinished.mkdir()
    (unfinished / "part-00000-of-00001.data-00000-of-00001").touch()
    (folder / "epoch-00005.index.tempstate123").touch()
    (folder / "epoch-5 notes_temp").touch()  # somebody's own
    assert checkpoints.restore() == 4
    (folder / "epoch-5 notes_temp").unlink()
    assert content(folder) == before


def test_a_full_disk_keeps_what_is_there(three_checkpoints, file_size_limit):
    _, checkpoints, folder, _ = three_checkpoints
    before = content(folder)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    with pytest.raises(RunError, match="epoch-00005.*File too large.*epoch-00004"):
        checkpoints.on_epoch_end(4)
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert checkpoints.restore() == 4
    assert content(folder) == before
    checkpoints.on_epoch_end(4)
    assert checkpoints.restore() == 5


@pytest.fixture
def file_size_limit():
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


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


@pytest.mark.parametrize("name", TEACHERS)
def test_every_teacher_name_builds(name):
    splits = gtn_tf.data.load("digits")
    config = load_config("digits", [*TINY, f"teacher.source={name}"])
    from gtn_tf.build import build_gtn

    gtn = build_gtn(config, splits)
    assert type(gtn.teacher) is TEACHERS.load(name)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind, names",
    [
        ("adam", ["learning_rate", "beta_1", "beta_2"]),
        ("rmsprop", ["learning_rate", "rho"]),
    ],
)
def test_another_inner_optimizer_from_training_to_teaching(tmp_path, kind, names):
    run_dir, words = tmp_path / "run", ["evaluation.real_data_iterations=0"]
    words += ["meta.iterations=8", f"inner_optimizer.name={kind}"]
    words += ["inner_optimizer.learning_rate=0.01", "inner_optimizer.epsilon=1e-4"]
    again = ["train", "--run-dir", str(run_dir), "--resume", *TINY, *words]
    assert main(again) == 0
    expected = weights(run_dir)
    for file in [*run_dir.glob("checkpoints/epoch-00002*"), run_dir / "summary.json"]:
        file.unlink()
    assert main(again) == 0
    found = weights(run_dir)
    assert found.keys() == expected.keys()
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])
    assert OPTIMIZERS.load(kind).formula in (run_dir / "README.md").read_text()

    teacher = gtn_tf.load_teacher(run_dir)
    assert teacher.description["inner_optimizer"] == {"name": kind, "epsilon": 1e-4}
    assert sorted(teacher.values_of(1)) == sorted(names)
    assert teacher.optimizer().epsilon == 1e-4
    teacher.save_npz(tmp_path / "teacher.npz")
    shutil.rmtree(run_dir / "export" / "1" / "assets.extra")  # the graph is left
    for other in (tmp_path / "teacher.npz", run_dir):
        assert gtn_tf.load_teacher(other).digest == teacher.digest
    assert gtn_tf.load_teacher(run_dir).generate([1, 2]).shape == (2, 8, 8, 1)
    model = gtn_tf.learners.named_learner("mlp", (8, 8, 1), 10)
    before = model.get_weights()[0]
    gtn_tf.teach(model, teacher, verbose=0)
    assert np.abs(model.get_weights()[0] - before).max() > 1e-4


@pytest.mark.slow
def test_learners_that_live_on_are_part_of_a_run(tmp_path):
    """A run goes on from a checkpoint with their bits, whatever their ages were."""
    words = ["teacher.steps=6", "meta.estimator=persistent", "meta.window=2"]
    words += ["evaluation.real_data_iterations=0", "meta.iterations=8"]
    again = ["train", "--run-dir", str(tmp_path), "--resume", *TINY, *words]
    assert main(again) == 0
    expected = weights(tmp_path)
    assert {"ages", "born", "states"} <= {name.split("/")[2] for name in expected}
    for file in [*tmp_path.glob("checkpoints/epoch-00002*"), tmp_path / "summary.json"]:
        file.unlink()
    assert main(again) == 0
    found = weights(tmp_path)
    assert found.keys() == expected.keys()
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])


def test_a_run_of_an_earlier_version_goes_on(tmp_path):
    """Its configuration has keys that are called otherwise now, and lacks new ones."""
    config = load_config("digits", TINY)
    renamed = ("  estimator: full\n", ""), ("  window: 0\n", "  truncate_every: 0\n")
    text = to_yaml(config)
    for new, old in renamed:
        assert new in text
        text = text.replace(new, old)
    optimizers = "name: sgd", "beta_1: 0.9", "beta_2: 0.999", "rho: 0.9"
    for key in (*optimizers, "persistent_learners: 4", "relative_clip: 0.0"):
        text = text.replace(f"  {key}\n", "", 1)
    (tmp_path / "config.yaml").write_text(text)
    with RunDirectory(tmp_path).open(config, resume=True):
        assert (tmp_path / "config.yaml").read_text() == text


def test_a_pool_of_several_kinds():
    from gtn_tf.build import build_gtn

    kinds = ["learners.family=[conv, mlp]", "learners.architectures=3"]
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


def test_divergence_names_the_last_checkpoint(tmp_path, capfd):
    words = [*command(tmp_path / "run")[3:], "inner_optimizer.learning_rate=1e30"]
    assert main([*words, "meta.max_skipped=3"]) == 1
    told = capfd.readouterr().err
    assert "not finite in 3 meta-iterations in a row" in told
    assert "last good checkpoint is none" in told
    assert "Traceback" not in told


# A finished run, and what becomes of its files


@pytest.fixture
def copy(finished, tmp_path):
    run_dir = tmp_path / "copy"
    shutil.copytree(finished[0], run_dir)
    return run_dir


def again(run_dir: Path) -> tuple[dict, list[str]]:
    told = []
    config = load_config("digits", TINY)
    return runs.train(config, run_dir, resume=True, report=told.append), told


@pytest.mark.slow
def test_an_export_that_is_gone_is_made_again(copy):
    before = json.loads((copy / "summary.json").read_text())
    shutil.rmtree(copy / "export")
    found, told = again(copy)
    assert "export/1: the run is finished but its export is gone" in told[0]
    assert (copy / "export" / "1" / "saved_model.pb").exists()
    assert not any("tracing" in line for line in told)  # nothing is trained
    for name in ("test_accuracy_mean", "real_data_accuracy_mean", "seconds"):
        assert found[name] == before[name]
    assert len(again(copy)[1]) == 1


def test_a_damaged_summary_is_told(copy):
    file = copy / "summary.json"
    for text in ("", "{", "[]", "null", "{}", '{"learners": 2}', "\0", "[" * 10**5):
        file.write_text(text)
        with pytest.raises(RunError, match="summary.json: damaged .*move it away"):
            again(copy)
        assert file.read_text() == text


@pytest.mark.parametrize(
    "text",
    [
        "no table",
        "epoch,loss\n0,1.5\nx,1.25\n2,1\n",
        "epoch,loss\n0,1.5,7\n1,1.25\n",
        "epoch,loss\n0,1.5\n1\n2,1.1\n",
        "epoch,loss\n0,1.5\n-1,1.1\n",
        b"\xff\xfe",
    ],
)
def test_damaged_metrics_are_told(tmp_path, text):
    path = tmp_path / "metrics.csv"
    content = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(content)
    with pytest.raises(RunError, match="metrics.csv: damaged .*move it away"):
        Metrics(path, epochs_done=2)
    assert path.read_bytes() == content


def test_a_line_that_a_full_disk_cut_is_written_again(tmp_path):
    path = tmp_path / "metrics.csv"
    for text in ("", "epoch,loss\n", "epoch,loss\n0,1.5\n"):
        path.write_text(text)
        Metrics(path, epochs_done=1)
        assert path.read_text() == text
    path.write_text("epoch,loss\n0,1.5\n1")
    Metrics(path, epochs_done=1)
    assert path.read_text() == "epoch,loss\n0,1.5\n"
    path.write_text("epo")  # of a first epoch that does not count
    Metrics(path, epochs_done=0)


@pytest.mark.slow
def test_a_full_disk_ends_in_one_line_and_the_run_goes_on(finished, tmp_path):
    whole, _ = finished
    run_dir = tmp_path / "full"
    words = command(run_dir)

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2500, resource.RLIM_INFINITY))

    done = subprocess.run(words, preexec_fn=small_files, capture_output=True, text=True)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ") and "File too large" in line
    assert str(run_dir) in line
    subprocess.run([*words, "--resume"], check=True, stdout=subprocess.DEVNULL)
    expected, found = weights(whole), weights(run_dir)
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ([], ()),
        (
            ["generator.warm_start=9"],
            ("were fitted to single images", "fitted to real"),
        ),
        (
            ["teacher.source=dataset_distillation", "teacher.init=real"],
            ("began as one image", "that started from real ones"),
        ),
    ],
)
def test_a_card_says_what_lessons_started_from(finished, settings, words):
    digits = gtn_tf.data.load("digits")
    summary = json.loads((finished[0] / "summary.json").read_text())
    card = model_card(load_config("digits", [*TINY, *settings]), digits, summary)
    assert ("Starts from single training images" in card) == bool(words)
    assert ("do not publish" in card) == bool(words)
    assert all(text in card for text in words)


@pytest.mark.slow
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
