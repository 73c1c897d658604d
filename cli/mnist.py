"""The settings on MNIST that the figures of the method share, at each scale."""

from __future__ import annotations

from gtn_tf.config import Config, load_config

_EVALUATION = ("evaluation.real_data_iterations=0", "evaluation.test_each_epoch=true")

SMOKE = (  # overrides of the preset digits: the smallest complete run
    *("teacher.steps=3", "teacher.batch_size=10", "teacher.latent_size=3"),
    *("generator.units=4", "generator.filters=2", "learners.family=mlp"),
    *("learners.units=[8]", "meta.batch_size=16", "meta.intermediate_every=0"),
    *("meta.iterations=4", "meta.iterations_per_epoch=2"),
    *("evaluation.every=1", "evaluation.learners=2"),
)

# A preset, and its overrides.
_SCALES = {
    "paper": ("mnist_paper", (*_EVALUATION, "evaluation.every=1")),
    "laptop": (
        "mnist_curriculum",
        (
            *("data.image_size=16", "teacher.batch_size=32"),
            *("generator.units=128", "generator.filters=16"),
            *("learners.filters=[[8,16],[16,32]]", "learners.units=[[32,64]]"),
            *("meta.iterations=1000", "meta.iterations_per_epoch=50"),
            *(*_EVALUATION, "evaluation.every=2"),
        ),
    ),
    "smoke": ("digits", (*SMOKE, *_EVALUATION)),
}


def mnist_config(scale: str, *changes: str) -> Config:
    """The configuration of a meta-training.

    Args:
        scale: `"smoke"`, `"laptop"` or `"paper"`.
        *changes: Strings `"section.key=value"`.
    """
    preset, more = _SCALES[scale]
    return load_config(preset, [*more, *changes])
