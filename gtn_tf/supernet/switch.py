"""Several functions of which an index, known when the graph runs, picks one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Union

import tensorflow as tf

Index = Union[int, tf.Tensor]


class Switch:
    """Runs one of several functions, each traced once for each kind of arguments.

    What `tf.switch_case` does, but the operation that runs a branch calls a function.
    That of `tf.switch_case` becomes nodes of the graph around it, of which all but one
    branch's are there for nothing, at every place and in every step.

    Args:
        functions: Pure, of tensors; their results are lists of as many tensors.
    """

    def __init__(self, functions: Sequence[Callable[..., Sequence[tf.Tensor]]]) -> None:
        self._functions = functions
        self._traced: dict[Any, list[Any]] = {}

    def __call__(self, index: Index, *given: tf.Tensor) -> list[tf.Tensor]:
        """Calls the function that is picked.

        Args:
            index: Which.
            *given: Its arguments.
        """
        if isinstance(index, int) or tf.executing_eagerly():
            return [*self._functions[int(index)](*given)]
        branches = self._branches(given)
        outputs = zip(*(one.outputs for one in branches))
        shapes = [_common([y.shape for y in each]) for each in outputs]
        return tf.raw_ops.StatelessCase(
            branch_index=index,
            input=given,
            Tout=[y.dtype for y in branches[0].outputs],
            branches=branches,
            output_shapes=shapes,
        )

    def _branches(self, given: Sequence[tf.Tensor]) -> list[Any]:
        specs = [tf.TensorSpec(x.shape, x.dtype) for x in given]
        key = tuple((str(one.shape), one.dtype) for one in specs)
        if key not in self._traced:
            with tf.init_scope():
                self._traced[key] = [
                    tf.function(f, autograph=False).get_concrete_function(*specs)
                    for f in self._functions
                ]
            # What a function captures would have to be handed over, too.
            assert not any(one.captured_inputs for one in self._traced[key])
        return self._traced[key]


def _common(shapes: Sequence[tf.TensorShape]) -> tf.TensorShape:
    """What is known of a tensor that has one of some shapes."""
    known = shapes[0]
    for shape in shapes[1:]:
        known = known.most_specific_compatible_shape(shape)
    return known
