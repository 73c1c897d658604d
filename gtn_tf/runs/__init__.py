"""The jobs: training a teacher, evaluating one, drawing one; and their folders."""

from gtn_tf.runs.directory import RunDirectory, RunError
from gtn_tf.runs.evaluate import SOURCES, evaluate
from gtn_tf.runs.machine import machine
from gtn_tf.runs.sample import sample
from gtn_tf.runs.train import train

__all__ = [
    "SOURCES",
    "RunDirectory",
    "RunError",
    "evaluate",
    "machine",
    "sample",
    "train",
]
