"""Graph hypernetworks: predicted weights for any architecture of a space."""

from gtn_tf.ghn.file import GHNFile, load_ghn
from gtn_tf.ghn.hypernetwork import GHN
from gtn_tf.ghn.training import GHNAdam, GHNTraining

__all__ = ["GHN", "GHNAdam", "GHNFile", "GHNTraining", "load_ghn"]
