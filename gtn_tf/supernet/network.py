"""One network for all architectures of a cell space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from gtn_tf.cells import AnyGenotype
from gtn_tf.cells.genotype import LARGE
from gtn_tf.cells.nas_bench_201 import OPS_201, network_201
from gtn_tf.cells.network import cell_network
from gtn_tf.names import BLOCKS
from gtn_tf.supernet import coding, drawing
from gtn_tf.supernet.choice_block import ChoiceBlock
from gtn_tf.supernet.nao import WiringNAO
from gtn_tf.supernet.nas_bench_201 import Wiring201
from gtn_tf.supernet.operation import Channels, Operation, made_in_order
from gtn_tf.supernet.wiring import Pass, Pick, Place, Wiring
from gtn_tf.weight_tensors import PackedTensors


class SuperNetwork:
    """A network whose architecture is an argument, traced once for a whole space.

    It holds every choice of the space and runs the chosen operations alone, forward
    and backward. Weights and batch-norm statistics are arguments, too, each one vector,
    with a slot for each place where there is a choice. So it computes what the
    stand-alone networks of `gtn_tf.cells` do, as a pure function.

    Args:
        space: `"nas_bench_201"` or `"nao"`.
        image_shape: `(height, width, channels)` of an image, any size.
        num_classes: Number of logits.
        cells: N, cells in each of the three stages.
        filters: F, channels of the first stage.
        kind: `"training"` or `"evaluation"` layers, as for `cell_network`.
        ops: Names of the operations of nao.

    Example:

    >>> from gtn_tf.cells import Genotype201
    >>> network = SuperNetwork("nas_bench_201", (8, 8, 1), 10, cells=1, filters=2)
    >>> cell = network.encode(Genotype201(["nor_conv_3x3"] * 6))
    >>> weights = network.fresh_weights(cell, tf.constant([0, 1]))
    >>> statistics = network.fresh_statistics(cell)
    >>> logits, _ = network(weights, statistics, tf.ones([4, 8, 8, 1]), cell)
    >>> logits.shape
    TensorShape([4, 10])
    """

    def __init__(
        self,
        space: str,
        image_shape: tuple[int, int, int],
        num_classes: int,
        cells: int = 1,
        filters: int = 8,
        kind: str = "training",
        ops: Sequence[str] = LARGE,
    ) -> None:
        self.space = space
        self.image_shape = image_shape
        self._size = image_shape, num_classes, cells, filters
        self.kind = kind
        settings = *self._size, BLOCKS.load(kind)
        self._names = tuple(ops) if space == "nao" else OPS_201
        self._wiring: Wiring
        if space == "nao":
            self._wiring = WiringNAO(*settings, ops=self._names)
        else:
            self._wiring = Wiring201(*settings)
        blocks = self._wiring.blocks
        self._sizes = [block.size for block in blocks]
        self._statistics_sizes = [block.statistics_size for block in blocks]

    @property
    def settings(self) -> dict[str, Any]:
        """What the network was made of, in JSON."""
        image_shape, num_classes, cells, filters = self._size
        return {
            "space": self.space,
            "image_shape": [*image_shape],
            "num_classes": num_classes,
            "cells": cells,
            "filters": filters,
            "kind": self.kind,
            "ops": [*self._names],
        }

    @property
    def size(self) -> int:
        """Of a vector of weights."""
        return sum(self._sizes)

    @property
    def statistics_size(self) -> int:
        """Of a vector of batch-norm statistics."""
        return sum(self._statistics_sizes)

    @property
    def momentum(self) -> float | None:
        """Of the moving averages of Keras' batch norms, if it has such."""
        return self._wiring.momentum

    def encode(self, genotype: AnyGenotype) -> tf.Tensor:
        """A genotype as the network takes it.

        Args:
            genotype: Of the space.

        Returns:
            int32 `[6]`, or `[40]` for nao, with operations counted from 0.

        Raises:
            GenotypeError: If it is not in the space.
        """
        return tf.constant(coding.encode(genotype, *self._coded), tf.int32)

    def decode(self, numbers: Sequence[int]) -> AnyGenotype:
        """The genotype that `encode` gives as these numbers.

        Args:
            numbers: Each less than that of `choices`.
        """
        return coding.decode(numbers, *self._coded)

    @property
    def choices(self) -> list[int]:
        """How many values each number of a genotype may have."""
        return coding.choices(*self._coded)

    @property
    def _coded(self) -> tuple[str, Sequence[str]]:
        return self.space, self._names

    def __call__(
        self,
        weights: tf.Tensor,
        statistics: tf.Tensor,
        images: tf.Tensor,
        genotype: tf.Tensor,
        training: bool = False,
        clipnorm: float | None = None,
        second_order: bool = False,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Runs an architecture.

        The logits of a training pass can be differentiated once with respect to weights
        and images; the statistics after it are constants.

        Args:
            weights: `[size]`.
            statistics: `[statistics_size]`.
            images: `[batch, h, w, c]`.
            genotype: As `encode` gives it.
            training: As for Keras.
            clipnorm: What the gradient of each weight tensor is cut to.
            second_order: Whether logits and statistics can be differentiated, the
                logits twice, with respect to weights, statistics and images.

        Returns:
            The logits `[batch, num_classes]`, and the statistics after the call.
        """

        def call(block: Any, *given: Any) -> tuple[tf.Tensor, tf.Tensor]:
            return block(*given, training, clipnorm, second_order)

        run = self._pass(weights, statistics, genotype, call)
        logits = self.logits(run, images, genotype)
        return logits, tf.concat(run.results, 0)

    def logits(self, run: Pass, images: tf.Tensor, genotype: tf.Tensor) -> tf.Tensor:
        """The logits of a pass of one's own, `[batch, num_classes]`.

        Args:
            run: The pass; it is called with each block once, in the order of `picks`.
            images: `[batch, h, w, c]`.
            genotype: As `encode` gives it.
        """
        return self._wiring.logits(run, images, genotype)

    def mixed_logits(
        self, run: Pass, images: tf.Tensor, mixture: Sequence[tf.Tensor]
    ) -> tf.Tensor:
        """The logits of a pass in which all that may be chosen has a part.

        Args:
            run: The pass, called as `logits` calls it. Where there is a choice, it is
                given a list of all inputs in the place of each input.
            images: `[batch, h, w, c]`.
            mixture: For each of `choices` the parts of its values.

        Returns:
            `[batch, num_classes]`.
        """
        return self._wiring.mixed_logits(run, images, mixture)

    def agreements(
        self,
        weights: tf.Tensor,
        statistics: tf.Tensor,
        images: tf.Tensor,
        genotype: tf.Tensor,
    ) -> tf.Tensor:
        """In how many ReLUs of an architecture each two images agree, in training.

        Args:
            weights: As for a call, and so are the others.
            statistics: Likewise.
            images: Likewise.
            genotype: Likewise.

        Returns:
            `[batch, batch]`, as `gtn_tf.relus.agreements` gives it.
        """
        run = self._pass(weights, statistics, genotype, ChoiceBlock.agreements)
        self.logits(run, images, genotype)
        return tf.add_n(run.results)

    def _pass(
        self,
        weights: tf.Tensor,
        statistics: tf.Tensor,
        genotype: tf.Tensor,
        call: Callable[..., tuple[tf.Tensor, tf.Tensor]],
    ) -> Pass:
        return Pass(
            self._wiring.picks(genotype),
            tf.split(weights, self._sizes),
            tf.split(statistics, self._statistics_sizes),
            call,
        )

    @property
    def places(self) -> list[Place]:
        """The places where there is a choice, and what each may read."""
        return self._wiring.places

    def picks(self, genotype: tf.Tensor) -> list[tuple[ChoiceBlock, Pick]]:
        """The places where there is a choice, each with what an architecture picks.

        Args:
            genotype: As `encode` gives it.
        """
        return [*zip(self._wiring.blocks, self._wiring.picks(genotype))]

    def draw(self, seed: tf.Tensor, held_out: bool = False) -> tf.Tensor:
        """Draws an architecture, uniformly.

        Args:
            seed: int32 `[2]`.
            held_out: Whether it is one that meta-training never draws, or one that it
                may draw; see `gtn_tf.supernet.drawing`.

        Returns:
            A genotype as `encode` gives it.
        """
        return drawing.draw(seed, self.space, len(self._names), held_out)

    def is_held_out(self, genotype: tf.Tensor) -> tf.Tensor:
        """Whether meta-training never draws an architecture.

        Args:
            genotype: As `encode` gives it.
        """
        return drawing.is_held_out(genotype, self.space, len(self._names))

    def fresh_weights(self, genotype: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draws weights as the stand-alone network's initializers do.

        Args:
            genotype: As `encode` gives it.
            seed: int32 `[2]`.

        Returns:
            `[size]`; zeros where the architecture has no weights.
        """
        fold = tf.random.experimental.stateless_fold_in
        picks = self._wiring.picks(genotype)
        return tf.concat(
            [
                block.fresh(pick.operation, fold(seed, number), pick.channels)
                for number, (block, pick) in enumerate(zip(self._wiring.blocks, picks))
            ],
            0,
        )

    def fresh_statistics(self, genotype: tf.Tensor) -> tf.Tensor:
        """Batch-norm statistics before the first step, `[statistics_size]`.

        Args:
            genotype: As `encode` gives it.
        """
        picks = self._wiring.picks(genotype)
        pairs = zip(self._wiring.blocks, picks)
        return tf.concat([b.fresh_statistics(pick.operation) for b, pick in pairs], 0)

    def tensors(self, genotype: tf.Tensor) -> PackedTensors:
        """The tensors of an architecture's weights.

        Args:
            genotype: As `encode` gives it.
        """
        numbers, kernels, count = [], [], 0
        for block, pick in self.picks(genotype):
            own = block.tensors(pick.operation, pick.channels)
            numbers.append(count + own[0])
            kernels.append(own[1])
            count += own[1].shape[0]
        return PackedTensors(tf.concat(numbers, 0), tf.concat(kernels, 0))

    def extract(
        self,
        genotype: AnyGenotype,
        weights: tf.Tensor,
        statistics: tf.Tensor,
    ) -> tf.keras.Model:
        """The stand-alone network of an architecture.

        Args:
            genotype: Of the space.
            weights: `[size]`.
            statistics: `[statistics_size]`.
        """
        model, of_weights, of_statistics = self._alone(genotype)
        slots = zip(
            self._chosen(genotype),
            tf.split(weights, self._sizes),
            tf.split(statistics, self._statistics_sizes),
        )
        values: list[tf.Tensor] = []
        running: list[tf.Tensor] = []
        for (_, operation, channels), slot, statistics in slots:
            values += operation.split(slot, channels)
            running += operation.split_statistics(statistics)
        for variable, value in zip(of_weights + of_statistics, values + running):
            variable.assign(value)
        return model

    def insert(
        self, genotype: AnyGenotype, model: tf.keras.Model
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The weights and statistics of a stand-alone network as vectors.

        Args:
            genotype: Of the space.
            model: What `extract` gave, or the network that `gtn_tf.cells` makes of the
                genotype in the same size. Layers that lead nowhere, which it does not
                have, get zeros.
        """
        alone, of_weights, of_statistics = self._alone(genotype)
        for variable in of_weights + of_statistics:
            variable.assign(tf.zeros_like(variable))
        alone.set_weights(model.get_weights())
        values, running = iter(of_weights), iter(of_statistics)
        weights, statistics = [], []
        for block, operation, _ in self._chosen(genotype):
            own = [next(values) for _ in operation.weights]
            weights.append(operation.join(own, block.size))
            own = [next(running) for _ in operation.statistics]
            statistics.append(operation.join(own, block.statistics_size))
        return tf.concat(weights, 0), tf.concat(statistics, 0)

    def _chosen(
        self, genotype: AnyGenotype
    ) -> list[tuple[ChoiceBlock, Operation, Channels]]:
        blocks = self._wiring.blocks
        picks = self._wiring.picks(self.encode(genotype))
        return [
            (b, b.operations[int(p.operation)], p.channels)
            for b, p in zip(blocks, picks)
        ]

    def _alone(
        self, genotype: AnyGenotype
    ) -> tuple[tf.keras.Model, list[tf.Variable], list[tf.Variable]]:
        """A stand-alone network; its weights and statistics in the blocks' order."""
        make: Any = network_201 if self.space == "nas_bench_201" else cell_network
        model, made = made_in_order(lambda: make(genotype, *self._size, self.kind))
        weights = [variable for variable in made if variable.trainable]
        return model, weights, [v for v in made if not v.trainable]
