"""How near is near: one tolerance table for the whole suite."""

import numpy as np

#: largest error relative to the largest value, for a single operation
TOLERANCE = {"float32": 1e-5, "float64": 1e-12, "float16": 2e-3, "bfloat16": 2e-2}


def assert_close(actual: np.ndarray, expected: np.ndarray, dtype: str = "float64", *, factor: float = 1.0) -> None:
    """Compare by the largest error, relative to the largest expected value, within the tolerance table."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, f"shape {actual.shape}, expected {expected.shape}"
    scale = max(float(np.max(np.abs(expected), initial=0.0)), 1e-30)
    error = float(np.max(np.abs(actual.astype(np.complex128) - expected), initial=0.0)) / scale
    assert error <= factor * TOLERANCE[dtype], f"relative error {error:.2e}, allowed {factor * TOLERANCE[dtype]:.2e}"
