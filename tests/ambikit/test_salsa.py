import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import ambikit
from ambikit.analysis.salsa import salsa
from ambikit.analysis.salsa_lite import salsa_lite
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close

RATE = 24000
DIRECTIONS = [(0, 0), (90, 0), (-90, 0), (180, 0), (0, 90), (0, -90), (37, 21), (-140, -63)]


def unit(azimuth, elevation):
    a, e = np.radians([azimuth, elevation])
    return np.array([np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)])


def bursts(rng, samples=12000):
    """Noise that comes and goes, as the magnitude test expects a source to do."""
    return rng.normal(size=samples) * np.where(np.arange(samples) // 1500 % 2, 1.0, 0.01)


def spectrum_of(signal):
    return ambikit.stft(signal, frame_length=512, hop_length=300)[..., : -(-signal.shape[-1] // 300)]


class TestDirections:
    @pytest.mark.parametrize(("azimuth", "elevation"), DIRECTIONS)
    def test_a_plane_wave_is_its_direction_in_every_active_bin(self, library, rng, azimuth, elevation):
        scene = ambikit.encode(bursts(rng), azimuth, elevation, degrees=True).astype(np.float32)
        cues = library.numpy(salsa(library.array(scene), RATE))[4:]
        active = (cues != 0).any(0)
        assert 0.3 < active[:192].mean() < 0.999
        assert not active[192:].any()
        assert np.abs(cues - active * unit(azimuth, elevation)[:, None, None]).max() < 1e-5

    def test_without_tests_every_bin_is_active(self, library, rng):
        scene = ambikit.encode(library.array(rng.normal(size=4000)), 30, 40, degrees=True)
        cues = library.numpy(salsa(scene, RATE, noise_ratio=None, coherence_ratio=None))[4:, :192]
        assert np.abs(cues - unit(30, 40)[:, None, None]).max() < 1e-10

    @settings(max_examples=10)
    @given(st.floats(-180, 180), st.floats(-90, 90), st.floats(-180, 180))
    def test_turning_the_scene_turns_the_directions(self, azimuth, elevation, roll):
        rng = np.random.default_rng(1)
        scene = ambikit.encode(rng.normal(size=3000), 20, 10, degrees=True) + 0.1 * rng.normal(size=(4, 3000))
        pose = {"yaw": azimuth, "pitch": elevation, "roll": roll, "degrees": True}
        before = salsa(scene, RATE, noise_ratio=None, coherence_ratio=None)[4:]
        after = salsa(ambikit.rotate(scene, **pose), RATE, noise_ratio=None, coherence_ratio=None)[4:]
        matrix = ambikit.rotation_matrix(**pose)[1:, 1:][[2, 0, 1]][:, [2, 0, 1]]
        assert np.abs(np.einsum("ij,jft->ift", matrix, before) - after).max() < 1e-6

    def test_against_an_eigenvalue_solver(self, library, rng):
        scene = ambikit.encode(rng.normal(size=(2, 6000)), [50, -100], [0, 30], degrees=True).sum(0)
        scene = scene + 0.05 * rng.normal(size=(4, 6000))
        spectrum, kept, expected = spectrum_of(scene), np.zeros((192, 20), bool), np.zeros((3, 192, 20))
        clear = np.zeros((192, 20), bool)
        for f in range(192):
            for t in range(20):
                part = spectrum[:, f + 1, max(t - 3, 0) : t + 4]
                values, vectors = np.linalg.eigh(part @ part.conj().T)
                v = vectors[:, -1]
                direction = (v[0].conj() * v[[3, 1, 2]]).real
                kept[f, t] = values[-1] > 5 * values[-2]
                clear[f, t] = abs(values[-1] / values[-2] / 5 - 1) > 1e-3
                expected[:, f, t] = direction / np.linalg.norm(direction) * kept[f, t]
        cues = library.numpy(salsa(library.array(scene), RATE, noise_ratio=None))[4:, :192]
        assert 0.05 < kept.mean() < 0.95
        assert np.abs(cues - expected)[:, clear].max() < 1e-4

    def test_two_sources_of_equal_level_are_not_one(self, rng):
        one = ambikit.encode(rng.normal(size=12000), 60, 0, degrees=True)
        both = one + ambikit.encode(rng.normal(size=12000), -60, 0, degrees=True)
        active = [(salsa(scene, RATE, noise_ratio=None)[4:, :192] != 0).any(0).mean() for scene in (one, both)]
        assert active[0] == 1
        assert active[1] < 0.5

    def test_higher_orders_use_their_first_four_channels(self, rng):
        scene = ambikit.encode(rng.normal(size=2000), 1.0, 0.2, order=2)
        assert_close(salsa(scene, RATE), salsa(scene[:4], RATE))


class TestLevels:
    def test_are_those_of_the_bins_and_of_eight_together(self, library, rng):
        scene = rng.normal(size=(4, 3000))
        power = np.abs(spectrum_of(scene)) ** 2
        expected = 10 * np.log10(np.concatenate([power[:, 1:193], power[:, 193:].reshape(4, 8, 8, -1).mean(2)], 1))
        assert_close(library.numpy(salsa(library.array(scene), RATE))[:4], expected, factor=10)
        single = library.numpy(salsa(library.array(scene), RATE, compressed_above=None))
        assert single.shape == (7, 256, 10)
        assert_close(single[:4], 10 * np.log10(power[:, 1:]), factor=10)

    def test_shapes(self):
        assert salsa(np.zeros((4, 24000)), 24000).shape == (7, 200, 80)
        assert salsa(np.zeros((2, 3, 4, 1600)), 16000).shape == (2, 3, 7, 256, 8)
        assert salsa(np.zeros((3, 2400)), 24000, cue="path").shape == (5, 200, 8)
        assert salsa_lite(np.zeros((4, 24000)), 24000).shape == (7, 191, 80)
        assert salsa_lite(np.zeros((2, 2, 1600)), 16000).shape == (2, 3, 256, 8)

    @pytest.mark.parametrize("function", [salsa, salsa_lite])
    def test_scale_is_nothing_but_level(self, library, rng, function):
        scene = (rng.normal(size=(4, 1)) * bursts(rng, 6000) + 0.01 * rng.normal(size=(4, 6000))).astype(np.float32)
        loud = library.numpy(function(library.array(scene), RATE))
        faint = library.numpy(function(library.array(np.float32(2.0**-80) * scene), RATE))
        assert np.abs(faint[4:] - loud[4:]).max() < 1e-5
        assert np.abs(faint[:4] - loud[:4] + 1600 * np.log10(2)).max() < 1e-3

    @pytest.mark.parametrize("function", [salsa, salsa_lite])
    def test_silence(self, library, function):
        result = library.numpy(function(library.array(np.zeros((4, 2400), np.float32)), RATE))
        assert np.abs(result[:4] + 100).max() < 1e-4
        assert (result[4:] == 0).all()


class TestPaths:
    POSITIONS = 0.042 * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)

    def array(self, direction, samples=6000):
        """Four microphones around one point that hear every fourth bin of 512 samples from far away."""
        frequencies = np.arange(4, 256, 4) * RATE / 512
        delays = -self.POSITIONS @ direction / 343
        time = np.arange(samples) / RATE - delays[:, None]
        phases = np.random.default_rng(0).uniform(0, 2 * np.pi, len(frequencies))
        tones = sum(np.cos(2 * np.pi * f * time + p) for f, p in zip(frequencies, phases, strict=True))
        return tones, 343 * (delays[1:] - delays[0])

    @pytest.mark.parametrize(("azimuth", "elevation"), DIRECTIONS)
    @pytest.mark.parametrize("name", ["salsa", "salsa_lite"])
    def test_the_same_at_all_frequencies(self, library, azimuth, elevation, name):
        """Up to half the speed of sound over the distance of two microphones, 6.9 cm: 2500 Hz."""
        signal, expected = self.array(unit(azimuth, elevation))
        options = {"cue": "path", "noise_ratio": None} if name == "salsa" else {}
        function = salsa if name == "salsa" else salsa_lite
        result = library.numpy(function(library.array(signal), RATE, maximum_frequency=2400, **options))
        inner = result[4:, 3:51:4, 5:-5]  # bins 4, 8, …, 48
        assert np.abs(inner - expected[:, None, None]).max() < 1e-7
        assert np.abs(expected).max() > 0.02
        assert not result[4:, 51:].any()

    def test_the_speed_of_sound(self, library):
        signal, expected = self.array(unit(20, 10))
        slower = library.numpy(salsa_lite(library.array(signal), RATE, speed_of_sound=171.5))[4:, 3:40:4, 5:-5]
        assert np.abs(slower - expected[:, None, None] / 2).max() < 1e-7

    def test_a_silent_microphone(self, library, rng):
        signal = rng.normal(size=(3, 2400))
        signal[1] = 0
        paths = library.numpy(salsa_lite(library.array(signal), RATE))[3:]
        assert not paths[0].any()
        assert paths[1, :42].all()


def inner(features):
    """Without the first frame, which lies mirrored on itself: its phases are 0 or π, or as well -π."""
    return features[..., 1:]


@pytest.mark.parametrize(
    "function",
    [salsa, salsa_lite, lambda x, rate: salsa(x, rate, cue="path", frames=3)],
    ids=["salsa", "salsa_lite", "paths"],
)
class TestBackends:
    def scene(self, rng, batch=()):
        sound = rng.normal(size=(*batch, 1, 2400)) * np.linspace(0.1, 1, 2400)
        return rng.normal(size=(*batch, 4, 1)) * sound + 0.1 * rng.normal(size=(*batch, 4, 2400))

    def test_libraries_and_the_formula_agree(self, rng, function):
        scene = self.scene(rng, (2,))
        ours = inner(function(scene, RATE))
        assert_close(inner(function(torch.as_tensor(scene), RATE).numpy()), ours, factor=10)
        assert_close(inner(function(torch.as_tensor(scene).requires_grad_(), RATE).detach().numpy()), ours, factor=100)
        single = inner(function(scene.astype(np.float32), RATE))
        assert single.dtype == np.float32
        assert np.abs(single - ours).mean() < 1e-4

    def test_batch_is_loop(self, library, rng, function):
        scene = self.scene(rng, (2, 3))
        whole = library.numpy(function(library.array(scene), RATE))
        for i in np.ndindex(2, 3):
            assert_close(inner(whole[i]), inner(function(scene[i], RATE)), factor=10)

    def test_half_precision(self, rng, function):
        scene = torch.as_tensor(self.scene(rng)).to(torch.bfloat16)
        result = function(scene, RATE)
        assert result.dtype == torch.bfloat16
        assert torch.equal(result, function(scene.float(), RATE).to(torch.bfloat16))

    def test_nan_stays_in_its_clip(self, library, rng, function):
        scene = self.scene(rng, (2,))
        good = function(scene, RATE)
        scene[0, 1, 1000] = np.nan
        result = library.numpy(function(library.array(scene), RATE))
        assert np.isnan(result[0, 1]).any()
        assert np.isnan(result[0, 4:]).any()
        assert_close(inner(result[1]), inner(good[1]), factor=10)

    def test_gradients_are_finite(self, rng, function):
        scene = torch.as_tensor(self.scene(rng)).requires_grad_()
        function(scene, RATE)[4:].square().sum().backward()
        assert scene.grad.isfinite().all()
        for signal in (torch.zeros(4, 2400), torch.ones(4, 1) * torch.rand(2400)):
            signal.requires_grad_()
            function(signal, RATE).sum().backward()
            assert signal.grad.isfinite().all()

    def test_gradients_are_right(self, rng, function):
        """Of all cues along one direction in the space of signals: away from the tests' thresholds."""
        scene, step = torch.as_tensor(self.scene(rng)), torch.as_tensor(rng.normal(size=(4, 2400)))
        amount = torch.zeros((), dtype=torch.float64, requires_grad=True)
        function(scene + amount * step, RATE).square().mean().backward()
        ahead, back = (function(scene + e * step, RATE).square().mean() for e in (1e-7, -1e-7))
        assert amount.grad == pytest.approx((ahead - back).item() / 2e-7, rel=1e-3)

    def test_compile_and_vmap(self, no_shape_hook, rng, function):
        scene = torch.as_tensor(self.scene(rng, (2,)))
        expected = inner(function(scene, RATE)).numpy()
        compiled = torch.compile(lambda x: function(x, RATE), fullgraph=True, backend="eager")
        assert_close(inner(compiled(scene)).numpy(), expected, factor=10)
        mapped = torch.vmap(lambda x: function(x, RATE))(scene)
        assert_close(inner(mapped).numpy(), expected, factor=10)


@pytest.mark.usefixtures("no_shape_hook")
class TestErrors:
    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"cue": "angle"}, "cue"),
            ({"frames": 0}, "frames"),
            ({"noise_ratio": 0.5}, "noise_ratio"),
            ({"noise_ratio": "1.5"}, "noise_ratio"),
            ({"maximum_frequency": "9000"}, "highest frequency"),
            ({"coherence_ratio": -1}, "coherence_ratio"),
            ({"maximum_frequency": 10000}, "compressed_above"),
            ({"maximum_frequency": 10}, "highest frequency"),
            ({"compressed_above": "9000"}, "highest frequency"),
            ({"speed_of_sound": 0}, "speed_of_sound"),
            ({"speed_of_sound": "343"}, "speed_of_sound"),
            ({"dynamic_range_db": 0}, "dynamic_range_db"),
            ({"hop": 0}, "hop"),
        ],
    )
    def test_parameters(self, parameters, message):
        with pytest.raises(AmbikitError, match=message):
            salsa(np.zeros((4, 2400)), RATE, **parameters)

    def test_signals(self):
        for function in (salsa, salsa_lite):
            with pytest.raises(ArrayTypeError, match="int16"):
                function(np.zeros((4, 2400), np.int16), RATE)
            with pytest.raises(ShapeError, match="half a frame"):
                function(np.zeros((4, 200)), RATE)
            with pytest.raises(AmbikitError, match="sample_rate"):
                function(np.zeros((4, 2400)), 0)
        with pytest.raises(ShapeError, match="2 channels"):
            salsa(np.zeros((2, 2400)), RATE)
        with pytest.raises(ShapeError, match="two microphones"):
            salsa_lite(np.zeros((1, 2400)), RATE)
        with pytest.raises(ShapeError, match="two microphones"):
            salsa(np.zeros(2400), RATE, cue="path")
        with pytest.raises(AmbikitError, match="levels_below=9000"):
            salsa_lite(np.zeros((2, 2400)), RATE, maximum_frequency=10000)
        for name in ("maximum_frequency", "levels_below"):
            for value in ("2000", None):
                with pytest.raises(AmbikitError, match=f"got {name}={value!r}"):
                    salsa_lite(np.zeros((2, 2400)), RATE, **{name: value})
