"""Walls and air that differ from band to band, and how long rooms ring."""

import numpy as np
import pytest
import torch

from ambikit import (
    absorption_for_reverberation_time,
    absorption_to_reflection,
    air_absorption,
    decay_time,
    image_sources,
    octave_band_filters,
    reverberation_time,
    room_impulse_response,
    split_octave_bands,
)
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close

ROOM, SOURCE, LISTENER = [6.0, 4.0, 3.0], [4.5, 3.0, 1.2], [2.0, 1.5, 1.7]
WALLS = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
BANDS = [250, 500, 1000, 2000]


class TestFilters:
    def test_they_sum_to_a_delay(self):
        filters = octave_band_filters([125, 250, 500, 1000, 2000, 4000, 8000], 48000)
        delay = np.zeros(filters.shape[-1])
        delay[filters.shape[-1] // 2] = 1
        assert_close(filters.sum(0), delay)
        assert_close(filters, filters[:, ::-1])

    def test_a_tone_in_the_middle_of_a_band_is_in_that_band(self):
        """And one between two centres is in both, with 1/2 of its amplitude."""
        time = np.arange(8000) / 8000
        for number, centre in enumerate(BANDS):
            split = split_octave_bands(np.cos(2 * np.pi * centre * time), BANDS, 8000)[:, 2000:-2000]
            level = np.sqrt(2 * (split**2).mean(-1))
            assert np.abs(level - np.eye(4)[number]).max() < 0.02
        split = split_octave_bands(np.cos(2 * np.pi * 1000 * 2**0.5 * time), BANDS, 8000)[:, 2000:-2000]
        assert np.abs(np.sqrt(2 * (split**2).mean(-1)) - [0, 0, 0.5, 0.5]).max() < 0.02

    def test_split_adds_up_in_its_dtype(self, library, dtype, rng):
        signal = library.array(rng.standard_normal((2, 500)), dtype)
        split = library.numpy(split_octave_bands(signal, BANDS, 8000))
        assert split.shape == (2, 4, 500)
        assert str(split.dtype) == dtype
        assert_close(split.sum(1), library.numpy(signal), dtype)

    def test_errors(self):
        for bands in ([500, 250], [0, 250], [250, 4000], [float("nan")], []):
            with pytest.raises(AmbikitError, match="increasing centre frequencies"):
                octave_band_filters(bands, 8000)
        with pytest.raises(ShapeError, match="at least one sample"):
            split_octave_bands(np.ones(0), BANDS, 8000)


class TestAir:
    # ISO 9613-2:1996, table 2, in dB per kilometre: temperature, humidity, then 63 Hz to 8 kHz.
    TABLE = (
        (10, 0.7, (0.1, 0.4, 1.0, 1.9, 3.7, 9.7, 32.8, 117)),
        (20, 0.7, (0.1, 0.3, 1.1, 2.8, 5.0, 9.0, 22.9, 76.6)),
        (30, 0.7, (0.1, 0.3, 1.0, 3.1, 7.4, 12.7, 23.1, 59.3)),
        (15, 0.2, (0.3, 0.6, 1.2, 2.7, 8.2, 28.2, 88.8, 202)),
        (15, 0.5, (0.1, 0.5, 1.2, 2.2, 4.2, 10.8, 36.2, 129)),
        (15, 0.8, (0.1, 0.3, 1.1, 2.4, 4.1, 8.3, 23.7, 82.8)),
    )

    @pytest.mark.parametrize(("celsius", "humidity", "expected"), TABLE)
    def test_the_table_of_the_standard(self, celsius, humidity, expected, library):
        """Within the last printed digit, at the exact octaves 10^(3 k / 10) kHz."""
        frequency = library.array(1000 * 10 ** (0.3 * np.arange(-4, 4)))
        air = library.numpy(air_absorption(frequency, temperature_celsius=celsius, relative_humidity=humidity))
        digit = np.where(np.array(expected) > 100, 0.5, 0.055)
        assert (np.abs(10 * np.log10(np.exp(1000 * air)) - expected) <= digit).all()

    def test_it_takes_energy_by_the_metre(self):
        dry = image_sources(ROOM, SOURCE, LISTENER, reflection=0.8, max_reflections=2)
        air = image_sources(ROOM, SOURCE, LISTENER, reflection=0.8, max_reflections=2, air_absorption=0.02)
        assert_close(air.gains**2, dry.gains**2 * np.exp(-0.02 * dry.distances))


class TestResponses:
    def test_walls_alike_in_all_bands_are_walls_without_bands(self, library):
        settings = {"max_reflections": 3, "length": 900}
        source = library.array(np.array(SOURCE))
        plain = room_impulse_response(ROOM, source, LISTENER, 8000, reflection=WALLS, **settings)
        for walls in (WALLS, [WALLS], [WALLS] * 4):
            banded = room_impulse_response(ROOM, source, LISTENER, 8000, reflection=walls, bands=BANDS, **settings)
            assert_close(library.numpy(banded), library.numpy(plain))

    @pytest.mark.parametrize("wall", range(6))
    def test_an_echo_has_the_gain_of_its_bands(self, wall):
        """One wall that reflects: the spectrum around its echo, at the centre of each band."""
        walls = np.zeros((4, 6))
        walls[:, wall] = [0.9, 0.7, 0.5, 0.2]
        arguments = [60, 44, 32], [44.0, 29, 11], [13.0, 15, 18]
        images = image_sources(*arguments, reflection=walls, max_reflections=1)
        response = room_impulse_response(
            *arguments, 8000, reflection=walls, max_reflections=1, order=0, bands=BANDS, length=2500
        )[0]
        begin = int(images.delays[0, 1 + wall] * 8000) - 99
        assert begin > images.delays[0, 0] * 8000 + 100
        spectrum = np.exp(-2j * np.pi * np.outer(BANDS, np.arange(200)) / 8000) @ response[begin : begin + 200]
        assert np.abs(np.abs(spectrum) - images.gains[:, 1 + wall]).max() < 0.01 * images.gains[0, 1 + wall]

    def test_bands_are_the_sum_of_filtered_responses(self):
        walls = np.array(WALLS) * np.array([[1.0], [0.8], [0.5], [0.2]])
        settings = {"max_reflections": 2, "length": 1200, "order": 2}
        air = air_absorption(BANDS)
        together = room_impulse_response(
            ROOM, SOURCE, LISTENER, 8000, reflection=walls, bands=BANDS, air_absorption=air, **settings
        )
        each = room_impulse_response(ROOM, SOURCE, LISTENER, 8000, reflection=walls, air_absorption=air, **settings)
        expected = sum(split_octave_bands(each[band], BANDS, 8000)[:, band] for band in range(4))
        assert_close(together, expected)

    def test_batches_of_rooms_with_bands(self, library, rng):
        walls, sources = rng.random((2, 4, 6)), np.array([4, 2, 1]) + rng.random((2, 3))
        settings = {"max_reflections": 1, "length": 600, "bands": BANDS}
        batch = room_impulse_response(
            ROOM, library.array(sources), LISTENER, 8000, reflection=library.array(walls), **settings
        )
        assert batch.shape == (2, 4, 600)
        for n in range(2):
            one = room_impulse_response(ROOM, sources[n], LISTENER, 8000, reflection=walls[n], **settings)
            assert_close(library.numpy(batch)[n], one)

    def test_gradients_to_the_walls_of_each_band(self):
        walls = torch.full((2, 6), 0.5, dtype=torch.float64, requires_grad=True)
        air = torch.tensor([0.01, 0.02], dtype=torch.float64, requires_grad=True)

        def response(walls, air):
            return room_impulse_response(
                ROOM, SOURCE, LISTENER, 4000, reflection=walls, max_reflections=1, length=150,
                bands=[500, 1000], air_absorption=air,
            )  # fmt: skip

        assert torch.autograd.gradcheck(response, (walls, air), fast_mode=True)

    @pytest.mark.usefixtures("no_shape_hook")
    def test_errors(self):
        with pytest.raises(ShapeError, match="for 4 bands"):
            room_impulse_response(
                ROOM, SOURCE, LISTENER, 8000, reflection=np.ones((3, 6)), max_reflections=1, bands=BANDS
            )
        with pytest.raises(AmbikitError, match="increasing centre frequencies"):
            room_impulse_response(ROOM, SOURCE, LISTENER, 8000, reflection=0.5, max_reflections=1, bands=[8000])


class TestReverberationTime:
    def test_by_hand(self, library):
        """V = 60, S = 94; 24 ln 10 / 343 = 0.16111."""
        size = library.array(np.array([5.0, 4.0, 3.0]))
        constant = 24 * np.log(10) / 343
        sabine = reverberation_time(size, 0.2, formula="sabine")
        assert_close(library.numpy(sabine), np.array(constant * 60 / (94 * 0.2)))
        eyring = reverberation_time(size, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], air_absorption=0.01)
        mean = (12 * 0.1 + 12 * 0.2 + 15 * 0.3 + 15 * 0.4 + 20 * 0.5 + 20 * 0.6) / 94
        assert_close(library.numpy(eyring), np.array(constant * 60 / (-94 * np.log(1 - mean) + 4 * 0.01 * 60)))

    def test_limits(self):
        assert reverberation_time([5, 4, 3], 1.0) == 0
        assert np.isinf(reverberation_time([5, 4, 3], 0.0))
        little = reverberation_time([5, 4, 3], 1e-6), reverberation_time([5, 4, 3], 1e-6, formula="sabine")
        assert little[0] == pytest.approx(little[1], rel=1e-6)

    @pytest.mark.parametrize("formula", ["eyring", "sabine"])
    def test_the_absorption_for_a_time_gives_that_time(self, formula, library, rng):
        size, wanted = library.array(3 + 5 * rng.random((4, 3))), library.array(0.3 + rng.random(4))
        settings = {"formula": formula, "air_absorption": 0.002}
        absorption = absorption_for_reverberation_time(size, wanted, **settings)
        time = reverberation_time(size, absorption[:, None], **settings)
        assert_close(library.numpy(time), library.numpy(wanted))

    def test_gradients(self):
        size = torch.tensor([5.0, 4.0, 3.0], dtype=torch.float64, requires_grad=True)
        walls = torch.tensor([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(reverberation_time, (size, walls))
        assert torch.autograd.gradcheck(absorption_for_reverberation_time, (size, torch.tensor(0.5).double()))
        gone = torch.ones(6, dtype=torch.float64, requires_grad=True)
        (reverberation_time(size, gone) + absorption_to_reflection(gone).sum()).backward()
        assert torch.isfinite(gone.grad).all()

    @pytest.mark.usefixtures("no_shape_hook")
    def test_errors(self):
        with pytest.raises(AmbikitError, match=r"absorption=\[1.2\]"):
            reverberation_time([5, 4, 3], 1.2)
        with pytest.raises(AmbikitError, match="room_size"):
            reverberation_time([5, 4, -3], 0.2)
        with pytest.raises(AmbikitError, match="'eyring', 'sabine'"):
            reverberation_time([5, 4, 3], 0.2, formula="fitzroy")
        with pytest.raises(AmbikitError, match="choose a longer time"):
            absorption_for_reverberation_time([5, 4, 3], 0.05, formula="sabine")
        with pytest.raises(AmbikitError, match="positive seconds"):
            absorption_for_reverberation_time([5, 4, 3], 0.0)
        with pytest.raises(AmbikitError, match="shares of the energy"):
            absorption_to_reflection(-0.1)
        with pytest.raises(ArrayTypeError, match="where numbers belong"):
            reverberation_time([5, 4, 3], None)


# A nearly cubic room whose bands absorb differently.
SIZE, ABSORPTION = (5.2, 4.7, 4.3), np.array([0.25, 0.25, 0.35, 0.5])


@pytest.fixture(scope="module")
def decays():
    """Measured in the response, and in the energies of the image sources without any interference."""
    walls = absorption_to_reflection(ABSORPTION)[:, None]
    length = int(8000 * 0.43)
    positions = np.array(SIZE) * [0.68, 0.66, 0.3], np.array(SIZE) * [0.29, 0.28, 0.45]
    settings = {"reflection": walls, "max_reflections": 40}
    response = room_impulse_response(SIZE, *positions, 8000, order=0, length=length, bands=BANDS, **settings)[0]
    images = image_sources(SIZE, *positions, **settings)
    arrival = (images.delays[0] * 8000).astype(int)
    energy = np.array([np.bincount(arrival, gains**2, length)[:length] for gains in images.gains])
    return decay_time(split_octave_bands(response, BANDS, 8000), 8000), decay_time(energy**0.5, 8000)


class TestDecayOfRooms:
    def test_it_is_eyrings_within_a_fifth(self, decays):
        """From 500 Hz on; the first band reaches down to 0 Hz, where the images of hard walls add in phase."""
        predicted = reverberation_time(SIZE, ABSORPTION[:, None])
        assert np.abs(decays[0] / predicted - 1)[1:].max() < 0.2

    def test_it_is_that_of_the_energies_of_the_images(self, decays):
        assert np.abs(decays[0] / decays[1] - 1)[1:].max() < 0.1

    def test_bands_that_absorb_more_ring_less(self, decays):
        assert (np.diff(decays[0][1:]) < 0).all()
