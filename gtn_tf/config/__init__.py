"""Configurations: frozen dataclasses, read from YAML.

Imports only the standard library, PyYAML and light modules, so that a mistyped key is
reported in milliseconds, before TensorFlow starts.
"""

from gtn_tf.config.darts import (
    AlphasConfig,
    DartsConfig,
    MixedSpaceConfig,
    MixedTrainingConfig,
)
from gtn_tf.config.enas import ControllerConfig, EnasConfig
from gtn_tf.config.files import differences, load_config, to_yaml, with_overrides
from gtn_tf.config.final import FinalConfig, FullTrainingConfig, NetworkConfig
from gtn_tf.config.ghn import GHNConfig, GHNTrainingConfig, HypernetworkConfig
from gtn_tf.config.rules import ConfigError
from gtn_tf.config.schema import (
    AugmentationConfig,
    Config,
    DataConfig,
    EvaluationConfig,
    InnerOptimizerConfig,
    LearnersConfig,
    MetaConfig,
)
from gtn_tf.config.search import (
    ProposerConfig,
    RankingConfig,
    SearchConfig,
    SpaceConfig,
    TrainingConfig,
)
from gtn_tf.config.supernet import (
    SharedStepConfig,
    SharedTrainingConfig,
    SupernetConfig,
)
from gtn_tf.config.teacher import GeneratorConfig, RateFactorsConfig, TeacherConfig

__all__ = [
    "AlphasConfig",
    "AugmentationConfig",
    "Config",
    "ConfigError",
    "ControllerConfig",
    "DartsConfig",
    "DataConfig",
    "EnasConfig",
    "EvaluationConfig",
    "FinalConfig",
    "FullTrainingConfig",
    "GHNConfig",
    "GHNTrainingConfig",
    "GeneratorConfig",
    "HypernetworkConfig",
    "InnerOptimizerConfig",
    "LearnersConfig",
    "MetaConfig",
    "MixedSpaceConfig",
    "MixedTrainingConfig",
    "NetworkConfig",
    "ProposerConfig",
    "RankingConfig",
    "RateFactorsConfig",
    "SearchConfig",
    "SharedStepConfig",
    "SharedTrainingConfig",
    "SpaceConfig",
    "SupernetConfig",
    "TeacherConfig",
    "TrainingConfig",
    "differences",
    "load_config",
    "to_yaml",
    "with_overrides",
]
