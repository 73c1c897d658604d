"""Search spaces, as KerasTuner's hypermodels."""

from gtn_tf.search.spaces.base import CellSpace
from gtn_tf.search.spaces.nao import NAOSpace
from gtn_tf.search.spaces.nas_bench_201 import NASBench201Space

__all__ = ["CellSpace", "NAOSpace", "NASBench201Space"]
