import numpy as np
import pytest
import torch

import ambikit
from ambikit.errors import AmbikitError, ShapeError
from tests.ambikit.test_correlation import COMPLEX, delayed

RATE = 48000
WEIGHTINGS = ["phase_transform", "none"]
weightings = pytest.mark.parametrize("weighting", WEIGHTINGS)


class TestItd:
    @weightings
    @pytest.mark.parametrize("samples", [0, 1, 0.5, -3.21, 17.77, -30.9])
    def test_delays_between_samples(self, library, dtype, rng, samples, weighting):
        spectrum = library.array(delayed(rng, samples, 512).astype(COMPLEX[dtype]))
        value = library.numpy(ambikit.itd(spectrum, RATE, weighting=weighting))
        assert value.dtype == dtype
        assert np.abs(value * RATE - samples).max() < 1e-3

    @weightings
    def test_a_delayed_recording(self, rng, weighting):
        """Frames of a longer sound: what enters and leaves a frame costs a little."""
        count = 1 << 14
        noise = rng.normal(size=count)
        shift = np.exp(-2j * np.pi * np.fft.rfftfreq(count) * 12.37)
        signal = np.stack([noise, np.fft.irfft(np.fft.rfft(noise) * shift)])
        spectrum = ambikit.stft(signal, frame_length=1024, hop_length=512)
        assert np.abs(ambikit.itd(spectrum, RATE, weighting=weighting)[2:-2] * RATE - 12.37).max() < 0.02
        assert np.abs(ambikit.itd(spectrum, RATE, weighting=weighting, frames=None) * RATE - 12.37).max() < 0.01

    @weightings
    @pytest.mark.parametrize(("azimuth", "microseconds"), [(90, 655.8), (45, 380.7), (-30, -261.1), (0, 0.0)])
    def test_ears_on_a_sphere(self, rng, weighting, azimuth, microseconds):
        """A source on the sphere around a rigid head, against Woodworth's a / c (t + sin t); diffraction adds to it."""
        head = ambikit.spherical_head_hrirs([azimuth], [0.0], sample_rate=RATE, degrees=True)
        spectrum = np.fft.rfft(np.asarray(head.responses)[0], n=1024)[..., None]
        value = float(ambikit.itd(spectrum, RATE, weighting=weighting)[0]) * 1e6
        assert abs(value - microseconds) < 0.2 * abs(microseconds) + 5

    def test_where_nothing_is_heard(self, library, rng):
        for silent in ([0], [1], [0, 1]):
            spectrum = delayed(rng, 3)
            spectrum[silent] = 0
            for weighting in WEIGHTINGS:
                value = ambikit.itd(library.array(spectrum), RATE, maximum_time=2e-4, weighting=weighting)
                assert (library.numpy(value) == 0).all()

    @weightings
    def test_nan_stays_in_its_frame(self, library, rng, weighting):
        spectrum = delayed(rng, 3)
        spectrum[1, 4, 2] = np.nan
        value = library.numpy(ambikit.itd(library.array(spectrum), RATE, maximum_time=2e-4, weighting=weighting))
        assert np.isnan(value).tolist() == [False, False, True, False, False]

    @weightings
    @pytest.mark.parametrize("scale", [1e-30, 1e-6, 1e6])
    def test_level_does_not_matter(self, library, rng, weighting, scale):
        spectrum = (delayed(rng, 2.3) * scale).astype(np.complex64)
        value = library.numpy(ambikit.itd(library.array(spectrum), RATE, maximum_time=2e-4, weighting=weighting))
        assert np.abs(value * RATE - 2.3).max() < 5e-3

    def test_reflections_do_not_bend_the_phase_transform(self, rng):
        """A loud narrow-band interferer draws the plain correlation away, not the phase transform."""
        spectrum = delayed(rng, 6, 512)
        spectrum[:, 20] += 400 * np.array([1, np.exp(0.7j)])[:, None]
        assert np.abs(ambikit.itd(spectrum, RATE) * RATE - 6).max() < 0.05
        assert np.abs(ambikit.itd(spectrum, RATE, weighting="none") * RATE - 6).min() > 1

    @weightings
    def test_gradients(self, rng, weighting):
        parts = torch.view_as_real(torch.from_numpy(delayed(rng, 0.3, 16, frames=2))).clone().requires_grad_()

        def in_samples(x):
            return ambikit.itd(torch.view_as_complex(x), 1.0, maximum_time=5.0, weighting=weighting)

        assert torch.autograd.gradcheck(in_samples, parts)

    @weightings
    def test_the_gradient_is_that_of_the_delay(self, rng, weighting):
        source = torch.from_numpy(delayed(rng, 0.5, 128)[0])
        delay = torch.tensor(2.4, dtype=torch.float64, requires_grad=True)
        phase = torch.exp(-2j * torch.pi * torch.arange(65)[:, None] * delay / 128)
        found = ambikit.itd(torch.stack([source, source * phase]), 1.0, maximum_time=8.0, weighting=weighting)
        (slope,) = torch.autograd.grad(found[0], delay)
        assert abs(slope - 1) < 0.02

    def test_compile_and_vmap(self, no_shape_hook, rng):
        def function(x):
            return ambikit.itd(x, RATE, maximum_time=2e-4, frames=2)

        spectrum = torch.from_numpy(np.stack([delayed(rng, 1.5), delayed(rng, -2)]))
        whole = function(spectrum)
        assert (torch.vmap(function)(spectrum) - whole).abs().max() < 1e-12
        assert (torch.compile(function, fullgraph=True, backend="eager")(spectrum) - whole).abs().max() < 1e-12


@pytest.mark.usefixtures("no_shape_hook")
class TestErrors:
    def test_channels(self):
        with pytest.raises(ShapeError, match="expected 2"):
            ambikit.itd(np.zeros((4, 5, 3), complex), RATE)

    @pytest.mark.parametrize("maximum_time", [0.0, -1.0, 1e-3, float("nan"), "1 ms", None])
    def test_times(self, maximum_time):
        with pytest.raises(AmbikitError, match="half a frame"):
            ambikit.itd(np.zeros((2, 5, 3), complex), RATE, maximum_time=maximum_time)

    def test_words_and_rates(self):
        with pytest.raises(AmbikitError, match="weighting"):
            ambikit.itd(np.zeros((2, 65, 3), complex), RATE, weighting="phat")
        with pytest.raises(AmbikitError, match="sample_rate"):
            ambikit.itd(np.zeros((2, 65, 3), complex), 0)
