import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.spatial.transform import Rotation

from ambikit import Layout, angles_to_vectors, vbap, vectors_to_angles
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close

CLOSED = ["22.2", "tetrahedron", "octahedron", "cube", "icosahedron", "dodecahedron", "snub_cube"]
SYMMETRIC = [name for name in Layout.names() if name not in ("tetrahedron", "snub_cube")]
AZIMUTH, ELEVATION = (a.ravel() for a in np.radians(np.meshgrid(np.arange(-180, 180, 5), np.arange(-90, 91, 5))))


def angle_between(u, v):
    return np.arctan2(np.linalg.norm(np.cross(u, v), axis=-1), (u * v).sum(-1))


class TestValues:
    def test_octahedron(self, rng):
        """Each octant is a right-angled base: the gains are the coordinates."""
        d = rng.normal(size=(50, 3))
        d /= np.linalg.norm(d, axis=1, keepdims=True)
        gains = vbap("octahedron", *vectors_to_angles(d))
        assert_close(gains, np.maximum(d @ Layout.named("octahedron").vectors.T, 0))

    def test_square(self):
        """On the horizon the same, whatever the elevation."""
        layout = Layout([0, 90, 180, -90], degrees=True)
        azimuth = np.linspace(-np.pi, np.pi, 37)
        expected = np.maximum(np.stack([np.cos(azimuth), np.sin(azimuth), -np.cos(azimuth), -np.sin(azimuth)], -1), 0)
        for elevation in (0.0, 0.7, -1.5):
            assert_close(vbap(layout, azimuth, elevation), expected)

    @pytest.mark.parametrize("azimuth", [-30, -10, 0, 17, 30])
    def test_stereo_follows_the_tangent_law(self, azimuth):
        left, right = vbap("stereo", azimuth, degrees=True)
        ratio = np.tan(np.radians(azimuth)) / np.tan(np.radians(30))
        assert (left - right) / (left + right) == pytest.approx(ratio, abs=1e-12)

    def test_the_middle_of_a_wall_comes_from_all_its_corners(self):
        """The front of a cube: four loudspeakers alike, not the two of a diagonal."""
        gains = vbap("cube", 0, 0)
        front = Layout.named("cube").vectors[:, 0] > 0
        assert_close(gains, np.where(front, 0.5, 0.0))
        upper = vbap("5.1.4", 0, 90, degrees=True)
        assert (upper > 0).tolist() == [False] * 6 + [True] * 4
        assert upper[6] == pytest.approx(upper[7])

    @pytest.mark.parametrize("name", [*CLOSED, "random"])
    def test_the_sum_of_the_gains_is_the_least_possible(self, name, rng):
        """Among all gains of 0 or more whose vectors add up to d the hull gives those with the least sum."""
        layout = Layout(rng.uniform(-3, 3, 20), rng.uniform(-1.4, 1.4, 20)) if name == "random" else Layout.named(name)
        vectors = layout.vectors[layout.sounding].T
        d = rng.normal(size=(12, 3))
        d /= np.linalg.norm(d, axis=1, keepdims=True)
        gains = vbap(layout, *vectors_to_angles(d))[:, layout.sounding]
        for gain, direction in zip(gains, d):
            best = linprog(np.ones(vectors.shape[1]), A_eq=vectors, b_eq=direction)
            assert gain.sum() / np.linalg.norm(vectors @ gain) == pytest.approx(best.fun, rel=1e-9)

    @pytest.mark.parametrize("name", ["octahedron", "icosahedron", "fibonacci"])
    def test_spaudiopy(self, name, rng):
        """Layouts whose facets are triangles, where there is only one answer."""
        spaudiopy = pytest.importorskip("spaudiopy")
        layout = Layout.fibonacci(24) if name == "fibonacci" else Layout.named(name)
        d = rng.normal(size=(40, 3))
        expected = spaudiopy.decoder.vbap(d, spaudiopy.decoder.LoudspeakerSetup(*layout.vectors.T))
        assert_close(vbap(layout, *vectors_to_angles(d)), expected)


class TestLaws:
    @pytest.mark.parametrize("name", CLOSED)
    def test_the_vector_sum_points_to_the_source(self, name):
        layout = Layout.named(name)
        gains = vbap(layout, AZIMUTH, ELEVATION)
        assert_close((gains**2).sum(-1), np.ones(len(gains)))
        assert gains.min() >= 0
        error = angle_between(gains @ layout.vectors, angles_to_vectors(AZIMUTH, ELEVATION))
        assert np.degrees(error).max() < 1e-5

    @pytest.mark.parametrize("name", ["5.1.4", "7.1.4"])
    def test_above_the_horizon_too_where_only_the_floor_is_missing(self, name):
        layout, above = Layout.named(name), ELEVATION >= 0
        gains = vbap(layout, AZIMUTH[above], ELEVATION[above])
        error = angle_between(gains @ layout.vectors, angles_to_vectors(AZIMUTH, ELEVATION)[above])
        assert np.degrees(error).max() < 1e-5

    @pytest.mark.parametrize("name", ["quad", "5.0", "7.1", "polygon"])
    def test_on_the_horizon(self, name):
        layout = Layout.polygon(5) if name == "polygon" else Layout.named(name)
        azimuth = np.radians(np.arange(-180, 180, 5))
        gains = vbap(layout, azimuth)
        assert ((gains > 0).sum(-1) <= 2).all()
        assert_close((gains**2).sum(-1), np.ones(len(gains)))
        assert np.degrees(angle_between(gains @ layout.vectors, angles_to_vectors(azimuth, 0.0))).max() < 1e-5

    @pytest.mark.parametrize("name", Layout.names())
    def test_a_loudspeaker_alone_only_where_it_stands(self, name):
        layout = Layout.named(name)
        at = np.eye(len(layout))[layout.sounding]
        assert_close(vbap(layout, layout.azimuth, layout.elevation)[layout.sounding], at)
        gains = vbap(layout, AZIMUTH, 0 * ELEVATION if layout.is_horizontal else ELEVATION)
        alone = (gains > 0).sum(-1) == 1
        place = layout.vectors[gains[alone].argmax(-1)]
        source = angles_to_vectors(AZIMUTH, 0 * ELEVATION if layout.is_horizontal else ELEVATION)[alone]
        assert angle_between(place, source).max(initial=0.0) < 1e-12

    @pytest.mark.parametrize("imaginary", ["share", "discard"])
    @pytest.mark.parametrize("name", SYMMETRIC)
    def test_left_and_right_are_alike(self, name, imaginary):
        layout = Layout.named(name)
        gains = vbap(layout, AZIMUTH, ELEVATION, imaginary=imaginary)
        mirrored = vbap(layout, -AZIMUTH, ELEVATION, imaginary=imaginary)
        assert_close(mirrored[:, layout.left_right_partners], gains)

    @pytest.mark.parametrize("name", Layout.names())
    def test_silent_channels_are_silent_and_energy_is_one(self, name):
        layout = Layout.named(name)
        gains = vbap(layout, AZIMUTH, ELEVATION)
        assert (gains[:, ~layout.sounding] == 0).all()
        assert_close((gains**2).sum(-1), np.ones(len(gains)))
        faded = (vbap(layout, AZIMUTH, ELEVATION, imaginary="discard") ** 2).sum(-1)
        assert faded.max() <= 1 + 1e-12
        if name in CLOSED:
            assert_close(faded, np.ones(len(gains)))

    @given(seed=st.integers(0, 10**6), count=st.integers(8, 30))
    def test_gains_are_continuous_and_turn_with_the_layout(self, seed, count):
        generator = np.random.default_rng(seed)
        turn = Rotation.random(random_state=seed)
        layout = Layout.fibonacci(count)
        turned = Layout(*vectors_to_angles(turn.apply(layout.vectors)))
        d = generator.normal(size=(20, 3))
        gains = vbap(layout, *vectors_to_angles(d))
        assert_close(vbap(turned, *vectors_to_angles(turn.apply(d))), gains, factor=1e3)
        near = vbap(layout, *vectors_to_angles(d + 1e-7 * generator.normal(size=d.shape)))
        assert np.abs(near - gains).max() < 1e-4

    def test_a_missing_floor_is_shared_or_lost(self):
        below = vbap("5.1.4", 0, -90, degrees=True)
        assert_close(below[[0, 1, 2, 4, 5]], np.full(5, 5**-0.5))
        assert vbap("5.1.4", 0, -90, degrees=True, imaginary="discard").max() < 1e-12
        halfway = vbap("5.1.4", 0, -45, degrees=True, imaginary="discard")
        assert_close(halfway[2], np.sqrt(0.5))

    @pytest.mark.parametrize(
        "layout",
        [
            Layout([20, -20, 0], [0, 0, 30], degrees=True),  # all in front
            Layout([0, 90, 180, -90], [20, 20, 20, 20], degrees=True),  # one plane, above
            Layout([0, 0, 180, 180, 0], [0, 60, 0, 60, -60], degrees=True),  # the median plane
            Layout([0, 180], degrees=True),
            Layout([10, -10], degrees=True),
        ],
    )
    def test_layouts_that_leave_the_listener_outside(self, layout):
        gains = vbap(layout, AZIMUTH, ELEVATION)
        assert_close((gains**2).sum(-1), np.ones(len(gains)))
        assert_close(vbap(layout, layout.azimuth, layout.elevation), np.eye(len(layout)))


class TestBackends:
    def test_the_library_of_the_angles(self, library, rng):
        azimuth, elevation = rng.uniform(-3, 3, (2, 5)), rng.uniform(-1.5, 1.5, (5,))
        for name in ("7.1.4", "5.0"):
            gains = library.numpy(vbap(name, library.array(azimuth), library.array(elevation)))
            assert gains.shape == (2, 5, len(Layout.named(name)))
            for n in range(2):
                assert_close(gains[n, 3], vbap(name, azimuth[n, 3], elevation[3]))

    def test_single_precision(self, rng):
        azimuth, elevation = (torch.tensor(rng.uniform(-1.5, 1.5, 50), dtype=torch.float32) for _ in range(2))
        gains = vbap("22.2", azimuth, elevation)
        assert gains.dtype == torch.float32
        assert_close(gains.numpy(), vbap("22.2", azimuth.double(), elevation.double()).numpy(), "float32", factor=4)
        layout = Layout.named("22.2")
        at = vbap(layout, torch.tensor(layout.azimuth), torch.tensor(layout.elevation))[layout.sounding]
        assert_close(at.numpy(), np.eye(24, dtype=np.float32)[layout.sounding], "float32")

    @pytest.mark.parametrize("name", ["5.1.4", "7.0", "cube"])
    def test_gradients_to_the_direction(self, name):
        angles = torch.tensor([[0.31, -2.1], [0.23, 0.41]], dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda a: vbap(name, a[0], a[1]), angles)

    def test_vmap(self):
        azimuth = torch.linspace(-3, 3, 7, dtype=torch.float64)
        mapped = torch.vmap(lambda a: vbap("7.1.4", a, 0.2))(azimuth)
        assert_close(mapped.numpy(), vbap("7.1.4", azimuth, 0.2).numpy())

    @pytest.mark.usefixtures("no_shape_hook")
    def test_compile(self):
        azimuth = torch.linspace(-3, 3, 7, dtype=torch.float64)
        compiled = torch.compile(lambda a: vbap("7.1.4", a, 0.2), fullgraph=True, backend="eager")
        assert_close(compiled(azimuth).numpy(), vbap("7.1.4", azimuth, 0.2).numpy())

    def test_nan_stays_with_its_direction(self, library):
        gains = library.numpy(vbap("cube", library.array(np.array([0.1, np.nan, 0.3])), 0.2))
        assert np.isnan(gains).all(axis=-1).tolist() == [False, True, False]
        assert not np.isnan(gains[[0, 2]]).any()


@pytest.mark.usefixtures("no_shape_hook")
class TestErrors:
    def test_layouts(self):
        with pytest.raises(AmbikitError, match="1 sounding loudspeakers; expected at least 2"):
            vbap(Layout([0.0]), 0)
        with pytest.raises(AmbikitError, match="2 sounding loudspeakers; expected at least 3"):
            vbap(Layout([0, 1], [0.5, 0.5]), 0)
        with pytest.raises(AmbikitError, match="layout='6.1'"):
            vbap("6.1", 0)
        with pytest.raises(AmbikitError, match="type list"):
            vbap([0, 1], 0)

    def test_arguments(self):
        with pytest.raises(AmbikitError, match="imaginary='lose'"):
            vbap("quad", 0, imaginary="lose")
        with pytest.raises(ShapeError, match="broadcast"):
            vbap("quad", [0, 1], [0, 1, 2])
        with pytest.raises(ArrayTypeError, match="one library"):
            vbap("quad", np.zeros(2), torch.zeros(2))
