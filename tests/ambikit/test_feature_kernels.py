"""The loops around the transform, frames before it and levels behind it, against the formulas beside them."""

import numpy as np
import pytest
import torch

import ambikit
from ambikit.analysis.levels import levels, peak_of
from ambikit.analysis.mel_bands import Room
from ambikit.analysis.spectra import frame_spectrum, hann
from ambikit.kernels.frames import cut_frames
from ambikit.kernels.levels import decibels, largest_samples
from ambikit.kernels.mel import mel_magnitudes
from tests.closeness import assert_close


class TestFrames:
    def cut(self, signal, length, hop, frames):
        out = np.full((len(signal), frames, length), np.nan, signal.dtype)
        cut_frames(signal, hann(length).astype(signal.dtype), hop, out)
        return out

    @pytest.mark.parametrize(("length", "hop", "time"), [(8, 3, 23), (7, 3, 23), (16, 20, 61), (64, 5, 40), (2, 1, 5)])
    def test_equal_numpys_reflection(self, dtype, rng, length, hop, time):
        signal = rng.normal(size=(3, time)).astype(dtype)
        left = length // 2
        padded = np.pad(signal, [(0, 0), (left, length - left)], mode="reflect")
        frames = 1 + time // hop
        expected = np.stack([padded[:, t * hop : t * hop + length] for t in range(frames)], axis=1)
        assert_close(self.cut(signal, length, hop, frames), expected * hann(length), dtype)

    def test_by_hand(self):
        """Frames of 4 around samples 0 and 3 of four: 2 1 0 1 and 1 2 3 2, times 0 ½ 1 ½."""
        frames = self.cut(np.arange(4.0)[None], 4, 3, 2)
        assert_close(frames[0], np.array([[0, 0.5, 0, 0.5], [0, 1, 3, 1]]))

    @pytest.mark.parametrize(("frames", "transform"), [(None, None), (3, None), (99, None), (4, 128)])
    def test_spectra_are_the_same_without(self, library, dtype, rng, frames, transform):
        signal = rng.normal(size=(2, 3, 200)).astype(dtype)
        loop = library.numpy(frame_spectrum(library.array(signal), 64, 20, frames, transform))
        formula = frame_spectrum(np.repeat(signal, 2, axis=-1)[..., ::2], 64, 20, frames, transform)  # not contiguous
        assert loop.shape == (2, 3, frames if frames in (3, 4) else 11, (transform or 64) // 2 + 1)
        assert loop.dtype == formula.dtype
        assert_close(loop, formula, dtype)

    def test_the_transform_of_either_library_gives_the_same(self, rng):
        signal = rng.normal(size=(2, 300)).astype(np.float32)
        one, other = (frame_spectrum(signal, 64, 20, library=library) for library in (np, torch))
        assert isinstance(other, np.ndarray)
        assert_close(other, one, "float32")


class TestLargestSample:
    @pytest.mark.parametrize("scale", [1e-44, 1e-30, 1.0, 1e37])
    def test_at_any_level(self, rng, scale):
        signal = (rng.normal(size=(5, 77)) * scale).astype(np.float32)
        out = np.full(5, np.nan, np.float32)
        largest_samples(signal.view(np.int32), out.view(np.int32))
        assert out.tolist() == np.abs(signal).max(axis=1).tolist()

    def test_what_is_not_finite_does_not_count(self, library):
        signal = np.array([[[0.25, -3, np.nan, np.inf]], [[0, -0.0, -np.inf, -np.nan]]], np.float32)
        assert library.numpy(peak_of(library.array(signal))).tolist() == [[[3.0]], [[1.0]]]
        assert library.numpy(peak_of(library.array(signal.astype(np.float64)))).tolist() == [[[3.0]], [[1.0]]]


class TestDecibels:
    def written(self, mel, range_db=100.0, power=2.0, peak=None):
        room = np.concatenate([mel, np.full_like(mel, 7)], axis=1)
        result = levels(room[:, : mel.shape[1]], power, range_db, peak, Room(np.empty(0), np.empty(0), room))
        assert np.shares_memory(result, room)
        assert (room[:, mel.shape[1] :] == 7).all(), "what else is in the room stays"
        return result

    @pytest.mark.parametrize("power", [2.0, 1.0])
    def test_equals_the_formula(self, dtype, rng, power):
        mel = (10.0 ** rng.uniform(-14, 4, (3, 2, 70, 33))).astype(dtype)
        peak = np.array([1, 1e-3, 50]).reshape(3, 1, 1).astype(dtype)
        expected = levels(mel.astype(np.float64), power, 100.0, peak.astype(np.float64))
        error = np.abs(self.written(mel, power=power, peak=peak) - expected).max()
        assert error < {"float32": 2e-5, "float64": 1e-11}[dtype]

    def test_every_exponent_and_mantissa(self):
        """Powers of two are exact multiples of 3.01 dB, and nothing jumps where the mantissa starts anew."""
        exponents = np.arange(-126, 128)
        mel = np.ldexp(np.float32(1), exponents).astype(np.float32)
        # All ratios at once would need a range beyond single precision: the floor lies at the smallest number.
        result = self.written(mel.reshape(1, 1, 1, -1), range_db=1000.0)
        assert_close(result.ravel(), 10 * np.log10(2.0) * exponents, "float32")
        near = np.linspace(0.5, 2, 200_001, dtype=np.float32)
        result = self.written(near.reshape(1, 1, 1, -1), range_db=1000.0).ravel()
        assert np.abs(result - 10 * np.log10(near.astype(np.float64))).max() < 1e-6
        assert (np.diff(result) > -1e-6).all()

    def test_floor_and_silence(self, dtype):
        mel = np.array([[1.0, 1e-20, 0.0, 1e-5], [0, 0, 0, 0]], dtype).reshape(2, 1, 1, 4)
        assert np.abs(self.written(mel)[:, 0, 0] - [[0, -100, -100, -50], [-100] * 4]).max() < 2e-5

    def test_what_is_not_finite_stays_and_does_not_decide_over_the_floor(self, dtype):
        mel = np.array([4, np.nan, np.inf, 0], dtype).reshape(1, 1, 1, 4)
        top = 10 * np.log10(4)
        assert_close(self.written(mel).ravel()[[0, 3]], np.array([top, top - 100]), dtype)
        assert np.isnan(self.written(mel).ravel()[1])
        assert self.written(mel).ravel()[2] == np.inf

    def test_longer_than_a_piece(self, rng):
        mel = rng.uniform(0.1, 1, (1, 5000)).astype(np.float32)
        expected = np.where(np.arange(5000) < 4500, np.log(mel), mel)
        decibels(mel, 4500, np.float32(1e-9), np.float32(1), np.zeros(1, np.float32))
        assert_close(mel, expected, "float32")


def test_magnitudes_equal_the_formula(dtype, rng):
    spectrum = (rng.normal(size=(2, 3, 230, 129)) + 1j * rng.normal(size=(2, 3, 230, 129))).astype(
        {"float32": np.complex64, "float64": np.complex128}[dtype]
    )
    bank = ambikit.mel_filterbank(24000, 256, 40).astype(dtype)
    out = np.full((2, 4, 40, 230), np.nan, dtype)
    mel_magnitudes(spectrum, bank, out)
    assert_close(out[:, :3], np.einsum("bf,nctf->ncbt", bank, np.abs(spectrum)), dtype)
    assert np.isnan(out[:, 3]).all()
