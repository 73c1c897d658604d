"""The jobs, from training a teacher to searching with it, and their folders."""

from gtn_tf.run_files import RunError
from gtn_tf.runs.automatic import choose_config
from gtn_tf.runs.data import look_at_data
from gtn_tf.runs.directory import RunDirectory
from gtn_tf.runs.evaluate import SOURCES, evaluate
from gtn_tf.runs.machine import (
    available_cores,
    machine,
    use_one_thread_per_operation,
)
from gtn_tf.runs.rank import rank, read_ranked
from gtn_tf.runs.sample import sample
from gtn_tf.runs.search import search
from gtn_tf.runs.search_darts import search_darts
from gtn_tf.runs.search_enas import search_enas
from gtn_tf.runs.space import make_space
from gtn_tf.runs.splits import data_of_run, load_splits
from gtn_tf.runs.train import train
from gtn_tf.runs.train_final import train_final
from gtn_tf.runs.train_ghn import train_ghn
from gtn_tf.runs.train_supernet import train_supernet

__all__ = [
    "SOURCES",
    "RunDirectory",
    "RunError",
    "available_cores",
    "choose_config",
    "data_of_run",
    "evaluate",
    "load_splits",
    "look_at_data",
    "machine",
    "make_space",
    "rank",
    "read_ranked",
    "sample",
    "search",
    "search_darts",
    "search_enas",
    "train",
    "train_final",
    "train_ghn",
    "train_supernet",
    "use_one_thread_per_operation",
]
