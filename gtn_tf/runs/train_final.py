"""The full training of one architecture, as the literature does it."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

from gtn_tf.atomic_file import write
from gtn_tf.cells import Genotype201, cell_network, network_201, read_genotype
from gtn_tf.config import ConfigError, FinalConfig
from gtn_tf.countdown import Countdown
from gtn_tf.data import Splits
from gtn_tf.first_trace import make_variables
from gtn_tf.precision import precision
from gtn_tf.run_files import damaged, read_column
from gtn_tf.runs.checkpoints import Checkpoints
from gtn_tf.runs.classifier import export_classifier
from gtn_tf.runs.directory import RunDirectory
from gtn_tf.runs.limits import expect_possible
from gtn_tf.runs.machine import machine
from gtn_tf.runs.records import Metrics
from gtn_tf.runs.results import is_finished, report_results
from gtn_tf.runs.splits import load_training_splits

Report = Callable[[str], None]


def train_final(
    config: FinalConfig,
    run_dir: Path,
    resume: bool = False,
    data_dir: Path | None = None,
    report: Report = print,
) -> dict[str, Any]:
    """Trains an architecture and exports the classifier.

    Killed at any moment and started again, it resumes after the last complete epoch and
    ends with the same weights on the same processor.

    Args:
        config: The configuration.
        run_dir: Holds config.yaml, metrics.csv, checkpoints/ (the best by validation
            and the last), tensorboard/, export/1/ and summary.json.
        resume: Whether an existing training goes on.
        data_dir: Folder with the data files.
        report: Called with each line of progress.

    Returns:
        The content of `summary.json`.

    Raises:
        GenotypeError: If there is no such genotype.
        ConfigError: If the layout does not fit it.
        RunError: If the directory cannot be used.
    """
    _network_of(config)  # a mistake is reported before the data is read
    splits = load_training_splits(config, data_dir)
    expect_possible(config, splits)
    run = RunDirectory(run_dir)
    with run.open(config, resume):
        if not is_finished(run, True, report):
            _finish(run, config, splits, report)
        return report_results(run, _outcome, report)


def _outcome(summary: dict[str, Any], run: RunDirectory) -> str:
    return (
        f"test accuracy {summary['test_accuracy']:.2%}, {summary['params']} "
        f"parameters, {summary['seconds']:.0f} s. Everything is in {run.path}"
    )


def _finish(
    run: RunDirectory, config: FinalConfig, splits: Splits, report: Report
) -> None:
    """Does what is left of a training; the summary comes last."""
    tf.keras.utils.set_random_seed(config.seed % 2**32)
    with precision("mixed_float16" if config.training.mixed_precision else "float32"):
        with _strategy().scope():
            model = build_network(config, splits)
        _fit(model, run, config, splits, report)
        classifier = logits_alone(model)
        classifier.compile(metrics=["accuracy"])
        found = classifier.evaluate(splits.test, verbose=0, return_dict=True)
        export_classifier(classifier, splits, run.export)
    accuracies = read_column(run.metrics, "val_accuracy")
    if not accuracies:
        raise damaged(run.metrics, "no line of any epoch")
    summary = {
        "genotype": config.network.genotype,
        "dataset": splits.title,
        "test_accuracy": found["accuracy"],
        "validation_accuracy": accuracies[-1],
        "best_validation_accuracy": max(accuracies),
        "params": sum(v.shape.num_elements() for v in classifier.trainable_variables),
        "epochs": config.training.epochs,
        "seconds": sum(read_column(run.metrics, "seconds")),
        "seed": config.seed,
        **machine(),
    }
    write(run.summary, json.dumps(summary, indent=2) + "\n")


def _strategy() -> tf.distribute.Strategy:
    """A replica of the network on each GPU, if there are several."""
    if len(tf.config.list_logical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def build_network(config: FinalConfig, splits: Splits) -> tf.keras.Model:
    """Makes the network of a configuration, compiled.

    Args:
        config: The configuration.
        splits: The real data.

    Returns:
        A Keras model of images `[batch, h, w, c]`, with labels one-hot.
    """
    network, training = config.network, config.training
    steps = training.epochs * steps_per_epoch(config, splits)
    model = _network_of(config)(
        image_shape=splits.image_shape,
        num_classes=splits.num_classes,
        cells=network.cells,
        filters=network.filters,
        dropout=network.dropout,
        drop_path=network.drop_path,
        steps=steps,
        auxiliary=bool(network.auxiliary),
        seed=config.seed,
    )
    if training.weight_decay:
        kernels = [v for v in model.trainable_variables if "kernel" in v.name]
        # Half the decay, since the gradient should be the kernel times the decay.
        half = training.weight_decay / 2
        model.add_loss(
            lambda: half * tf.add_n([tf.reduce_sum(tf.square(v)) for v in kernels])
        )
    rate = tf.keras.optimizers.schedules.CosineDecay(
        training.learning_rate,
        steps,
        alpha=training.final_learning_rate / training.learning_rate,
    )
    model.compile(
        tf.keras.optimizers.SGD(
            rate, training.momentum, global_clipnorm=training.gradient_clip or None
        ),
        tf.keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=training.label_smoothing
        ),
        loss_weights={"logits": 1.0, "auxiliary": network.auxiliary}
        if network.auxiliary
        else None,
        metrics={"logits": "accuracy"} if network.auxiliary else ["accuracy"],
    )
    return model


def _network_of(config: FinalConfig) -> Callable[..., tf.keras.Model]:
    """Builds the stack of the genotype's cells, given its size."""
    written, layout = read_genotype(config.network.genotype), config.network.layout
    if isinstance(written.genotype, Genotype201):
        if layout != "own":
            raise ConfigError(
                "network.layout: expected own, since networks of NAS-Bench-201 have "
                f"no other, received {layout!r}"
            )
        return functools.partial(network_201, written.genotype)
    layout = written.layout if layout == "own" else layout
    return functools.partial(cell_network, written.genotype, layout=layout)


def logits_alone(model: tf.keras.Model) -> tf.keras.Model:
    """The network without its auxiliary head.

    Args:
        model: What `build_network` made.
    """
    outputs = model.output
    if not isinstance(outputs, dict):
        return model
    return tf.keras.Model(model.input, outputs["logits"])


def steps_per_epoch(config: FinalConfig, splits: Splits) -> int:
    """Whole batches in a pass over the training images.

    Args:
        config: The configuration.
        splits: The real data.
    """
    return max(1, len(splits.train_labels) // config.training.batch_size)


def _fit(
    model: tf.keras.Model,
    run: RunDirectory,
    config: FinalConfig,
    splits: Splits,
    report: Report,
) -> None:
    steps, epochs = steps_per_epoch(config, splits), config.training.epochs
    auxiliary = bool(config.network.auxiliary)
    # Named as by Keras' BackupAndRestore, which earlier versions used.
    backup = Checkpoints(
        model, run.path / "backup" / "chief", report, run.run_id, "model", "ckpt-{}"
    )
    done = backup.restore()
    if done:
        report(f"resuming after epoch {done} of {epochs}")
    if done == epochs:
        return
    metrics = Metrics(run.metrics, done)
    best = max(read_column(run.metrics, "val_accuracy"), default=None)
    run.checkpoints.mkdir(parents=True, exist_ok=True)

    def weights(name: str, **kwargs: Any) -> tf.keras.callbacks.Callback:
        return tf.keras.callbacks.ModelCheckpoint(
            str(run.checkpoints / f"{name}.weights.h5"),
            save_weights_only=True,
            **kwargs,
        )

    def labelled(images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, Any]:
        one_hot = tf.one_hot(labels, splits.num_classes)  # [b, k]
        if auxiliary:
            return images, {"logits": one_hot, "auxiliary": one_hot}
        return images, one_hot

    batches = splits.train_batches(done * steps).map(labelled)
    make_variables(model, model.output, batches.element_spec[1])
    model.fit(
        batches,
        initial_epoch=done,
        epochs=epochs,
        steps_per_epoch=steps,
        validation_data=splits.validation.map(labelled),
        callbacks=[
            _EpochLine(epochs, done, report),
            metrics,
            tf.keras.callbacks.TensorBoard(str(run.tensorboard), write_graph=False),
            weights(
                "best",
                monitor="val_accuracy",
                mode="max",
                save_best_only=True,
                initial_value_threshold=best,
            ),
            weights("last"),
            backup,  # last: an epoch counts once all else is recorded
        ],
        verbose=0,
    )


class _EpochLine(tf.keras.callbacks.Callback):
    """One line for each epoch; makes the names of logs independent of the head."""

    def __init__(self, epochs: int, done: int, report: Report) -> None:
        super().__init__()
        self._epochs, self._done, self._report = epochs, done, report

    def on_train_begin(self, logs: Any = None) -> None:
        self._report("tracing the network: the first epoch takes longer ...")
        self._countdown = Countdown(self._epochs, self._done)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._began = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        for name in ("accuracy", "val_accuracy"):
            inner = name.replace("accuracy", "logits_accuracy")
            if inner in logs:
                logs[name] = logs.pop(inner)
        logs["seconds"] = time.monotonic() - self._began
        pace = self._countdown.next()
        self._report(
            f"epoch {pace.position}  loss {logs['loss']:.3f}  "
            f"validation accuracy {logs['val_accuracy']:.2%}  {pace.left}"
        )
