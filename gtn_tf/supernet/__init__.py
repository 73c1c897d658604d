"""Super-networks: one traced network for all architectures of a space."""

from gtn_tf.supernet.network import SuperNetwork

__all__ = ["SuperNetwork"]
