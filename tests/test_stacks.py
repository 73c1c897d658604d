"""Keras 2 on either TensorFlow, and what one stack makes of the other's files.

The other stack's Python is named by GTN_TF_OTHER_PYTHON; `.ci/run` does it where there
is one. Without it, only the tests of this stack run.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from conftest import slow_after

ROOT = Path(__file__).resolve().parent.parent
OTHER = os.environ.get("GTN_TF_OTHER_PYTHON", "")

keras_3 = pytest.mark.skipif(
    importlib.metadata.version("keras").startswith("2."), reason="there is no Keras 3"
)


def crossing(test):
    """Runs a test from this stack to the other, and back."""
    ways = [
        pytest.param(sys.executable, OTHER, id="from this stack to the other"),
        pytest.param(OTHER, sys.executable, id="from the other stack to this"),
    ]
    skip = pytest.mark.skipif(not OTHER, reason="no other Python given")
    return skip(pytest.mark.parametrize("writer, reader", ways)(test))


def run(python: str, *words: object, cwd: Path = ROOT, fails: bool = False) -> str:
    """Runs a Python to its end.

    Returns:
        What it printed; of one that has to fail, the last line of its errors.
    """
    environment = {k: v for k, v in os.environ.items() if k != "TF_USE_LEGACY_KERAS"}
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    done = subprocess.run(
        [python, "-W", "ignore", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**environment, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert (done.returncode != 0) == fails, done.stderr
    return done.stderr.strip().splitlines()[-1] if fails else done.stdout


@pytest.mark.parametrize(
    "imports",
    slow_after(
        2,
        [
            "import gtn_tf, keras_tuner, tensorflow as tf",
            "import keras, keras_tuner.applications, gtn_tf, tensorflow as tf",
            "import keras_tuner, tensorflow as tf, gtn_tf",
            "import tensorflow as tf, gtn_tf, keras_tuner",
        ],
    ),
)
def test_keras_is_the_same_in_any_order_of_imports(imports) -> None:
    program = f"""{imports}
from tensorflow.keras import layers
import keras_tuner.applications
from keras_tuner.src.backend import keras
from keras_tuner.src.engine import tuner_utils
import gtn_tf.search

network = keras_tuner.applications.HyperXception(input_shape=(32, 32, 3), classes=2)
network = network.build(keras_tuner.HyperParameters())
assert isinstance(network, tf.keras.Model), type(network)
assert layers.Layer is tf.keras.layers.Layer is keras.layers.Layer
assert issubclass(tuner_utils.SaveBestEpoch, tf.keras.callbacks.Callback)
assert issubclass(gtn_tf.GTNTuner, keras_tuner.Tuner)
assert "tf_keras" in tf.keras.Model.__module__ or tf.__version__.startswith("2.15")
"""
    run(sys.executable, "-c", program)


@keras_3
@pytest.mark.parametrize(
    "before",
    [
        "import tensorflow as tf; tf.keras.Model",
        "from tensorflow.keras import layers",
        "import os; os.environ['TF_USE_LEGACY_KERAS'] = '0'",
    ],
)
def test_keras_3_in_use_is_an_error_of_one_line(before) -> None:
    line = run(sys.executable, "-c", f"{before}; import gtn_tf", fails=True)
    assert line.startswith("ImportError: gtn_tf uses Keras 2") and "=1" in line


@keras_3
def test_a_model_of_keras_3_is_told_apart() -> None:
    program = """
import keras, gtn_tf
model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(10)])
gtn_tf.teach(model, "digits")
"""
    line = run(sys.executable, "-c", program, fails=True)
    assert "a Sequential of Keras 3; make it with tf.keras" in line


def test_tf_keras_that_is_missing_is_named(monkeypatch) -> None:
    from gtn_tf import legacy_keras

    versions = {"keras": "3.15.1", "tensorflow": "2.21.0"}
    monkeypatch.setattr(importlib.metadata, "version", versions.get)
    monkeypatch.setattr(legacy_keras.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'tf-keras==2\.21\.\*'"):
        legacy_keras.choose()


TINY = (
    *("data.name=digits", "teacher.steps=2", "teacher.batch_size=10", "seed=3"),
    *("generator.units=4", "generator.filters=2", "teacher.latent_size=3"),
    *("learners.family=conv", "learners.filters=[4]", "learners.units=[]"),
    "learners.strides=[1]",
    *("meta.intermediate_every=0", "meta.batch_size=16", "evaluation.learners=2"),
    *("meta.iterations_per_epoch=2", "evaluation.real_data_iterations=0"),
)


def train(python: str, folder: Path, iterations: int, **kwargs) -> str:
    words = "-m", "gtn_tf.cli", "train", *TINY, f"meta.iterations={iterations}"
    return run(python, *words, "--run-dir", folder, "--resume", **kwargs)


def lessons(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder) as arrays:
        return {name: arrays[name] for name in arrays.files}


@pytest.mark.slow
def test_a_short_training(tmp_path) -> None:
    train(sys.executable, tmp_path / "run", 2)
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["meta_iterations"] == 2


TEACH = """
import sys, numpy as np, tensorflow as tf, gtn_tf
tf.keras.utils.set_random_seed(0)
teacher = gtn_tf.load_teacher(sys.argv[1])
asked = teacher.generate([0, 1, 2], seed=7)
model = tf.keras.Sequential([
    tf.keras.layers.Flatten(input_shape=teacher.image_shape),
    tf.keras.layers.Dense(10, kernel_initializer="zeros"),
])
gtn_tf.teach(model, teacher)
np.savez(sys.argv[2], asked=asked, *model.get_weights())
"""


@crossing
def test_teachers_cross_over(tmp_path, writer, reader) -> None:
    train(writer, tmp_path / "run", 2)
    export = tmp_path / "run" / "export" / "1"
    found = []
    for number, python in enumerate((writer, reader)):
        words = "--teacher", export, "--format", "npz", "--out", tmp_path / "t.npz"
        run(python, "-m", "gtn_tf.cli", "export", *words)
        found.append(lessons(tmp_path / "t.npz"))
        (tmp_path / "t.npz").rename(tmp_path / f"{number}.npz")
        out = tmp_path / f"taught{number}.npz"
        run(python, "-c", TEACH, export, out)
        found[-1].update({f"taught {k}": v for k, v in lessons(out).items()})
    assert found[0].keys() == found[1].keys()
    for name, array in found[0].items():
        if array.dtype.kind == "f":
            np.testing.assert_allclose(found[1][name], array, rtol=1e-4, atol=1e-5)
        else:
            np.testing.assert_array_equal(found[1][name], array)
    words = "evaluate", "--teacher", tmp_path / "0.npz", "--learner", "mlp"
    words = *words, "--learners", "1", "--every", "2", "--out", tmp_path / "evaluated"
    assert "lessons" in run(reader, "-m", "gtn_tf.cli", *words)


@crossing
def test_a_run_goes_on_with_its_own_tensorflow_alone(tmp_path, writer, reader) -> None:
    run_dir = tmp_path / "run"
    train(writer, run_dir, 2)
    card = train(reader, run_dir, 2)  # finished: told again, whatever the stack
    assert "Test accuracy" in card
    (run_dir / "summary.json").unlink()
    line = train(reader, run_dir, 2, fails=True)
    assert line.startswith("error: ") and "written with TensorFlow 2." in line
    assert "Test accuracy" in train(writer, run_dir, 2)


SEARCH = """
import sys, json, numpy as np, tensorflow as tf, gtn_tf
digits = gtn_tf.data.load("digits")
space = gtn_tf.search.NASBench201Space((8, 8, 1), 10, cells=0, filters=2)
tuner = gtn_tf.GTNTuner(
    space, "digits", candidates=2, top_k=1, steps=4, directory=sys.argv[1],
    project_name="cells", overwrite=False,
)
def part(images, labels):
    return images[:100], labels[:100]
tuner.search(
    *part(digits.train_images, digits.train_labels), epochs=1, verbose=0,
    validation_data=part(digits.validation_images, digits.validation_labels),
)
(model,) = tuner.get_best_models(1)
predicted = model.predict(digits.test_images[:20], verbose=0)
np.savez(sys.argv[2], predicted)
"""


@crossing
def test_keras_tuner_projects_cross_over(tmp_path, writer, reader) -> None:
    for name, python in (("1", writer), ("2", reader)):
        run(python, "-c", SEARCH, tmp_path / "project", tmp_path / f"{name}.npz")
        if name == "1":
            trials = {p: p.stat().st_mtime for p in tmp_path.rglob("trial.json")}
    assert {p: p.stat().st_mtime for p in tmp_path.rglob("trial.json")} == trials
    found = [lessons(tmp_path / f"{name}.npz") for name in "12"]
    np.testing.assert_allclose(found[0]["arr_0"], found[1]["arr_0"], atol=1e-4)
