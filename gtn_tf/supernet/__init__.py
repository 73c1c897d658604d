"""Super-networks: one traced network for all architectures of a space."""

from gtn_tf.supernet.drawing import held_out_genotype
from gtn_tf.supernet.network import SuperNetwork
from gtn_tf.supernet.shared_file import SharedFile, load_shared
from gtn_tf.supernet.shared_scores import SharedScore, SharedScores
from gtn_tf.supernet.shared_weights import SharedWeights
from gtn_tf.supernet.single_path import SGD, SinglePath
from gtn_tf.supernet.subnetwork import SubNetwork

__all__ = [
    "SGD",
    "SharedFile",
    "SharedScore",
    "SharedScores",
    "SharedWeights",
    "SinglePath",
    "SubNetwork",
    "SuperNetwork",
    "held_out_genotype",
    "load_shared",
]
