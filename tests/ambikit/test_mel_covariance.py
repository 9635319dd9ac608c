import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import ambikit
from ambikit.analysis.mel_covariance import CHANNELS
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close


def scene(rng, *batch, time=2400):
    """Noise in all channels, so that no turned channel is silent (see the note of mel_covariance)."""
    return rng.normal(size=(*batch, 4, time))


def through_covariance(signal, azimuth, elevation, **keywords):
    covariance = ambikit.mel_covariance(signal, 24000, **keywords)
    return ambikit.mel_covariance_features(ambikit.align_mel_covariance(covariance, azimuth, elevation))


class TestValues:
    def test_the_listed_channels(self, library, dtype, rng):
        signal = scene(rng).astype(dtype)
        covariance = library.numpy(ambikit.mel_covariance(library.array(signal), 24000))
        spectrum = ambikit.stft(signal.astype(np.float64), frame_length=512, hop_length=240)[..., :10]
        channels = dict(zip("wyzx", spectrum))
        bank = ambikit.mel_filterbank(24000, 512)
        for k, name in enumerate(CHANNELS[:10]):
            expected = bank @ (channels[name[0]].conj() * channels[name[1]]).real
            assert_close(covariance[k], expected, dtype, factor=10)
        intensity = ambikit.mel_average(ambikit.active_intensity(spectrum), bank)
        assert_close(covariance[10:], intensity, dtype, factor=10)
        assert covariance.dtype == dtype

    @pytest.mark.parametrize(
        ("azimuth", "elevation"), [(90, 0), (-90, 0), (0, 90), (180, 0), (120, 45), (-30, -60), (0, 0)]
    )
    def test_a_source_at_the_viewpoint_comes_from_the_front(self, library, rng, azimuth, elevation):
        """W, Y, Z, X by hand; afterwards W = X, Y = Z = 0 and the intensity is +x."""
        a, e = np.radians([azimuth, elevation])
        gains = np.array([1, np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])
        signal = library.array(gains[:, None] * rng.normal(size=2400))
        covariance = ambikit.mel_covariance(signal, 24000)
        features = library.numpy(
            ambikit.mel_covariance_features(ambikit.align_mel_covariance(covariance, azimuth, elevation, degrees=True))
        )
        assert np.abs(features[3] - features[0]).max() < 1e-9
        assert (features[1:3] < features[:4].max() - 99.9).all()  # the floor
        assert np.abs(features[4:] - np.array([1, 0, 0])[:, None, None]).max() < 1e-9


class TestExactness:
    """Turning the features is turning the sound."""

    @given(st.floats(-4, 4), st.floats(-np.pi / 2, np.pi / 2), st.integers(0, 1000))
    def test_any_viewpoint(self, azimuth, elevation, seed):
        signal = scene(np.random.default_rng(seed), time=600)
        direct = ambikit.foa_features(ambikit.align(signal, azimuth, elevation), 24000)
        assert np.abs(through_covariance(signal, azimuth, elevation) - direct).max() < 1e-7

    @pytest.mark.parametrize("weighting", ["mean", "energy"])
    def test_viewpoints_broadcast(self, library, dtype, rng, weighting):
        signal = library.array(scene(rng, 3, 1).astype(dtype))
        azimuth, elevation = rng.uniform(-3, 3, (3, 5)).tolist(), rng.uniform(-1.5, 1.5, (3, 5)).tolist()
        direct = ambikit.foa_features(ambikit.align(signal, azimuth, elevation), 24000, weighting=weighting)
        turned = through_covariance(signal, azimuth, elevation, weighting=weighting)
        direct, turned = library.numpy(direct), library.numpy(turned)
        assert turned.shape == (3, 5, 7, 128, 10)
        assert turned.dtype == dtype
        assert np.abs(turned - direct)[..., 4:, :, :].max() < {"float32": 5e-6, "float64": 1e-12}[dtype]
        # In decibels, relative: a channel d dB below the energy of its band keeps the rounding times 10^(d/10).
        energy = 10 ** (direct[..., :4, :, :] / 10)
        error = np.abs(10 ** (turned[..., :4, :, :] / 10) - energy) / energy.sum(axis=-3, keepdims=True)
        assert error.max() < {"float32": 5e-6, "float64": 1e-12}[dtype]

    @pytest.mark.parametrize(
        ("scenes", "angles"),
        [
            ((), ()),
            ((), (2, 3)),
            ((3,), ()),
            ((3, 1), (3, 2)),
            ((1, 3), (2, 3)),
            ((1, 3), (2, 1)),
            ((2, 1, 3, 1), (4, 1, 5)),
            ((2, 1, 1), (4, 5)),
            ((1, 1), (1, 1)),
            ((0, 1), (0, 2)),
        ],
    )
    def test_any_axes_of_scenes_and_angles(self, library, rng, scenes, angles):
        covariance = rng.normal(size=(*scenes, 13, 4, 3))
        azimuth, elevation = rng.uniform(-3, 3, angles), rng.uniform(-1.5, 1.5, angles)
        given = (library.array(x) if np.ndim(x) else float(x) for x in (covariance, azimuth, elevation))
        turned = library.numpy(ambikit.align_mel_covariance(*given))
        shape = np.broadcast_shapes(scenes, angles)
        assert turned.shape == (*shape, 13, 4, 3)
        covariance = np.broadcast_to(covariance, (*shape, 13, 4, 3))
        azimuth, elevation = (np.broadcast_to(x, shape) for x in (azimuth, elevation))
        for place in np.ndindex(shape):
            alone = ambikit.align_mel_covariance(covariance[place], float(azimuth[place]), float(elevation[place]))
            assert_close(turned[place], alone)

    def test_without_turning(self, rng):
        signal = scene(rng, 2)
        assert_close(
            ambikit.mel_covariance_features(ambikit.mel_covariance(signal, 24000)),
            ambikit.foa_features(signal, 24000),
            factor=10,
        )

    def test_omni_does_not_turn(self, rng):
        covariance = ambikit.mel_covariance(scene(rng).astype(np.float32), 24000)
        turned = ambikit.align_mel_covariance(covariance, 1.0, 0.5)
        assert (turned[0] == covariance[0]).all()

    def test_a_yaw_adds_to_the_azimuth(self, rng):
        signal = scene(rng)
        direct = through_covariance(ambikit.rotate(signal, yaw=0.7), 0.4, 0.2)
        assert np.abs(direct - through_covariance(signal, 0.4 - 0.7, 0.2)).max() < 1e-7

    @pytest.mark.recordings
    @pytest.mark.parametrize(("name", "source"), [("foa/BF_rec5_fuma.ogg", "fuma"), ("foa/BF_rec3_fuma.ogg", "fuma")])
    def test_real_recordings(self, recordings, dtype, name, source):
        signal, rate = ambikit.read(recordings / name, source=source)
        signal = signal[None, :, 44100 : 3 * 44100].astype(dtype)
        azimuth, elevation = [0.3, -2.0, 1.5], [0.2, -0.9, 1.2]
        direct = ambikit.foa_features(ambikit.align(signal, azimuth, elevation), rate)
        covariance = ambikit.mel_covariance(signal, rate)
        turned = ambikit.mel_covariance_features(ambikit.align_mel_covariance(covariance, azimuth, elevation))
        # Single precision rounds a turned *signal* to 1e-7 of its loudest parts, so compare where there is sound.
        sound = np.broadcast_to(direct[:, :1] > direct[:, :1].max() - 60, direct.shape)
        error = np.where(sound, np.abs(turned - direct), 0.0)
        assert error[:, 4:].max() < {"float32": 1e-4, "float64": 1e-9}[dtype]
        near = direct[:, :4] > direct[:, :1] - 30
        assert error[:, :4][near].max() < {"float32": 0.01, "float64": 1e-9}[dtype]


class TestTorch:
    def test_gradients(self, rng):
        keywords = {"bands": 3, "window": 16 / 1000, "hop": 8 / 1000}
        signal = torch.from_numpy(rng.normal(size=(4, 40))).requires_grad_()
        angles = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (0.4, -0.3)]

        def features(x, azimuth, elevation):
            covariance = ambikit.mel_covariance(x, 1000, **keywords)
            return ambikit.mel_covariance_features(ambikit.align_mel_covariance(covariance, azimuth, elevation))

        assert torch.autograd.gradcheck(features, [signal, *angles])

    def test_compile(self, no_shape_hook, rng):
        signal = torch.from_numpy(scene(rng))
        azimuth = torch.tensor(0.3, dtype=torch.float64)
        compiled = torch.compile(lambda x, a: through_covariance(x, a, 0.2), fullgraph=True, backend="eager")
        assert np.abs(compiled(signal, azimuth).numpy() - through_covariance(signal, azimuth, 0.2).numpy()).max() < 1e-9

    def test_angles_in_single_precision_do_not_change_the_dtype(self, rng):
        covariance = torch.from_numpy(rng.normal(size=(2, 1, 13, 3, 4)))
        turned = ambikit.align_mel_covariance(covariance, torch.zeros(2, 5), torch.zeros(5))
        assert turned.dtype == torch.float64
        assert turned.shape == (2, 5, 13, 3, 4)

    @pytest.mark.parametrize("name", ["float16", "bfloat16"])
    def test_half_precision(self, rng, name):
        covariance = torch.from_numpy(rng.normal(size=(13, 3, 4)) ** 2).to(getattr(torch, name))
        turned = ambikit.align_mel_covariance(covariance, 0.3, 0.2)
        assert turned.dtype == covariance.dtype
        assert_close(turned.float().numpy(), ambikit.align_mel_covariance(covariance.float(), 0.3, 0.2).numpy(), name)


def test_silence(library):
    features = ambikit.mel_covariance_features(ambikit.mel_covariance(library.array(np.zeros((4, 2400))), 24000))
    features = library.numpy(features)
    assert (features[:4] == -100).all()
    assert (features[4:] == 0).all()


def test_nan_stays_in_its_frames(library, rng):
    signal = scene(rng, time=24000)
    signal[1, 12000] = np.nan
    covariance = ambikit.align_mel_covariance(ambikit.mel_covariance(library.array(signal), 24000), 0.3, 0.2)
    bad = np.isnan(library.numpy(ambikit.mel_covariance_features(covariance)))
    assert bad.any(axis=(0, 1)).nonzero()[0].tolist() == [49, 50, 51]


@pytest.mark.usefixtures("no_shape_hook")
class TestErrors:
    def test_channels(self):
        with pytest.raises(ShapeError, match="at least 4"):
            ambikit.mel_covariance(np.zeros((1, 2400)), 24000)
        for function in (lambda c: ambikit.align_mel_covariance(c, 0, 0), ambikit.mel_covariance_features):
            with pytest.raises(ShapeError, match=r"\(\.\.\., 13, mel, frames\)"):
                function(np.zeros((7, 128, 100)))
            with pytest.raises(ArrayTypeError, match="int"):
                function(np.zeros((13, 128, 100), int))

    def test_angles(self):
        with pytest.raises(ShapeError, match="broadcast"):
            ambikit.align_mel_covariance(np.zeros((3, 13, 4, 5)), np.zeros(2), 0)
        with pytest.raises(ArrayTypeError, match="torch"):
            ambikit.align_mel_covariance(torch.zeros(13, 4, 5), np.zeros(2), 0)

    def test_parameters(self):
        with pytest.raises(AmbikitError, match="weighting"):
            ambikit.mel_covariance(np.zeros((4, 2400)), 24000, weighting="loud")
        with pytest.raises(AmbikitError, match="dynamic_range_db"):
            ambikit.mel_covariance_features(np.zeros((13, 4, 5)), dynamic_range_db=0)
