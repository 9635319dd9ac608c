"""The histogram of intensity directions, against sources placed on the sphere and a loop over bins."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import ambikit
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close
from tests.conftest import Library

GRID = ambikit.fibonacci_grid(300)


def noise(rng, *shape):
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def grid(library):
    return [library.array(angle) for angle in GRID]


class TestValues:
    @given(azimuth=st.floats(-3.1, 3.1), elevation=st.floats(-1.5, 1.5), order=st.integers(1, 3))
    @settings(max_examples=25, deadline=None)
    def test_a_source_has_its_vote(self, azimuth, elevation, order):
        sound = noise(np.random.default_rng(1), 3, 4)
        spectrum = ambikit.spherical_harmonics(azimuth, elevation, order)[:, None, None] * sound
        points = np.append(GRID[0], azimuth), np.append(GRID[1], elevation)
        histogram = ambikit.intensity_histogram(spectrum, *points)
        assert histogram[-1] == pytest.approx(1, abs=1e-9)
        assert histogram.max() <= 1 + 1e-12
        away = ambikit.angular_distance(*GRID, azimuth, elevation)
        assert (histogram[:-1][away > np.radians(8)] < 0.5).all()
        assert (histogram[:-1][away < np.radians(8)] > 0.5).all()

    def test_against_a_loop(self, library, dtype, rng):
        spectrum = noise(rng, 2, 4, 5, 6).astype({"float32": np.complex64, "float64": complex}[dtype])
        result = library.numpy(
            ambikit.intensity_histogram(library.array(spectrum), *grid(library), frames=3, bins=2, half_width=0.2)
        )
        assert result.dtype == dtype
        assert_close(result, by_loop(spectrum, 3, np.log(2) / (1 - np.cos(0.2))), dtype)

    def test_weights_choose_the_bins(self, library, rng):
        left, front = np.array([1, 1, 0, 0]), np.array([1, 0, 0, 1])
        spectrum = np.stack([5 * left, front], axis=-1).reshape(4, 1, 2) + 0j
        loud = ambikit.intensity_histogram(library.array(spectrum), [90, 0], 0, degrees=True)
        assert_close(library.numpy(loud), np.array([25, 1]) / 26)
        chosen = ambikit.intensity_histogram(
            library.array(spectrum), [90, 0], 0, weights=library.array(np.array([[0.0, 1.0]])), degrees=True
        )
        assert_close(library.numpy(chosen), np.array([0.0, 1.0]))

    def test_pieces_are_the_whole(self, rng, monkeypatch):
        spectrum = noise(rng, 2, 4, 20, 30)
        whole = ambikit.intensity_histogram(spectrum, *GRID)
        monkeypatch.setattr("ambikit.analysis.intensity_histogram._CHUNK", 5000)
        assert_close(ambikit.intensity_histogram(spectrum, *GRID), whole)


def by_loop(spectrum, frames, concentration):
    grid = ambikit.angles_to_vectors(*GRID)
    result = np.zeros((len(spectrum), len(grid)))
    for item, bins in enumerate(spectrum.astype(complex)):
        whole = 0.0
        for f in range(bins.shape[1]):
            for t in range(bins.shape[2]):
                near = bins[:, f : f + 2, max(t - (frames - 1) // 2, 0) : t + frames // 2 + 1]
                flow = np.real(near[0].conj() * near[[3, 1, 2]]).sum((-2, -1))
                weight = np.linalg.norm(flow)
                result[item] += weight * np.exp(concentration * (grid @ (flow / weight) - 1))
                whole += weight
        result[item] /= whole
    return result


class TestNumbers:
    def test_silence_and_scale(self, library, rng):
        spectrum = noise(rng, 3, 4, 5, 6)
        spectrum[1] = 0
        result = library.numpy(ambikit.intensity_histogram(library.array(spectrum), *grid(library)))
        assert (result[1] == 0).all()
        assert_close(
            library.numpy(ambikit.intensity_histogram(library.array(spectrum * 1e-30), *grid(library))), result
        )

    def test_nan_stays_in_its_clip(self, library, rng):
        spectrum = noise(rng, 2, 4, 5, 6)
        clean = ambikit.intensity_histogram(spectrum, *GRID)
        spectrum[0, 0, 0, 0] = np.nan
        result = library.numpy(ambikit.intensity_histogram(library.array(spectrum), *grid(library)))
        assert np.isnan(result[0]).all()
        assert_close(result[1], clean[1])

    def test_gradients_to_sound_and_grid(self, rng):
        parts = torch.from_numpy(rng.normal(size=(4, 2, 3, 2))).requires_grad_()
        angles = torch.tensor([0.3, -1.0], dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(
            lambda x, a: ambikit.intensity_histogram(torch.view_as_complex(x), a, 0.2, frames=2, half_width=0.5),
            (parts, angles),
        )

    def test_silence_has_finite_gradients(self):
        parts = torch.zeros(4, 2, 3, 2, requires_grad=True)
        ambikit.intensity_histogram(torch.view_as_complex(parts), *grid(Library("torch"))).sum().backward()
        assert (parts.grad == 0).all()

    @pytest.mark.usefixtures("no_shape_hook")
    def test_compiled(self, rng):
        spectrum = torch.from_numpy(noise(rng, 3, 4, 5, 6))
        compiled = torch.compile(ambikit.intensity_histogram, fullgraph=True, backend="eager")
        points = grid(Library("torch"))
        assert_close(compiled(spectrum, *points), ambikit.intensity_histogram(spectrum, *points))

    @pytest.mark.usefixtures("no_shape_hook")
    def test_errors(self, rng):
        spectrum = noise(rng, 4, 5, 6)
        with pytest.raises(ArrayTypeError, match="complex"):
            ambikit.intensity_histogram(spectrum.real, *GRID)
        with pytest.raises(ShapeError, match="one list"):
            ambikit.intensity_histogram(spectrum, np.zeros((2, 3)), 0)
        with pytest.raises(ShapeError, match="weights"):
            ambikit.intensity_histogram(spectrum, *GRID, weights=np.ones((6, 5)))
        with pytest.raises(AmbikitError, match="half_width"):
            ambikit.intensity_histogram(spectrum, *GRID, half_width=0)
        with pytest.raises(AmbikitError, match="frames"):
            ambikit.intensity_histogram(spectrum, *GRID, frames=0)
