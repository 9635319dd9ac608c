"""Cube maps and pictures for both eyes as panoramas: a mark on the sphere is found where it was placed."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import ambikit
from ambikit.errors import AmbikitError, ShapeError
from ambikit_models.panorama.layouts import one_eye, to_equirectangular

SIDE = 48
#: each face of the layouts, row by row: the directions of its middle, its right edge and its upper edge, by hand
X, Y, Z = np.eye(3)
UPRIGHT = {"front": (X, -Y, Z), "left": (Y, X, Z), "right": (-Y, -X, Z), "back": (-X, Y, Z)}
FACES = {
    "cbmp": [
        *(UPRIGHT[name] for name in ("right", "left")),
        (Z, Y, X),
        (-Z, Y, -X),
        *(UPRIGHT[name] for name in ("front", "back")),
    ],
    "3x2": [
        *(UPRIGHT[name] for name in ("right", "left")),
        (Z, -Y, -X),
        (-Z, -Y, X),
        *(UPRIGHT[name] for name in ("front", "back")),
    ],
    "eac": [*(UPRIGHT[name] for name in ("left", "front", "right")), (-Z, -X, -Y), (-X, Z, -Y), (Z, X, -Y)],
}
#: middles of faces, seams and corners
PLACES = [(0, 0), (90, 0), (180, 0), (-90, 0), (0, 89), (0, -89), (45, 0), (135, 0), (-45, 3), (-135, -5), (0, 45)]
PLACES += [(90, 45), (180, 45), (-90, -45), (0, -45), (180, -45), (45, 35.26), (-135, -35.26), (20, 70), (-110, -62)]


def marked_cube(layout, azimuth, elevation, padding=0):
    """A cube map, painted pixel by pixel from its faces, with a round mark of light."""
    picture = np.zeros((2 * SIDE, 3 * SIDE, 3))
    inner = (np.arange(SIDE) + 0.5 - padding) / (SIDE - 2 * padding) * 2 - 1
    if layout == "eac":
        inner = np.tan(inner * np.pi / 4)
    target = ambikit.angles_to_vectors(azimuth, elevation, degrees=True)
    for number, (middle, right, up) in enumerate(FACES[layout]):
        rays = middle + inner[None, :, None] * right - inner[:, None, None] * up
        rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
        light = ((rays @ target - np.cos(0.25)) / (1 - np.cos(0.25))).clip(0)
        row, column = divmod(number, 3)
        picture[row * SIDE :, column * SIDE :][:SIDE, :SIDE] = light[..., None]
    return picture


def centre_of_light(panorama):
    """The direction of the light, by the solid angle of every pixel."""
    height, width = panorama.shape[:2]
    column, row = np.meshgrid(np.arange(width), np.arange(height))
    azimuth, elevation = ambikit.pixels_to_angles(column, row, width, height)
    weight = panorama[..., 0] * np.cos(elevation)
    total = np.einsum("ij,ijk->k", weight, ambikit.angles_to_vectors(azimuth, elevation))
    return total / np.linalg.norm(total)


class TestCubeMaps:
    @pytest.mark.parametrize("layout", FACES)
    @pytest.mark.parametrize("padding", [0, 4])
    def test_marks_on_faces_seams_and_corners(self, layout, padding):
        frames = np.stack([marked_cube(layout, *place, padding) for place in PLACES])
        panoramas = to_equirectangular(frames, layout, padding=padding)
        assert panoramas.shape == (len(PLACES), 2 * SIDE, 4 * SIDE, 3)
        for panorama, place in zip(panoramas, PLACES, strict=True):
            expected = ambikit.angles_to_vectors(*place, degrees=True)
            angle = np.degrees(np.arccos(np.clip(centre_of_light(panorama) @ expected, -1, 1)))
            assert angle < 0.15, place
            assert panorama.max() > 0.97

    @pytest.mark.parametrize("layout", FACES)
    def test_seams_do_not_show(self, layout):
        """A smooth sky stays smooth: no pixel is far from the one that should be there."""
        side, height = 64, 128
        inner = (np.arange(side) + 0.5) / side * 2 - 1
        inner = np.tan(inner * np.pi / 4) if layout == "eac" else inner
        faces = []
        for middle, right, up in FACES[layout]:
            rays = middle + inner[None, :, None] * right - inner[:, None, None] * up
            faces.append(rays / np.linalg.norm(rays, axis=-1, keepdims=True))
        frames = np.vstack([np.hstack(faces[:3]), np.hstack(faces[3:])])[None]
        panorama = to_equirectangular(frames, layout, height=height)[0]
        column, row = np.meshgrid(np.arange(2 * height), np.arange(height))
        expected = ambikit.angles_to_vectors(*ambikit.pixels_to_angles(column, row, 2 * height, height))
        assert np.abs(panorama - expected).max() < 1.1 / side  # half a pixel at a seam

    @pytest.mark.parametrize("dtype", ["uint8", "float32", "float16"])
    def test_libraries_and_types(self, dtype):
        torch = pytest.importorskip("torch")
        frames = (255 * np.stack([marked_cube("eac", *place) for place in PLACES[:3]])).astype(dtype)
        made = to_equirectangular(frames, "eac", height=40)
        assert made.dtype == frames.dtype
        assert made.shape == (3, 40, 80, 3)
        of_tensor = to_equirectangular(torch.from_numpy(frames), "eac", height=40)
        assert of_tensor.dtype == getattr(torch, dtype)
        assert_allclose(of_tensor.numpy().astype(float), made.astype(float), atol=0.13 if dtype == "float16" else 1e-4)

    @pytest.mark.parametrize("shape", [(1, 90, 180, 3), (1, 91, 136, 3)])
    def test_no_cube(self, shape):
        with pytest.raises(ShapeError, match="three by two"):
            to_equirectangular(np.zeros(shape), "eac")

    def test_unknown_layouts(self):
        with pytest.raises(AmbikitError, match="layout='cross'"):
            to_equirectangular(np.zeros((1, 20, 30, 3)), "cross")
        with pytest.raises(AmbikitError, match="keep their pixels"):
            to_equirectangular(np.zeros((1, 20, 40, 3)), height=10)


class TestEyes:
    @pytest.mark.parametrize(
        ("eyes", "rows", "columns"),
        [
            ("mono", (0, 6), (0, 8)),
            ("top-bottom", (0, 3), (0, 8)),
            ("bottom-top", (3, 6), (0, 8)),
            ("left-right", (0, 6), (0, 4)),
            ("right-left", (0, 6), (4, 8)),
        ],
    )
    def test_the_left_one_is_taken(self, eyes, rows, columns):
        frames = np.random.default_rng(0).integers(0, 256, (2, 6, 8, 3), np.uint8)
        expected = frames[:, slice(*rows), slice(*columns)]
        assert_array_equal(one_eye(frames, eyes), expected)
        assert_array_equal(to_equirectangular(frames, eyes=eyes), expected)

    def test_of_a_cube_map(self):
        left, right = (marked_cube("eac", azimuth, 10) for azimuth in (30, 40))
        made = to_equirectangular(np.vstack([left, right])[None], "eac", eyes="top-bottom")
        assert_array_equal(made, to_equirectangular(left[None], "eac"))

    def test_what_cannot_be_halved(self):
        with pytest.raises(ShapeError, match="even number of rows"):
            one_eye(np.zeros((1, 3, 4, 3)), "top-bottom")
        with pytest.raises(AmbikitError, match="eyes='both'"):
            one_eye(np.zeros((1, 2, 4, 3)), "both")
