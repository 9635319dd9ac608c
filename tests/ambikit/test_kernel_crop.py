import numpy as np
import pytest

from ambikit.kernels import crop
from ambikit_models.panorama.sampling import (
    reduce_by_formula,
    reduce_frames,
    sample_by_formula,
    sample_frames,
    words_of,
)
from tests.closeness import assert_close


def positions(rng, height, width, side):
    """Three views: one anywhere, one across the seam, one across both poles."""
    column = rng.uniform(-0.5, width - 0.5, (3, side, side))
    row = rng.uniform(0.0, height - 1.0, (3, side, side))
    column[1] = np.where(rng.random((side, side)) < 0.5, -0.5, width - 1.0) + rng.uniform(0, 0.5, (side, side))
    row[2] = np.where(rng.random((side, side)) < 0.5, -0.5, height - 1.0) + rng.uniform(0, 0.5, (side, side))
    return column, row


class TestSampling:
    @pytest.mark.parametrize("samples", [1, 2, 3])
    @pytest.mark.parametrize("width", [20, 21])
    def test_floats_equal_the_formula(self, rng, samples, width):
        frames = rng.standard_normal((4, 11, width, 3)).astype(np.float32)
        frame_of, view_of = np.array([0, 3, 3, 1, 2]), np.array([2, 0, 1, 1, 2])
        column, row = positions(rng, 11, width, 6 * samples)
        out = np.empty((5, 6, 6, 3), np.float32)
        crop.sample_frames(frames, frame_of, view_of, column, row, out, 1.0, 0.0)
        assert_close(out, sample_by_formula(frames, frame_of, view_of, column, row, 6), "float32")

    def test_bytes_are_the_rounded_formula(self, rng):
        frames = rng.integers(0, 256, (2, 16, 32, 3), dtype=np.uint8)
        frame_of, view_of = np.array([0, 1, 1]), np.array([0, 1, 2])
        column, row = positions(rng, 16, 32, 80)
        out, single = np.empty((2, 3, 40, 40, 3), np.uint8)
        crop.sample_bytes(frames, words_of(frames), frame_of, view_of, column, row, out, 1.0, 0.5)
        crop.sample_frames(frames, frame_of, view_of, column, row, single, 1.0, 0.5)
        np.testing.assert_array_equal(out, single)
        formula = np.floor(sample_by_formula(frames, frame_of, view_of, column, row, 40) + 0.5)
        assert np.abs(out - formula).max() <= 1  # where the mean is half-way between two values
        assert np.mean(out != formula) < 1e-3

    def test_whole_positions_copy_pixels(self, rng):
        frames = rng.integers(0, 256, (1, 5, 8, 3), dtype=np.uint8)
        row, column = np.meshgrid(np.arange(5.0), np.arange(5.0) + 2, indexing="ij")
        out = np.empty((1, 5, 5, 3), np.uint8)
        first = np.zeros(1, int)
        crop.sample_frames(frames, first, first, column[None], row[None], out, 1.0, 0.5)
        np.testing.assert_array_equal(out[0], frames[0, :, 2:7])

    @pytest.mark.parametrize("shape", [(1, 1), (1, 2), (4, 8)])
    def test_bytes_are_read_up_to_the_last_and_no_further(self, shape, rng):
        frames = rng.integers(0, 256, (2, *shape, 3), dtype=np.uint8)
        row, column = np.meshgrid(np.arange(float(shape[0])), np.arange(float(shape[0])) + shape[1] - shape[0])
        row, column = row.T[None], column.T[None]
        out = np.empty((2, shape[0], shape[0], 3), np.uint8)
        crop.sample_bytes(frames, words_of(frames), np.arange(2), np.zeros(2, int), column, row, out, 1.0, 0.5)
        np.testing.assert_array_equal(out, frames[:, :, shape[1] - shape[0] :])

    def test_behind_a_pole_lies_the_same_row_half_a_turn_away(self):
        frames = np.zeros((1, 4, 8, 3), np.float32)
        frames[0, 0, 1], frames[0, 0, 5] = 1.0, 3.0
        frames[0, 3, 2], frames[0, 3, 6] = 5.0, 7.0
        column, row = np.array([[[1.0, 5.0], [2.0, 6.0]]]), np.array([[[-0.5, -0.25], [3.5, 3.25]]])
        out = np.empty((1, 2, 2, 3), np.float32)
        first = np.zeros(1, int)
        crop.sample_frames(frames, first, first, column, row, out, 1.0, 0.0)
        np.testing.assert_allclose(out[0, :, :, 0], [[2.0, 2.5], [6.0, 6.5]])

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300, -1e300])
    @pytest.mark.parametrize("kind", ["uint8", "float32"])
    @pytest.mark.parametrize("axis", ["column", "row"])
    def test_a_position_that_is_nowhere_is_read_from_nowhere(self, value, kind, axis):
        frames = np.full((2, 4, 8, 3), 9, kind)
        place = {"column": np.ones((1, 4, 4)), "row": np.ones((1, 4, 4))}
        place[axis][0, 0, 0] = value
        first, second = np.zeros(1, int), np.ones(1, int)
        formula = sample_by_formula(frames, second, first, place["column"], place["row"], 2)
        out = sample_frames(frames, second, first, place["column"], place["row"], 2, frames.dtype)
        assert np.isnan(formula[0, :, :, 0]).tolist() == [[True, False], [False, False]]
        np.testing.assert_array_equal(out, np.where(np.isnan(formula), 0, formula) if kind == "uint8" else formula)

    @pytest.mark.parametrize("row", [-3.0, -1.5, 4.5, 7.0])
    def test_rows_far_beyond_a_pole_are_its_row_half_a_turn_away(self, row):
        frames = np.arange(4 * 8 * 3, dtype=np.float32).reshape(1, 4, 8, 3)
        column, rows, first = np.full((1, 1, 1), 2.0), np.full((1, 1, 1), row), np.zeros(1, int)
        out = np.empty((1, 1, 1, 3), np.float32)
        crop.sample_frames(frames, first, first, column, rows, out, 1.0, 0.0)
        np.testing.assert_array_equal(out[0, 0, 0], frames[0, 0 if row < 0 else 3, 6])


class TestReducing:
    @pytest.mark.parametrize("factor", [2, 4, 8])
    @pytest.mark.parametrize("kind", ["uint8", "float32"])
    def test_equals_the_formula(self, rng, factor, kind):
        frames = rng.integers(0, 256, (3, 8, 24, 3)).astype(kind)
        out = np.empty((3, 8 // factor, 24 // factor, 3), np.float32)
        scratch = np.empty((2, 72), np.uint16 if kind == "uint8" else np.float32)
        crop.reduce_frames(frames, factor, *scratch, out)
        assert_close(out, reduce_by_formula(frames, factor), "float32")

    @pytest.mark.parametrize("factor", [16, 32, 256])
    def test_white_stays_white_at_any_factor(self, factor):
        """Also through the memory that ``reduce_frames`` chooses for the sums."""
        frames = np.full((1, 256, 512, 3), 255, np.uint8)
        np.testing.assert_array_equal(reduce_frames(frames, factor), 255.0)
