"""Ways to compute the same exact meta-gradient, at different time and memory."""

from gtn_tf.inner.unrolls.choose import choose_unroll
from gtn_tf.inner.unrolls.contract import Unroll

__all__ = ["Unroll", "choose_unroll"]
