"""Rooms of pyroomacoustics as Ambisonics, and pyroomacoustics as an oracle for our own."""

import numpy as np
import pytest

from ambikit import directional_source, image_sources, pyroomacoustics_images, response_of_images
from ambikit.errors import AmbikitError, ArrayTypeError
from ambikit.geometry.harmonics import harmonics_of_vectors
from tests.closeness import assert_close

pra = pytest.importorskip("pyroomacoustics")

ROOM, SOURCE, LISTENER = [6.0, 4.0, 3.0], [4.5, 3.0, 1.2], [2.0, 1.5, 1.7]
#: share of the energy that back, front, right, left, floor and ceiling take
ABSORPTION = [0.2, 0.1, 0.4, 0.3, 0.6, 0.5]
#: half the length of pyroomacoustics' fractional delays, by which its responses are late
LATE = 40


def shoebox(max_order=3, *, materials=None, **settings):
    names = ("west", "east", "south", "north", "floor", "ceiling")
    absorption = materials or dict(zip(names, ABSORPTION, strict=True))
    room = pra.ShoeBox(ROOM, fs=16000, materials=pra.make_materials(**absorption), max_order=max_order, **settings)
    return room.add_source(SOURCE).add_microphone(LISTENER)


def same_images(ours, theirs):
    """Compare image by image, in whatever order; pyroomacoustics computes in single precision."""
    a, b = (images.directions * images.distances[:, None] for images in (ours, theirs))
    gaps = np.linalg.norm(a[:, None] - b[None], axis=-1)
    match = gaps.argmin(1)
    assert gaps.min(1).max() < 1e-5
    assert sorted(match) == list(range(len(a)))
    assert_close(theirs.gains[..., match], ours.gains, "float32")
    assert_close(theirs.delays[match], ours.delays, "float32")
    assert_close(theirs.emissions[match], ours.emissions, "float32")


def omni_response_of(room):
    """Their own response, without their high-pass and from time zero."""
    was = pra.constants.get("rir_hpf_enable")
    pra.constants.set("rir_hpf_enable", False)
    room.compute_rir()
    pra.constants.set("rir_hpf_enable", was)
    return room.rir[0][0][LATE:].astype(np.float64)


class TestShoebox:
    def test_our_image_sources_are_theirs(self):
        theirs, bands = pyroomacoustics_images(shoebox())
        assert bands is None
        walls = np.sqrt(1 - np.array(ABSORPTION))
        same_images(image_sources(ROOM, SOURCE, LISTENER, reflection=walls, max_reflections=3), theirs)

    def test_with_bands_and_air(self):
        """Coefficients of absorption at six octaves, air of 20 °C at 60 %."""
        coefficients = {"coeffs": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], "center_freqs": [125 * 2**n for n in range(7)]}
        names = ("west", "east", "south", "north", "floor", "ceiling")
        room = shoebox(
            2, materials=dict.fromkeys(names, coefficients), air_absorption=True, temperature=20, humidity=60
        )
        theirs, bands = pyroomacoustics_images(room)
        assert bands == (125, 250, 500, 1000, 2000, 4000, 8000)[: len(bands)]
        walls = np.sqrt(1 - np.array(coefficients["coeffs"]))[: len(bands), None]
        ours = image_sources(
            ROOM, SOURCE, LISTENER, reflection=walls, max_reflections=2, speed_of_sound=room.c,
            air_absorption=np.asarray(room.air_absorption),
        )  # fmt: skip
        same_images(type(ours)(*(x[0] if name != "gains" else x for name, x in vars(ours).items())), theirs)

    def test_a_cardioid_faces_the_same_way(self):
        from pyroomacoustics.directivities import CardioidFamily, DirectionVector

        room = shoebox()
        facing = DirectionVector(azimuth=150, colatitude=70, degrees=True)
        room.sources[0].set_directivity(CardioidFamily(orientation=facing, p=0.5))
        theirs, _ = pyroomacoustics_images(room)
        ours = image_sources(
            ROOM, SOURCE, LISTENER, reflection=np.sqrt(1 - np.array(ABSORPTION)), max_reflections=3,
            source_weights=directional_source("cardioid", 150, 20, degrees=True),
        )  # fmt: skip
        same_images(ours, theirs)

    def test_w_is_their_omni_response(self):
        """But for the windows of the fractional delays: 0.3 % up to 0.8 of half the sample rate."""
        room = shoebox()
        images, _ = pyroomacoustics_images(room)
        ours = response_of_images(images, 16000, order=3)
        theirs = omni_response_of(room)
        spectra = [np.fft.rfft(x, 4096)[: int(0.4 * 4096)] for x in (ours[0], theirs)]
        assert np.linalg.norm(spectra[0] - spectra[1]) < 3e-3 * np.linalg.norm(spectra[0])


class TestPolygons:
    @staticmethod
    def corridor(max_order=2):
        """An L with walls at x = 6, y = 6, and an inner corner at (3, 3)."""
        corners = np.array([[0, 0], [6, 0], [6, 3], [3, 3], [3, 6], [0, 6]], dtype=float).T
        room = pra.Room.from_corners(corners, fs=16000, max_order=max_order, materials=pra.Material(0.19))
        room.extrude(3.0, materials=pra.Material(0.19))
        return room

    def test_in_sight(self):
        """Along the lower arm: the direct sound from the front, walls at 0.9, and what the walls of the L hide."""
        room = self.corridor(1).add_source([5.0, 1, 1.2]).add_microphone([1.0, 1, 1.2])
        images, bands = pyroomacoustics_images(room)
        assert bands is None
        assert_close(images.directions[0], np.array([1.0, 0, 0]), "float32")
        assert images.gains[0] == pytest.approx(1 / 4)
        place = images.directions * images.distances[:, None] + [1, 1, 1.2]
        # x = 0, x = 6, y = 0, floor, ceiling, and of y = 3 the part from x = 3 to 6, which holds the middle at x = 3
        expected = {(-5, 1, 1.2), (7, 1, 1.2), (5, -1, 1.2), (5, 1, -1.2), (5, 1, 4.8)}
        found = {tuple(p) for p in (place[1:].round(4) + 0.0).tolist()}
        assert expected <= found
        assert_close(images.gains[1:] * images.distances[1:], np.full(len(images.gains) - 1, 0.9), "float32")

    def test_around_the_corner_only_reflections_arrive(self):
        """The direct sound is hidden: what comes comes from walls, and the response is the sum of these waves."""
        room = self.corridor().add_source([5.5, 0.5, 1.5]).add_microphone([0.5, 5.5, 1.5])
        images, _ = pyroomacoustics_images(room)
        straight = np.linalg.norm([5.0, -5.0, 0.0])
        assert images.distances.min() > straight * 1.01
        response = response_of_images(images, 16000, order=2)
        assert response.shape[0] == 9
        assert not np.abs(response[:, : int(straight / room.c * 16000) - 1]).max() > 0.02 * np.abs(response).max()
        waves = harmonics_of_vectors(images.directions, 2) * images.gains[:, None]
        assert np.abs(response.sum(-1) - waves.sum(0)).max() < 2e-3 * np.abs(images.gains).sum()


@pytest.mark.usefixtures("no_shape_hook")
class TestErrors:
    def test_what_is_no_room(self):
        with pytest.raises(ArrayTypeError, match="type list; expected a Room or ShoeBox"):
            pyroomacoustics_images([6, 4, 3])
        flat = pra.ShoeBox([6, 4], fs=16000, max_order=1).add_source([1, 1]).add_microphone([2, 2])
        with pytest.raises(AmbikitError, match="two dimensions"):
            pyroomacoustics_images(flat)

    def test_what_is_missing(self):
        with pytest.raises(AmbikitError, match="0 sources and 0 microphones"):
            pyroomacoustics_images(pra.ShoeBox(ROOM, fs=16000, max_order=1))
        with pytest.raises(AmbikitError, match="source=1, listener=0 of a room with 1 sources"):
            pyroomacoustics_images(shoebox(), source=1)
        hidden = TestPolygons.corridor(0).add_source([5.5, 0.5, 1.5]).add_microphone([0.5, 5.5, 1.5])
        with pytest.raises(AmbikitError, match="can see; expected at least one; raise max_order"):
            pyroomacoustics_images(hidden)
