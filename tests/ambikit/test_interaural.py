import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import ambikit
from ambikit.analysis.interaural import phase_difference
from ambikit.errors import ArrayTypeError, ShapeError
from tests.closeness import assert_close


def noise(rng, *shape):
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def pair(left, right):
    return np.array([[[left]], [[right]]], dtype=complex)


class TestValues:
    def test_level_against_the_plain_formula(self, library, dtype, rng):
        spectrum = noise(rng, 3, 2, 5, 6).astype({"float32": np.complex64, "float64": complex}[dtype])
        value = library.numpy(ambikit.ild(library.array(spectrum)))
        expected = 20 * np.log10(np.abs(spectrum[:, 0].astype(complex)) / np.abs(spectrum[:, 1].astype(complex)))
        assert value.dtype == dtype
        assert_close(value, np.clip(expected, -40, 40), dtype)

    def test_phase_against_the_plain_formula(self, library, dtype, rng):
        spectrum = noise(rng, 3, 2, 5, 6).astype({"float32": np.complex64, "float64": complex}[dtype])
        value = library.numpy(ambikit.ipd(library.array(spectrum)))
        difference = np.angle(spectrum[:, 0].astype(complex)) - np.angle(spectrum[:, 1].astype(complex))
        assert value.dtype == dtype
        assert_close(np.exp(1j * value), np.exp(1j * difference), dtype)

    def test_limits(self, library):
        for left, right, level in [(1, 0, 40), (0, 1, -40), (0, 0, 0), (1, 1e-3, 40), (1, 0.1, 20), (1e-30, 1e-31, 20)]:
            value = library.numpy(ambikit.ild(library.array(pair(left, right).astype(np.complex64))))
            assert abs(value[0, 0] - level) < 1e-4

    @pytest.mark.parametrize(("left", "right"), [(0, 0), (1, 0), (0, 1j)])
    def test_no_phase_without_sound(self, library, left, right):
        spectrum = library.array(pair(left, right))
        assert library.numpy(ambikit.ipd(spectrum))[0, 0] == 0
        cosine, sine = phase_difference(spectrum)
        assert library.numpy(cosine)[0, 0] == library.numpy(sine)[0, 0] == 0

    def test_left_is_ahead_when_sound_arrives_there_first(self):
        """A delay of the right channel turns its phase back, so the difference is positive."""
        time = np.arange(4096) / 48000
        tone = [np.sin(2 * np.pi * 750 * time), np.sin(2 * np.pi * 750 * (time - 1e-4))]
        spectrum = ambikit.stft(np.stack(tone), frame_length=1024, hop_length=512)
        assert_close(ambikit.ipd(spectrum)[16, 2:-2], np.full(5, 2 * np.pi * 750 * 1e-4), factor=1e8)


class TestLaws:
    @given(st.integers(0, 10**6))
    def test_swapping_the_channels_changes_the_sign(self, seed):
        spectrum = noise(np.random.default_rng(seed), 2, 5, 6)
        assert (ambikit.ild(spectrum[::-1]) == -ambikit.ild(spectrum)).all()
        assert (ambikit.ipd(spectrum[::-1]) == -ambikit.ipd(spectrum)).all()

    @pytest.mark.parametrize("scale", [1e-6, 1e-30, 1e6])
    def test_level_does_not_matter(self, library, rng, scale):
        spectrum = noise(rng, 2, 5, 6).astype(np.complex64)
        scaled = library.array(spectrum * np.float32(scale))
        assert_close(library.numpy(ambikit.ild(scaled)), ambikit.ild(spectrum), "float32")
        assert_close(library.numpy(ambikit.ipd(scaled)), ambikit.ipd(spectrum), "float32")

    def test_nan_stays_in_its_bin(self, library, rng):
        spectrum = noise(rng, 2, 5, 6)
        spectrum[1, 2, 3] = np.nan
        for function in (ambikit.ild, ambikit.ipd):
            value = library.numpy(function(library.array(spectrum)))
            assert np.argwhere(np.isnan(value)).tolist() == [[2, 3]]


class TestTorch:
    @pytest.mark.parametrize("function", [ambikit.ild, ambikit.ipd])
    def test_gradients(self, rng, function):
        parts = torch.from_numpy(rng.normal(size=(2, 3, 4, 2)))
        parts[0, 0, 0] *= 1e-4  # beyond the limit of 40 dB
        parts.requires_grad_()
        assert torch.autograd.gradcheck(lambda x: function(torch.view_as_complex(x)), parts)

    @pytest.mark.parametrize("function", [ambikit.ild, ambikit.ipd])
    @pytest.mark.parametrize("silent", [[0], [1], [0, 1]])
    def test_silence_has_finite_gradients(self, function, silent):
        parts = torch.ones(2, 1, 1, 2)
        parts[silent] = 0
        parts.requires_grad_()
        function(torch.view_as_complex(parts)).sum().backward()
        assert parts.grad.isfinite().all()

    def test_compile(self, no_shape_hook, rng):
        def both(spectrum):
            return ambikit.ild(spectrum), ambikit.ipd(spectrum)

        spectrum = torch.from_numpy(noise(rng, 2, 5, 6))
        for one, other in zip(torch.compile(both, fullgraph=True, backend="eager")(spectrum), both(spectrum)):
            assert_close(one.numpy(), other.numpy())


@pytest.mark.usefixtures("no_shape_hook")
@pytest.mark.parametrize("function", [ambikit.ild, ambikit.ipd])
def test_errors(function):
    with pytest.raises(ShapeError, match="4 channels on axis -3.*expected 2"):
        function(np.zeros((4, 5, 6), complex))
    with pytest.raises(ArrayTypeError, match="complex"):
        function(np.zeros((2, 5, 6)))
