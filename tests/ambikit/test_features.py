import numpy as np
import pytest
import torch

import ambikit
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close

AXES = [(0, 0), (90, 0), (-90, 0), (180, 0), (0, 90), (0, -90), (37, 21), (-140, -63)]


def plane_wave(azimuth, elevation, signal):
    """W, Y, Z, X by hand, azimuth and elevation in degrees."""
    a, e = np.radians([azimuth, elevation])
    gains = [1, np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)]
    return np.stack([gain * signal for gain in gains]), np.array([gains[3], gains[1], gains[2]])


def slow_foa_features(signal, bands=128, weighting="mean", power=2.0):
    """An independent oracle at 24 kHz: torch's transform, loops over bands, equations (7) and (8) as printed."""
    window = torch.hann_window(512, periodic=True, dtype=torch.float64)
    spectrum = torch.stft(torch.from_numpy(signal), 512, 240, window=window, return_complex=True).numpy()[..., :100]
    w, y, z, x = spectrum
    bank = ambikit.mel_filterbank(24000, 512, bands)
    energy = abs(w) ** 2 + abs(x) ** 2 + abs(y) ** 2 + abs(z) ** 2
    intensity = [2 * (w.conj() * component).real / energy for component in (x, y, z)]
    level = np.array([[(20 / power) * np.log10(b @ abs(c) ** power) for b in bank] for c in spectrum])
    level = np.maximum(level, level.max() - 100)
    weights = energy if weighting == "energy" else np.ones_like(energy)
    return np.concatenate([level, [[(b @ (weights * i)) / (b @ weights) for b in bank] for i in intensity]])


class TestFoa:
    @pytest.mark.parametrize("weighting", ["mean", "energy"])
    @pytest.mark.parametrize("power", [2.0, 1.0])
    def test_equals_the_oracle(self, library, dtype, rng, weighting, power):
        signal = rng.normal(size=(4, 24000)).astype(dtype)
        features = library.numpy(ambikit.foa_features(library.array(signal), 24000, weighting=weighting, power=power))
        oracle = slow_foa_features(signal.astype(np.float64), weighting=weighting, power=power)
        assert features.shape == (7, 128, 100)
        assert features.dtype == dtype
        assert np.abs(features[:4] - oracle[:4]).max() < {"float32": 2e-3, "float64": 1e-8}[dtype]
        assert np.abs(features[4:] - oracle[4:]).max() < {"float32": 1e-5, "float64": 1e-10}[dtype]

    @pytest.mark.parametrize("scale", [1.0, 1e-6, 1e6, 1e-30])
    @pytest.mark.parametrize("weighting", ["mean", "energy"])
    def test_a_plane_wave_keeps_its_unit_vector_in_every_band(self, library, rng, scale, weighting):
        noise = rng.normal(size=4800)
        for azimuth, elevation in AXES:
            wave, direction = plane_wave(azimuth, elevation, noise)
            signal = (scale * wave).astype(np.float32)
            features = library.numpy(ambikit.foa_features(library.array(signal), 24000, weighting=weighting))
            assert np.abs(features[4:] - direction[:, None, None]).max() < 1e-3

    def test_channels_of_the_levels(self, library, rng):
        """W, Y, Z, X at 0, -6, -12 and -18 dB."""
        noise = rng.normal(size=4800)
        signal = np.stack([noise, noise / 2, noise / 4, noise / 8])
        features = library.numpy(ambikit.foa_features(library.array(signal), 24000))
        assert_close((features[1:4] - features[0]).mean(axis=(1, 2)), -20 * np.log10([2, 4, 8]))

    @pytest.mark.parametrize("scale", [1e-6, 1e6, 1e-30])
    def test_level_shifts_the_levels_and_nothing_else(self, library, rng, scale):
        signal = rng.normal(size=(4, 4800)).astype(np.float32)
        signal[:, 2400:] *= 1e-9
        features = library.numpy(ambikit.foa_features(library.array(signal), 24000))
        scaled = library.numpy(ambikit.foa_features(library.array(signal * np.float32(scale)), 24000))
        assert np.abs(scaled[:4] - features[:4] - 20 * np.log10(scale)).max() < 1e-3
        assert np.abs(scaled[4:] - features[4:]).max() < 1e-4

    def test_mean_and_energy_differ_where_a_band_holds_two_sources(self, rng):
        """A loud tone in front and a faint one from the left, in one band of many bins."""
        time = np.arange(24000) / 24000
        front, _ = plane_wave(0, 0, np.sin(2 * np.pi * 9000 * time))
        left, _ = plane_wave(90, 0, 0.01 * rng.normal(size=24000))
        mean, energy = (
            ambikit.foa_features(front + left, 24000, bands=8, weighting=weighting)[4:, 7, 50]
            for weighting in ("mean", "energy")
        )
        assert energy[0] > 0.99
        assert mean[1] > 0.5

    def test_silence(self, library, dtype):
        features = library.numpy(ambikit.foa_features(library.array(np.zeros((4, 2400), dtype)), 24000))
        assert np.abs(features[:4] + 100).max() < 1e-4
        assert (features[4:] == 0).all()

    def test_nan_stays_in_its_frames(self, library, rng):
        signal = rng.normal(size=(4, 24000))
        clean = ambikit.foa_features(signal, 24000)
        signal[2, 12000] = np.nan
        bad = np.isnan(library.numpy(ambikit.foa_features(library.array(signal), 24000)))
        assert bad.any(axis=(0, 1)).nonzero()[0].tolist() == [49, 50, 51]
        assert bad[4:, :, 50].all()
        assert bad[2, :, 50].all()
        assert not bad[[0, 1, 3]].any()
        assert_close(library.numpy(ambikit.foa_features(library.array(signal), 24000))[~bad], clean[~bad])

    def test_higher_orders_use_their_first_four_channels(self, rng):
        signal = rng.normal(size=(16, 2400))
        assert (ambikit.foa_features(signal, 24000) == ambikit.foa_features(signal[:4], 24000)).all()

    def test_batch_is_loop(self, library, rng):
        signal = rng.normal(size=(2, 3, 4, 2400)) * np.array([1, 1e-3, 100])[:, None, None]
        whole = library.numpy(ambikit.foa_features(library.array(signal), 24000))
        assert whole.shape == (2, 3, 7, 128, 10)
        loop = [[ambikit.foa_features(clip, 24000) for clip in row] for row in signal]
        assert_close(whole, np.array(loop))

    @pytest.mark.parametrize("name", ["float16", "bfloat16"])
    def test_half_precision(self, rng, name):
        signal = torch.from_numpy(rng.normal(size=(4, 2400))).to(getattr(torch, name))
        features = ambikit.foa_features(signal, 24000)
        assert features.dtype == signal.dtype
        assert_close(features.float().numpy(), ambikit.foa_features(signal.float(), 24000).numpy(), name)

    @pytest.mark.parametrize("weighting", ["mean", "energy"])
    def test_gradients(self, rng, weighting):
        keywords = {"bands": 3, "window": 16 / 1000, "hop": 8 / 1000, "weighting": weighting}
        signal = torch.from_numpy(rng.normal(size=(4, 40))).requires_grad_()
        assert torch.autograd.gradcheck(lambda x: ambikit.foa_features(x, 1000, **keywords), signal)

    @pytest.mark.parametrize("weighting", ["mean", "energy"])
    def test_silence_has_finite_gradients(self, weighting):
        signal = torch.zeros(4, 2400, requires_grad=True)
        ambikit.foa_features(signal, 24000, weighting=weighting).sum().backward()
        assert signal.grad.isfinite().all()

    def test_compile(self, no_shape_hook, rng):
        signal = torch.from_numpy(rng.normal(size=(4, 2400)))
        compiled = torch.compile(lambda x: ambikit.foa_features(x, 24000), fullgraph=True, backend="eager")
        assert_close(compiled(signal).numpy(), ambikit.foa_features(signal, 24000).numpy())

    @pytest.mark.usefixtures("no_shape_hook")
    @pytest.mark.parametrize(
        ("signal", "error", "message"),
        [
            (np.zeros((2, 2400)), ShapeError, "2 channels"),
            (np.zeros((1, 2400)), ShapeError, "at least 4"),
            (np.zeros((4, 0)), ShapeError, "empty"),
            (np.zeros((4, 100)), ShapeError, "more than 256 samples"),
            (np.zeros((4, 2400), np.int16), ArrayTypeError, "32768"),
            (np.zeros((4, 2400), complex), ArrayTypeError, "real"),
            (np.zeros(2400), ShapeError, "channels"),
        ],
    )
    def test_signals_that_are_refused(self, signal, error, message):
        with pytest.raises(error, match=message):
            ambikit.foa_features(signal, 24000)

    @pytest.mark.usefixtures("no_shape_hook")
    @pytest.mark.parametrize("keywords", [{"weighting": "loud"}, {"power": 0.5}, {"dynamic_range_db": -3}, {"hop": 0}])
    def test_parameters_that_are_refused(self, keywords):
        with pytest.raises(AmbikitError, match=next(iter(keywords))):
            ambikit.foa_features(np.zeros((4, 2400)), 24000, **keywords)


class TestStereo:
    @pytest.mark.parametrize("weighting", ["mean", "energy"])
    def test_equals_the_oracle(self, library, dtype, rng, weighting):
        """Equations (10) to (12) as printed, in dB, over loops of bands."""
        signal = rng.normal(size=(2, 24000)).astype(dtype)
        features = library.numpy(ambikit.stereo_features(library.array(signal), 24000, weighting=weighting))
        window = torch.hann_window(512, periodic=True, dtype=torch.float64)
        spectrum = torch.stft(torch.from_numpy(signal).double(), 512, 240, window=window, return_complex=True)
        left, right = spectrum.numpy()[..., :100]
        difference = np.angle(left) - np.angle(right)
        level_difference = np.clip(20 * np.log10(abs(left)) - 20 * np.log10(abs(right)), -40, 40)
        weights = abs(left) ** 2 + abs(right) ** 2 if weighting == "energy" else np.ones(left.shape)
        bank = ambikit.mel_filterbank(24000, 512, 128)
        cues = [level_difference, np.cos(difference), np.sin(difference)]
        expected = np.array([[(b @ (weights * cue)) / (b @ weights) for b in bank] for cue in cues])
        assert features.shape == (5, 128, 100)
        assert features.dtype == dtype
        level = library.numpy(ambikit.log_mel(library.array(signal), 24000))
        assert_close(features[:2], level, dtype)
        for k in range(3):
            assert np.abs(features[2 + k] - expected[k]).max() < {"float32": 2e-3, "float64": 1e-9}[dtype]

    def test_left_is_positive(self, library, rng):
        noise = rng.normal(size=4800)
        scene, _ = plane_wave(60, 0, noise)
        stereo = ambikit.decode_stereo(library.array(scene))
        features = library.numpy(ambikit.stereo_features(stereo, 24000))
        # hypercardioids: 0.25 ± 0.75 sin 60°
        gains = 0.25 + 0.75 * np.array([1, -1]) * np.sin(np.pi / 3)
        assert np.abs(features[2] - 20 * np.log10(gains[0] / -gains[1])).max() < 1e-6
        assert np.abs(features[3] + 1).max() < 1e-9  # the right lobe is the negative one
        assert np.abs(features[4]).max() < 1e-9

    @pytest.mark.parametrize("scale", [1e-6, 1e-30])
    def test_level_shifts_the_levels_and_nothing_else(self, library, rng, scale):
        signal = rng.normal(size=(2, 4800)).astype(np.float32)
        features = library.numpy(ambikit.stereo_features(library.array(signal), 24000))
        scaled = library.numpy(ambikit.stereo_features(library.array(signal * np.float32(scale)), 24000))
        assert np.abs(scaled[:2] - features[:2] - 20 * np.log10(scale)).max() < 1e-3
        assert np.abs(scaled[2:] - features[2:]).max() < 1e-3

    def test_silence(self, library):
        features = library.numpy(ambikit.stereo_features(library.array(np.zeros((2, 2400))), 24000))
        assert np.abs(features[:2] + 100).max() < 1e-4
        assert (features[2:] == 0).all()

    def test_gradients(self, rng):
        keywords = {"bands": 3, "window": 16 / 1000, "hop": 8 / 1000}
        signal = torch.from_numpy(rng.normal(size=(2, 40))).requires_grad_()
        assert torch.autograd.gradcheck(lambda x: ambikit.stereo_features(x, 1000, **keywords), signal)
        silence = torch.zeros(2, 40, requires_grad=True)
        ambikit.stereo_features(silence, 1000, **keywords).sum().backward()
        assert silence.grad.isfinite().all()

    def test_compile(self, no_shape_hook, rng):
        signal = torch.from_numpy(rng.normal(size=(2, 2400)))
        compiled = torch.compile(lambda x: ambikit.stereo_features(x, 24000), fullgraph=True, backend="eager")
        assert_close(compiled(signal).numpy(), ambikit.stereo_features(signal, 24000).numpy())

    @pytest.mark.usefixtures("no_shape_hook")
    @pytest.mark.parametrize("shape", [(4, 2400), (2400,), (2, 0)])
    def test_shapes_that_are_refused(self, shape):
        with pytest.raises(ShapeError, match="expected"):
            ambikit.stereo_features(np.zeros(shape), 24000)


@pytest.mark.recordings
def test_a_real_recording_points_where_it_is_known_to(recordings):
    """The main direction of this recording is azimuth 10°, elevation -20°: the energy-weighted mean intensity."""
    signal, rate = ambikit.read(recordings / "foa" / "BF_rec5_fuma.ogg", source="fuma")
    features = ambikit.foa_features(signal[:, : 5 * int(rate)].astype(np.float32), rate, weighting="energy")
    energy = 10 ** (features[0] / 10)
    flow = (features[4:] * energy).sum(axis=(1, 2))
    assert np.degrees(np.arctan2(flow[1], flow[0])) == pytest.approx(10, abs=10)
    assert np.degrees(np.arcsin(flow[2] / np.linalg.norm(flow))) == pytest.approx(-20, abs=10)
    assert np.linalg.norm(features[4:], axis=0).max() <= 1 + 1e-5
