"""Super-networks: one traced network for all architectures of a space."""

from gtn_tf.supernet.drawing import held_out_genotype
from gtn_tf.supernet.network import SuperNetwork
from gtn_tf.supernet.subnetwork import SubNetwork

__all__ = ["SubNetwork", "SuperNetwork", "held_out_genotype"]
