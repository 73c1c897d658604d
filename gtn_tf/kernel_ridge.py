"""Kernel ridge regression on features, differentiable."""

from __future__ import annotations

import tensorflow as tf

REGULARIZATION = 1e-6  # FRePo's, as a fraction of the kernel's mean diagonal


def ridge_predictions(
    features: tf.Tensor,
    targets: tf.Tensor,
    others: tf.Tensor,
    regularization: float = REGULARIZATION,
) -> tf.Tensor:
    """Fits a kernel ridge regression to examples, and predicts others.

    With the kernel `K = features features^T` of n examples, the predictions are
    `others features^T (K + regularization * trace(K) / n * I)^-1 targets`, computed in
    float64: the condition number reaches n / regularization.

    Args:
        features: Of the examples, `[n, size]`, both known.
        targets: Theirs, `[n, k]`.
        others: Features of what is predicted, `[m, size]`.
        regularization: A fraction of the mean of the kernel's diagonal.

    Returns:
        `[m, k]`, of the features' type; NaN if the features are not finite, or all 0.

    Example:

    >>> features, targets = tf.constant([[1.0], [2.0]]), tf.constant([[3.0], [6.0]])
    >>> ridge_predictions(features, targets, tf.constant([[5.0]])).numpy().round(3)
    array([[15.]], dtype=float32)
    """
    dtype, (count, size) = features.dtype, features.shape
    features, targets, others = (
        tf.cast(one, tf.float64) for one in (features, targets, others)
    )
    ridge = regularization * tf.reduce_sum(tf.square(features)) / count
    if size < count:
        # The same with a matrix [size, size]: (K + ridge I) has a null space otherwise,
        # where terms as large as 1 / ridge have to cancel.
        moments = tf.matmul(features, features, transpose_a=True)
        sums = tf.matmul(features, targets, transpose_a=True)
        weights = _solve(moments, ridge, sums)
    else:
        kernel = tf.matmul(features, features, transpose_b=True)
        solution = _solve(kernel, ridge, targets)
        weights = tf.matmul(features, solution, transpose_a=True)
    return tf.cast(tf.matmul(others, weights), dtype)


def _solve(matrix: tf.Tensor, ridge: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Solves `(matrix + ridge I) x = right`; NaN if it has no Cholesky factor."""
    diagonal = tf.linalg.diag_part(matrix) + ridge
    factor = tf.linalg.cholesky(tf.linalg.set_diag(matrix, diagonal))
    return tf.linalg.cholesky_solve(factor, right)
