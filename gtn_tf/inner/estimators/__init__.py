"""Estimators of the meta-gradient: full, truncated or lengthening."""

from gtn_tf.inner.estimators.base import Estimator, MetaGradient
from gtn_tf.inner.estimators.full import FullUnroll
from gtn_tf.inner.estimators.lengthening import LengtheningUnroll
from gtn_tf.inner.estimators.truncated import TruncatedUnroll

__all__ = [
    "Estimator",
    "FullUnroll",
    "LengtheningUnroll",
    "MetaGradient",
    "TruncatedUnroll",
]
