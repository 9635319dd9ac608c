import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ambikit import align, angles_to_vectors, angular_distance, encode, rotate, rotation_matrix, vectors_to_angles
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from ambikit.operators.rotation_blocks import rotation_blocks
from tests.closeness import assert_close
from tests.oracles import rotation_by_least_squares

ANGLE = st.floats(-np.pi, np.pi)
FRONT, LEFT, UP = [1.0, 0, 0, 1], [1.0, 1, 0, 0], [1.0, 0, 1, 0]
BACK, RIGHT, DOWN = [1.0, 0, 0, -1], [1.0, -1, 0, 0], [1.0, 0, -1, 0]


def plane_waves(directions, order):
    """Unit plane waves from unit vectors ``(..., 3)``: (..., channels, 1)."""
    azimuth, elevation = vectors_to_angles(directions)
    return encode(np.ones(1), azimuth, elevation, order)


class TestQuarterTurns:
    @pytest.mark.parametrize(
        ("pose", "front", "left", "up"),
        [
            ({"yaw": 90}, LEFT, BACK, UP),
            ({"pitch": 90}, DOWN, LEFT, FRONT),
            ({"roll": 90}, FRONT, UP, RIGHT),
            ({"yaw": -90}, RIGHT, FRONT, UP),
            ({"pitch": -90}, UP, LEFT, BACK),
            ({"roll": -90}, FRONT, DOWN, LEFT),
        ],
        ids=["yaw", "pitch", "roll", "-yaw", "-pitch", "-roll"],
    )
    def test_where_front_left_and_up_go(self, pose, front, left, up, library, dtype):
        sources = np.array([FRONT, LEFT, UP])[..., None]
        turned = library.numpy(rotate(library.array(sources, dtype), degrees=True, **pose))
        assert_close(turned[..., 0], np.array([front, left, up]), dtype)

    @pytest.mark.parametrize("order", [1, 2, 3, 7])
    def test_at_every_order(self, order):
        sources = np.eye(3)
        for pose, goals in (
            ({"yaw": 90}, [[0, 1, 0], [-1, 0, 0], [0, 0, 1]]),
            ({"pitch": 90}, [[0, 0, -1], [0, 1, 0], [1, 0, 0]]),
            ({"roll": 90}, [[1, 0, 0], [0, 0, 1], [0, -1, 0]]),
        ):
            turned = rotate(plane_waves(sources, order), degrees=True, **pose)
            assert_close(turned, plane_waves(np.array(goals, float), order))

    def test_the_order_of_the_angles(self):
        """Roll first, then pitch, then yaw: the left goes up, then to the front, then to the left again."""
        turned = rotate(np.array(LEFT)[:, None], 90, 90, 90, degrees=True)
        assert_close(turned[:, 0], np.array(LEFT))


class TestIndependentImplementations:
    def test_the_published_test_matrix_of_another_library(self):
        """First-order block for yaw .04, pitch .54, roll −.4 in its own convention, Rx(−r) Ry(−p) Rz(−y)."""
        published = [
            [0.912317819, -0.334007493, -0.236886452],
            [0.408043823, 0.790002011, 0.457599237],
            [0.034299199, -0.514135992, 0.857022606],
        ]
        ours = rotation_matrix(rotation=Rotation.from_euler("ZYX", [0.04, 0.54, -0.4]).inv())
        assert np.abs(ours[1:, 1:] - published).max() < 1e-9

    def test_published_turns_of_one_source(self):
        """Azimuth 22°, elevation 33°, turned by a quarter about −y, +z and −x."""
        source = encode(np.ones(1), 22, 33, 3, degrees=True)
        for axis, azimuth, elevation in (
            ([0, -1, 0], 150.0217786, 51.0415207),
            ([0, 0, 1], 112.0, 33.0),
            ([-1, 0, 0], 35.0077313, -18.3108067),
        ):
            turned = rotate(source, rotation=Rotation.from_rotvec(np.pi / 2 * np.array(axis)))
            expected = encode(np.ones(1), azimuth, elevation, 3, degrees=True)
            assert np.abs(turned - expected).max() < 1e-8

    @pytest.mark.parametrize("order", [1, 3, 6])
    def test_least_squares_on_many_directions(self, order):
        turn = Rotation.from_euler("ZYX", [0.7, -1.1, 2.3])
        assert_close(rotation_matrix(0.7, -1.1, 2.3, order=order), rotation_by_least_squares(turn.as_matrix(), order))

    @pytest.mark.parametrize("order", [1, 4, 10])
    def test_spaudiopy_under_its_own_signs(self, order):
        spaudiopy = pytest.importorskip("spaudiopy")
        theirs = spaudiopy.sph.sh_rotation_matrix(order, -0.7, 1.1, -2.3)
        assert_close(rotation_matrix(0.7, -1.1, 2.3, order=order), np.asarray(theirs))

    def test_closed_forms(self):
        """The m = 0 entry is P_n(cos of the tilt); yaw turns each pair ±m like a clock hand, m times as fast."""
        from scipy.special import eval_legendre

        tilt, yaw = 0.83, 0.61
        for n, block in enumerate(rotation_blocks(Rotation.from_euler("y", tilt).as_matrix(), 12)):
            assert block[n, n] == pytest.approx(eval_legendre(n, np.cos(tilt)), abs=1e-13)
        for n, block in enumerate(rotation_blocks(Rotation.from_euler("z", yaw).as_matrix(), 6)):
            m = np.arange(-n, n + 1)
            expected = np.diag(np.cos(m * yaw))
            expected[np.arange(2 * n + 1), 2 * n - np.arange(2 * n + 1)] -= np.sin(m * yaw)
            assert_close(block, expected)


class TestKeystone:
    """Turning a sound is the same as placing it in the turned direction."""

    @pytest.mark.parametrize("order", range(1, 8))
    @given(yaw=ANGLE, pitch=ANGLE, roll=ANGLE, azimuth=ANGLE, elevation=st.floats(-np.pi / 2, np.pi / 2))
    def test_rotate_then_encode(self, order, yaw, pitch, roll, azimuth, elevation):
        signal = np.array([0.7, -0.4, 1.0])
        there = Rotation.from_euler("ZYX", [yaw, pitch, roll]).apply(angles_to_vectors(azimuth, elevation))
        expected = encode(signal, *vectors_to_angles(there), order)
        for name, limit in (("float64", 1e-12), ("float32", 1e-6)):
            placed = encode(signal.astype(name), azimuth, elevation, order)
            for sound in (placed, torch.from_numpy(placed)):
                turned = np.asarray(rotate(sound, yaw, pitch, roll))
                assert turned.dtype == name
                assert np.abs(turned - expected).max() <= limit

    @pytest.mark.parametrize("order", range(1, 8))
    def test_batches_of_sources_and_poses(self, order, library, rng):
        directions = rng.normal(size=(6, 3))
        directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
        angles = rng.uniform(-np.pi, np.pi, (3, 6))
        sources = library.array(plane_waves(directions, order))
        goal = plane_waves(Rotation.from_euler("ZYX", angles.T).apply(directions), order)
        assert_close(library.numpy(rotate(sources, *(library.array(a) for a in angles))), goal)
        quaternions = Rotation.from_euler("ZYX", angles.T).as_quat()
        assert_close(library.numpy(rotate(sources, rotation=library.array(quaternions))), goal)
        assert_close(library.numpy(rotate(sources, rotation=Rotation.from_quat(quaternions))), goal)


class TestLaws:
    @given(first=st.tuples(ANGLE, ANGLE, ANGLE), second=st.tuples(ANGLE, ANGLE, ANGLE))
    def test_rotations_compose_and_invert(self, first, second):
        a, b = Rotation.from_euler("ZYX", first), Rotation.from_euler("ZYX", second)
        one, two, both = (rotation_matrix(rotation=r, order=4) for r in (a, b, a * b))
        assert_close(one @ two, both)
        assert_close(rotation_matrix(rotation=a.inv(), order=4), one.T)

    @given(pose=st.tuples(ANGLE, ANGLE, ANGLE))
    def test_orthogonal_with_determinant_one_and_block_diagonal(self, pose):
        matrix = rotation_matrix(*pose, order=5)
        assert_close(matrix @ matrix.T, np.eye(36))
        n = np.repeat(np.arange(6), 2 * np.arange(6) + 1)
        assert not matrix[n[:, None] != n].any()
        for k in range(6):
            assert np.linalg.det(matrix[k * k : (k + 1) ** 2, k * k : (k + 1) ** 2]) == pytest.approx(1.0)

    def test_order_20_is_orthogonal(self):
        matrix = rotation_matrix(0.7, 1.1, -2.3, order=20)
        assert np.abs(matrix @ matrix.T - np.eye(441)).max() < 1e-10

    @given(pose=st.tuples(ANGLE, ANGLE, ANGLE))
    def test_energy_of_every_degree_is_kept(self, pose):
        signal = np.random.default_rng(3).normal(size=(16, 5))
        turned = rotate(signal, *pose)
        for n in range(4):
            channels = slice(n * n, (n + 1) ** 2)
            assert_close((turned[channels] ** 2).sum(0), (signal[channels] ** 2).sum(0))

    def test_rotate_is_the_matrix(self, library, dtype, rng):
        signal = rng.normal(size=(2, 3, 25, 7))
        turned = library.numpy(rotate(library.array(signal, dtype), 0.4, -0.2, 1.0))
        assert_close(turned, rotation_matrix(0.4, -0.2, 1.0, order=4) @ signal, dtype)

    def test_no_turn_changes_nothing(self, library, dtype, rng):
        signal = library.array(rng.normal(size=(16, 9)), dtype)
        for turned in (rotate(signal), rotate(signal, 0, 0, 0), rotate(signal, rotation=Rotation.identity())):
            assert_close(library.numpy(turned), library.numpy(signal), dtype)

    def test_w_is_copied_bit_for_bit(self, library, rng):
        signal = rng.normal(size=(9, 50))
        assert np.array_equal(library.numpy(rotate(library.array(signal), 1, 2, 3))[0], signal[0])

    def test_scale(self, library, dtype, rng):
        signal = library.array(rng.normal(size=(9, 50)), dtype)
        small, large = library.numpy(rotate(signal * 1e-6, 1, 2, 3)), library.numpy(rotate(signal, 1, 2, 3))
        assert_close(small * 1e6, large, dtype)

    def test_quaternions_may_have_any_length_and_sign(self):
        quaternion = np.array([0.1, -0.5, 0.3, 0.8])
        expected = rotation_matrix(rotation=Rotation.from_quat(quaternion), order=2)
        for scale in (1.0, -1.0, 1e-3, 40.0):
            assert_close(rotation_matrix(rotation=scale * quaternion, order=2), expected)


class TestAlign:
    @given(azimuth=ANGLE, elevation=st.floats(-np.pi / 2, np.pi / 2), order=st.integers(1, 7))
    def test_every_direction_comes_to_the_front(self, azimuth, elevation, order):
        wave = encode(np.ones(1), azimuth, elevation, order)
        front = encode(np.ones(1), 0.0, 0.0, order)
        assert_close(align(wave, azimuth, elevation), front)
        assert_close(align(wave, azimuth, elevation)[:4, 0], np.array(FRONT))

    def test_both_libraries(self, library, dtype):
        wave = encode(library.array(np.ones(1), dtype), 120, 45, 3, degrees=True)
        assert_close(library.numpy(align(wave, 120, 45, degrees=True)), encode(np.ones(1), 0, 0, 3), dtype)

    def test_the_horizon_stays_level(self):
        """Looking to the left, what was in front is on the right, and what was behind on the left."""
        waves = encode(np.ones(1), [0, 180, 90], [0, 0, 90], degrees=True)
        seen = align(waves, 90, 0, degrees=True)[..., 0]
        assert_close(seen, np.array([RIGHT, LEFT, UP]))

    def test_it_is_the_inverse_of_the_rotation_that_moves_the_front_there(self, rng):
        signal = rng.normal(size=(9, 4))
        assert_close(align(rotate(signal, yaw=2.0, pitch=-0.5), 2.0, 0.5), signal)

    def test_the_published_order_of_the_two_turns_misses(self):
        """Pitch before yaw leaves a source at azimuth 120°, elevation 45° some 66° beside the front."""
        wave = encode(np.ones(1), 120, 45, degrees=True)
        wrong = rotate(rotate(wave, pitch=45, degrees=True), yaw=-120, degrees=True)
        right = rotate(rotate(wave, yaw=-120, degrees=True), pitch=45, degrees=True)
        misses = [
            angular_distance(*vectors_to_angles(w[[3, 1, 2], 0], degrees=True), 0, 0, degrees=True)
            for w in (wrong, right)
        ]
        assert misses[0] == pytest.approx(66.1, abs=0.05)
        assert misses[1] == pytest.approx(0.0, abs=1e-5)
        assert_close(right, align(wave, 120, 45, degrees=True))


class TestBroadcasting:
    def test_clips_by_viewpoints(self, library, rng):
        signal, yaw, pitch = rng.normal(size=(2, 1, 9, 6)), rng.uniform(-3, 3, (2, 3)), rng.uniform(-1, 1, (2, 3))
        turned = library.numpy(rotate(library.array(signal), library.array(yaw), library.array(pitch)))
        aligned = library.numpy(align(library.array(signal), library.array(yaw), library.array(pitch)))
        assert turned.shape == aligned.shape == (2, 3, 9, 6)
        for n in range(2):
            for k in range(3):
                assert_close(turned[n, k], rotate(signal[n, 0], yaw[n, k], pitch[n, k]))
                assert_close(aligned[n, k], align(signal[n, 0], yaw[n, k], pitch[n, k]))

    @pytest.mark.parametrize(
        ("batch", "poses"), [((), (5,)), ((5,), ()), ((5,), (5,)), ((1,), (5,)), ((2, 5), (5,)), ((5,), (2, 1))]
    )
    def test_any_batch(self, batch, poses, library, rng):
        signal, yaw = rng.normal(size=(*batch, 9, 4)), rng.uniform(-3, 3, poses)
        turned = library.numpy(rotate(library.array(signal), library.array(yaw), 0.2))
        assert_close(turned, rotation_matrix(yaw, 0.2, order=2) @ signal)

    def test_an_empty_batch_and_order_zero(self, library):
        for name in ("float32", "complex64"):
            assert rotate(library.array(np.zeros((0, 4, 5), name)), 0.3).shape == (0, 4, 5)
        mono = library.array(np.ones((1, 3)))
        assert np.array_equal(library.numpy(rotate(mono, library.array(np.array([0.3, 0.4])))), np.ones((2, 1, 3)))

    def test_a_single_instant(self, library, rng):
        signal = rng.normal(size=(5, 9))
        turned = library.numpy(rotate(library.array(signal), 0.3, 0.2, axis=-1))
        assert_close(turned, signal @ rotation_matrix(0.3, 0.2, order=2).T)


class TestSpectra:
    @pytest.mark.parametrize("name", ["complex64", "complex128"])
    def test_a_complex_spectrum(self, name, library, rng):
        spectrum = (rng.normal(size=(2, 16, 5, 7)) + 1j * rng.normal(size=(2, 16, 5, 7))).astype(name)
        yaw = np.array([0.3, -1.2])
        turned = rotate(library.array(spectrum), library.array(yaw), 0.4, axis=-3)
        assert turned.dtype == library.array(spectrum).dtype
        expected = np.einsum("bij,bjft->bift", rotation_matrix(yaw, 0.4, order=3), spectrum)
        assert_close(library.numpy(turned), expected, {"complex64": "float32", "complex128": "float64"}[name])

    def test_conjugate_and_strided_views(self, library, rng):
        spectrum = rng.normal(size=(4, 5, 6)) + 1j * rng.normal(size=(4, 5, 6))
        x = library.array(spectrum)
        expected = rotate(spectrum, 0.4, 0.1, axis=-3)
        assert_close(library.numpy(rotate(x.conj(), 0.4, 0.1, axis=-3)), expected.conj())
        assert_close(library.numpy(rotate(x[..., ::2], 0.4, 0.1, axis=-3)), expected[..., ::2])
        turned = rotate(x.swapaxes(-1, -2), 0.4, 0.1, axis=-3)
        assert_close(library.numpy(turned), expected.swapaxes(-1, -2))


class TestOut:
    @pytest.mark.parametrize("order", [1, 3])
    def test_a_given_array_and_in_place(self, order, library, dtype, rng):
        signal = library.array(rng.normal(size=(2, (order + 1) ** 2, 5000)), dtype)
        expected = library.numpy(rotate(signal, 0.3, 0.2, 0.1))
        out = signal * 0
        assert rotate(signal, 0.3, 0.2, 0.1, out=out) is out
        assert np.array_equal(library.numpy(out), expected)
        assert rotate(signal, 0.3, 0.2, 0.1, out=signal) is signal
        assert_close(library.numpy(signal), expected, dtype)

    def test_many_poses_into_a_given_array(self, library, rng):
        signal, yaw = library.array(rng.normal(size=(2, 1, 9, 50))), library.array(rng.uniform(-3, 3, (2, 3)))
        out = library.array(np.zeros((2, 3, 9, 50)))
        rotate(signal, yaw, 0.2, out=out)
        assert_close(library.numpy(out), library.numpy(rotate(signal, yaw, 0.2)))

    def test_in_place_over_many_tiles(self, library, rng):
        signal = library.array(rng.normal(size=(4, 200_000)))
        expected = library.numpy(rotate(signal, 0.3, 0.2, 0.1))
        rotate(signal, 0.3, 0.2, 0.1, out=signal)
        assert_close(library.numpy(signal), expected)

    def test_a_spectrum_in_place(self, library, rng):
        spectrum = library.array(rng.normal(size=(9, 6, 5)) + 1j * rng.normal(size=(9, 6, 5)))
        expected = library.numpy(rotate(spectrum, 0.3, 0.2, 0.1, axis=-3))
        assert rotate(spectrum, 0.3, 0.2, 0.1, axis=-3, out=spectrum) is spectrum
        assert_close(library.numpy(spectrum), expected)

    def test_memory_that_overlaps_in_another_way(self, library, rng):
        store = library.array(rng.normal(size=(4, 120)))
        expected = library.numpy(rotate(store[:, :100], 0.3, 0.2, 0.1))
        rotate(store[:, :100], 0.3, 0.2, 0.1, out=store[:, 20:])
        assert_close(library.numpy(store[:, 20:]), expected)

    def test_memory_that_cannot_be_seen_as_columns(self, library, rng):
        spectrum = library.array(rng.normal(size=(4, 6, 5)) + 1j * rng.normal(size=(4, 6, 5)))
        expected = library.numpy(rotate(spectrum, 0.3, axis=-3))
        out = library.array(np.zeros((4, 5, 6), complex)).swapaxes(-1, -2)
        assert rotate(spectrum, 0.3, axis=-3, out=out) is out
        assert_close(library.numpy(out), expected)

    def test_into_half_precision(self, library, rng):
        signal = library.array(rng.normal(size=(4, 50)), "float16")
        expected = library.numpy(rotate(signal, 0.3, 0.2))
        assert rotate(signal, 0.3, 0.2, out=signal) is signal
        assert np.array_equal(library.numpy(signal), expected)

    def test_align_takes_it_too(self, library, rng):
        signal = library.array(rng.normal(size=(9, 50)))
        expected = library.numpy(align(signal, 0.3, 0.2))
        assert align(signal, 0.3, 0.2, out=signal) is signal
        assert_close(library.numpy(signal), expected)


class TestBackends:
    def test_the_libraries_agree(self, dtype, rng):
        signal, pose = rng.normal(size=(3, 16, 20)).astype(dtype), rng.uniform(-3, 3, (3, 3))
        tensor = rotate(torch.from_numpy(signal), *torch.from_numpy(pose))
        assert_close(tensor.numpy(), rotate(signal, *pose), dtype)

    @pytest.mark.parametrize("name", ["float16", "bfloat16"])
    def test_half_precision_comes_back_in_its_own_dtype(self, name, rng):
        signal = torch.tensor(rng.normal(size=(9, 6))).to(getattr(torch, name))
        turned = rotate(signal, 0.7, 0.4, 0.1)
        assert turned.dtype == signal.dtype
        assert_close(turned.double().numpy(), rotate(signal.double().numpy(), 0.7, 0.4, 0.1), name)

    def test_dtypes_of_the_matrix(self):
        assert rotation_matrix(0.1).dtype == np.float64
        assert rotation_matrix(np.float32(0.1)).dtype == np.float64
        assert rotation_matrix(torch.tensor(0.1), 0.2, order=3).dtype == torch.float32
        assert rotation_matrix(rotation=torch.ones(4, dtype=torch.float16)).dtype == torch.float32

    def test_a_pose_in_single_precision_does_not_spoil_a_double_signal(self, rng):
        signal, yaw = torch.tensor(rng.normal(size=(16, 6))), torch.tensor(0.7)
        assert_close(rotate(signal, yaw).numpy(), rotate(signal.numpy(), float(yaw)))
        quaternion = torch.tensor([0.1, -0.5, 0.3, 0.8])
        expected = rotate(signal.numpy(), rotation=quaternion.double().numpy())
        assert_close(rotate(signal, rotation=quaternion).numpy(), expected)

    def test_gradients_to_signal_and_pose(self, rng):
        signal = torch.tensor(rng.normal(size=(2, 9, 3)), requires_grad=True)
        angles = torch.tensor(rng.uniform(-3, 3, (3, 2)), requires_grad=True)
        quaternion = torch.tensor(rng.normal(size=(2, 4)), requires_grad=True)
        check = torch.autograd.gradcheck
        assert check(lambda s, a: rotate(s, a[0], a[1], a[2]), (signal, angles), check_forward_ad=True)
        assert check(lambda s, q: rotate(s, rotation=q), (signal, quaternion))
        assert check(lambda s, a: align(s, a[0], a[1]), (signal, angles))
        assert check(lambda a: rotation_matrix(a[0], a[1], a[2], order=4), (angles,))

    def test_gradients_through_a_spectrum(self, rng):
        spectrum = torch.tensor(rng.normal(size=(4, 2, 3)) + 1j * rng.normal(size=(4, 2, 3)), requires_grad=True)
        yaw = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda s, a: rotate(s, a, 0.2, axis=-3), (spectrum, yaw))

    def test_the_slope_of_a_turn_by_hand(self):
        """A source in front that starts to turn left: Y rises with slope 1; that starts to nod: Z falls."""
        pose = torch.zeros(3, dtype=torch.float64, requires_grad=True)
        front = torch.tensor(FRONT, dtype=torch.float64)[:, None]
        slope = torch.func.jacrev(lambda p: rotate(front, p[0], p[1], p[2])[:, 0])(pose.detach())
        assert_close(slope.numpy(), np.array([[0, 0, 0], [1, 0, 0], [0, -1, 0], [0, 0, 0]], float))

    def test_broadcast_gradients_need_no_copy_per_view(self, rng):
        """The tall product that serves K views of one clip has the gradients of the plain one."""
        signal = torch.tensor(rng.normal(size=(2, 1, 9, 3)), requires_grad=True)
        yaw = torch.tensor(rng.uniform(-3, 3, (2, 4)), requires_grad=True)
        assert torch.autograd.gradcheck(lambda s, a: rotate(s, a, 0.3), (signal, yaw))

    def test_vmap(self, rng):
        signal, yaw = torch.tensor(rng.normal(size=(3, 9, 4))), torch.tensor(rng.uniform(-3, 3, 3))
        assert_close(torch.vmap(lambda s, a: rotate(s, a, 0.1))(signal, yaw).numpy(), rotate(signal, yaw, 0.1).numpy())
        matrices = torch.vmap(lambda a: rotation_matrix(a, order=2))(yaw)
        assert_close(matrices.numpy(), rotation_matrix(yaw, order=2).numpy())

    @pytest.mark.usefixtures("no_shape_hook")
    @pytest.mark.parametrize(
        "function",
        [
            lambda s, a, q: rotate(s, a, 0.2, a),
            lambda s, a, q: rotate(s, 0.3, 0.2, 0.1),
            lambda s, a, q: rotate(s, rotation=q),
            lambda s, a, q: align(s, a, 0.2),
            lambda s, a, q: align(s, 100, 20, degrees=True),
            lambda s, a, q: rotation_matrix(a.double(), order=4),
            lambda s, a, q: rotate(torch.complex(s, -s)[..., None], a, axis=-3).imag,
        ],
        ids=["angles", "numbers", "quaternions", "align", "align degrees", "matrix", "spectrum"],
    )
    def test_compile(self, function, rng):
        arguments = torch.tensor(rng.normal(size=(2, 16, 6))), torch.tensor([0.3, 2.0]), torch.randn(2, 4).double()
        compiled = torch.compile(function, fullgraph=True, backend="eager")
        assert_close(compiled(*arguments).numpy(), function(*arguments).numpy())

    @pytest.mark.usefixtures("no_shape_hook")
    def test_compile_over_orders_and_lengths(self, rng):
        compiled = torch.compile(lambda s, a: rotate(s, a), fullgraph=True, backend="eager")
        for channels, time, yaw in ((16, 7, 0.1), (9, 8, 0.2), (4, 9, 0.3)):
            signal = torch.tensor(rng.normal(size=(channels, time)))
            assert_close(compiled(signal, yaw).numpy(), rotate(signal, yaw).numpy())

    def test_nan_stays_in_its_degree_and_sample(self, library):
        signal = np.ones((9, 6))
        signal[3, 2] = np.nan
        turned = np.isnan(library.numpy(rotate(library.array(signal), 0.3, 0.2, 0.1)))
        expected = np.zeros((9, 6), bool)
        expected[1:4, 2] = True
        assert np.array_equal(turned, expected)
        signal = torch.tensor(signal, requires_grad=True)  # the same on the way that keeps gradients
        assert np.array_equal(torch.isnan(rotate(signal, 0.3, 0.2, 0.1)).numpy(), expected)

    def test_silence_gives_silence_and_finite_gradients(self):
        yaw = torch.tensor(0.3, requires_grad=True)
        turned = rotate(torch.zeros(9, 4), yaw, 0.2)
        turned.sum().backward()
        assert not turned.any()
        assert yaw.grad == 0

    def test_the_zero_rotation_of_a_tensor_is_nan(self):
        assert torch.isnan(rotate(torch.ones(4, 1), rotation=torch.zeros(4))[1:]).all()


@pytest.mark.usefixtures("no_shape_hook")
class TestErrors:
    def test_channels_and_time(self):
        with pytest.raises(ShapeError, match=r"5 channels on axis -2.*\(5, 8\)"):
            rotate(np.zeros((5, 8)))
        with pytest.raises(ShapeError, match="empty"):
            align(np.zeros((4, 0)), 0, 0)
        with pytest.raises(ArrayTypeError, match="32768"):
            rotate(np.zeros((4, 8), np.int16))

    def test_batches_that_do_not_broadcast(self):
        with pytest.raises(ShapeError, match=r"\(2,\), \(3,\)"):
            rotate(np.zeros((2, 4, 8)), np.zeros(3))
        with pytest.raises(ShapeError, match=r"\(2,\), \(3,\)"):
            rotate(np.zeros((4, 8)), np.zeros(2), np.zeros(3))

    def test_angles_and_rotation_together(self):
        with pytest.raises(AmbikitError, match="both pitch and rotation"):
            rotate(np.zeros((4, 8)), pitch=0.1, rotation=[0, 0, 0, 1])
        with pytest.raises(AmbikitError, match="both yaw and rotation"):
            rotation_matrix(torch.zeros(2), rotation=torch.ones(4))

    def test_what_is_no_rotation(self):
        for wrong in (np.eye(3), np.zeros(3), np.array(1.0)):
            with pytest.raises(ShapeError, match=r"Rotation.from_matrix"):
                rotate(np.zeros((4, 8)), rotation=wrong)
        with pytest.raises(AmbikitError, match="type str.*quaternions"):
            rotate(np.zeros((4, 8)), rotation="left")
        with pytest.raises(AmbikitError, match="length 0"):
            rotate(np.zeros((4, 8)), rotation=np.zeros(4))

    def test_order(self):
        with pytest.raises(AmbikitError, match="order=1.5"):
            rotation_matrix(order=1.5)

    def test_mixed_libraries(self):
        for call in (
            lambda: rotate(np.zeros((4, 8)), torch.tensor(0.1)),
            lambda: rotate(torch.zeros(4, 8), np.zeros(1)),
            lambda: rotate(torch.zeros(4, 8), rotation=np.ones(4)),
            lambda: rotate(np.zeros((4, 8)), rotation=torch.ones(4)),
            lambda: align(np.zeros((4, 8)), torch.tensor(0.1), 0),
            lambda: rotation_matrix(np.zeros(2), torch.zeros(2)),
            lambda: rotate(torch.zeros(4, 8), out=np.zeros((4, 8))),
        ):
            with pytest.raises(ArrayTypeError, match="one library"):
                call()

    def test_out_that_does_not_fit(self):
        with pytest.raises(ShapeError, match=r"\(4, 7\).*\(4, 8\)"):
            rotate(np.zeros((4, 8)), out=np.zeros((4, 7)))
        with pytest.raises(ArrayTypeError, match="float32.*float64"):
            rotate(np.zeros((4, 8)), out=np.zeros((4, 8), np.float32))
        with pytest.raises(AmbikitError, match="read-only"):
            rotate(np.zeros((4, 8)), out=np.broadcast_to(np.zeros(8), (4, 8)))
        with pytest.raises(ArrayTypeError, match="out as list.*expected an array"):
            rotate(np.zeros((4, 8)), out=[0.0])

    def test_out_where_a_gradient_is_needed(self):
        signal = torch.zeros(4, 8)
        yaw = torch.tensor(0.1, requires_grad=True)
        with pytest.raises(AmbikitError, match="no_grad"):
            rotate(signal, yaw, out=signal)
        with torch.no_grad():
            rotate(signal, yaw, out=signal)


def test_out_may_overlap_the_signal_as_tensors_over_one_numpy_array():
    memory = np.random.default_rng(3).standard_normal(4 * 10 + 7)
    signal, out = torch.from_numpy(memory[:40]).reshape(4, 10), torch.from_numpy(memory[7:]).reshape(4, 10)
    expected = rotate(signal.clone(), 0.3, 0.2, 0.1)
    assert_close(rotate(signal, 0.3, 0.2, 0.1, out=out), expected)
