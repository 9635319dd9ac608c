"""Sound in blocks is the sound in one piece: every processor against the operator on the whole signal."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import ambikit
from ambikit import stream
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from ambikit.operators.convolution import filter_channels
from ambikit.stream.sampled import Sampled
from tests.closeness import assert_close

RATE = 48000
LENGTH = 700
#: where blocks end: any places, also twice the same, which is an empty block
CUTS = st.lists(st.integers(0, LENGTH), max_size=12).map(sorted)


def in_blocks(processor, signal, cuts):
    """All that a processor makes of a signal cut at these samples, and of its end."""
    edges = [0, *cuts, signal.shape[-1]]
    parts = [processor.process(signal[..., a:b]) for a, b in pairwise(edges)]
    parts.append(processor.flush())
    return torch.cat(parts, -1) if isinstance(signal, torch.Tensor) else np.concatenate(parts, -1)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def decaying(rows, channels, taps, seed=1):
    return noise(rows, channels, taps, seed=seed) * np.exp(-3 * np.arange(taps) / taps)


#: filters of a rigid sphere without a delay, and with one
SPHERE = [ambikit.binaural_decoder(order=1, method=method) for method in ("least_squares", "magls")]

#: name: processor, the operator on the whole, channels
SAMPLES = {
    "rotator": (
        lambda: stream.Rotator(RATE, 0.3, -0.2, 1.1),
        lambda x: ambikit.rotate(x, 0.3, -0.2, 1.1),
        9,
    ),
    "beamformer": (
        lambda: stream.Beamformer(RATE, 40, 10, "max_re", order=3, degrees=True),
        lambda x: ambikit.beamform(x, 40, 10, "max_re", degrees=True)[..., None, :],
        16,
    ),
    "stereo": (lambda: stream.StereoDecoder("cardioid"), lambda x: ambikit.decode_stereo(x, pattern="cardioid"), 4),
    "loudspeakers": (
        lambda: stream.LoudspeakerDecoder("5.1.4", 3),
        lambda x: ambikit.decode_loudspeakers(x, "5.1.4"),
        16,
    ),
    "binaural": (
        lambda: stream.BinauralDecoder(SPHERE[0]),
        lambda x: ambikit.decode_binaural(x, RATE, SPHERE[0]),
        4,
    ),
    "binaural, late": (
        lambda: stream.BinauralDecoder(SPHERE[1]),
        lambda x: ambikit.decode_binaural(x, RATE, SPHERE[1]),
        4,
    ),
    "filters": (
        lambda: stream.FilterMatrix(decaying(3, 2, 300)),
        lambda x: filter_channels(x, decaying(3, 2, 300)),
        2,
    ),
    "short filters": (
        lambda: stream.FilterMatrix(decaying(1, 2, 3), delay=2),
        lambda x: filter_channels(x, decaying(1, 2, 3), advance=2),
        2,
    ),
    "chain": (
        lambda: stream.Chain(
            stream.Rotator(RATE, 1.0),
            stream.FilterMatrix(decaying(2, 4, 40), delay=7),
            stream.FilterMatrix(decaying(1, 2, 30), delay=5),
        ),
        lambda x: chained(x),
        4,
    ),
}


def chained(x):
    """The chain above: each of its filters is early by its delay, and hears what is beyond the end of the signal."""
    longer = np.concatenate([np.asarray(ambikit.rotate(x, 1.0)), np.zeros((*x.shape[:-1], 12))], -1)
    first = filter_channels(longer, decaying(2, 4, 40))
    return filter_channels(first, decaying(1, 2, 30))[..., 12:]


def frames(processor, operator, channels, *arguments, **keywords):
    """A processor and the operator of the same name, with the same parameters."""
    return lambda: processor(*arguments, **keywords), lambda x: operator(x, *arguments, **keywords), channels


FRAMES = {
    "stft": frames(stream.Stft, ambikit.stft, 2, frame_length=32, hop_length=10),
    "stft, odd": frames(stream.Stft, ambikit.stft, 2, frame_length=33, hop_length=7),
    "stft with gaps": frames(stream.Stft, ambikit.stft, 1, frame_length=8, hop_length=50),
    "log-mel": frames(stream.LogMel, ambikit.log_mel, 2, 8000, bands=12),
    "foa_features": frames(stream.FoaFeatures, ambikit.foa_features, 4, 8000, bands=12),
    "foa_features, energy": frames(
        stream.FoaFeatures, ambikit.foa_features, 9, 8000, bands=12, power=1, weighting="energy"
    ),
    "stereo_features": frames(stream.StereoFeatures, ambikit.stereo_features, 2, 8000, bands=12),
}


class TestBlocksAreTheWhole:
    @pytest.mark.parametrize("name", SAMPLES)
    @settings(max_examples=10)
    @given(cuts=CUTS)
    def test_samples(self, name, cuts):
        make, whole, channels = SAMPLES[name]
        signal, processor = noise(channels, LENGTH), make()
        result = in_blocks(processor, signal, cuts)
        assert_array_equal(result.shape[-1], LENGTH + processor.latency)
        assert_close(result[..., processor.latency :], whole(signal), factor=10)

    @pytest.mark.parametrize("name", FRAMES)
    @settings(max_examples=10)
    @given(cuts=CUTS)
    def test_frames(self, name, cuts):
        make, whole, channels = FRAMES[name]
        signal = noise(channels, LENGTH)
        assert_close(in_blocks(make(), signal, cuts), whole(signal), factor=10)

    @pytest.mark.parametrize("name", SAMPLES | FRAMES)
    def test_batches_and_libraries(self, name, library, dtype):
        make, whole, channels = (SAMPLES | FRAMES)[name]
        signal, processor = noise(2, 3, channels, LENGTH).astype(dtype), make()
        result = library.numpy(in_blocks(processor, library.array(signal), [1, 1, 64, 128, 300, 555]))
        assert str(result.real.dtype) == dtype
        latency = processor.latency if name in SAMPLES else 0
        factor = 10 if name in SAMPLES or "stft" in name else 100  # decibels of faint bands
        assert_close(result[..., latency:], whole(signal.astype("float64")), dtype, factor=factor)

    @pytest.mark.parametrize("name", SAMPLES)
    def test_one_sample_at_a_time(self, name):
        make, whole, channels = SAMPLES[name]
        signal, processor = noise(channels, LENGTH)[:, :150], make()
        result = in_blocks(processor, signal, range(1, 150))
        assert_close(result[..., processor.latency :], whole(signal), factor=10)

    @pytest.mark.parametrize("name", SAMPLES)
    def test_half_precision(self, name):
        make, whole, channels = SAMPLES[name]
        signal, processor = noise(channels, LENGTH).astype("float16"), make()
        result = in_blocks(processor, signal, [100, 228])
        assert result.dtype == np.float16
        assert_close(result[..., processor.latency :], whole(signal.astype("float64")), "float16", factor=2)

    def test_gradients_reach_over_the_borders(self):
        filters, signal = decaying(2, 4, 20), torch.tensor(noise(4, 60), requires_grad=True)
        make = lambda: stream.Chain(stream.Rotator(RATE, 0.4), stream.FilterMatrix(filters))  # noqa: E731
        expected = torch.autograd.grad((filter_channels(ambikit.rotate(signal, 0.4), filters) ** 3).sum(), signal)[0]
        found = torch.autograd.grad((in_blocks(make(), signal, [7, 8, 40]) ** 3).sum(), signal)[0]
        assert_close(found, expected, factor=10)

    def test_a_chain_of_chains_that_ends_in_frames(self):
        signal, filters = noise(4, 900), decaying(2, 4, 40)
        inner = stream.Chain(stream.FilterMatrix(filters, delay=6), stream.StereoFeatures(8000, bands=12))
        chain = stream.Chain(stream.Rotator(RATE, 1.0), inner)
        late = filter_channels(np.pad(ambikit.rotate(signal, 1.0), [(0, 0), (0, 6)]), filters)
        expected = ambikit.stereo_features(late, 8000, bands=12)
        assert chain.latency == 6 + 128
        assert_close(in_blocks(chain, signal, [100, 500]), expected, factor=10)

    def test_mono_is_not_turned(self):
        assert_array_equal(stream.Rotator(RATE, 1.0).process(np.ones((1, 5))), np.ones((1, 5)))

    def test_the_tail_of_filters(self):
        filters, signal = decaying(2, 1, 300), noise(1, 400)
        matrix = stream.FilterMatrix(filters)
        result = np.concatenate([matrix.process(signal), matrix.flush(tail=True)], -1)
        assert_close(result, np.array([np.convolve(signal[0], row[0]) for row in filters]), factor=10)

    def test_a_source_on_the_left_is_louder_there(self):
        source = ambikit.encode(noise(4800), 90, 0, order=3, degrees=True)
        left, right = (in_blocks(stream.BinauralDecoder(order=3), source, range(64, 4800, 64)) ** 2).mean(-1)
        assert 10 * np.log10(left / right) > 6


class TestLevelsOfStreams:
    """A clip has one floor, and a stream cannot know it beforehand."""

    def quiet_then_loud(self):
        return noise(1, 4000) * np.repeat([1e-9, 1.0, 1e-8, 1e-2], 1000)

    @pytest.mark.parametrize("cuts", [[], [500, 1500], range(10, 4000, 10)])
    def test_the_floor_of_the_clip(self, cuts):
        signal = self.quiet_then_loud()
        whole = ambikit.log_mel(signal, 8000, bands=12)
        levels = in_blocks(stream.LogMel(8000, bands=12), signal, cuts)
        assert levels.min() < whole.min() - 30  # the faint beginning was not known to be faint
        assert_close(np.maximum(levels, levels.max() - 100), whole, factor=10)

    def test_a_known_top(self):
        signal = self.quiet_then_loud()
        whole = ambikit.log_mel(signal, 8000, bands=12)
        levels = in_blocks(stream.LogMel(8000, bands=12, top_db=whole.max()), signal, [100, 2000])
        assert_close(levels, whole, factor=10)

    def test_frames_do_not_depend_on_the_blocks(self):
        signal = self.quiet_then_loud()
        one, many = (in_blocks(stream.LogMel(8000, bands=12), signal, cuts) for cuts in ([], range(9, 4000, 9)))
        assert_close(many, one, factor=10)

    def test_silence(self):
        levels = in_blocks(stream.LogMel(8000, bands=12), np.zeros((1, 900)), [100, 200])
        assert_array_equal(levels, ambikit.log_mel(np.zeros((1, 900)), 8000, bands=12))


class TestForm:
    def test_into_given_memory(self):
        signal = noise(4, 64)
        for make, whole in (
            (lambda: stream.Rotator(RATE, 1.0), ambikit.rotate(signal, 1.0)),
            (lambda: stream.Chain(stream.Rotator(RATE), stream.StereoDecoder()), ambikit.decode_stereo(signal)),
        ):
            out = np.empty_like(whole)
            assert make().process(signal, out=out) is out
            assert_close(out, whole)
            tensor = torch.empty(whole.shape, dtype=torch.float64)
            assert make().process(torch.from_numpy(signal), out=tensor) is tensor
            assert_close(tensor, whole)
            strided = np.empty((*whole.shape, 2))[..., 0]
            assert make().process(signal, out=strided) is strided
            assert_close(strided, whole)
        turned = signal.copy()
        assert_close(stream.Rotator(RATE, 1.0).process(turned, out=turned), ambikit.rotate(signal, 1.0))
        with pytest.raises(ShapeError, match=r"\(4, 64\)"):
            stream.Rotator(RATE).process(signal, out=np.empty((4, 63)))

    def test_the_block_is_not_changed_and_may_be_strided(self):
        block = noise(64, 9).T
        kept = block.copy()
        assert_close(stream.Rotator(RATE, 0.5).process(block), ambikit.rotate(kept, 0.5))
        assert_array_equal(block, kept)

    @pytest.mark.parametrize("name", SAMPLES | FRAMES)
    def test_blocks_that_are_not_alike(self, name, no_shape_hook):
        make, _, channels = (SAMPLES | FRAMES)[name]
        processor, block = make(), noise(channels, 64)
        processor.process(block)
        with pytest.raises(ShapeError, match=rf"shape \({channels + 1}, 64\).*expected \({channels}, time\)"):
            processor.process(noise(channels + 1, 64))
        with pytest.raises(ShapeError, match="like the blocks before"):
            processor.process(block[None])
        with pytest.raises(ArrayTypeError, match="float32; expected .* of float64 in numpy"):
            processor.process(block.astype("float32"))
        with pytest.raises(ArrayTypeError, match="torch.Tensor"):
            processor.process(torch.from_numpy(block))
        with pytest.raises(ArrayTypeError, match="int16"):
            processor.process(block.astype("int16"))
        with pytest.raises(ArrayTypeError, match="type list"):
            processor.process(block.tolist())
        processor.reset()
        processor.process(block.astype("float32"))

    def test_first_blocks_that_do_not_fit(self, no_shape_hook):
        for processor, channels in (
            (stream.Rotator(RATE), 5),
            (stream.Beamformer(RATE, 0, 0, order=2), 4),
            (stream.StereoDecoder(), 1),
            (stream.LoudspeakerDecoder("quad"), 9),
            (stream.BinauralDecoder(SPHERE[0]), 9),
            (stream.FoaFeatures(8000, bands=12), 1),
            (stream.StereoFeatures(8000, bands=12), 4),
        ):
            with pytest.raises(ShapeError, match="expected"):
                processor.process(noise(channels, 10))
            with pytest.raises(ShapeError, match=r"\(10,\)"):
                processor.process(noise(10))
            with pytest.raises(ArrayTypeError, match="complex"):
                processor.process(noise(4, 10) * 1j)

    def test_a_gradient_that_comes_late(self):
        rotator = stream.Rotator(RATE)
        rotator.process(torch.zeros(4, 8))
        with pytest.raises(ArrayTypeError, match="needs a gradient.*detach"):
            rotator.process(torch.zeros(4, 8, requires_grad=True))

    def test_the_end_of_nothing(self):
        for processor in (stream.Rotator(RATE), stream.Stft(frame_length=8, hop_length=4)):
            with pytest.raises(AmbikitError, match="before any block"):
                processor.flush()
        short = stream.Stft(frame_length=64, hop_length=4)
        short.process(noise(1, 30))
        with pytest.raises(ShapeError, match="more than 32 samples"):
            short.flush()

    def test_empty_streams_have_no_frames(self):
        features = stream.FoaFeatures(8000, bands=12)
        assert features.process(np.zeros((4, 0))).shape == (7, 12, 0)
        assert features.flush().shape == (7, 12, 0)

    def test_parameters(self, no_shape_hook):
        for wrong, error in (
            (lambda: stream.Chain(), "nothing"),
            (lambda: stream.Chain(stream.Rotator(RATE), ambikit.rotate), "function"),
            (lambda: stream.Chain(stream.LogMel(8000, bands=12), stream.Rotator(RATE)), "put it last"),
            (lambda: stream.FilterMatrix(np.ones((2, 4))), "rows, channels, taps"),
            (lambda: stream.FilterMatrix(np.ones((2, 4, 3)), delay=3), "delay"),
            (lambda: stream.Rotator(RATE, ramp=-1), "ramp"),
            (lambda: stream.Rotator(0), "sample_rate"),
            (lambda: stream.Rotator(RATE, [0.0, 1.0]), "rotate_track"),
            (lambda: stream.Rotator(RATE, 1.0, rotation=[0, 0, 0, 1.0]), "both"),
            (lambda: stream.Rotator(RATE).set_pose(np.nan), "finite"),
            (lambda: stream.Beamformer(RATE, [0, 1], 0), "several"),
            (lambda: stream.Beamformer(RATE, 0, 0, "hyper"), "pattern"),
            (lambda: stream.LogMel(8000, top_db=np.inf), "top_db"),
            (lambda: stream.Stft(frame_length=8, hop_length=4).process(np.zeros((1, 9)), out=np.zeros(1)), "out"),
        ):
            with pytest.raises(AmbikitError, match=error):
                wrong()


class TestWhatIsNotFinite:
    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    @pytest.mark.parametrize("name", ["binaural", "filters", "short filters"])
    def test_filters_are_harmed_as_long_as_they_hear_it(self, name, bad):
        make, whole, channels = SAMPLES[name]
        signal, processor = noise(channels, LENGTH), make()
        signal[0, 100:110] = signal[-1, 130] = bad
        result = in_blocks(processor, signal, [64, 128, 192])[..., processor.latency :]
        expected = whole(signal)
        assert_array_equal(np.isnan(result), np.isnan(expected))
        assert np.isfinite(result).any()
        assert_close(np.nan_to_num(result), np.nan_to_num(expected), factor=10)

    def test_reset_forgets_at_once(self):
        matrix = stream.FilterMatrix(decaying(1, 1, 500))
        assert np.isnan(matrix.process(np.full((1, 64), np.nan))).all()
        assert np.isnan(matrix.process(np.ones((1, 64)))).all()
        matrix.reset()
        assert_close(matrix.process(np.ones((1, 64))), np.cumsum(decaying(1, 1, 500)[0, :, :64], -1), factor=10)

    def test_turns_keep_it_in_its_sample_and_degree(self):
        block = noise(9, 64)
        block[2, 5] = np.nan
        turned = stream.Rotator(RATE, 0.3, 0.4).process(block)
        assert_array_equal(np.argwhere(np.isnan(turned)), [[1, 5], [2, 5], [3, 5]])

    def test_frames_without_it_are_finite(self):
        signal = noise(4, LENGTH)
        signal[1, 300] = np.nan
        result = in_blocks(stream.FoaFeatures(8000, bands=12), signal, [64, 301, 500])
        expected = ambikit.foa_features(signal, 8000, bands=12)
        assert_array_equal(np.isnan(result), np.isnan(expected))
        assert_close(np.nan_to_num(result), np.nan_to_num(expected), factor=10)


def test_a_processor_that_lacks_a_part_cannot_be_made():
    class Half(Sampled):
        def _rows(self, channels, shape):
            return channels

        def _loop(self, sound, out):
            out[:] = sound

    with pytest.raises(TypeError, match="_formula"):
        Half()
