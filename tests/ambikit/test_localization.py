"""The direction of sources from intensity alone: placed on the sphere, in rooms, and in real recordings."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import ambikit
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close
from tests.conftest import DATA, Library


def noise(rng, *shape):
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def miss(found, azimuth, elevation):
    """Angles in degrees between what was found and what is there, in the order found."""
    return np.degrees(ambikit.angular_distance(found.azimuth, found.elevation, azimuth, elevation))


class TestValues:
    @given(azimuth=st.floats(-3.1, 3.1), elevation=st.floats(-1.57, 1.57))
    def test_a_source_on_the_sphere(self, azimuth, elevation):
        sound = noise(np.random.default_rng(0), 3, 8)
        spectrum = ambikit.spherical_harmonics(azimuth, elevation, 1)[:, None, None] * sound
        found = ambikit.direction_of_arrival(spectrum)
        assert miss(found, azimuth, elevation) < 0.3

    def test_sources_in_bins_of_their_own_the_strongest_first(self, library, rng):
        azimuth, elevation = np.radians([100.0, -30.0, 10.0]), np.radians([10.0, 60.0, -40.0])
        waves = ambikit.spherical_harmonics(azimuth, elevation, 2)
        blocks = [waves[k][:, None, None] * noise(rng, 1, 20, 40 - 10 * k) for k in range(3)]
        spectrum = np.concatenate(blocks, -1)
        found = ambikit.direction_of_arrival(library.array(spectrum), 3)
        found = type(found)(*(library.numpy(part) for part in found))
        assert miss(found, azimuth, elevation).max() < 0.5
        assert (np.diff(found.strength) < 0).all()

    def test_a_batch_is_its_clips(self, library, rng):
        spectrum = noise(rng, 2, 3, 4, 6, 7)
        found = ambikit.direction_of_arrival(library.array(spectrum), 2)
        assert tuple(found.azimuth.shape) == (2, 3, 2)
        one = ambikit.direction_of_arrival(library.array(spectrum[1, 2]), 2)
        for whole, part in zip(found, one, strict=True):
            assert_close(library.numpy(whole)[1, 2], library.numpy(part))

    def test_degrees(self):
        spectrum = ambikit.spherical_harmonics(-120, 45, 1, degrees=True)[:, None, None] * np.ones((1, 2)) + 0j
        found = ambikit.direction_of_arrival(spectrum, degrees=True)
        assert found.azimuth[0] == pytest.approx(-120, abs=0.3)
        assert found.elevation[0] == pytest.approx(45, abs=0.3)

    def test_a_second_source_that_is_not_there(self, library):
        spectrum = np.zeros((4, 3, 5), complex)
        found = ambikit.direction_of_arrival(library.array(spectrum), 2)
        assert np.isnan(library.numpy(found.azimuth)).all()
        assert (library.numpy(found.strength) == 0).all()

    def test_fewer_sources_than_were_asked_for(self, library, rng):
        """Two waves, and a 400th of the bins from elsewhere: less than 0.7 %, which is what chance gives."""
        waves = ambikit.spherical_harmonics([90, -60, 180], [0, 30, -20], 1, degrees=True)
        waves = waves[np.repeat([0, 1, 2], [1200, 795, 5])] * noise(rng, 2000, 1)
        spectrum = waves.T.reshape(4, 1, 2000)
        found = ambikit.direction_of_arrival(library.array(spectrum), 3, degrees=True)
        azimuth, elevation, strength = (library.numpy(part) for part in found)
        assert azimuth[:2] == pytest.approx([90, -60], abs=0.5)
        assert np.isnan([azimuth[2], elevation[2]]).all()
        assert strength[2] == 0
        assert (strength[:2] > 0.3).all()

    def test_no_clips_at_all(self, library):
        found = ambikit.direction_of_arrival(library.array(np.zeros((0, 4, 3, 5), complex)), 2)
        assert all(tuple(part.shape) == (0, 2) for part in found)

    def test_the_level_does_not_count(self, rng):
        spectrum = noise(rng, 4, 10, 20)
        one, other = ambikit.direction_of_arrival(spectrum, 2), ambikit.direction_of_arrival(spectrum * 1e-9, 2)
        assert_close(other.azimuth, one.azimuth)

    def test_single_precision_and_tensors(self, rng):
        spectrum = noise(rng, 4, 10, 20)
        exact = ambikit.direction_of_arrival(spectrum)
        found = ambikit.direction_of_arrival(Library("torch").array(spectrum.astype(np.complex64)))
        assert found.azimuth.dtype == torch.float32
        assert miss(type(found)(*(np.asarray(x) for x in found)), exact.azimuth, exact.elevation) < 0.05


class TestRooms:
    def test_talkers_in_echoic_rooms(self):
        """Reverberation of a quarter of a second, the talkers at and beyond the critical distance.

        Every one is found, and regions ruled by one wave point closer to it than the loudest do.
        """
        errors, of_the_loudest = np.transpose([self.errors(seed) for seed in range(6)])
        assert errors.max() < 10
        assert np.median(errors) < 0.9 * np.median(of_the_loudest)

    @staticmethod
    def errors(seed):
        generator = np.random.default_rng(seed)
        rate, room = 16000, np.array([6.0, 5.0, 3.0])
        source, listener = generator.uniform(0.8, room - 0.8), generator.uniform(1.0, room - 1.0)
        response = ambikit.room_impulse_response(
            room, source, listener, rate, reflection=0.75, max_reflections=24, length=4000
        )
        sound = generator.normal(size=rate) * np.repeat(generator.uniform(size=20) > 0.5, rate // 20)
        signal = np.stack([np.convolve(sound, channel) for channel in response])
        spectrum = ambikit.stft(signal, frame_length=512, hop_length=256)[:, 16:200]
        truth = ambikit.vectors_to_angles((source - listener) / np.linalg.norm(source - listener))
        weights = ambikit.energy_density(spectrum)
        return [miss(ambikit.direction_of_arrival(spectrum, weights=w), *truth)[0] for w in (None, weights)]


@pytest.mark.recordings
@pytest.mark.skipif(not DATA.exists(), reason="no recordings")
class TestRecordings:
    @pytest.mark.parametrize(
        ("name", "source", "azimuth", "elevation"),
        [("BF_rec5_fuma.ogg", "fuma", 10, -20), ("BF_rec3_fuma.ogg", "fuma", -13, -20)],
    )
    def test_the_main_direction(self, name, source, azimuth, elevation):
        signal, rate = ambikit.read(DATA / "foa" / name, source=source)
        low, high = (round(hertz * 1024 / rate) for hertz in (150, 4000))
        spectrum = ambikit.stft(signal, frame_length=1024, hop_length=512)[:, low:high]
        found = ambikit.direction_of_arrival(spectrum, weights=ambikit.energy_density(spectrum))
        assert miss(found, np.radians(azimuth), np.radians(elevation)) < 12

    def test_the_labelled_clip(self):
        """A piano and a voice at ±90°, and gulls overhead."""
        with pytest.warns(UserWarning, match="map"):
            signal, rate = ambikit.read(DATA / "video360" / "redownloaded_from_YT.m4a")
        low, high = (round(hertz * 1024 / rate) for hertz in (150, 4000))
        spectrum = ambikit.stft(signal, frame_length=1024, hop_length=512)[:, low:high]
        found = ambikit.direction_of_arrival(spectrum, 3)
        for azimuth, elevation in ((90, 0), (-90, 0), (0, 90)):
            assert miss(found, np.radians(azimuth), np.radians(elevation)).min() < 3


@pytest.mark.usefixtures("no_shape_hook")
def test_errors(rng):
    with pytest.raises(ArrayTypeError, match="complex"):
        ambikit.direction_of_arrival(np.zeros((4, 5, 6)))
    with pytest.raises(ShapeError, match="at least 4"):
        ambikit.direction_of_arrival(noise(rng, 1, 5, 6))
    with pytest.raises(AmbikitError, match="sources"):
        ambikit.direction_of_arrival(noise(rng, 4, 5, 6), 0)
