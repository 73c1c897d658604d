"""The SavedModel, as a process without gtn_tf sees it."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import gtn_tf
from conftest import real_batches
from gtn_tf.cli.__main__ import main
from gtn_tf.teaching import TeacherError
from gtn_tf.teaching.converted import save_onnx

_USE = """
import json, sys
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
serve, curriculum = (model.signatures[k] for k in ("serving_default", "curriculum"))
ask = lambda labels, seed: serve(labels=tf.constant(labels), seed=tf.constant(seed))
served = ask([2, 0, 1, 2], [3, 4])
errors = []
for call in (lambda: ask([3], [0, 0]), lambda: curriculum(step=tf.constant(3))):
    try:
        call()
    except tf.errors.InvalidArgumentError as error:
        errors.append(str(error))
steps = [curriculum(step=tf.constant(t)) for t in range(3)]
assert not {"gtn_tf", "tensorflow_addons"} & set(sys.modules)
print(json.dumps({
    "served": served["images"].numpy().tolist(),
    "labels": served["labels"].numpy().tolist(),
    "alone": ask([2], [3, 4])["images"].numpy().tolist(),
    "steps": [{k: v.numpy().tolist() for k, v in step.items()} for step in steps],
    "errors": errors,
}))
"""


@pytest.fixture
def exported(tiny_gtn, tmp_path):
    gtn = tiny_gtn()
    gtn.fit(real_batches(), steps_per_epoch=2, verbose=0)
    path = tmp_path / "export" / "1"
    gtn.export(path)
    gtn.export(path)  # an older one is replaced
    output = subprocess.check_output(
        [sys.executable, "-c", _USE, str(path)], cwd=tmp_path, text=True
    )
    assert [p.name for p in path.parent.iterdir()] == ["1"]
    return gtn, json.loads(output.splitlines()[-1])


def test_a_fresh_process_without_gtn_tf(exported):
    gtn, found = exported
    images, labels = gtn.teacher.batches(tf.constant([0, 0]))
    rates, momenta = gtn.inner_optimizer.hyperparameters().values()
    for t, step in enumerate(found["steps"]):
        np.testing.assert_allclose(step["images"], images[t], atol=1e-5)
        assert step["labels"] == labels[t].numpy().tolist()
        assert step["learning_rate"] == pytest.approx(float(rates[t]))
        assert step["momentum"] == pytest.approx(float(momenta[t]))
    assert np.shape(found["served"]) == (4, 4, 4, 1)
    assert found["labels"] == [2, 0, 1, 2]
    np.testing.assert_allclose(found["served"][:1], found["alone"], atol=1e-6)
    assert not np.allclose(found["served"][0], found["served"][3])
    assert "labels: expected integers from 0 to 2" in found["errors"][0]
    assert "step: expected integers from 0 to 2" in found["errors"][1]


def test_real_data_cannot_be_exported(tiny_gtn, tmp_path):
    images = np.zeros([9, 4, 4, 1], np.float32)
    teacher = gtn_tf.teachers.RealData(images, np.arange(9) % 3, 3, 2, 4)
    with pytest.raises(ValueError, match="only passes real data on"):
        tiny_gtn(teacher=teacher).export(tmp_path / "1")


def test_curriculum_for_other_runtimes(tmp_path, capsys):
    """Without TensorFlow: ONNX by its reference evaluator. Served from any teacher."""
    import onnx.reference

    teacher = gtn_tf.load_teacher("digits")
    arrays = {
        "images": teacher.images,
        "labels": teacher.labels,
        "learning_rate": teacher.learning_rates,
        "beta_1": teacher.hyperparameters["betas_1"],
        "beta_2": teacher.hyperparameters["betas_2"],
    }
    for kind in ("onnx", "tflite"):
        command = ["export", "--teacher", "digits", "--format", kind]
        assert main([*command, "--out", str(tmp_path / "new" / f"t.{kind}")]) == 0
    model = onnx.load(tmp_path / "new" / "t.onnx")
    (about,) = (p.value for p in model.metadata_props if p.key == "description")
    assert json.loads(about) == teacher.description
    by_onnx = onnx.reference.ReferenceEvaluator(model)
    interpreter = tf.lite.Interpreter(str(tmp_path / "new" / "t.tflite"))
    by_tflite = interpreter.get_signature_runner("curriculum")
    for step in (0, 11):
        at = np.array(step, np.int32)
        found = dict(zip(by_onnx.output_names, by_onnx.run(None, {"step": at})))
        for answers in (found, by_tflite(step=at)):
            assert set(answers) == set(arrays)
            for name, table in arrays.items():
                np.testing.assert_array_equal(answers[name], table[step])


def test_onnx_says_what_it_needs(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(TeacherError, match=r"pip install 'gtn_tf\[onnx\]'"):
        save_onnx(gtn_tf.load_teacher("digits"), tmp_path / "t.onnx")
