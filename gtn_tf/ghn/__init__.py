"""Graph hypernetworks: predicted weights for any architecture of a space."""

from gtn_tf.ghn.file import GHNFile, load_ghn
from gtn_tf.ghn.hypernetwork import GHN
from gtn_tf.ghn.training import Adam, GHNTraining

__all__ = ["GHN", "Adam", "GHNFile", "GHNTraining", "load_ghn"]
