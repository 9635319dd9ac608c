import numpy as np
import pytest
import torch

from ambikit import encode, image_sources, room_impulse_response, vectors_to_angles
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from ambikit.geometry.harmonics import harmonics_of_vectors
from tests.closeness import assert_close
from tests.oracles import allen_and_berkley

ROOM, SOURCE, LISTENER = [6.0, 4.0, 3.0], [4.5, 3.0, 1.2], [2.0, 1.5, 1.7]
WALLS = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]


class TestByHand:
    def test_the_direct_sound(self, library):
        images = image_sources(
            library.array(np.array(ROOM)), [4.0, 1.5, 1.7], LISTENER, reflection=0.9, max_reflections=0
        )
        assert_close(library.numpy(images.directions), np.array([[1.0, 0, 0]]))
        assert_close(library.numpy(images.distances), np.array([2.0]))
        assert_close(library.numpy(images.gains), np.array([0.5]))
        assert_close(library.numpy(images.delays), np.array([2.0 / 343.0]))

    def test_the_first_reflections_come_from_their_walls(self):
        """Back, front, right, left, floor, ceiling: the source mirrored at each."""
        images = image_sources(ROOM, SOURCE, LISTENER, reflection=WALLS, max_reflections=1)
        mirrored = [
            [4.5, 3.0, 1.2],
            [-4.5, 3.0, 1.2],
            [7.5, 3.0, 1.2],
            [4.5, -3.0, 1.2],
            [4.5, 5.0, 1.2],
            [4.5, 3.0, -1.2],
            [4.5, 3.0, 4.8],
        ]
        path = np.array(mirrored) - LISTENER
        length = np.sqrt((path**2).sum(-1))
        assert_close(images.directions, path / length[:, None])
        assert_close(images.distances, length)
        assert_close(images.gains, np.array([1.0, *WALLS]) / length)
        assert_close(images.delays, length / 343.0)

    def test_in_the_middle_the_walls_are_where_they_are_named(self):
        """A source just in front of a listener in the middle: reflections from all six sides."""
        images = image_sources([8, 6, 4], [4.001, 3, 2], [4, 3, 2], reflection=0.5, max_reflections=1)
        sides = [[-1, 0, 0], [1, 0, 0], [0, -1, 0], [0, 1, 0], [0, 0, -1], [0, 0, 1]]
        assert np.abs(images.directions[1:] - sides).max() < 1e-3
        assert np.abs(images.distances[1:] - [8, 8, 6, 6, 4, 4]).max() < 2e-3


class TestAgainstAllenAndBerkley:
    @pytest.mark.parametrize("max_reflections", [0, 1, 2, 4])
    def test_every_image(self, max_reflections, library):
        images = image_sources(
            library.array(np.array(ROOM)), SOURCE, LISTENER, reflection=WALLS, max_reflections=max_reflections
        )
        expected = allen_and_berkley(ROOM, SOURCE, LISTENER, WALLS, max_reflections)
        r = max_reflections
        assert len(expected) == (2 * r + 1) * (2 * r * r + 2 * r + 3) // 3
        assert images.gains.shape == (len(expected),)
        vectors = np.array([vector for vector, _ in expected])
        gains = np.array([gain for _, gain in expected])
        ours = library.numpy(images.directions) * library.numpy(images.distances)[:, None]
        # each image of theirs is one of ours, and no two are the same
        gaps = np.linalg.norm(ours[None] - vectors[:, None], axis=-1)
        match = gaps.argmin(1)
        assert gaps.min(1).max() < 1e-12
        assert sorted(match) == list(range(len(expected)))
        assert_close(library.numpy(images.gains)[match], gains)

    def test_one_coefficient_for_all_walls(self):
        single = image_sources(ROOM, SOURCE, LISTENER, reflection=0.7, max_reflections=3)
        six = image_sources(ROOM, SOURCE, LISTENER, reflection=[0.7] * 6, max_reflections=3)
        assert_close(single.gains, six.gains)

    def test_walls_that_swallow_everything(self):
        images = image_sources(ROOM, SOURCE, LISTENER, reflection=0.0, max_reflections=2)
        assert images.gains[0] == pytest.approx(1 / images.distances[0])
        assert not images.gains[1:].any()

    def test_negative_coefficients_alternate(self):
        images = image_sources(ROOM, SOURCE, LISTENER, reflection=-0.5, max_reflections=2)
        assert (images.gains[1:7] < 0).all()
        assert (images.gains[7:] > 0).all()


class TestBatches:
    def test_rooms_sources_and_walls_broadcast(self, library, rng):
        rooms = 4 + rng.random((2, 1, 3))
        sources = 0.5 + 3 * rng.random((2, 3, 3))
        walls = rng.random((3, 6))
        images = image_sources(
            library.array(rooms),
            library.array(sources),
            library.array(np.array([2.0, 2.1, 1.3])),
            reflection=library.array(walls),
            max_reflections=2,
        )
        assert images.gains.shape == images.delays.shape == images.distances.shape == (2, 3, 25)
        for n in range(2):
            for k in range(3):
                one = image_sources(rooms[n, 0], sources[n, k], [2.0, 2.1, 1.3], reflection=walls[k], max_reflections=2)
                assert_close(library.numpy(images.gains)[n, k], one.gains)
                assert_close(library.numpy(images.directions)[n, k], one.directions)

    def test_one_coefficient_per_room(self):
        images = image_sources(ROOM, [SOURCE] * 2, LISTENER, reflection=[[0.3], [0.6]], max_reflections=1)
        assert_close(images.gains[1, 1:], 2 * images.gains[0, 1:])

    def test_responses_of_a_batch(self, library, rng):
        sources = 0.5 + 2 * rng.random((2, 2, 3))
        batch = library.numpy(
            room_impulse_response(
                ROOM, library.array(sources), LISTENER, 8000, reflection=0.5, max_reflections=2, length=700
            )
        )
        assert batch.shape == (2, 2, 4, 700)
        for index in np.ndindex(2, 2):
            one = room_impulse_response(
                ROOM, sources[index], LISTENER, 8000, reflection=0.5, max_reflections=2, length=700
            )
            assert_close(batch[index], one)


class TestResponse:
    def test_pulses_at_whole_samples(self, library):
        """At 343 samples per second and metre distances every arrival is a single tap."""
        source = library.array(np.array([3.0, 2.0, 2.0]))
        response = library.numpy(
            room_impulse_response(
                [50.0, 40.0, 50.0], source, [3.0, 37.0, 2.0], 343, reflection=[0, 0, 0.5, 0, 0, 0], max_reflections=1
            )
        )
        expected = np.zeros_like(response)  # direct: 35 m to the right; by the right wall: 39 m, reflected once
        expected[:2, 35] = [1 / 35, -1 / 35]
        expected[:2, 39] = [0.5 / 39, -0.5 / 39]
        assert_close(response, expected)

    @pytest.mark.parametrize("order", [0, 1, 3])
    def test_the_channels_of_each_reflection_are_its_plane_wave(self, order):
        """Where nothing overlaps, the energy around an arrival is that of one encoded pulse of its gain."""
        images = image_sources([30, 20, 12], [22.0, 13, 4], [5.0, 6, 7], reflection=WALLS, max_reflections=1)
        response = room_impulse_response(
            [30, 20, 12], [22.0, 13, 4], [5.0, 6, 7], 48000, reflection=WALLS, max_reflections=1, order=order
        )
        assert response.shape[0] == (order + 1) ** 2
        order_of_arrival = np.argsort(images.delays)
        assert np.diff(images.delays[order_of_arrival]).min() * 48000 > 64
        for image in order_of_arrival:
            at = images.delays[image] * 48000
            window = slice(int(at) - 31, int(at) + 33)
            summed = response[:, window].sum(-1)
            wave = encode(np.ones(1), *vectors_to_angles(images.directions[image]), order)[:, 0]
            # the taps of a windowed sinc sum to 1 within its ripple
            assert np.abs(summed - wave * images.gains[image]).max() < 1e-3 * images.gains[image]

    def test_a_fractional_delay_is_the_delayed_pulse(self):
        """Up to 0.85 of the Nyquist frequency the spectrum is exp(−2πi f τ) within half a percent."""
        response = room_impulse_response(
            ROOM, SOURCE, LISTENER, 48000, reflection=0, max_reflections=0, order=0, length=1024
        )[0]
        distance = np.linalg.norm(np.subtract(SOURCE, LISTENER))
        frequencies = np.fft.rfftfreq(1024)
        expected = np.exp(-2j * np.pi * frequencies * distance / 343 * 48000) / distance
        band = frequencies < 0.85 / 2
        error = np.abs(np.fft.rfft(response)[band] - expected[band]).max() * distance
        assert error < 5e-3

    def test_the_whole_response_is_the_sum_of_its_images(self, rng):
        """Against a plain loop over images, taps and channels."""
        walls = rng.random(6)
        images = image_sources(ROOM, SOURCE, LISTENER, reflection=walls, max_reflections=3)
        response = room_impulse_response(
            ROOM, SOURCE, LISTENER, 16000, reflection=walls, max_reflections=3, order=2, length=1500
        )
        time = np.arange(1500)
        expected = np.zeros((9, 1500))
        for direction, gain, delay in zip(images.directions, images.gains, images.delays, strict=True):
            away = time - delay * 16000
            pulse = np.where(np.abs(away) < 32, np.sinc(away) * (0.5 + 0.5 * np.cos(np.pi * away / 32)), 0)
            expected += gain * np.outer(harmonics_of_vectors(direction, 2), pulse)
        assert_close(response, expected)

    def test_length(self):
        natural = room_impulse_response(ROOM, SOURCE, LISTENER, 8000, reflection=0.5, max_reflections=2)
        images = image_sources(ROOM, SOURCE, LISTENER, reflection=0.5, max_reflections=2)
        assert natural.shape == (4, int(np.ceil(images.delays.max() * 8000)) + 32)
        for length in (100, 3000):
            other = room_impulse_response(
                ROOM, SOURCE, LISTENER, 8000, reflection=0.5, max_reflections=2, length=length
            )
            shared = min(length, natural.shape[-1])
            assert_close(other[:, :shared], natural[:, :shared])
            assert not other[:, shared:].any()

    def test_many_images_in_pieces(self, monkeypatch):
        arguments = (ROOM, SOURCE, LISTENER, 8000)
        whole = room_impulse_response(*arguments, reflection=0.7, max_reflections=5)
        monkeypatch.setattr("ambikit.operators.rooms.pulses._CHUNK", 2000)
        assert_close(room_impulse_response(*arguments, reflection=0.7, max_reflections=5), whole)


class TestBackends:
    def test_dtype_follows_the_positions(self):
        source = torch.tensor(SOURCE)
        images = image_sources(ROOM, source, LISTENER, reflection=0.5, max_reflections=2)
        assert {x.dtype for x in (images.gains, images.delays, images.directions)} == {torch.float32}
        expected = image_sources(ROOM, SOURCE, LISTENER, reflection=0.5, max_reflections=2)
        assert_close(images.gains.numpy(), expected.gains, "float32")
        response = room_impulse_response(ROOM, source, LISTENER, 8000, reflection=0.5, max_reflections=1)
        assert response.dtype == torch.float32

    def test_gradients_to_positions_and_walls(self):
        positions = torch.tensor([SOURCE, LISTENER], dtype=torch.float64, requires_grad=True)
        walls = torch.tensor(WALLS, dtype=torch.float64, requires_grad=True)

        def everything(positions, walls):
            images = image_sources(ROOM, positions[0], positions[1], reflection=walls, max_reflections=2)
            return images.gains, images.delays, images.directions

        assert torch.autograd.gradcheck(everything, (positions, walls))

        def response(positions, walls):
            return room_impulse_response(
                ROOM, positions[0], positions[1], 4000, reflection=walls, max_reflections=1, length=200
            )

        assert torch.autograd.gradcheck(response, (positions, walls))

    def test_gradients_are_finite_at_walls_that_swallow_everything(self):
        walls = torch.zeros(6, dtype=torch.float64, requires_grad=True)
        images = image_sources(ROOM, SOURCE, LISTENER, reflection=walls, max_reflections=2)
        images.gains.sum().backward()
        assert_close(walls.grad.numpy(), 1 / images.distances[1:7].numpy())

    @pytest.mark.usefixtures("no_shape_hook")
    def test_compile(self):
        def response(source):
            return room_impulse_response(ROOM, source, LISTENER, 8000, reflection=0.5, max_reflections=2, length=500)

        source = torch.tensor(SOURCE)
        compiled = torch.compile(response, fullgraph=True, backend="eager")
        assert_close(compiled(source).numpy(), response(source).numpy(), "float32")

    def test_tensors_that_make_no_sense_become_nan(self):
        """Their values are not looked at; one bad item does not spoil the others."""
        sources = torch.tensor([SOURCE, [7.0, 1, 1], LISTENER, [1.0, -0.1, 1]])
        gains = image_sources(ROOM, sources, LISTENER, reflection=0.5, max_reflections=1).gains
        assert torch.isnan(gains).all(-1).tolist() == [False, True, True, True]
        assert not torch.isnan(gains[0]).any()

    def test_a_bad_item_does_not_spoil_the_responses_of_others(self):
        sources = torch.tensor([SOURCE, [7.0, 1, 1], LISTENER])
        settings = {"reflection": 0.5, "max_reflections": 1, "length": 200}
        responses = room_impulse_response(ROOM, sources, LISTENER, 16000, **settings)
        assert torch.isnan(responses).all(-1).all(-1).tolist() == [False, True, True]
        alone = room_impulse_response(ROOM, sources[0], LISTENER, 16000, **settings)
        assert torch.equal(responses[0], alone)


@pytest.mark.usefixtures("no_shape_hook")
class TestErrors:
    def test_positions(self):
        for source, listener, what in (
            ([7.0, 1, 1], LISTENER, "source outside the room"),
            (SOURCE, [1.0, 1, -0.1], "listener outside the room"),
            (LISTENER, LISTENER, "at the position of the listener"),
        ):
            with pytest.raises(AmbikitError, match=what):
                image_sources(ROOM, source, listener, reflection=0.5, max_reflections=1)
        with pytest.raises(AmbikitError, match=r"source \[7.0, 1.0, 1.0\]"):
            image_sources(ROOM, [SOURCE, [7.0, 1, 1]], LISTENER, reflection=0.5, max_reflections=1)

    def test_numbers(self):
        with pytest.raises(AmbikitError, match="coefficient beyond 1"):
            image_sources(ROOM, SOURCE, LISTENER, reflection=1.1, max_reflections=1)
        with pytest.raises(AmbikitError, match="max_reflections=-1"):
            image_sources(ROOM, SOURCE, LISTENER, reflection=0.5, max_reflections=-1)
        with pytest.raises(AmbikitError, match="speed_of_sound=0"):
            image_sources(ROOM, SOURCE, LISTENER, reflection=0.5, max_reflections=1, speed_of_sound=0)
        with pytest.raises(AmbikitError, match="length=0"):
            room_impulse_response(ROOM, SOURCE, LISTENER, 8000, reflection=0.5, max_reflections=1, length=0)
        with pytest.raises(AmbikitError, match="sample_rate=0"):
            room_impulse_response(ROOM, SOURCE, LISTENER, 0, reflection=0.5, max_reflections=1)

    def test_values_that_are_no_numbers(self):
        nan, settings = float("nan"), {"reflection": 0.5, "max_reflections": 1}
        for room, source, listener, what in (
            (ROOM, [nan, 1, 1], LISTENER, "source outside the room"),
            (ROOM, SOURCE, [1, nan, 1], "listener outside the room"),
            ([6, nan, 3], SOURCE, LISTENER, "room without a finite size"),
            ([6, float("inf"), 3], SOURCE, LISTENER, "room without a finite size"),
        ):
            with pytest.raises(AmbikitError, match=what):
                image_sources(room, source, listener, **settings)
        with pytest.raises(AmbikitError, match="reflection coefficient beyond 1"):
            image_sources(ROOM, SOURCE, LISTENER, reflection=nan, max_reflections=1)
        with pytest.raises(ArrayTypeError, match="got None"):
            image_sources(ROOM, SOURCE, LISTENER, reflection=None, max_reflections=1)
        with pytest.raises(ArrayTypeError, match="where numbers belong"):
            image_sources(ROOM, "middle", LISTENER, **settings)
        for speed in (nan, float("inf"), None, "343"):
            with pytest.raises(AmbikitError, match=f"speed_of_sound={speed!r}; expected a positive number"):
                image_sources(ROOM, SOURCE, LISTENER, speed_of_sound=speed, **settings)

    def test_tensors_without_a_time_of_arrival(self):
        """A response of no length is refused; beside rooms that make sense they are NaN, and these as if alone."""
        settings = {"reflection": 0.5, "max_reflections": 1}
        sources = torch.tensor([[float("nan")] * 3, SOURCE])
        with pytest.raises(AmbikitError, match="without a single arrival of finite time; expected positions that are"):
            room_impulse_response(ROOM, sources[0], LISTENER, 8000, **settings)
        with pytest.raises(AmbikitError, match="give length= to"):
            room_impulse_response(ROOM, np.zeros((0, 3)), LISTENER, 8000, **settings)
        assert room_impulse_response(ROOM, np.zeros((0, 3)), LISTENER, 8000, length=9, **settings).shape == (0, 4, 9)
        both = room_impulse_response(ROOM, sources, LISTENER, 8000, **settings)
        assert torch.isnan(both[0]).all()
        assert torch.equal(both[1], room_impulse_response(ROOM, sources[1], LISTENER, 8000, **settings))

    def test_shapes(self):
        with pytest.raises(ShapeError, match=r"room_size of shape \(2,\)"):
            image_sources([6, 4], SOURCE, LISTENER, reflection=0.5, max_reflections=1)
        with pytest.raises(ShapeError, match=r"reflection of shape \(5,\); expected \(\.\.\., 1\) or \(\.\.\., 6\)"):
            image_sources(ROOM, SOURCE, LISTENER, reflection=[0.5] * 5, max_reflections=1)
        with pytest.raises(ShapeError, match="broadcast"):
            image_sources(ROOM, [SOURCE] * 2, [LISTENER] * 3, reflection=0.5, max_reflections=1)

    def test_mixed_libraries(self):
        with pytest.raises(ArrayTypeError, match="one library"):
            image_sources(np.array(ROOM), torch.tensor(SOURCE), LISTENER, reflection=0.5, max_reflections=1)


def test_rooms_go_through_vmap():
    sources = torch.tensor([[2.0, 2.5, 1.5], [3.0, 1.0, 2.0]], dtype=torch.float64)

    def response(source):
        return room_impulse_response([6, 5, 4], source, [1, 1, 1], 8000, reflection=0.5, max_reflections=1, length=300)

    assert_close(torch.vmap(response)(sources), torch.stack([response(source) for source in sources]))
