"""All names that a configuration or a command may use, each written only here.

Imports neither TensorFlow nor what it names: configurations and command lines check a
name in milliseconds, and what it names is imported when it is built.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from typing import Any

from gtn_tf.errors import ArgumentError, not_one_of


class Registry(dict[str, str]):
    """The names of one kind of thing, and where each is: `"module:object"`.

    Args:
        kind: Kind of the named things, for messages.
        places: For each name, its place.

    Example:

    >>> list(TEACHERS)[:2]
    ['no_curriculum', 'all_shuffled']
    >>> TEACHERS.load("real_data").__name__
    'RealData'
    """

    def __init__(self, kind: str, places: Mapping[str, str]) -> None:
        super().__init__(places)
        self.kind = kind

    def load(self, name: str) -> Any:
        """Imports what a name stands for.

        Args:
            name: One of the names.

        Raises:
            ArgumentError: If there is no such name.
        """
        if name not in self:
            raise ArgumentError(not_one_of(self.kind, name, self))
        module, _, attribute = self[name].partition(":")
        return getattr(importlib.import_module(module), attribute)


# Data sets that are tables, not images.
TABLES = Registry(
    "table",
    {
        "wine": "gtn_tf.data.catalog:WINE",
        "breast_cancer": "gtn_tf.data.catalog:BREAST_CANCER",
    },
)

# All data sets: `gtn_tf.data.load`.
DATASETS = Registry(
    "data set",
    {
        "digits": "gtn_tf.data.catalog:DIGITS",
        "mnist": "gtn_tf.data.catalog:MNIST",
        "fashion_mnist": "gtn_tf.data.catalog:FASHION_MNIST",
        "cifar10": "gtn_tf.data.catalog:CIFAR10",
        **TABLES,
    },
)
TFDS = "tfds:"  # begins the name of any data set of tensorflow-datasets
_TFDS_NAME = re.compile(r"tfds:\w+(/[\w.-]+)?(:\d+\.\d+\.\d+)?", re.ASCII)


def is_tfds_name(name: object) -> bool:
    """Whether a name is of tensorflow-datasets, such as `"tfds:svhn_cropped"`.

    Args:
        name: Perhaps with a config and a version, `"tfds:emnist/letters:3.1.0"`.

    Example:

    >>> is_tfds_name("tfds:svhn_cropped"), is_tfds_name("tfds:someone:their_code")
    (True, False)
    """
    return isinstance(name, str) and bool(_TFDS_NAME.fullmatch(name))


# Subclasses of `gtn_tf.teachers.Teacher`.
TEACHERS = Registry(
    "teacher",
    {
        "no_curriculum": "gtn_tf.teachers.no_curriculum:NoCurriculum",
        "all_shuffled": "gtn_tf.teachers.all_shuffled:AllShuffled",
        "shuffled_batch": "gtn_tf.teachers.shuffled_batch:ShuffledBatch",
        "full_curriculum": "gtn_tf.teachers.full_curriculum:FullCurriculum",
        "generator_and_pixels": (
            "gtn_tf.teachers.generator_and_pixels:GeneratorAndPixels"
        ),
        "dataset_distillation": "gtn_tf.teachers.distillation:DatasetDistillation",
        "real_data": "gtn_tf.teachers.real_data:RealData",
    },
)

# Optimizers of the inner loop: subclasses of `gtn_tf.inner.InnerOptimizer`.
OPTIMIZERS = Registry(
    "inner optimizer",
    {
        "sgd": "gtn_tf.inner.optimizers.sgd:LearnedSGD",
        "adam": "gtn_tf.inner.optimizers.adam:LearnedAdam",
        "lamb": "gtn_tf.inner.optimizers.lamb:LearnedLAMB",
        "rmsprop": "gtn_tf.inner.optimizers.rmsprop:LearnedRMSProp",
    },
)

# Estimators of the meta-gradient: subclasses of `gtn_tf.inner.Estimator`.
ESTIMATORS = Registry(
    "estimator",
    {
        "full": "gtn_tf.inner.estimators.full:FullUnroll",
        "truncated": "gtn_tf.inner.estimators.truncated:TruncatedUnroll",
        "lengthening": "gtn_tf.inner.estimators.lengthening:LengtheningUnroll",
        "persistent": "gtn_tf.inner.estimators.persistent:PersistentWindow",
        "random_window": "gtn_tf.inner.estimators.random_window:RandomWindow",
        "ridge": "gtn_tf.inner.estimators.ridge:KernelRidge",
    },
)

# Ways to differentiate the inner loop, each a `gtn_tf.inner.Unroll`.
UNROLLS = Registry(
    "unroll",
    {
        "nested_tapes": "gtn_tf.inner.unrolls.nested_tapes:unroll",
        "keep": "gtn_tf.inner.unrolls.keep:unroll",
        "recompute": "gtn_tf.inner.unrolls.recompute:unroll",
    },
)

# Cell spaces: their genotypes, and the networks of them.
SPACES = Registry(
    "space",
    {
        "nao": "gtn_tf.cells.spaces:NAO",
        "nas_bench_201": "gtn_tf.cells.spaces:NAS_BENCH_201",
    },
)

# Subclasses of `gtn_tf.learners.Learners`; every cell space has stacks of random cells.
FAMILIES = Registry(
    "family",
    {
        "conv": "gtn_tf.learners.conv:ConvLearners",
        "mlp": "gtn_tf.learners.mlp:MLPLearners",
        "resnet": "gtn_tf.learners.resnet:ResNetLearners",
        **dict.fromkeys(SPACES, "gtn_tf.learners.cells:CellLearners"),
    },
)

# Fixed networks that teachers are compared on: `gtn_tf.learners.named_learner`.
LEARNERS = Registry(
    "learner",
    {
        "conv": "gtn_tf.learners.named:conv",
        "conv_pooled": "gtn_tf.learners.named:conv_pooled",
        "mlp": "gtn_tf.learners.named:mlp",
        "keras_conv": "gtn_tf.learners.named:keras_conv",
        "resnet": "gtn_tf.learners.named:resnet",
    },
)

# How published networks calibrate the inputs of their cells.
LAYOUTS = Registry(
    "layout",
    {
        "nao": "gtn_tf.cells.layouts:NAO",
        "enas": "gtn_tf.cells.layouts:ENAS",
        "nasnet": "gtn_tf.cells.layouts:NASNET",
        "amoebanet": "gtn_tf.cells.layouts:AMOEBANET",
        "darts": "gtn_tf.cells.layouts:DARTS",
    },
)

# Layers that cells are made of: a usual network's, or those of the paper's learners.
BLOCKS = Registry(
    "blocks",
    {
        "training": "gtn_tf.cells.blocks:TRAINING",
        "evaluation": "gtn_tf.cells.blocks:EVALUATION",
    },
)

# What makes each `gtn_tf.search.Scorer`. Of those that train, `_tse` ranks by training
# speed, and the others by accuracy.
SCORERS = Registry(
    "scorer",
    {
        "gtn": "gtn_tf.search.scorers.make:gtn",
        "gtn_tse": "gtn_tf.search.scorers.make:gtn_tse",
        "real": "gtn_tf.search.scorers.make:real",
        "real_tse": "gtn_tf.search.scorers.make:real_tse",
        "params": "gtn_tf.search.scorers.make:params",
        "flops": "gtn_tf.search.scorers.make:flops",
        "synflow": "gtn_tf.search.scorers.make:synflow",
        "naswot": "gtn_tf.search.scorers.make:naswot",
        "supernet": "gtn_tf.search.scorers.make:supernet",
        "ghn": "gtn_tf.search.scorers.make:ghn",
    },
)

# Search methods: subclasses of `gtn_tf.search.Proposer`.
PROPOSERS = Registry(
    "proposer",
    {
        "random": "gtn_tf.search.proposers.random:RandomProposer",
        "evolution": "gtn_tf.search.proposers.evolution:EvolutionProposer",
        "reinforce": "gtn_tf.search.proposers.reinforce:ReinforceProposer",
        "local": "gtn_tf.search.proposers.local:LocalSearchProposer",
        "bayesian": "gtn_tf.search.proposers.bayesian:BayesianProposer",
        "nao": "gtn_tf.search.proposers.nao:NAOProposer",
        "controller": "gtn_tf.search.proposers.controller:ControllerProposer",
    },
)

# Choices of a setting that one class or function handles.
NORMS = ("mean_only", "full", "none")  # of a learner's layers; the paper's is the first
DOWNSAMPLE = ("max_pool", "max_pool_last", "stride")  # of convolutions
DRAWS = ("uniform", "pool")  # where training shared weights takes architectures from
OPS = ("large", "small")  # of the space nao: 11 operations, or 5
INITS = ("noise", "real")  # what a teacher's learned pixels start from
# Variables of a GTN that may have a meta-learning rate of their own.
GROUPS = ("generator", "latents", "pixels", "labels", "inner_optimizer")
RESIZES = ("area", "crop", "pad")  # how images of another shape get their size
AUGMENTATIONS = ("shift", "mirror", "rotate", "colour")  # of each real image
ON_ERROR = ("stop", "skip")  # what to do about a picture that cannot be read
ALL = "all"  # architectures of learners: a new one every time
STRATEGIES = ("none", "mirrored", "multi_worker_mirrored")  # of tf.distribute
RATES = ("per_step", "shared", "fixed")  # of the inner loop
