"""A sound in a room whose source and listener may move, against closed forms of motion at constant speed."""

import numpy as np
import pytest
import torch
from scipy.signal import fftconvolve, hilbert

from ambikit import air_absorption, directional_source, image_sources, render_room, room_impulse_response
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from ambikit.geometry.harmonics import harmonics_of_vectors
from tests.closeness import assert_close

ROOM, SOURCE, LISTENER = [6.0, 4.0, 3.0], [4.5, 3.0, 1.2], [2.0, 1.5, 1.7]
WALLS = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
SETTINGS = {"reflection": WALLS, "max_reflections": 1}


def frequency_of(signal, sample_rate):
    """The frequency of a tone in Hz, by the slope of its phase away from the ends."""
    phase = np.unwrap(np.angle(hilbert(signal)))[500:-500]
    return np.polyfit(np.arange(len(phase)) / sample_rate, phase, 1)[0] / (2 * np.pi)


class TestAtRest:
    def test_it_is_the_convolution_with_the_response(self, library, rng):
        signal = rng.standard_normal((2, 1500))
        response = room_impulse_response(ROOM, SOURCE, LISTENER, 8000, order=2, **SETTINGS)
        expected = fftconvolve(signal[:, None], response[None], axes=-1)[..., :1500]
        rendered = render_room(library.array(signal), ROOM, SOURCE, LISTENER, 8000, order=2, **SETTINGS)
        assert_close(library.numpy(rendered), expected)

    def test_a_trajectory_that_rests_is_the_same(self, library, rng):
        signal = library.array(rng.standard_normal(1500))
        rendered = render_room(signal, ROOM, SOURCE, LISTENER, 8000, order=2, **SETTINGS)
        for source in (library.array(np.array(SOURCE)), library.array(np.tile(SOURCE, (1500, 1)))):
            moved = render_room(signal, ROOM, source, LISTENER, 8000, order=2, trajectory=True, **SETTINGS)
            assert_close(library.numpy(moved), library.numpy(rendered))

    def test_with_bands_air_and_a_pattern_too(self, rng):
        """From the first sample on, where the filters ring before the sound that they hear."""
        bands = [500, 1000, 2000]
        signal = np.zeros(2400)
        signal[:1600] = rng.standard_normal(1600)
        settings = {
            "reflection": np.array(WALLS) * np.array([[1.0], [0.6], [0.2]]),
            "max_reflections": 1,
            "bands": bands,
            "air_absorption": air_absorption(bands),
            "source_weights": directional_source("cardioid", 30, 20, degrees=True),
        }
        still = render_room(signal, ROOM, SOURCE, LISTENER, 8000, **settings)
        moved = render_room(signal, ROOM, SOURCE, LISTENER, 8000, trajectory=True, **settings)
        assert_close(moved, still)

    def test_batches(self, library, rng):
        signal, sources = rng.standard_normal((3, 1, 200)), np.array([4, 1, 1]) + rng.random((2, 3))
        batch = render_room(library.array(signal), ROOM, library.array(sources), LISTENER, 8000, **SETTINGS)
        tracks = library.array(sources[:, None])
        moved = render_room(library.array(signal), ROOM, tracks, LISTENER, 8000, trajectory=True, **SETTINGS)
        assert batch.shape == moved.shape == (3, 2, 4, 200)
        for n, k in np.ndindex(3, 2):
            one = render_room(signal[n, 0], ROOM, sources[k], LISTENER, 8000, **SETTINGS)
            assert_close(library.numpy(batch)[n, k], one)
            assert_close(library.numpy(moved)[n, k], one)


class TestDoppler:
    @pytest.mark.parametrize("speed", [30.0, -30.0, 100.0])
    def test_a_source_that_recedes(self, speed):
        """f / (1 + v/c), not f (1 − v/c): at 30 m/s these are 21 Hz apart."""
        time = np.arange(16000) / 48000
        track = np.stack([50 + speed * time, 0 * time + 5, 0 * time + 5], -1)
        tone = np.cos(2 * np.pi * 3000 * time)
        heard = render_room(
            tone, [100, 10, 10], track, [1, 5, 5], 48000, reflection=0, max_reflections=0, order=0, trajectory=True
        )
        assert frequency_of(heard[0, 11500:], 48000) == pytest.approx(3000 / (1 + speed / 343), abs=1e-3)

    @pytest.mark.parametrize("speed", [30.0, -30.0])
    def test_a_listener_that_recedes(self, speed):
        time = np.arange(16000) / 48000
        track = np.stack([50 + speed * time, 0 * time + 5, 0 * time + 5], -1)
        tone = np.cos(2 * np.pi * 3000 * time)
        heard = render_room(
            tone, [100, 10, 10], [1, 5, 5], track, 48000, reflection=0, max_reflections=0, order=0, trajectory=True
        )
        assert frequency_of(heard[0, 11500:], 48000) == pytest.approx(3000 * (1 - speed / 343), abs=1e-3)

    def test_a_source_that_passes_by(self, library):
        """With its reflection in the floor: each is a tone read at the root of a quadratic equation, from its side."""
        rate, speed, count = 16000, 40.0, 8000
        time = np.arange(count) / rate
        track = np.stack([10 + speed * time, 0 * time + 4, 0 * time + 2], -1)
        listener = np.array([20.0, 1.0, 3.0])
        tone = np.cos(2 * np.pi * 500 * time)
        heard = render_room(
            library.array(tone), [40, 20, 20], library.array(track), listener.tolist(), rate, order=1,
            reflection=[0, 0, 0, 0, 0.6, 0], max_reflections=1, trajectory=True,
        )  # fmt: skip
        expected = np.zeros((4, count))
        for height, loss in ((2.0, 1.0), (-2.0, 0.6)):
            # (x0 + v t')² + a² = c² (t − t')²
            x0, a2 = 10 - 20.0, (4 - 1) ** 2 + (height - 3) ** 2
            a, b, c = 343**2 - speed**2, -(343**2) * time - speed * x0, 343**2 * time**2 - x0**2 - a2
            then = (-b - np.sqrt(b**2 - a * c)) / a
            way = np.stack([x0 + speed * then, 0 * then + 3, 0 * then + height - 3], -1)
            distance = np.linalg.norm(way, axis=-1)
            wave = loss * np.cos(2 * np.pi * 500 * then) / distance
            expected += harmonics_of_vectors(way / distance[:, None], 1).T * wave
        late = slice(2000, -100)  # the first sound is underway, and beyond the last sample is silence
        assert_close(library.numpy(heard)[:, late], expected[:, late], "float32")

    def test_a_source_that_turns(self, rng):
        """At rest, but turning its cardioid: the loudness is that of the moment of emission."""
        count, rate = 3000, 8000
        azimuth = np.linspace(0, 2 * np.pi, count)
        heard = render_room(
            np.ones(count), ROOM, SOURCE, LISTENER, rate, reflection=0, max_reflections=0, order=0,
            trajectory=True, source_weights=directional_source("cardioid", azimuth, 0.0),
        )[0]  # fmt: skip
        images = image_sources(ROOM, SOURCE, LISTENER, reflection=0, max_reflections=0)
        then = np.arange(count) - images.delays[0] * rate
        axis = np.interp(then, np.arange(count), azimuth)
        facing = np.cos(axis) * images.emissions[0, 0] + np.sin(axis) * images.emissions[0, 1]
        middle = slice(200, -100)
        assert np.abs(heard - images.gains[0] * (0.5 + 0.5 * facing))[middle].max() < 1e-3 * images.gains[0]


class TestBackends:
    def test_dtype_of_the_signal(self, dtype, rng):
        signal, track = rng.standard_normal(300), np.linspace(SOURCE, [4.0, 2.0, 1.0], 300)
        exact = render_room(signal, ROOM, track, LISTENER, 8000, trajectory=True, **SETTINGS)
        for array in (signal.astype(dtype), torch.tensor(signal, dtype=getattr(torch, dtype))):
            positions = track if isinstance(array, np.ndarray) else torch.tensor(track)
            heard = render_room(array, ROOM, positions, LISTENER, 8000, trajectory=True, **SETTINGS)
            assert heard.dtype == array.dtype
            assert_close(np.asarray(heard), exact, dtype)
        half = render_room(torch.tensor(signal).half(), ROOM, SOURCE, LISTENER, 8000, **SETTINGS)
        assert half.dtype == torch.float16

    def test_in_pieces(self, monkeypatch, rng):
        signal, track = rng.standard_normal(300), np.linspace(SOURCE, [4.0, 2.0, 1.0], 300)
        whole = render_room(signal, ROOM, track, track[::-1] + 0.1, 8000, trajectory=True, **SETTINGS)
        monkeypatch.setattr("ambikit.operators.rooms.motion._CHUNK", 70)
        pieces = render_room(signal, ROOM, track, track[::-1] + 0.1, 8000, trajectory=True, **SETTINGS)
        assert_close(pieces, whole)

    def test_gradients(self, rng):
        signal = torch.tensor(rng.standard_normal(12), requires_grad=True)
        source = torch.tensor(np.linspace([3.0, 2.0, 1.0], [3.1, 2.1, 1.1], 12), requires_grad=True)
        listener = torch.tensor([2.9, 2.2, 1.4], dtype=torch.float64, requires_grad=True)
        walls = torch.tensor(WALLS, dtype=torch.float64, requires_grad=True)

        def heard(signal, source, listener, walls):
            return render_room(
                signal, ROOM, source, listener, 1000, reflection=walls, max_reflections=1, order=1, trajectory=True
            )

        assert torch.autograd.gradcheck(heard, (signal, source, listener, walls), fast_mode=True)

    @pytest.mark.usefixtures("no_shape_hook")
    def test_compile_and_vmap(self, rng):
        signal = torch.tensor(rng.standard_normal((2, 100)))
        track = torch.tensor(np.linspace(SOURCE, [4.0, 2.0, 1.0], 100))

        def heard(signal):
            return render_room(signal, ROOM, track, LISTENER, 8000, reflection=0.5, max_reflections=0, trajectory=True)

        expected = heard(signal)
        compiled = torch.compile(heard, fullgraph=True, backend="eager")
        assert_close(compiled(signal).numpy(), expected.numpy())
        assert_close(torch.vmap(heard)(signal).numpy(), expected.numpy())

    def test_tensors_outside_the_room_are_nan_when_they_are(self):
        track = torch.tensor([SOURCE] * 10 + [[7.0, 1, 1]] * 5)
        heard = render_room(torch.ones(15), ROOM, track, LISTENER, 8000, trajectory=True, **SETTINGS)
        assert torch.isnan(heard).all(0).tolist() == [False] * 10 + [True] * 5


@pytest.mark.usefixtures("no_shape_hook")
class TestErrors:
    def test_shapes(self):
        with pytest.raises(ShapeError, match=r"source of shape \(7, 3\) for 20 samples"):
            render_room(np.ones(20), ROOM, [SOURCE] * 7, LISTENER, 8000, trajectory=True, **SETTINGS)
        with pytest.raises(ShapeError, match="at least one sample"):
            render_room(np.ones(0), ROOM, SOURCE, LISTENER, 8000, **SETTINGS)
        with pytest.raises(ShapeError, match="broadcast"):
            render_room(np.ones((2, 20)), ROOM, [SOURCE] * 3, LISTENER, 8000, **SETTINGS)

    def test_values(self):
        track = np.linspace(SOURCE, [9.0, 2.0, 1.0], 20)
        with pytest.raises(AmbikitError, match="source outside the room"):
            render_room(np.ones(20), ROOM, track, LISTENER, 8000, trajectory=True, **SETTINGS)
        with pytest.raises(ArrayTypeError, match="int64"):
            render_room(np.ones(20, dtype=int), ROOM, SOURCE, LISTENER, 8000, **SETTINGS)
        with pytest.raises(ArrayTypeError, match="one library"):
            render_room(np.ones(20), ROOM, torch.tensor(SOURCE), LISTENER, 8000, **SETTINGS)
        for trajectory in (False, True):
            with pytest.raises(AmbikitError, match="speed_of_sound=inf"):
                render_room(
                    np.ones(20), ROOM, SOURCE, LISTENER, 8000, trajectory=trajectory,
                    speed_of_sound=float("inf"), **SETTINGS,
                )  # fmt: skip
