"""What a configuration may ask for where the data is a table."""

from __future__ import annotations

from gtn_tf.config import (
    AugmentationConfig,
    Config,
    ConfigError,
    DartsConfig,
    EnasConfig,
    FinalConfig,
    GHNConfig,
    SearchConfig,
    SupernetConfig,
)
from gtn_tf.data import Splits
from gtn_tf.errors import shown
from gtn_tf.runs.directory import AnyConfig
from gtn_tf.shapes import is_vector

_NETWORKS: dict[type, str] = {
    FinalConfig: "network",
    SearchConfig: "space",
    SupernetConfig: "space",
    GHNConfig: "space",
    DartsConfig: "space",
    EnasConfig: "space",
}


def expect_usable(config: AnyConfig, splits: Splits) -> None:
    """Expects no networks of pictures where the data is a table.

    Args:
        config: The configuration.
        splits: The real data.

    Raises:
        ConfigError: If there are some; it names the key.
    """
    if not is_vector(splits.image_shape):
        return
    table = f"beside a table of {splits.image_shape[0]} features"
    if not isinstance(config, Config):
        section = _NETWORKS[type(config)]
        raise ConfigError(
            f"{section}: expected pictures for its cells of convolutions, received a "
            f"table of {splits.image_shape[0]} features; gtn_tf.GTNTuner searches "
            "dense networks of your own",
            section,
        )
    for network in config.learners.networks():
        if network.family != "mlp":
            raise ConfigError(
                f"learners.family: expected mlp {table}, for the others need pictures, "
                f"received {shown(network.family)}",
                "learners.family",
            )
    if config.augmentation != AugmentationConfig():
        raise ConfigError(
            f"augmentation: expected none {table}, for it is of pictures, received "
            f"{config.augmentation}",
            "augmentation",
        )
