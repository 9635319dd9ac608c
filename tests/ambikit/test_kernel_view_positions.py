"""Where pixels of views lie: the loop against the formula."""

import math

import numpy as np
import pytest
import torch

from ambikit.kernels import view_positions
from ambikit_models.panorama.sampling import locate_by_formula, locate_views


class TestAngle:
    def test_is_the_arc_tangent(self, rng):
        y, x = np.concatenate([rng.standard_normal((2, 2000)), 10.0 ** rng.uniform(-300, 300, (2, 200))], -1)
        got = [view_positions._angle(*pair) for pair in zip(y, x, strict=True)]
        np.testing.assert_allclose(got, np.arctan2(y, x), rtol=1e-15, atol=5e-16)

    @pytest.mark.parametrize("sign", [1.0, -1.0])
    def test_at_the_borders_of_its_pieces(self, sign):
        steep = math.tan(math.pi / 8)
        for y, x in [(0, 0), (0, 1), (0, -1), (1, 0), (1, 1), (1, -1), (steep, 1), (1, steep), (steep, -1)]:
            expected = math.atan2(sign * y + 0.0, x)  # −0 is 0: half a turn to the left and to the right are one
            assert view_positions._angle(sign * y, float(x)) == pytest.approx(expected, abs=5e-16)

    def test_nan_stays(self):
        assert math.isnan(view_positions._angle(math.nan, 1.0))
        assert math.isnan(view_positions._angle(1.0, math.nan))


class TestLocating:
    @pytest.mark.parametrize("size", [1, 2, 7, 16])
    @pytest.mark.parametrize("shape", [(100, 200), (101, 199)])
    def test_equals_the_formula(self, size, shape, rng):
        height, width = shape
        azimuth = np.concatenate([rng.uniform(-9, 9, 40), [0, np.pi, -np.pi, 1, 2, 3]])
        elevation = np.concatenate([rng.uniform(-1.5, 1.5, 40), [0, 0, 0, np.pi / 2, -np.pi / 2, 1.5]])
        field = rng.uniform(0.05, 3.0, 46)
        got = locate_views(azimuth, elevation, field, size, height, width)
        expected = locate_by_formula(azimuth, elevation, field, size, height, width)
        apart = np.abs(got[0] - expected[0])
        # near a pole a rounded step is a large angle: on the sphere they are alike
        radius = np.maximum(np.cos(np.pi * (0.5 - (expected[1] + 0.5) / height)), 1e-15)
        assert (np.minimum(apart, width - apart) * radius).max() < 1e-11
        np.testing.assert_allclose(got[1], expected[1], atol=1e-10)
        assert got[0].min() >= -0.5
        assert got[0].max() <= width - 0.5

    def test_tensors(self, rng):
        angles = rng.uniform(0.1, 1, (3, 4))
        got = locate_views(*torch.from_numpy(angles), 5, 20, 40)
        for ours, expected in zip(got, locate_by_formula(*angles, 5, 20, 40), strict=True):
            assert isinstance(ours, torch.Tensor)
            np.testing.assert_allclose(ours.numpy(), expected, atol=1e-11)

    def test_angles_with_gradients_keep_them(self):
        angle = torch.tensor([0.3], dtype=torch.float64, requires_grad=True)
        column, row = locate_views(angle, angle, angle, 3, 20, 40)
        assert column.requires_grad
        assert row.requires_grad

    def test_nan_is_nowhere(self):
        column, row = locate_views(np.array([np.nan]), np.array([0.1]), np.array([1.0]), 3, 20, 40)
        assert np.isnan(column).all()
        assert np.isfinite(row).all()
