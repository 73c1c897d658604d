"""Estimators of the meta-gradient: through all inner steps, or through some."""

from gtn_tf.inner.estimators.base import Estimator, MetaGradient, differentiate
from gtn_tf.inner.estimators.full import FullUnroll
from gtn_tf.inner.estimators.lengthening import LengtheningUnroll
from gtn_tf.inner.estimators.persistent import PersistentWindow
from gtn_tf.inner.estimators.persistent_estimator import PersistentEstimator
from gtn_tf.inner.estimators.random_window import RandomWindow
from gtn_tf.inner.estimators.ridge import KernelRidge
from gtn_tf.inner.estimators.truncated import TruncatedUnroll

__all__ = [
    "Estimator",
    "FullUnroll",
    "KernelRidge",
    "LengtheningUnroll",
    "MetaGradient",
    "PersistentEstimator",
    "PersistentWindow",
    "RandomWindow",
    "TruncatedUnroll",
    "differentiate",
]
