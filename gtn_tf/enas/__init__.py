"""ENAS: a controller and shared weights, trained in turn."""

from gtn_tf.enas.controller import Controller, Reinforce
from gtn_tf.enas.enas import Best, Enas

__all__ = ["Best", "Controller", "Enas", "Reinforce"]
