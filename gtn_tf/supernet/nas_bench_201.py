"""The super-network of NAS-Bench-201; `gtn_tf.cells.network_201` is stand-alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from gtn_tf.cells.nas_bench_201 import EDGES, OPS_201, residual_block
from gtn_tf.supernet.choice_block import ChoiceBlock
from gtn_tf.supernet.operation import Operation
from gtn_tf.supernet.wiring import NONE, Pass, Pick, State, Wiring

_NONE = OPS_201.index(NONE)

_Edge = Callable[[int, ChoiceBlock, tf.Tensor], tf.Tensor]  # of a number and an input


class Wiring201(Wiring):
    """Six edges in each cell, each with the five operations.

    A genotype is int32 `[6]`: for each of `EDGES`, an index into `OPS_201`.

    Args:
        *args: As for `Wiring`.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        h, w, c = self.image_shape
        layers, filters = self.layers, self.filters
        self._stem = self._add(
            self._operation(
                "stem", lambda x: layers.norm(layers.conv(x, filters, 3)), (h, w, c)
            )
        )
        x = self._newest
        self._parts: list[tuple[ChoiceBlock | None, list[list[ChoiceBlock]]]] = []
        for part in range(3):
            self._stage = part
            width, residual = self.filters * 2**part, None
            if part:
                shape = h, w, width // 2
                residual = self._add(self._residual(width, shape), reads=[x])
                h, w, x = -(-h // 2), -(-w // 2), self._newest
            operations = self._edge(width, (h, w, width))
            cells = []
            for _ in range(self.cells):
                cell, x = self._add_cell(operations, x)
                cells.append(cell)
            self._parts.append((residual, cells))
        head = self._operation(
            "head", lambda x: self._head(layers.norm(x)), (h, w, width)
        )
        self._last = self._add(head, reads=[x])

    def _add_cell(
        self, operations: list[Operation], x: State
    ) -> tuple[list[ChoiceBlock], State]:
        """The blocks of a cell, and its last node."""
        blocks, nodes = [], [x, (), (), ()]
        for to, source in EDGES:
            blocks.append(self._add(*operations, reads=[nodes[source]]))
            nodes[to] += self._newest
        return blocks, nodes[-1]

    def _residual(self, width: int, shape: Any) -> Operation:
        return self._operation(
            "residual", lambda x: residual_block(x, width, self.layers), shape
        )

    def _edge(self, width: int, shape: Any) -> list[Operation]:
        layers = self.layers
        builds: dict[str, Any] = {
            NONE: layers.zeros,
            "skip_connect": lambda x: x,
            "nor_conv_1x1": lambda x: layers.conv_norm(x, width, 1),
            "nor_conv_3x3": lambda x: layers.conv_norm(x, width, 3),
            "avg_pool_3x3": lambda x: layers.average_pool(x, 3, 1),
        }
        return [self._operation(name, builds[name], shape) for name in OPS_201]

    def picks(self, genotype: tf.Tensor) -> list[Pick]:
        numbers = enumerate(tf.unstack(genotype))
        edges = [Pick(index, chosen_by=(number,)) for number, index in numbers]
        picks = [Pick()]
        for residual, cells in self._parts:
            picks += [Pick()] if residual else []
            picks += edges * len(cells)
        return [*picks, Pick()]

    def logits(self, run: Pass, images: tf.Tensor, genotype: tf.Tensor) -> tf.Tensor:
        used = used_operations(genotype)

        def edge(number: int, block: ChoiceBlock, x: tf.Tensor) -> tf.Tensor:
            return tf.ensure_shape(run(block, x, index=used[number]), x.shape)

        return self._logits(run, images, edge)

    def mixed_logits(
        self, run: Pass, images: tf.Tensor, mixture: Sequence[tf.Tensor]
    ) -> tf.Tensor:
        return self._logits(run, images, lambda number, block, x: run(block, [x]))

    def _logits(self, run: Pass, images: tf.Tensor, edge: _Edge) -> tf.Tensor:
        x = run(self._stem, images)
        for residual, cells in self._parts:
            x = run(residual, x) if residual else x
            for cell in cells:
                nodes = [x]
                for node in (1, 2, 3):
                    arriving = [
                        edge(number, block, nodes[source])
                        for number, (block, (to, source)) in enumerate(zip(cell, EDGES))
                        if to == node
                    ]
                    nodes.append(tf.add_n(arriving))
                x = nodes[-1]
        return run(self._last, x)


def used_operations(genotype: tf.Tensor) -> list[tf.Tensor]:
    """The operations, with `none` on edges to nodes that nothing reads.

    Args:
        genotype: int32 `[6]`.

    Returns:
        Six scalars.
    """
    ops = dict(zip(EDGES, tf.unstack(genotype)))
    reads = {edge: op != _NONE for edge, op in ops.items()}
    alive = {3: tf.constant(True)}
    alive[2] = reads[3, 2]
    alive[1] = reads[3, 1] | (reads[2, 1] & alive[2])
    return [tf.where(alive[to], ops[to, source], _NONE) for to, source in EDGES]
