"""Ways to compute one exact meta-gradient, which differ in time and memory."""

from gtn_tf.inner.unrolls.choose import UNROLLS, choose_unroll
from gtn_tf.inner.unrolls.contract import Unroll

__all__ = ["UNROLLS", "Unroll", "choose_unroll"]
