import numpy as np
import pytest
import torch
from scipy.special import spherical_jn

import ambikit
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close


def noise(rng, *shape):
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)) / np.sqrt(2)


class TestValues:
    def test_common_and_independent_sound(self, library, rng):
        """A share a of the energy in common, right a third of a turn behind: coherence a, with that phase."""
        common, left, right = noise(rng, 3, 1, 40000)
        spectrum = np.stack(
            [
                np.sqrt(0.6) * common + np.sqrt(0.4) * left,
                3 * np.exp(-2j) * (np.sqrt(0.6) * common + np.sqrt(0.4) * right),
            ]
        )
        value = library.numpy(ambikit.coherence(library.array(spectrum), frames=None))
        assert abs(value[0, 0] - 0.6 * np.exp(2j)) < 0.01
        magnitude = library.numpy(ambikit.interaural_coherence(library.array(spectrum), frames=None))
        assert_close(magnitude, np.abs(value))

    @pytest.mark.parametrize("frames", [1, 2, 4, 16])
    def test_independent_noise_has_the_bias_of_its_frames(self, rng, frames):
        spectrum = noise(rng, 2, 4000, frames)
        value = ambikit.interaural_coherence(spectrum, frames=None)
        assert abs((value**2).mean() - 1 / frames) < 0.02

    @pytest.mark.parametrize("kd", [0.5, 2.0, np.pi, 4.5])
    def test_two_microphones_in_a_diffuse_field(self, rng, kd):
        """Waves from everywhere, heard at two points: sin(kd) / (kd), the first spherical Bessel function."""
        azimuth, elevation, weights = ambikit.gauss_legendre_grid(12)
        path = ambikit.angles_to_vectors(azimuth, elevation) @ np.array([0.6, -0.64, 0.48])
        waves = np.sqrt(weights)[:, None] * noise(rng, len(weights), 4000)
        points = np.stack([np.exp(1j * kd * path / 2), np.exp(-1j * kd * path / 2)]) @ waves
        value = ambikit.coherence(points[:, None], frames=None)[0, 0]
        assert abs(value - spherical_jn(0, kd)) < 0.04

    def test_channels_of_a_diffuse_field_and_of_a_plane_wave(self, rng):
        azimuth, elevation, weights = ambikit.gauss_legendre_grid(4)
        waves = np.sqrt(weights)[:, None] * noise(rng, len(weights), 4000)
        field = (ambikit.spherical_harmonics(azimuth, elevation, 1).T @ waves)[:, None]
        pairs = [(0, 1), (0, 2), (0, 3), (1, 3)]
        assert np.abs(ambikit.coherence(field, frames=None, pairs=pairs)).max() < 0.06
        wave = ambikit.spherical_harmonics(-2.0, -0.5, 1)[:, None, None] * noise(rng, 3, 20)
        signs = np.array([-1, -1, -1, 1])[:, None, None]  # behind, right, below
        assert_close(ambikit.coherence(wave, frames=5, pairs=pairs), np.broadcast_to(signs, (4, 3, 20)) + 0j)

    @pytest.mark.parametrize("frames", [1, 2, 5, None])
    def test_against_the_mean_of_each_window(self, library, dtype, rng, frames):
        spectrum = noise(rng, 2, 3, 12).astype({"float32": np.complex64, "float64": complex}[dtype])
        value = library.numpy(ambikit.coherence(library.array(spectrum), frames=frames))
        assert value.dtype == spectrum.dtype
        left, right = spectrum
        for t in range(1 if frames is None else 12):
            window = slice(None) if frames is None else slice(max(0, t - (frames - 1) // 2), t + frames // 2 + 1)
            a, b = left[:, window], right[:, window]
            expected = (a * b.conj()).sum(-1) / np.sqrt((abs(a) ** 2).sum(-1) * (abs(b) ** 2).sum(-1))
            assert_close(value[:, t], expected, dtype)

    def test_its_phase_is_that_of_ipd(self, rng):
        spectrum = noise(rng, 2, 3, 5)
        assert_close(np.angle(ambikit.coherence(spectrum, frames=1)), ambikit.ipd(spectrum))


class TestLaws:
    @pytest.mark.parametrize("scales", [(1e-6, 1.0), (1e-30, 1e30), (1e-20, 1e-20)])
    def test_levels_do_not_matter(self, library, rng, scales):
        spectrum = noise(rng, 2, 3, 12).astype(np.complex64)
        scaled = spectrum * np.array(scales, np.float32)[:, None, None]
        value = library.numpy(ambikit.interaural_coherence(library.array(scaled), frames=5))
        assert_close(value, ambikit.interaural_coherence(spectrum, frames=5), "float32")
        assert value.max() <= 1

    @pytest.mark.parametrize("silent", [[0], [1], [0, 1]])
    def test_silence_is_not_coherent_with_anything(self, silent):
        parts = torch.ones(2, 1, 4, 2)
        parts[silent] = 0
        parts.requires_grad_()
        for function in (ambikit.coherence, ambikit.interaural_coherence):
            value = function(torch.view_as_complex(parts), frames=3)
            assert (value == 0).all()
            parts.grad = None
            value.abs().sum().backward()
            assert parts.grad.isfinite().all()

    def test_nan_stays_in_its_windows(self, library, rng):
        spectrum = noise(rng, 2, 3, 12)
        spectrum[1, 1, 6] = np.nan
        for function in (ambikit.coherence, ambikit.interaural_coherence):
            value = library.numpy(function(library.array(spectrum), frames=3))
            assert np.argwhere(np.isnan(value)).tolist() == [[1, 5], [1, 6], [1, 7]]

    def test_gradients(self, rng):
        parts = torch.from_numpy(rng.normal(size=(2, 2, 5, 2))).requires_grad_()
        assert torch.autograd.gradcheck(
            lambda x: ambikit.interaural_coherence(torch.view_as_complex(x), frames=4)[..., 1:3], parts
        )
        assert torch.autograd.gradcheck(
            lambda x: torch.view_as_real(ambikit.coherence(torch.view_as_complex(x), frames=3)), parts
        )

    def test_compile_and_vmap(self, no_shape_hook, rng):
        def function(x):
            return ambikit.interaural_coherence(x, frames=3) + ambikit.coherence(x, frames=3, pairs=[(1, 0)])[0]

        spectrum = torch.from_numpy(noise(rng, 2, 2, 3, 6))
        whole = torch.stack([function(x) for x in spectrum]).numpy()
        assert_close(torch.vmap(function)(spectrum).numpy(), whole)
        assert_close(torch.compile(function, fullgraph=True, backend="eager")(spectrum[0]).numpy(), whole[0])


@pytest.mark.usefixtures("no_shape_hook")
class TestErrors:
    def test_channels_and_frames(self):
        for function in (ambikit.coherence, ambikit.interaural_coherence):
            with pytest.raises(ShapeError, match="expected 2"):
                function(np.zeros((4, 5, 6), complex), frames=2)
            with pytest.raises(ArrayTypeError, match="ambikit.stft"):
                function(np.zeros((2, 5, 6)), frames=2)
            for frames in (0, 2.5, True):
                with pytest.raises(AmbikitError, match="frames="):
                    function(np.zeros((2, 5, 6), complex), frames=frames)

    def test_pairs(self):
        with pytest.raises(ShapeError, match="pairs"):
            ambikit.coherence(np.zeros((4, 5, 6), complex), frames=2, pairs=[(0, 4)])
