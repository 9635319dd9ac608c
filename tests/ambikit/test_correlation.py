import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import ambikit
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close

COMPLEX = {"float32": np.complex64, "float64": complex}


def delayed(rng, samples, length=64, channels=2, frames=5):
    """Frames of noise, every next channel later by ``samples``, around the end of the frame: ``(C, freq, time)``."""
    bins = np.fft.rfft(rng.normal(size=(length, frames)), axis=0)
    bins[-1] = 0 if length % 2 == 0 and samples % 1 else bins[-1]  # half the rate cannot be shifted by parts
    phase = np.exp(-2j * np.pi * np.arange(len(bins)) * samples / length)[:, None]
    return np.stack([bins * phase**c for c in range(channels)])


def by_definition(spectrum, lags, length, phase_transform):
    """The sum over all N frequencies, one lag at a time."""
    whole = np.concatenate([spectrum, np.conj(spectrum[:, 1 : (length + 1) // 2][:, ::-1])], axis=1)
    left, right = whole
    cross = np.conj(left) * right
    frequency = np.fft.fftfreq(length, 1 / length)[:, None]
    scale = np.sqrt((abs(left) ** 2).sum(0) * (abs(right) ** 2).sum(0))
    if phase_transform:
        cross, scale = cross / abs(cross), length
    return np.stack([(cross * np.exp(2j * np.pi * frequency * lag / length)).sum(0).real / scale for lag in lags])


class TestGccPhat:
    @pytest.mark.parametrize("samples", [0, 1, -3, 17])
    @pytest.mark.parametrize("length", [64, 65])
    def test_a_delay_is_one_at_its_lag_and_nothing_elsewhere(self, library, dtype, rng, samples, length):
        spectrum = delayed(rng, samples, length).astype(COMPLEX[dtype])
        value = library.numpy(ambikit.gcc_phat(library.array(spectrum), frame_length=length))
        lags = np.arange(-(length // 2), length // 2 + 1)
        assert value.dtype == dtype
        assert_close(value, np.broadcast_to((lags == samples)[:, None], value.shape).astype(float), dtype, factor=10)

    def test_sound_that_reaches_the_left_first_has_a_positive_lag(self, rng):
        noise = rng.normal(size=4800)
        signal = np.stack([noise[10:], noise[:-10]])  # what left hears now, right hears ten samples later
        spectrum = ambikit.stft(signal, frame_length=512, hop_length=256)
        assert (ambikit.gcc_phat(spectrum, max_lag=20).argmax(0)[1:-1] - 20 == 10).all()
        assert ambikit.ipd(spectrum)[1:5].mean() > 0

    @pytest.mark.parametrize("length", [32, 33])
    @pytest.mark.parametrize("interpolation", [1, 4])
    def test_against_the_sum_over_all_frequencies(self, library, rng, length, interpolation):
        spectrum = np.fft.rfft(rng.normal(size=(2, length, 3)), axis=1)
        options = {"max_lag": 6, "interpolation": interpolation, "frame_length": length}
        lags = np.arange(-6 * interpolation, 6 * interpolation + 1) / interpolation
        value = library.numpy(ambikit.gcc_phat(library.array(spectrum), **options))
        if interpolation > 1 and length % 2 == 0:  # half the rate is a cosine, between the samples too
            whole = by_definition(spectrum, lags, length, True)
            assert_close(value[::interpolation], whole[::interpolation])
            sign = np.sign((np.conj(spectrum[0, -1]) * spectrum[1, -1]).real)
            spectrum[:, -1] = 1
            expected = by_definition(spectrum, lags, length, True)
            expected = expected + (sign - 1) * np.cos(np.pi * lags)[:, None] / length
            assert_close(value, expected)
        else:
            assert_close(value, by_definition(spectrum, lags, length, True))
        value = library.numpy(ambikit.interaural_cross_correlation(library.array(spectrum), **options))
        assert_close(value[::interpolation], by_definition(spectrum, lags, length, False)[::interpolation])

    def test_pairs(self, library, rng):
        spectrum = np.stack([delayed(rng, 3, channels=4) for _ in range(2)])
        pairs = [(0, 1), (0, 3), (3, 2)]
        value = library.numpy(ambikit.gcc_phat(library.array(spectrum), max_lag=12, pairs=pairs))
        assert value.shape == (2, 3, 25, 5)
        assert (value.argmax(-2) - 12 == np.array([3, 9, -3])[:, None]).all()
        for n, pair in enumerate(pairs):
            assert_close(value[:, n], ambikit.gcc_phat(spectrum[:, list(pair)], max_lag=12))

    def test_the_mean_is_taken_before_the_phase(self, library, rng):
        """Noise at the ears that is not the same falls out of the mean over frames, not out of single frames."""
        spectrum = delayed(rng, 5, frames=200) + 2 * np.fft.rfft(rng.normal(size=(2, 64, 200)), axis=1)
        single = library.numpy(ambikit.gcc_phat(library.array(spectrum), max_lag=10))
        pooled = library.numpy(ambikit.gcc_phat(library.array(spectrum), max_lag=10, frames=None))
        assert pooled.shape == (21, 1)
        assert pooled[15, 0] > 2.5 * single[15].mean()
        running = library.numpy(ambikit.gcc_phat(library.array(spectrum), max_lag=10, frames=399))
        assert_close(running, np.broadcast_to(pooled, running.shape), factor=10)

    @pytest.mark.parametrize("function", [ambikit.gcc_phat, ambikit.interaural_cross_correlation])
    @pytest.mark.parametrize("scale", [1e-6, 1e-30, 1e6])
    def test_level_does_not_matter(self, library, rng, function, scale):
        spectrum = delayed(rng, 2.5).astype(np.complex64)
        for frames in (1, 3, None):
            value = library.numpy(function(library.array(spectrum * np.float32(scale)), frames=frames))
            assert_close(value, function(spectrum, frames=frames), "float32")

    @pytest.mark.parametrize("function", [ambikit.gcc_phat, ambikit.interaural_cross_correlation])
    @pytest.mark.parametrize("silent", [[0], [1], [0, 1]])
    @pytest.mark.parametrize("frames", [1, 3, None])
    def test_silence_is_nothing_with_finite_gradients(self, rng, function, silent, frames):
        parts = torch.view_as_real(torch.from_numpy(delayed(rng, 1)))
        parts[silent] = 0
        parts.requires_grad_()
        value = function(torch.view_as_complex(parts), frames=frames)
        assert (value == 0).all()
        value.sum().backward()
        assert parts.grad.isfinite().all()

    def test_one_silent_frame_and_one_with_nan_stay_alone(self, library, rng):
        spectrum = delayed(rng, 4)
        spectrum[:, :, 1] = 0
        spectrum[0, 7, 3] = np.nan
        for function in (ambikit.gcc_phat, ambikit.interaural_cross_correlation):
            value = library.numpy(function(library.array(spectrum), max_lag=8))
            assert (value[:, 1] == 0).all()
            assert np.isnan(value).all(axis=0).tolist() == [False, False, False, True, False]
            assert (np.nanargmax(value[:, [0, 2, 4]], axis=0) - 8 == 4).all()

    def test_the_peak_is_the_share_of_bins_that_agree(self, rng):
        spectrum = delayed(rng, 2)
        spectrum[:, 8:] = 0  # bins 0 to 7 of 0 to 32: 15 of the 64 frequencies
        assert_close(ambikit.gcc_phat(spectrum, max_lag=4)[6], np.full(5, 15 / 64))

    @given(st.integers(0, 10**6))
    def test_swapping_the_channels_mirrors_the_lags(self, seed):
        spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=(2, 16, 3)), axis=1)
        for function in (ambikit.gcc_phat, ambikit.interaural_cross_correlation):
            value = function(spectrum, interpolation=3, frames=2)
            assert np.abs(value).max() <= 1 + 1e-12
            assert_close(function(spectrum[::-1], interpolation=3, frames=2), value[::-1])

    @pytest.mark.parametrize("frames", [1, 3, None])
    def test_gradients(self, rng, frames):
        parts = torch.from_numpy(rng.normal(size=(2, 5, 3, 2))).requires_grad_()
        for function in (ambikit.gcc_phat, ambikit.interaural_cross_correlation):

            def of_parts(x, function=function):
                return function(torch.view_as_complex(x), max_lag=3, interpolation=2, frames=frames)

            assert torch.autograd.gradcheck(of_parts, parts)

    def test_compile_and_vmap(self, no_shape_hook, rng):
        def both(x):
            one = ambikit.gcc_phat(x, max_lag=4, pairs=[(0, 1)], frames=2)[0]
            return one + ambikit.interaural_cross_correlation(x, max_lag=4)

        spectrum = torch.from_numpy(np.stack([delayed(rng, 1.5), delayed(rng, -2)]))
        whole = torch.stack([both(x) for x in spectrum]).numpy()
        assert_close(torch.vmap(both)(spectrum).numpy(), whole)
        compiled = torch.compile(both, fullgraph=True, backend="eager")
        assert_close(compiled(spectrum[0]).numpy(), whole[0])


class TestInterauralCrossCorrelation:
    def test_equal_channels_at_any_level(self, library, rng):
        spectrum = delayed(rng, 3) * np.array([5.0, 0.1])[:, None, None]
        value = library.numpy(ambikit.interaural_cross_correlation(library.array(spectrum), max_lag=5))
        assert_close(value[8], np.ones(5))

    @pytest.mark.parametrize("share", [0.0, 0.3, 0.8])
    def test_common_and_independent_noise(self, rng, share):
        """A share of common energy a in both channels: correlation a at lag 0."""
        common, *own = np.fft.rfft(rng.normal(size=(3, 256, 400)), axis=1)
        spectrum = np.sqrt(share) * common + np.sqrt(1 - share) * np.stack(own)
        value = ambikit.interaural_cross_correlation(spectrum, max_lag=2, frames=None)[2, 0]
        assert abs(value - share) < 0.01


@pytest.mark.usefixtures("no_shape_hook")
class TestErrors:
    def test_channels(self):
        for function in (ambikit.gcc_phat, ambikit.interaural_cross_correlation):
            with pytest.raises(ShapeError, match="expected 2"):
                function(np.zeros((4, 5, 3), complex))
            with pytest.raises(ArrayTypeError, match="ambikit.stft"):
                function(np.zeros((2, 5, 3)))

    @pytest.mark.parametrize("pairs", [[], [(0, 4)], [(0, 1, 2)], [(-1, 0)], 3, [0, 1], [(0.5, 1)]])
    def test_pairs(self, pairs):
        with pytest.raises(ShapeError, match="expected at least one pair"):
            ambikit.gcc_phat(np.zeros((4, 5, 3), complex), pairs=pairs)

    def test_a_frame_length_that_does_not_fit(self):
        with pytest.raises(ShapeError, match="pass all bins"):
            ambikit.gcc_phat(np.zeros((2, 5, 3), complex), frame_length=16)
        with pytest.raises(ShapeError, match="pass all bins"):
            ambikit.gcc_phat(np.zeros((2, 1, 3), complex))

    @pytest.mark.parametrize("keywords", [{"max_lag": 5}, {"max_lag": 1.5}, {"interpolation": 0}, {"frames": 0}])
    def test_numbers(self, keywords):
        with pytest.raises(AmbikitError, match=f"got {next(iter(keywords))}="):
            ambikit.gcc_phat(np.zeros((2, 5, 3), complex), **keywords)
