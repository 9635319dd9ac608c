import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import ambikit
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close

azimuths = st.floats(-np.pi, np.pi)
elevations = st.floats(-np.pi / 2, np.pi / 2)


def direction(azimuth, elevation):
    """Unit vector x (front), y (left), z (up), by hand."""
    return np.stack(
        [np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)], axis=-1
    )


def plane_wave(azimuth, elevation, spectrum):
    """W, Y, Z, X of a plane wave with this ``(freq, time)`` spectrum, by hand."""
    x, y, z = direction(azimuth, elevation)
    return np.stack([spectrum, y * spectrum, z * spectrum, x * spectrum])


def noise(rng, *shape):
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


class TestActiveIntensity:
    @pytest.mark.parametrize("scale", [1.0, 1e-6, 1e6, 1e-30, 1e30])
    @pytest.mark.parametrize(
        ("azimuth", "elevation"), [(0, 0), (90, 0), (-90, 0), (180, 0), (0, 90), (0, -90), (37, 21), (-140, -63)]
    )
    def test_a_plane_wave_is_its_unit_direction(self, library, rng, azimuth, elevation, scale):
        azimuth, elevation = np.radians([azimuth, elevation])
        wave = (scale * plane_wave(azimuth, elevation, noise(rng, 20, 10))).astype(np.complex64)
        intensity = library.numpy(ambikit.active_intensity(library.array(wave)))
        assert intensity.dtype == np.float32
        assert np.abs(intensity - direction(azimuth, elevation)[:, None, None]).max() < 1e-5

    def test_equation_seven_by_hand(self, library):
        """W = 1+j, Y = 1, Z = j, X = -2: Re(W* ...) = (-2, 1, 1), energy 2 + 1 + 1 + 4 = 8."""
        spectrum = library.array(np.array([1 + 1j, 1, 1j, -2]).reshape(4, 1, 1))
        assert_close(library.numpy(ambikit.active_intensity(spectrum))[:, 0, 0], np.array([-0.5, 0.25, 0.25]))
        unnormalized = library.numpy(ambikit.active_intensity(spectrum, normalized=False))
        assert_close(unnormalized[:, 0, 0], np.array([-2.0, 1.0, 1.0]))
        assert_close(library.numpy(ambikit.energy_density(spectrum)), np.full((1, 1), 4.0))

    def test_faint_bins_beside_loud_ones(self, library):
        wave = plane_wave(0.5, 0.2, np.array([[1.0, 1e-12, 1e-25, 0.0]])).astype(np.complex64)
        intensity = library.numpy(ambikit.active_intensity(library.array(wave)))
        assert np.abs(intensity[..., :3] - direction(0.5, 0.2)[:, None, None]).max() < 1e-5
        assert (intensity[..., 3] == 0).all()

    def test_a_standing_wave_has_none(self):
        """Two waves in phase from opposite sides: X cancels. In quadrature pressure and velocity: no flow either."""
        assert (ambikit.active_intensity(np.array([2, 0, 0, 0j]).reshape(4, 1, 1)) == 0).all()
        assert (ambikit.active_intensity(np.array([1, 0, 0, 1j]).reshape(4, 1, 1)) == 0).all()

    @pytest.mark.parametrize(("normalization", "length"), [("n3d", 0.8660), ("fuma", 0.9428)])
    def test_a_wrong_normalization_shows_in_the_length(self, normalization, length):
        gains = {"n3d": (1, np.sqrt(3)), "fuma": (np.sqrt(0.5), 1)}[normalization]
        wave = plane_wave(0.3, 0.1, np.ones((1, 1), complex)) * np.array([gains[0], *[gains[1]] * 3])[:, None, None]
        assert abs(np.linalg.norm(ambikit.active_intensity(wave)) - length) < 5e-5

    @given(st.integers(0, 10**6))
    def test_never_longer_than_one(self, seed):
        spectrum = noise(np.random.default_rng(seed), 4, 8, 8).astype(np.complex64)
        assert np.linalg.norm(ambikit.active_intensity(spectrum), axis=0).max() <= 1 + 1e-6

    def test_higher_orders_use_their_first_four_channels(self, library, rng):
        spectrum = noise(rng, 2, 16, 5, 6)
        for function in (ambikit.active_intensity, ambikit.energy_density):
            whole = library.numpy(function(library.array(spectrum)))
            assert_close(whole, function(spectrum[:, :4]))

    @pytest.mark.parametrize("normalized", [True, False])
    def test_gradients(self, rng, normalized):
        parts = rng.normal(size=(4, 2, 3, 2))
        parts[:, 0, 0] = 0  # a silent bin
        parts = torch.from_numpy(parts).requires_grad_()

        def function(x):
            return ambikit.active_intensity(torch.view_as_complex(x), normalized=normalized)

        function(parts).sum().backward()
        assert parts.grad.isfinite().all()
        loud = parts.detach()[:, 1:].requires_grad_()
        assert torch.autograd.gradcheck(function, loud)

    def test_nan_stays_in_its_bin(self, library, rng):
        spectrum = noise(rng, 4, 5, 6)
        clean = ambikit.active_intensity(spectrum)
        spectrum[2, 3, 4] = np.nan
        intensity = library.numpy(ambikit.active_intensity(library.array(spectrum)))
        assert np.isnan(intensity[:, 3, 4]).all()
        intensity[:, 3, 4] = clean[:, 3, 4]
        assert_close(intensity, clean)

    def test_dtype(self, library, dtype, rng):
        spectrum = library.array(noise(rng, 4, 5, 6).astype({"float32": np.complex64, "float64": complex}[dtype]))
        for function in (ambikit.active_intensity, ambikit.energy_density):
            assert library.numpy(function(spectrum)).dtype == dtype
        assert library.numpy(ambikit.diffuseness(spectrum, frames=3)).dtype == dtype

    def test_vmap_equals_batch(self, rng):
        spectrum = torch.from_numpy(noise(rng, 3, 4, 5, 6))
        one_by_one = torch.vmap(ambikit.active_intensity)(spectrum)
        assert_close(one_by_one.numpy(), ambikit.active_intensity(spectrum).numpy())


class TestReactiveIntensity:
    """Standing waves: e^{±jkx} from front and back, heard at x."""

    @staticmethod
    def standing(phase, behind=1.0):
        w, x = np.exp(1j * phase) + behind * np.exp(-1j * phase), np.exp(1j * phase) - behind * np.exp(-1j * phase)
        return np.stack([w, 0 * w, 0 * w, x])[:, None]

    def test_a_standing_wave_by_its_closed_form(self, library, dtype):
        phase = np.linspace(-np.pi, np.pi, 41)
        spectrum = self.standing(phase).astype({"float32": np.complex64, "float64": complex}[dtype])
        value = library.numpy(ambikit.reactive_intensity(library.array(spectrum)))
        assert value.dtype == dtype
        assert_close(value, np.stack([np.sin(2 * phase), 0 * phase, 0 * phase])[:, None], dtype)

    @pytest.mark.parametrize("behind", [0.0, 0.3, 1.0])
    def test_it_points_to_where_the_pressure_falls(self, behind):
        """The square of the pressure, differentiated: -∇|W|² / (2 k)."""
        phase, step = np.linspace(-2, 2, 17), 1e-5
        square = [np.abs(self.standing(phase + d, behind)[0, 0]) ** 2 for d in (step, -step)]
        value = ambikit.reactive_intensity(self.standing(phase, behind), normalized=False)[0, 0]
        assert np.abs(value + (square[0] - square[1]) / (2 * step) / 2).max() < 1e-8

    def test_sound_between_two_sources(self):
        """In time: cosines from left and right, turned by 45° to either side at the listener."""
        time = np.arange(4800) * 2 * np.pi / 48
        sides = ambikit.encode(np.cos(time + np.pi / 4), 90, 0, degrees=True)
        sides = sides + ambikit.encode(np.cos(time - np.pi / 4), -90, 0, degrees=True)
        spectrum = ambikit.stft(sides, frame_length=480, hop_length=240)[:, 10:11, 3:-3]
        towards_left = np.broadcast_to(np.array([0.0, 1.0, 0.0])[:, None, None], (3, 1, spectrum.shape[-1]))
        assert_close(ambikit.reactive_intensity(spectrum), towards_left)
        assert np.abs(ambikit.active_intensity(spectrum)).max() < 1e-12

    @given(st.integers(0, 10**6))
    def test_plane_waves_have_none_and_both_together_are_never_longer_than_one(self, seed):
        rng = np.random.default_rng(seed)
        assert np.abs(ambikit.reactive_intensity(plane_wave(*rng.normal(size=2), noise(rng, 3, 4)))).max() < 1e-12
        spectrum = noise(rng, 4, 8, 8)
        both = ambikit.active_intensity(spectrum) ** 2 + ambikit.reactive_intensity(spectrum) ** 2
        assert both.sum(0).max() <= 1 + 1e-12

    @pytest.mark.parametrize("normalized", [True, False])
    def test_by_hand_and_with_gradients(self, library, rng, normalized):
        """W = 1+j, Y = 1, Z = j, X = -2: Im((1-j) ...) = (2, -1, 1), energy 8."""
        spectrum = library.array(np.array([1 + 1j, 1, 1j, -2]).reshape(4, 1, 1))
        value = library.numpy(ambikit.reactive_intensity(spectrum, normalized=normalized))[:, 0, 0]
        assert_close(value, np.array([2.0, -1.0, 1.0]) / (4 if normalized else 1))
        assert (ambikit.reactive_intensity(np.zeros((4, 1, 1), complex), normalized=normalized) == 0).all()
        parts = torch.from_numpy(rng.normal(size=(4, 2, 3, 2))).requires_grad_()
        assert torch.autograd.gradcheck(
            lambda x: ambikit.reactive_intensity(torch.view_as_complex(x), normalized=normalized), parts
        )

    @pytest.mark.parametrize("scale", [1e-6, 1e-30, 1e18])
    def test_level_does_not_matter_and_nan_stays(self, library, rng, scale):
        spectrum = noise(rng, 4, 5, 6).astype(np.complex64)
        expected = ambikit.reactive_intensity(spectrum)
        scaled = spectrum * np.float32(scale)
        scaled[1, 2, 3] = np.nan
        value = library.numpy(ambikit.reactive_intensity(library.array(scaled)))
        assert np.isnan(value[:, 2, 3]).all()
        value[:, 2, 3] = expected[:, 2, 3]
        assert_close(value, expected, "float32")


class TestDiffuseness:
    def test_a_plane_wave_has_none(self, library, rng):
        wave = plane_wave(0.7, -0.4, noise(rng, 3, 50))
        assert np.abs(library.numpy(ambikit.diffuseness(library.array(wave), frames=10))).max() < 1e-12

    @pytest.mark.parametrize(("degrees", "expected"), [(30, 0.0341), (60, 0.1340), (90, 0.2929), (120, 0.5), (180, 1)])
    def test_two_uncorrelated_waves(self, library, rng, degrees, expected):
        """Equally loud and theta apart: 1 - cos(theta / 2)."""
        count = 60000
        waves = plane_wave(0.0, 0.0, noise(rng, 1, count)) + plane_wave(np.radians(degrees), 0.0, noise(rng, 1, count))
        value = library.numpy(ambikit.diffuseness(library.array(waves), frames=2 * count - 1))
        assert np.abs(value - expected).max() < 0.01

    @pytest.mark.parametrize(("ratio_db", "expected"), [(0, 0.5), (6, 0.2008), (10, 0.0909)])
    def test_direct_and_diffuse_sound(self, library, rng, ratio_db, expected):
        """A plane wave over an isotropic field by a ratio g of energies: 1 / (1 + g)."""
        count = 100000
        # SN3D: the dipoles of a diffuse field have a third of the energy of W each.
        diffuse = noise(rng, 4, 1, count) * np.sqrt([1, 1 / 3, 1 / 3, 1 / 3])[:, None, None]
        field = diffuse + 10 ** (ratio_db / 20) * plane_wave(1.0, 0.5, noise(rng, 1, count))
        value = library.numpy(ambikit.diffuseness(library.array(field), frames=2 * count - 1))
        assert np.abs(value - expected).max() < 0.01

    def test_one_frame_is_biased(self, rng):
        diffuse = noise(rng, 4, 1, 20000) * np.sqrt([1, 1 / 3, 1 / 3, 1 / 3])[:, None, None]
        for frames, stated in ((1, 0.43), (10, 0.80), (100, 0.93)):
            assert abs(ambikit.diffuseness(diffuse, frames=frames).mean() - stated) < 0.01
        assert_close(
            ambikit.diffuseness(diffuse, frames=None)[0, 0],
            ambikit.diffuseness(diffuse, frames=39999)[0, 777],
            factor=10,
        )

    @pytest.mark.parametrize("frames", [1, 2, 3, 4, 7, 10, 13, 30])
    def test_equals_the_mean_over_each_window(self, library, rng, frames):
        spectrum = noise(rng, 4, 3, 12)
        value = library.numpy(ambikit.diffuseness(library.array(spectrum), frames=frames))
        intensity = ambikit.active_intensity(spectrum, normalized=False)
        energy = ambikit.energy_density(spectrum)
        for t in range(12):
            window = slice(max(0, t - (frames - 1) // 2), t + frames // 2 + 1)
            length = np.linalg.norm(intensity[..., window].mean(axis=-1), axis=0)
            assert_close(value[:, t], 1 - length / energy[:, window].mean(axis=-1), factor=10)

    @pytest.mark.parametrize("scale", [1e-6, 1e-30, 1e6])
    def test_level_does_not_matter(self, library, rng, scale):
        spectrum = noise(rng, 4, 3, 12).astype(np.complex64)
        value = library.numpy(ambikit.diffuseness(library.array(spectrum * np.float32(scale)), frames=5))
        assert_close(value, ambikit.diffuseness(spectrum, frames=5), "float32")

    def test_silence(self, library):
        value = library.numpy(ambikit.diffuseness(library.array(np.zeros((4, 2, 5), np.complex64)), frames=3))
        assert (value == 0).all()

    def test_gradients(self, rng):
        parts = torch.from_numpy(rng.normal(size=(4, 1, 5, 2))).requires_grad_()

        def function(x):
            return ambikit.diffuseness(torch.view_as_complex(x), frames=3)

        assert torch.autograd.gradcheck(function, parts)
        still = torch.zeros(4, 1, 5, 2, dtype=torch.float64)
        still[0, 0, 2] = 1.0  # energy without intensity in the middle, silence at the ends
        still.requires_grad_()
        function(still).sum().backward()
        assert still.grad.isfinite().all()

    def test_nan_stays_in_its_windows(self, library, rng):
        spectrum = noise(rng, 4, 3, 12)
        clean = ambikit.diffuseness(spectrum, frames=3)
        spectrum[0, 1, 6] = np.nan
        value = library.numpy(ambikit.diffuseness(library.array(spectrum), frames=3))
        assert np.argwhere(np.isnan(value)).tolist() == [[1, 5], [1, 6], [1, 7]]
        assert_close(value[[0, 2]], clean[[0, 2]])


def test_compile(no_shape_hook, rng):
    def everything(spectrum):
        flow = ambikit.active_intensity(spectrum)
        flow = flow + ambikit.reactive_intensity(spectrum)
        return flow.sum(-3) + ambikit.energy_density(spectrum) + ambikit.diffuseness(spectrum, frames=5)

    spectrum = torch.from_numpy(noise(rng, 4, 5, 6))
    compiled = torch.compile(everything, fullgraph=True, backend="eager")
    assert_close(compiled(spectrum).numpy(), everything(spectrum).numpy())


@pytest.mark.recordings
def test_one_direction_of_a_recording(recordings):
    """The energy comes from azimuth 10°; the mean over all bins alike misses it by 30°, as the pages warn."""
    signal, _ = ambikit.read(recordings / "foa" / "BF_rec5_fuma.ogg", source="fuma")
    spectrum = ambikit.stft(signal, frame_length=1024, hop_length=512)
    azimuth = {}
    for normalized in (True, False):
        towards = ambikit.active_intensity(spectrum, normalized=normalized).sum((1, 2))
        azimuth[normalized] = np.degrees(ambikit.vectors_to_angles(towards)[0])
    w, y, _, x = signal.astype(np.float64)
    by_energy = np.degrees(np.arctan2(w @ y, w @ x))
    assert abs(azimuth[False] - by_energy) < 2
    assert abs(azimuth[True] - by_energy) > 20


@pytest.mark.usefixtures("no_shape_hook")
@pytest.mark.parametrize(
    "function",
    [
        ambikit.active_intensity,
        ambikit.reactive_intensity,
        ambikit.energy_density,
        lambda x: ambikit.diffuseness(x, frames=3),
    ],
)
class TestErrors:
    @pytest.mark.parametrize("shape", [(1, 5, 6), (3, 5, 6), (5, 5, 6)])
    def test_channels(self, function, shape):
        with pytest.raises(ShapeError, match=rf"{shape[0]} channels on axis -3.*at least 4"):
            function(np.zeros(shape, complex))

    def test_axes(self, function):
        with pytest.raises(ShapeError, match="ambikit.stft"):
            function(np.zeros((4, 5), complex))
        with pytest.raises(ShapeError, match="and one frame"):
            function(np.zeros((4, 5, 0), complex))

    def test_a_signal_in_place_of_a_spectrum(self, function):
        with pytest.raises(ArrayTypeError, match="ambikit.stft"):
            function(np.zeros((4, 5, 6)))


@pytest.mark.usefixtures("no_shape_hook")
@pytest.mark.parametrize("frames", [0, -1, 2.5, True])
def test_frames(frames):
    with pytest.raises(AmbikitError, match="frames="):
        ambikit.diffuseness(np.zeros((4, 5, 6), complex), frames=frames)
