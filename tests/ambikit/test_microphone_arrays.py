import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ambikit import AmbikitError, MicrophoneArray, ShapeError, fibonacci_grid, microphone_response
from ambikit import spherical_head_response as head_response
from ambikit.errors import ArrayTypeError
from ambikit.operators.microphones.radial import limited_inverse, radial_functions, soft_inverse
from tests.closeness import assert_close

THIRD = 1 / np.sqrt(3)


class TestNamed:
    @pytest.mark.parametrize(
        ("name", "capsules", "order"),
        [("tetrahedron", 4, 1), ("ambeo_vr", 4, 1), ("tetramic", 4, 1), ("sps200", 4, 1), ("h3_vr", 4, 1),
         ("zm1", 19, 3), ("em32", 32, 4), ("em64", 64, 7)],
    )  # fmt: skip
    def test_capsules_and_order(self, name, capsules, order):
        array = MicrophoneArray.named(name)
        assert (len(array), array.order, array.name) == (capsules, order, name)
        assert array.baffle == ("open" if capsules == 4 else "rigid")

    def test_they_are_all_tried(self):
        assert set(MicrophoneArray.names()) == {
            "tetrahedron", "ambeo_vr", "tetramic", "sps200", "h3_vr", "zm1", "em32", "em64"
        }  # fmt: skip

    def test_the_eigenmike_is_an_icosahedron_and_a_dodecahedron(self):
        """32 faces of a truncated icosahedron; the table is in whole degrees."""
        vectors = MicrophoneArray.named("em32").vectors
        angles = np.degrees(np.arccos(np.clip(vectors @ vectors.T, -1, 1))) + 999 * np.eye(32)
        nearest = np.sort(angles, axis=1)
        golden = (1 + np.sqrt(5)) / 2
        corner_to_face = np.degrees(np.arctan(2 / golden**2))  # 37.38°: from a face of a body to the middle of an edge
        assert abs(nearest[:, 0] - corner_to_face).max() < 1.5
        pentagons = nearest[:, 4] < 40  # five or six neighbours at this angle, all but for the twelve
        assert pentagons.sum() == 12
        assert abs(angles[~pentagons][:, ~pentagons].min(axis=1) - 41.81).max() < 1.5

    @pytest.mark.parametrize("name", ["em64", "zm1"])
    def test_spheres_are_covered_evenly(self, name):
        """The table knows no wrong sign: every direction is near a capsule, and no two capsules are neighbours."""
        vectors = MicrophoneArray.named(name).vectors
        count = len(vectors)
        angles = np.arccos(np.clip(vectors @ vectors.T, -1, 1)) + 9 * np.eye(count)
        spacing = np.sqrt(8 * np.pi / np.sqrt(3) / count)  # of a hexagonal grid of as many points
        assert angles.min() > 0.75 * spacing
        from ambikit import angles_to_vectors

        holes = np.arccos(np.clip((angles_to_vectors(*fibonacci_grid(4000)) @ vectors.T).max(1), -1, 1))
        assert holes.max() < 0.85 * spacing


class TestTetrahedra:
    @pytest.mark.parametrize(
        ("names", "vectors"),
        [
            ("FLU FRD BLD BRU", [[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]),
            ("FLD FRU BLU BRD", [[1, 1, -1], [1, -1, 1], [-1, 1, 1], [-1, -1, -1]]),
            ("BRU BLD FRD FLU", [[-1, -1, 1], [-1, 1, -1], [1, -1, -1], [1, 1, 1]]),
            ("FL FR BU BD", [[1, 2**0.5, 0], [1, -(2**0.5), 0], [-1, 0, 2**0.5], [-1, 0, -(2**0.5)]]),
            ("FU FD BL BR", [[1, 0, 2**0.5], [1, 0, -(2**0.5)], [-1, 2**0.5, 0], [-1, -(2**0.5), 0]]),
        ],
    )
    def test_names_are_places(self, names, vectors):
        array = MicrophoneArray.tetrahedron(names)
        assert array.labels == tuple(names.split())
        assert_close(array.vectors, np.array(vectors) * THIRD)

    @pytest.mark.parametrize(
        "names", ["FLU FRD BLD BLU", "FLU FRD BLD", "FLU FRU BLU BRU", "FLU FRD BLD XYZ", "FF BB LL RR", "F B L R"]
    )
    def test_names_that_are_none(self, names):
        with pytest.raises(AmbikitError, match="FLU FRD BLD BRU"):
            MicrophoneArray.tetrahedron(names)


class TestArray:
    def test_turned_capsules_hear_turned_waves(self):
        pose = Rotation.from_euler("ZYX", [40, -20, 75], degrees=True)
        azimuth, elevation = fibonacci_grid(9)
        array = MicrophoneArray.named("zm1")
        turned = pose.apply(np.stack([np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation),
                                      np.sin(elevation)], -1))  # fmt: skip
        expected = microphone_response(array, azimuth, elevation, [2000.0])
        for posed in (array.turned(40, -20, 75, degrees=True), array.turned(rotation=pose)):
            got = microphone_response(posed, np.arctan2(turned[:, 1], turned[:, 0]), np.arcsin(turned[:, 2]), [2000.0])
            assert_close(got, expected, factor=10)
            assert posed.labels == array.labels

    def test_aliasing_frequency(self):
        array = MicrophoneArray.named("em32")
        assert array.aliasing_frequency(2, speed_of_sound=340.0) == pytest.approx(340 * 2 / (2 * np.pi * 0.042))

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (([0, 1], [0, 0], 0.0), "radius=0.0"),
            (([0, 1], [0, 0], np.nan), "radius=nan"),
            (([0, 1], [0, 0], 0.1, "soft"), "baffle='soft'"),
            (([0, 1], [0, 0], 0.1, "rigid", 0.5), "rigid wall"),
            (([0, 1], [0, 0], 0.1, "open", 1.5), "pattern=1.5"),
            (([0, np.inf], [0, 0], 0.1), "not finite"),
            (([0, 0], [0, 0], 0.1), "in one place"),
        ],
    )
    def test_bad_arrays(self, arguments, message):
        with pytest.raises(AmbikitError, match=message):
            MicrophoneArray(*arguments)

    def test_bad_shapes_and_names(self):
        with pytest.raises(ShapeError, match="one of each per capsule"):
            MicrophoneArray([[0.0]], [[0.0]], 0.1)
        with pytest.raises(ShapeError, match="2 labels"):
            MicrophoneArray([0, 1, 2], 0, 0.1, labels=["a", "b"])
        with pytest.raises(AmbikitError, match="one name"):
            MicrophoneArray([0, 1], 0, 0.1, labels=["a", "a"])
        with pytest.raises(AmbikitError, match="'em32'"):
            MicrophoneArray.named("em33")

    def test_what_is_no_array(self, no_shape_hook):
        with pytest.raises(ArrayTypeError, match="name of a known one"):
            microphone_response(32, 0, 0, [1.0])


# from mpmath import mp, mpf, mpc, besselj, bessely, sqrt, pi; mp.dps = 40
# def j(n, x): return sqrt(pi / (2 * x)) * besselj(n + mpf(1) / 2, x)
# def y(n, x): return sqrt(pi / (2 * x)) * bessely(n + mpf(1) / 2, x)
# def d(f, n, x): return n / x * f(n, x) - f(n + 1, x)
# def open_(n, x, a): return mpc(0, 1) ** n * (a * j(n, x) - mpc(0, 1) * (1 - a) * d(j, n, x))
# def rigid(n, x):  # incident and scattered wave
#     h, dh = j(n, x) - mpc(0, 1) * y(n, x), d(j, n, x) - mpc(0, 1) * d(y, n, x)
#     return mpc(0, 1) ** n * (j(n, x) - d(j, n, x) / dh * h)
# n, x, open_(n, x, 1), open_(n, x, 0.5), rigid(n, x)
LITERALS = [
    (0, 0.1, 0.9983341664682815, 0.4991670832341408 + 0.016650005951278784j,
     0.9950371355868401 + 0.00032970308814413434j),
    (1, 0.1, 0.03330001190255757j, 0.16616696420856505 + 0.016650005951278784j,
     8.30814050691558e-06 + 0.04999937432145789j),
    (3, 0.5, -0.0011740354438675572j, -0.003489411528526477 - 0.0005870177219337786j,
     -7.386834881746206e-09 - 0.002057633858752275j),
    (2, 2.0, -0.19844794905714658, -0.09922397452857329 + 0.06886292569713587j,
     -0.32230878185467954 + 0.059157412679418736j),
    (7, 2.0, -5.6096557033489484e-05j, -9.482737264668309e-05 - 2.8048278516744742e-05j,
     -8.438223852829482e-12 - 0.00010546628992645537j),
    (5, 9.5, -0.013688737180120973j, -0.04652896855509115 - 0.0068443685900604866j,
     -0.11035548883246946 - 0.03100973752219148j),
    (40, 18.0, 3.4051618686890072e-12, 1.7025809343445036e-12 - 3.3956089820961427e-12j, 6.740329111854826e-12),
    (60, 20.0, 2.6297222685310065e-24, 1.3148611342655033e-24 - 3.7249183715359736e-24j, 5.219349240702763e-24),
]  # fmt: skip


class TestRadialFunctions:
    @pytest.mark.parametrize(("n", "x", "omni", "cardioid", "rigid"), LITERALS)
    def test_forty_digits(self, n, x, omni, cardioid, rigid):
        kr = np.array([x])
        for expected, build in ((omni, ("open", 1.0)), (cardioid, ("open", 0.5)), (rigid, ("rigid", 1.0))):
            assert_close(radial_functions(kr, n, *build)[n], np.array([expected]), factor=10)

    @pytest.mark.parametrize("build", [("open", 1.0), ("open", 0.5), ("rigid", 1.0)])
    def test_the_longest_waves_and_the_highest_degrees(self, build):
        functions = radial_functions(np.array([0.0, 1e-12, 1e-3, 1.0]), 300, *build)
        assert np.isfinite(functions).all()
        assert_close(functions[:2, 0], [build[1], (1 - build[1]) / 3])
        assert_close(functions[:, 1], functions[:, 0], factor=10)
        assert (functions[2:, 0] == 0).all()

    def test_limits_of_the_inverse(self):
        functions = radial_functions(np.geomspace(1e-4, 20, 500), 4, "rigid")
        largest = np.array([2.0, 10.0, 31.6, 10.0, 5.0])
        for inverse in (limited_inverse, soft_inverse):
            filters = inverse(functions, largest)
            assert (abs(filters) <= largest[:, None] * (1 + 1e-12)).all()
            assert (abs(np.angle(filters * functions)) < 1e-9).all()
            exact = inverse(functions[:, 450:], np.full(5, 1e8)) * functions[:, 450:]  # hardly a need to limit
            assert abs(exact - 1).max() < 1e-10
        assert abs(soft_inverse(np.zeros((1, 1), complex), largest[:1])).item() == 0


class TestResponse:
    frequency = np.array([0.0, 1e-3, 20, 1000, 8000, 24000, 48000])

    def test_rigid_sphere_against_the_spherical_head(self):
        """Another series by other recurrences: that of Duda and Martens."""
        azimuth = np.linspace(-180, 180, 37)[:, None]
        elevation = np.array([-80.0, 0, 25])
        array = MicrophoneArray([90, -90], 0, 0.0875, "rigid", degrees=True)
        got = microphone_response(array, azimuth, elevation, self.frequency, degrees=True)
        assert_close(got, head_response(azimuth, elevation, self.frequency, degrees=True))

    def test_pressure_is_doubled_in_front_and_there_is_a_bright_spot_behind(self):
        array = MicrophoneArray([0], 0, 1.0, "rigid")
        front = abs(microphone_response(array, 0, 0, [1.0, 20000]))[0]
        assert front[0] == pytest.approx(1, abs=1e-3)
        assert front[1] == pytest.approx(2, abs=1e-3)
        behind = abs(microphone_response(array, np.radians(np.arange(150, 181)), 0, [500.0]))[:, 0, 0]
        assert behind[-1] == behind.max()
        assert behind[-1] > 2 * behind[:-5].min()

    @pytest.mark.parametrize("pattern", [1.0, 0.5, 0.0, 0.3])
    def test_open_capsules_against_the_series(self, pattern):
        """The closed form is the sum of the radial functions."""
        array = MicrophoneArray([0.0, 1.0, -2.0], [0.3, -1.2, 0.1], 0.05, "open", pattern)
        azimuth, elevation = fibonacci_grid(20)
        got = microphone_response(array, azimuth, elevation, self.frequency)
        from ambikit import angles_to_vectors

        cosines = angles_to_vectors(azimuth, elevation) @ array.vectors.T
        kr = 2 * np.pi * 0.05 / 343 * self.frequency
        terms = (2 * np.arange(100)[:, None] + 1) * radial_functions(kr, 99, "open", pattern)
        assert_close(got, np.polynomial.legendre.legvander(cosines, 99) @ terms, factor=100)

    def test_near_capsules_hear_it_earlier(self):
        array = MicrophoneArray([90, -90], 0, 0.1, degrees=True)
        left, right = np.unwrap(np.angle(microphone_response(array, np.pi / 2, 0, np.arange(1000.0))))
        assert left[-1] == pytest.approx(2 * np.pi * 999 * 0.1 / 343)
        assert right[-1] == pytest.approx(-left[-1])

    def test_shapes(self):
        assert microphone_response("em32", np.zeros((2, 1)), np.zeros(3), [1.0, 2.0]).shape == (2, 3, 32, 2)

    def test_errors(self):
        with pytest.raises(ShapeError, match="one axis"):
            microphone_response("em32", 0, 0, 1000.0)
        with pytest.raises(AmbikitError, match="negative or infinite"):
            microphone_response("em32", 0, 0, [-1.0])
        with pytest.raises(AmbikitError, match="speed_of_sound=0"):
            microphone_response("em32", 0, 0, [1.0], speed_of_sound=0)
