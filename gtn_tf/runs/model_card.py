"""The README of a run: what was trained, how, and the results."""

from __future__ import annotations

from typing import Any

from gtn_tf.accuracy import in_words
from gtn_tf.config import AugmentationConfig, Config
from gtn_tf.data import Splits
from gtn_tf.names import OPTIMIZERS
from gtn_tf.runs.machine import machine
from gtn_tf.runs.results import accuracy_of
from gtn_tf.shapes import is_vector

_CARD = """\
# {title} for {dataset}

A {source} meta-trained with gtn_tf (Generative Teaching Networks, Such et al. 2020).

| | test accuracy, mean ± standard deviation over {learners} fresh learners |
|---|---|
| taught on {data} | {accuracy} |
| taught on real data, same steps, learned rates | {real_accuracy} |

- {steps} steps of {batch_size} examples; {meta_iterations} meta-iterations in
  {seconds:.0f} s of training, {skipped} of them skipped; {gigabytes:.1f} GB of memory
  at most.
- Seed {seed}; TensorFlow {tensorflow}, Python {python}; {cores} x {processor};
  {date}.
- The run used the test images to report accuracies alone. The whole configuration is in
  `config.yaml`; `python -m gtn_tf.cli train --config config.yaml` runs it again.
"""

_USE = """
## Use

```python
import gtn_tf

teacher = gtn_tf.load_teacher("export/1")
history = gtn_tf.teach(model, teacher)  # any Keras model
```

or, with TensorFlow alone,

```python
import tensorflow as tf

teacher = tf.saved_model.load("export/1")
lesson = teacher.signatures["curriculum"](step=tf.constant(0))
{lesson}
```

- {images}
- Labels: {classes}.
- A learner takes the steps 0 to {last_step} in this order, each with the update
  `{formula}`.
"""

_PICTURES = """\
Images are float32 {shape}, normalised: `pixel = value * {std} + {mean}` per channel,
  for pixels scaled to 0..1."""

_FEATURES = """\
Examples are float32 {shape}, standardised by the training part: `feature = value * std
  + mean`. `load_teacher("export/1").preprocess(table)` does it, for the columns in this
  order: {features}."""

_AUGMENTED = """\
- Meta-training augmented the images of each step, and so does `gtn_tf.teach`: shift
  {augmentation.shift}, mirror {augmentation.mirror}, cutout {augmentation.cutout}.
"""

_REAL_START = """
## Starts from single training images

Each image of a lesson began as one image of the training part of {dataset}, and
meta-training changed its pixels. It may still show that image: do not publish this
teacher where the training images may not be published.
"""

_WARM_START = """
## Starts from single training images

Before meta-training, the generator and its inputs were fitted to single images of the
training part of {dataset}, one for each image of a lesson. An image may still show
its target: do not publish this teacher where the training images may not be published.
"""

_STARTS = {"real": _REAL_START, "fitted": _WARM_START}

_DATA = {
    "real": "learned images that started from real ones",
    "fitted": "generated images, fitted to real ones at first",
    "real_data": "real data, with rates learned by this run",
    "dataset_distillation": "distilled data",
}


def data_of(config: Config) -> str:
    """The name of what learners are taught on.

    Args:
        config: The configuration of the run.

    Example:

    >>> data_of(Config())
    'generated data'
    """
    return _DATA.get(start_of(config) or config.teacher.source, "generated data")


def start_of(config: Config) -> str:
    """How lessons started from single training images, if they did.

    Args:
        config: The configuration of the run.

    Returns:
        `"real"` if learned images began as them, `"fitted"` if a generator was fitted
        to them first, or `""`.

    Example:

    >>> start_of(Config())
    ''
    """
    if config.teacher.init == "real":
        return "real"
    return "fitted" if config.generator.warm_start else ""


def model_card(config: Config, splits: Splits, summary: dict[str, Any]) -> str:
    """Writes the model card.

    Args:
        config: The configuration.
        splits: The real data.
        summary: The content of `summary.json`.

    Returns:
        Markdown.
    """
    optimizer = OPTIMIZERS.load(config.inner_optimizer.name)
    names = "images", "labels", *(one.name for one in optimizer.values.values())
    source = config.teacher.source
    has_export = source != "real_data"  # it has no teacher
    augmented = has_export and config.augmentation != AugmentationConfig()
    use = _USE * has_export + _AUGMENTED * augmented
    use += _STARTS.get(start_of(config), "")
    return (_CARD + use).format(
        **summary,
        augmentation=config.augmentation,
        title="A teacher" if has_export else "Learned rates of real data",
        data=data_of(config),
        gigabytes=summary["peak_bytes"] / 1e9,
        source=source.replace("_", " "),
        accuracy=in_words(accuracy_of(summary, "test"), "±"),
        real_accuracy=in_words(accuracy_of(summary, "real_data"), "±"),
        seed=config.seed,
        **machine(),
        images=_images(splits),
        classes=", ".join(f"{i} {name}" for i, name in enumerate(splits.class_names)),
        last_step=config.teacher.steps - 1,
        formula=optimizer.formula,
        lesson=", ".join(f'lesson["{name}"]' for name in names),
    )


def _images(splits: Splits) -> str:
    """How they were normalised."""
    shape = list(splits.image_shape)
    if is_vector(splits.image_shape):
        names = ", ".join(splits.feature_names) or "that of the training data"
        return _FEATURES.format(shape=shape, features=names)
    mean, std = ([round(x, 4) for x in each] for each in (splits.mean, splits.std))
    return _PICTURES.format(shape=shape, mean=mean, std=std)
