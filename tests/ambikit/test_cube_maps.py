"""Directions on the faces of a cube: by literals, and against FFmpeg's own projection, mark by mark."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_allclose

import ambikit
from ambikit.errors import AmbikitError, ShapeError

SIDE = 128
#: where in the grid the middle of a face lies, in faces from the left and from the top
MIDDLES = {
    "cbmp": {"right": (0, 0), "left": (1, 0), "up": (2, 0), "down": (0, 1), "front": (1, 1), "back": (2, 1)},
    "3x2": {"right": (0, 0), "left": (1, 0), "up": (2, 0), "down": (0, 1), "front": (1, 1), "back": (2, 1)},
    "eac": {"left": (0, 0), "front": (1, 0), "right": (2, 0), "down": (0, 1), "back": (1, 1), "up": (2, 1)},
}
ANGLES = {"front": (0, 0), "left": (90, 0), "back": (180, 0), "right": (-90, 0), "up": (0, 90), "down": (0, -90)}


def place(azimuth, elevation, layout, **more):
    column, row = ambikit.angles_to_cube_pixels(
        azimuth, elevation, 3 * SIDE, 2 * SIDE, layout=layout, degrees=True, **more
    )
    return (column + 0.5) / SIDE, (row + 0.5) / SIDE


class TestPlaces:
    @pytest.mark.parametrize("layout", MIDDLES)
    @pytest.mark.parametrize("face", ANGLES)
    def test_the_middle_of_each_face(self, layout, face):
        assert_allclose(place(*ANGLES[face], layout), np.array(MIDDLES[layout][face]) + 0.5)

    @pytest.mark.parametrize(
        ("layout", "direction", "expected"),
        [
            # of "cbmp" the upper edge of the face above is to the front, that of the face below to the back
            ("cbmp", (0, 60), (2.5, 0.5 - np.tan(np.radians(30)) / 2)),
            ("cbmp", (0, -60), (0.5, 1.5 + np.tan(np.radians(30)) / 2)),
            ("3x2", (0, 60), (2.5, 0.5 + np.tan(np.radians(30)) / 2)),
            ("3x2", (0, -60), (0.5, 1.5 - np.tan(np.radians(30)) / 2)),
            ("3x2", (30, 0), (1.5 - np.tan(np.radians(30)) / 2, 1.5)),
            ("eac", (30, 0), (1.5 - 30 / 90, 0.5)),  # equal angles, equal lengths
            ("eac", (0, 15), (1.5, 0.5 - 15 / 90)),
            ("eac", (180, 15), (1.5 + 15 / 90, 1.5)),  # the back lies on its side, its upper edge to the right
        ],
    )
    def test_within_a_face(self, layout, direction, expected):
        assert_allclose(place(*direction, layout), expected, atol=1e-12)

    @pytest.mark.parametrize("layout", MIDDLES)
    def test_neighbours_on_a_face_are_neighbours_on_the_sphere(self, layout):
        """Every pixel of the map is the place of one direction, and close ones are close, but across a seam."""
        azimuth, elevation = np.random.default_rng(2).uniform([[-180], [-90]], [[180], [90]], (2, 3000))
        column, row = place(azimuth, elevation, layout)
        assert np.bincount((column.astype(int) + 3 * row.astype(int)), minlength=6).min() > 250
        moved = place(azimuth + 0.01 / np.cos(np.radians(elevation)).clip(0.01), elevation, layout)
        same = (moved[0] // 1 == column // 1) & (moved[1] // 1 == row // 1)
        assert same.mean() > 0.98
        assert np.hypot(moved[0] - column, moved[1] - row)[same].max() < 1e-3

    def test_padding_lies_beyond_the_edges(self):
        inner, outer = place(44.999, 0, "3x2", padding=8), place(45.001, 0, "3x2", padding=8)
        assert_allclose(inner, (1 + 8 / SIDE, 1.5), atol=1e-4)
        assert_allclose(outer, (2 - 8 / SIDE, 0.5), atol=1e-4)

    def test_no_face_reaches_into_the_next(self):
        column, _ = ambikit.angles_to_cube_pixels(np.linspace(-180, 180, 7201), 0, 30, 20, degrees=True)
        assert not np.any((column > 9) & (column < 10))
        assert not np.any((column > 19) & (column < 20))


@pytest.mark.parametrize(("layout", "name"), [("3x2", "c3x2"), ("eac", "eac")])
def test_against_ffmpeg(layout, name):
    """FFmpeg projects a panorama with one mark; the mark is where we say, on every face, at edges and corners."""
    av = pytest.importorskip("av")
    if "v360" not in av.filter.filters_available:
        pytest.skip("this build of PyAV has no filter v360")
    height = 256
    azimuth, elevation = np.meshgrid(
        180 - (np.arange(2 * height) + 0.5) * 180 / height, 90 - (np.arange(height) + 0.5) * 180 / height
    )
    rays = ambikit.angles_to_vectors(azimuth, elevation, degrees=True)
    marks = [
        *ANGLES.values(),
        (30, 25),
        (150, -20),
        (-75, 30),
        (100, -25),
        (20, 62),
        (-160, 66),
        (70, -60),
        (-130, -70),
    ]
    graph = av.filter.Graph()
    source = graph.add_buffer(width=2 * height, height=height, format="gbrp", time_base=Fraction(1, 25))
    projection = graph.add("v360", f"input=e:output={name}:w={3 * SIDE}:h={2 * SIDE}")
    sink = graph.add("buffersink")
    source.link_to(projection)
    projection.link_to(sink)
    graph.configure()
    for number, (a, e) in enumerate(marks):
        light = ((rays @ ambikit.angles_to_vectors(a, e, degrees=True) - np.cos(0.15)) / (1 - np.cos(0.15))).clip(0)
        picture = np.repeat(np.uint8(255 * light)[..., None], 3, -1)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="gbrp")
        frame.pts, frame.time_base = number, Fraction(1, 25)
        source.push(frame)
        found = sink.pull().to_ndarray(format="rgb24")[..., 0].astype(float)
        rows, columns = np.indices(found.shape)
        column, row = ambikit.angles_to_cube_pixels(a, e, 3 * SIDE, 2 * SIDE, layout=layout, degrees=True)
        assert found.sum() > 1000
        # the centre of light of a mark is not quite its middle: the projections stretch
        assert abs((columns * found).sum() / found.sum() - column) < 2.5, (a, e)
        assert abs((rows * found).sum() / found.sum() - row) < 2.5, (a, e)


def test_tensors_carry_gradients():
    torch = pytest.importorskip("torch")
    for layout in MIDDLES:
        angles = torch.tensor([[0.2, 2.0, -1.2], [0.1, -0.3, 1.2]], dtype=torch.float64, requires_grad=True)
        column, row = ambikit.angles_to_cube_pixels(*angles, 30, 20, layout=layout)
        expected = ambikit.angles_to_cube_pixels(*angles.detach().numpy(), 30, 20, layout=layout)
        assert_allclose(column.detach().numpy(), expected[0], atol=1e-12)
        assert_allclose(row.detach().numpy(), expected[1], atol=1e-12)
        assert torch.autograd.gradcheck(
            lambda x, name=layout: ambikit.angles_to_cube_pixels(*x, 30, 20, layout=name), angles
        )


class TestErrors:
    def test_unknown_layouts(self):
        with pytest.raises(AmbikitError, match=r"layout='cross'; expected one of cbmp, 3x2, eac"):
            ambikit.angles_to_cube_pixels(0, 0, 30, 20, layout="cross")

    @pytest.mark.parametrize(("size", "padding"), [((30, 30), 0), ((31, 20), 0), ((33, 21), 0), ((30, 20), 5)])
    def test_no_three_by_two_faces(self, size, padding):
        with pytest.raises(ShapeError, match="three by two square faces"):
            ambikit.angles_to_cube_pixels(0, 0, *size, padding=padding)
