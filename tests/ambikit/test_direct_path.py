"""Bins that hear one wave alone, against eigenvalues known in closed form, a loop, and a room."""

import numpy as np
import pytest
import torch
from scipy.signal import fftconvolve

import ambikit
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close


def wave(azimuth, elevation, order=1):
    return ambikit.spherical_harmonics(azimuth, elevation, order)


def noise(rng, *shape):
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


class TestValues:
    @pytest.mark.parametrize("order", [1, 3])
    def test_one_wave_rules_wherever_it_comes_from(self, library, rng, order):
        sound = noise(rng, 6, 7)
        spectrum = wave(*rng.uniform(-1.5, 1.5, 2), order)[:, None, None] * sound
        dominance = library.numpy(ambikit.direct_path_dominance(library.array(spectrum)))
        assert dominance.shape == (6, 7)
        assert_close(dominance, np.ones((6, 7)))

    @pytest.mark.parametrize("angle", [20, 70, 120, 180])
    def test_two_equal_waves(self, library, angle):
        """In N3D waves have the squared length 4 and the product 1 + 3 cos γ: λ = 4 ± |1 + 3 cos γ|."""
        first, second = wave(0.4, 0.0), wave(0.4 + np.radians(angle), 0.0)
        spectrum = np.stack([first, second], axis=-1)[:, None, :] + 0j  # they take turns: uncorrelated, equal
        dominance = library.numpy(ambikit.direct_path_dominance(library.array(spectrum), frames=3, bins=1))
        product = abs(1 + 3 * np.cos(np.radians(angle)))
        assert_close(dominance[0], np.full(2, 1 - (4 - product) / (4 + product)))

    def test_coherent_waves_part_only_over_frequencies(self):
        """An echo with a delay turns its phase from bin to bin: one bin hears one wave, some bins hear two."""
        turns = np.exp(2j * np.pi * np.arange(32) / 4)  # its phase goes round within four bins
        spectrum = (wave(0.0, 0.0)[:, None] + 0.9 * wave(2.0, 0.3)[:, None] * turns)[..., None]
        assert_close(ambikit.direct_path_dominance(spectrum, frames=1, bins=1), np.ones((32, 1)))
        assert ambikit.direct_path_dominance(spectrum, frames=1, bins=8)[8:-8].max() < 1 - 1 / 6

    def test_diffuse_sound_has_no_ruler(self, rng):
        spectrum = noise(rng, 4, 60, 60) / np.sqrt([1, 3, 3, 3])[:, None, None]
        assert ambikit.direct_path_dominance(spectrum, frames=31, bins=31)[20:-20, 20:-20].max() < 0.2

    def test_against_a_loop(self, library, dtype, rng):
        spectrum = noise(rng, 2, 9, 5, 6).astype({"float32": np.complex64, "float64": complex}[dtype])
        result = library.numpy(ambikit.direct_path_dominance(library.array(spectrum), frames=3, bins=3))
        expected = np.zeros((2, 5, 6))
        n3d = np.sqrt([1, 3, 3, 3, 5, 5, 5, 5, 5])
        for item in range(2):
            for f in range(5):
                for t in range(6):
                    region = spectrum[item, :, max(f - 1, 0) : f + 2, max(t - 1, 0) : t + 2].reshape(9, -1)
                    values = np.linalg.eigvalsh(covariance(region, n3d))
                    expected[item, f, t] = 1 - values[-2] / values[-1]
        assert result.dtype == dtype
        assert_close(result, expected, dtype)


def covariance(region, factors):
    scaled = factors[:, None] * region.astype(complex)
    return scaled @ scaled.conj().T


class TestRooms:
    def test_the_chosen_bins_point_to_the_source(self, rng):
        """In an echoic room bins ruled by one wave lie nearer to the source than the bins at large."""
        rate = 16000
        room, source, listener = [6.0, 5.0, 3.0], [4.3, 3.6, 1.6], [2.1, 2.0, 1.5]
        response = ambikit.room_impulse_response(
            room, source, listener, rate, reflection=0.8, max_reflections=30, length=5600
        )
        sound = rng.normal(size=rate) * np.repeat(rng.uniform(size=10) > 0.5, rate // 10)
        signal = fftconvolve(sound[None], response, axes=-1)
        spectrum = ambikit.stft(signal, frame_length=512, hop_length=256)[:, 8:200]
        truth = np.subtract(source, listener) / np.linalg.norm(np.subtract(source, listener))
        vectors = ambikit.active_intensity(spectrum, normalized=False)
        length = np.linalg.norm(vectors, axis=0)
        heard = length > 1e-12 * length.max()  # the sound may begin with silence
        cosine = np.einsum("cft,c->ft", vectors, truth)[heard] / length[heard]
        error = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
        chosen = ambikit.direct_path_dominance(spectrum)[heard] >= 1 - 1 / 6
        assert 50 < chosen.sum() < 0.5 * chosen.size
        assert np.median(error[chosen]) < 0.5 * np.median(error)


class TestNumbers:
    def test_silence_and_scale(self, library, rng):
        spectrum = noise(rng, 3, 4, 5, 6)
        spectrum[1] = 0
        result = library.numpy(ambikit.direct_path_dominance(library.array(spectrum)))
        assert (result[1] == 0).all()
        faint = library.numpy(ambikit.direct_path_dominance(library.array(spectrum * 1e-20)))
        assert_close(faint, result)

    def test_nan_stays_in_its_regions(self, library, rng):
        spectrum = noise(rng, 4, 12, 13)
        clean = ambikit.direct_path_dominance(spectrum, frames=3, bins=3)
        spectrum[2, 5, 6] = np.nan
        result = library.numpy(ambikit.direct_path_dominance(library.array(spectrum), frames=3, bins=3))
        touched = np.zeros((12, 13), bool)
        touched[4:7, 5:8] = True
        assert np.isnan(result[touched]).all()
        assert_close(result[~touched], clean[~touched])

    def test_gradients(self, rng):
        parts = torch.from_numpy(rng.normal(size=(4, 3, 3, 2))).requires_grad_()
        assert torch.autograd.gradcheck(
            lambda x: ambikit.direct_path_dominance(torch.view_as_complex(x), frames=3, bins=2), parts
        )

    @pytest.mark.usefixtures("no_shape_hook")
    def test_compiled_and_mapped(self, rng):
        spectrum = torch.from_numpy(noise(rng, 3, 4, 5, 6))
        compiled = torch.compile(ambikit.direct_path_dominance, fullgraph=True, backend="eager")
        expected = ambikit.direct_path_dominance(spectrum)
        assert_close(compiled(spectrum), expected)
        assert_close(torch.vmap(ambikit.direct_path_dominance)(spectrum), expected)

    @pytest.mark.usefixtures("no_shape_hook")
    def test_errors(self, rng):
        with pytest.raises(ArrayTypeError, match="complex"):
            ambikit.direct_path_dominance(np.zeros((4, 5, 6)))
        with pytest.raises(ShapeError, match="at least 4"):
            ambikit.direct_path_dominance(noise(rng, 1, 5, 6))
        with pytest.raises(AmbikitError, match="bins"):
            ambikit.direct_path_dominance(noise(rng, 4, 5, 6), bins=0)
