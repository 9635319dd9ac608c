"""Quaternions of length 1: the loop against the formula."""

import numpy as np
import pytest
import torch

from ambikit.errors import AmbikitError
from ambikit.geometry import poses
from ambikit.geometry.poses import rotation_to_quaternion
from tests.closeness import assert_close


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_many_are_normalized_as_few_are(library, dtype, rng):
    quaternions = rng.standard_normal((2, poses._MANY, 4)) * 10.0 ** rng.uniform(-9, 9, (2, poses._MANY, 1))
    got = library.numpy(rotation_to_quaternion(library.array(quaternions, dtype)))
    expected = quaternions / np.linalg.norm(quaternions, axis=-1, keepdims=True)
    assert_close(got, expected, dtype)
    few = library.numpy(rotation_to_quaternion(library.array(quaternions[0, :9], dtype)))
    assert_close(got[0, :9], few, dtype, factor=0.1)


def test_the_loop_is_used_for_many(rng):
    assert poses._normalized_by_loop(rng.standard_normal((poses._MANY, 4))) is not None
    assert poses._normalized_by_loop(rng.standard_normal((9, 4))) is None


def test_one_of_length_0_among_many_is_refused(rng):
    quaternions = rng.standard_normal((poses._MANY, 4))
    quaternions[77] = 0
    with pytest.raises(AmbikitError, match="length 0"):
        rotation_to_quaternion(quaternions)


def test_nan_stays_where_it_is(rng):
    quaternions = rng.standard_normal((poses._MANY, 4))
    quaternions[5, 2] = np.nan
    assert np.flatnonzero(np.isnan(rotation_to_quaternion(quaternions)).any(-1)).tolist() == [5]


def test_gradients_of_many():
    quaternions = torch.ones(poses._MANY, 4, requires_grad=True)
    rotation_to_quaternion(quaternions)[3, 0].backward()
    expected = [0.375, -0.125, -0.125, -0.125]  # of x / |q| at (1, 1, 1, 1)
    assert torch.allclose(quaternions.grad[3], torch.tensor(expected))
