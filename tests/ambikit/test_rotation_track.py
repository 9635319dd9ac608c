import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation, Slerp

from ambikit import angles_to_vectors, encode, rotate, rotate_track, rotation_matrix, vectors_to_angles
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from ambikit.geometry.poses import euler_to_quaternion, rotation_to_quaternion, slerp
from ambikit.operators import rotation_samples
from tests.closeness import assert_close
from tests.oracles import turned_sample_by_sample

RATE = 1000
ANGLE = st.floats(-np.pi, np.pi)
FRONT, LEFT, BACK = [1.0, 0, 0, 1], [1.0, 1, 0, 0], [1.0, 0, 0, -1]


def track(count, seed=1):
    """Poses all over the sphere of rotations, with quaternions of random length and sign, and uneven times."""
    generator = np.random.default_rng(seed)
    quaternions = generator.normal(size=(count, 4))
    times = np.sort(generator.uniform(0.005, 0.095, count))
    return quaternions, times


@pytest.fixture
def way(request, monkeypatch):
    """Take the compiled loop, or the formula beside it, and nothing else."""
    if request.param == "formula":
        monkeypatch.setattr(rotation_samples, "_turned_by_loop", lambda *arguments: None)
    else:
        monkeypatch.setattr(rotation_samples, "turned_by_formula", lambda *arguments: pytest.fail("no loop was taken"))


WAYS = pytest.mark.parametrize("way", ["loop", "formula"], indirect=True)


class TestSlerp:
    @pytest.mark.parametrize("turn", [0.0, 1e-9, 1e-4, 0.0099, 0.0101, 0.5, 3.0, np.pi - 1e-9])
    def test_scipy(self, turn, library):
        start = Rotation.from_euler("ZYX", [0.4, -1.0, 2.0])
        end = start * Rotation.from_rotvec(turn * np.array([0.6, 0.0, 0.8]))
        fraction = np.linspace(0, 1, 11)
        expected = Slerp([0, 1], Rotation.concatenate([start, end]))(fraction)
        for sign in (1, -1):
            found = slerp(*(library.array(q) for q in (start.as_quat(), sign * end.as_quat(), fraction)))
            assert_close(Rotation.from_quat(library.numpy(found)).as_matrix(), expected.as_matrix())
            assert_close(np.linalg.norm(library.numpy(found), axis=-1), np.ones(11))

    @pytest.mark.parametrize("turn", [0.0, 1e-5, 0.0099, 0.0101, 1.0, 3.1])
    def test_gradients_also_where_nothing_turns(self, turn):
        start = Rotation.from_euler("ZYX", [0.4, -1.0, 2.0])
        end = start * Rotation.from_rotvec(turn * np.array([0.6, 0.0, 0.8]))
        arguments = [torch.tensor(q, requires_grad=True) for q in (start.as_quat(), end.as_quat())]
        arguments.append(torch.tensor([0.0, 0.3, 1.0], dtype=torch.float64, requires_grad=True))
        assert torch.autograd.gradcheck(slerp, arguments)
        assert torch.autograd.gradgradcheck(slerp, arguments)

    @given(yaw=ANGLE, pitch=ANGLE, roll=ANGLE)
    def test_quaternions_of_angles(self, yaw, pitch, roll):
        ours = euler_to_quaternion(np.array(yaw), np.array(pitch), np.array(roll))
        expected = Rotation.from_euler("ZYX", [yaw, pitch, roll])
        assert_close(Rotation.from_quat(ours).as_matrix(), expected.as_matrix())
        assert_close(rotation_to_quaternion(7 * ours), ours)
        assert_close(rotation_to_quaternion(expected), expected.as_quat())


class TestValues:
    def test_a_turn_to_the_left_by_hand(self, library, dtype):
        signal = library.array(np.outer(FRONT, np.ones(5)), dtype)
        turned = rotate_track(signal, [0, 90, 180], pose_rate=1, sample_rate=2, degrees=True)
        assert turned.dtype == signal.dtype
        half = 0.5**0.5
        expected = [FRONT, [1, half, 0, half], LEFT, [1, half, 0, -half], BACK]
        assert_close(library.numpy(turned).T, np.array(expected), dtype)

    @WAYS
    @pytest.mark.parametrize("order", [0, 1, 2, 4])
    def test_the_slow_loop(self, way, order, library, dtype, rng):
        signal = rng.normal(size=((order + 1) ** 2, 100))
        quaternions, times = track(6)
        expected = turned_sample_by_sample(signal, Rotation.from_quat(quaternions), times, RATE, order)
        turned = rotate_track(
            library.array(signal, dtype), rotation=library.array(quaternions), times=times, sample_rate=RATE
        )
        assert_close(library.numpy(turned), expected, dtype)

    @WAYS
    @pytest.mark.parametrize("order", [1, 3, 7])
    def test_one_pose_per_sample(self, way, order, library, dtype, rng):
        signal, poses = rng.normal(size=((order + 1) ** 2, 40)), Rotation.random(40, random_state=3)
        expected = np.einsum("tij,jt->it", rotation_matrix(rotation=poses, order=order), signal)
        assert_close(library.numpy(rotate_track(library.array(signal, dtype), rotation=poses)), expected, dtype)

    def test_the_short_way(self):
        """From 170° to −170° through the back, not through the front."""
        signal = np.outer(FRONT, np.ones(3))
        turned = rotate_track(signal, [170, -170], pose_rate=1, sample_rate=2, degrees=True)
        assert_close(turned[:, 1], np.array(BACK))

    @pytest.mark.parametrize(("goal", "half_way"), [(180, 1.0), (-180, -1.0)])
    def test_half_a_turn_goes_the_way_it_is_asked_to(self, goal, half_way):
        turned = rotate_track(np.outer(FRONT, np.ones(3)), [0, goal], pose_rate=1, sample_rate=2, degrees=True)
        assert_close(turned[:, 1], np.array([1, half_way, 0, 0]))


class TestMovingSource:
    """A source under a track of poses is a source that moves."""

    @WAYS
    @pytest.mark.parametrize("order", [1, 2, 5])
    def test_at_constant_speed_exactly(self, way, order, library, rng):
        signal = rng.normal(size=200)
        times, yaw = np.array([0.0, 0.05, 0.12, 0.199]), np.array([10.0, 100.0, 60.0, -90.0])
        moving = np.radians(70 + np.interp(np.arange(200) / RATE, times, yaw))
        expected = encode(signal, moving, np.radians(20), order, trajectory=True)
        source = library.array(encode(signal, 70, 20, order, degrees=True))
        turned = rotate_track(source, yaw.tolist(), times=times, sample_rate=RATE, degrees=True)
        assert_close(library.numpy(turned), expected)

    def test_all_angles_by_scipy(self, rng):
        quaternions, times = track(5, seed=8)
        where = Slerp(times, Rotation.from_quat(quaternions))(np.clip(np.arange(100) / RATE, times[0], times[-1]))
        directions = vectors_to_angles(where.apply(angles_to_vectors(0.3, -0.8)))
        signal = rng.normal(size=100)
        turned = rotate_track(encode(signal, 0.3, -0.8, 3), rotation=quaternions, times=times, sample_rate=RATE)
        assert_close(turned, encode(signal, *directions, 3, trajectory=True))

    def test_a_smooth_motion_is_met_to_second_order_in_the_distance_of_poses(self):
        """Sampled 4 times as densely, the error falls by 16; its size is (2π)² h² / 8 radians at most."""
        seconds = np.arange(4800) / 4800
        moving = 0.5 * np.sin(2 * np.pi * seconds)
        source = encode(np.ones(4800), 0.0, 0.0)
        expected = encode(np.ones(4800), moving, 0.0, trajectory=True)
        errors = []
        for poses in (25, 100, 400):
            times = np.arange(poses + 1) / poses
            turned = rotate_track(source, 0.5 * np.sin(2 * np.pi * times), times=times, sample_rate=4800)
            errors.append(np.abs(turned - expected).max())
            assert errors[-1] < 0.5 * (2 * np.pi / poses) ** 2 / 8
        assert errors[0] / errors[1] == pytest.approx(16, rel=0.1)
        assert errors[1] / errors[2] == pytest.approx(16, rel=0.1)


class TestLaws:
    @pytest.mark.parametrize("order", [1, 3])
    @given(yaw=ANGLE, pitch=ANGLE, roll=ANGLE)
    def test_a_track_that_rests_is_rotate(self, order, yaw, pitch, roll):
        signal = np.random.default_rng(4).normal(size=((order + 1) ** 2, 7))
        expected = rotate(signal, yaw, pitch, roll)
        assert_close(rotate_track(signal, np.full(7, yaw), pitch, roll), expected)
        assert_close(rotate_track(signal, [yaw] * 3, pitch, roll, pose_rate=400, sample_rate=RATE), expected)
        assert_close(rotate_track(signal, [yaw], pitch, roll, times=[0.0], sample_rate=RATE), expected)

    def test_before_the_first_and_after_the_last_pose_it_rests(self, library, rng):
        signal = library.array(rng.normal(size=(9, 100)))
        turned = library.numpy(rotate_track(signal, [0.5, 0.7], times=[0.03, 0.05], sample_rate=RATE))
        assert_close(turned[:, :31], library.numpy(rotate(signal, 0.5))[:, :31])
        assert_close(turned[:, 50:], library.numpy(rotate(signal, 0.7))[:, 50:])

    @WAYS
    def test_energy_of_every_degree_at_every_instant_is_kept(self, way, library, dtype, rng):
        signal = library.array(rng.normal(size=(16, 100)), dtype)
        quaternions, times = track(4)
        turned = rotate_track(signal, rotation=library.array(quaternions), times=times, sample_rate=RATE)
        before, after = (library.numpy(x).astype(float) for x in (signal, turned))
        assert np.array_equal(before[0], after[0])
        for n in range(1, 4):
            channels = slice(n * n, (n + 1) ** 2)
            assert_close((after[channels] ** 2).sum(0), (before[channels] ** 2).sum(0), dtype)

    def test_a_fade_of_matrices_loses_what_slerp_keeps(self):
        """Half-way through half a turn, the mean of both matrices has no dipoles; the pose half-way has them all."""
        signal = np.outer(FRONT, np.ones(3))
        faded = (rotation_matrix(0.0) + rotation_matrix(np.pi)) / 2 @ signal[:, 1]
        turned = rotate_track(signal, [0, np.pi], pose_rate=1, sample_rate=2)[:, 1]
        assert np.abs(faded[[1, 3]]).max() < 1e-15
        assert np.hypot(*turned[[1, 3]]) == pytest.approx(1.0, abs=1e-15)

    def test_backwards(self, rng):
        """Sound and track reversed in time give the reversed result."""
        signal, (quaternions, times) = rng.normal(size=(9, 100)), track(5)
        turned = rotate_track(signal, rotation=quaternions, times=times, sample_rate=RATE)
        back = rotate_track(
            signal[:, ::-1], rotation=quaternions[::-1], times=(99 / RATE - times)[::-1], sample_rate=RATE
        )
        assert_close(back[:, ::-1], turned)

    @WAYS
    def test_there_and_back_again(self, way, library, rng):
        signal, (quaternions, times) = library.array(rng.normal(size=(16, 100))), track(5)
        poses = {"rotation": library.array(quaternions), "times": times, "sample_rate": RATE}
        back = rotate_track(rotate_track(signal, **poses), inverse=True, **poses)
        assert_close(library.numpy(back), library.numpy(signal))

    def test_the_inverse_is_that_of_the_rotation(self, rng):
        signal, poses = rng.normal(size=(9, 20)), Rotation.random(20, random_state=6)
        expected = rotate_track(signal, rotation=poses.inv())
        assert_close(rotate_track(signal, rotation=poses, inverse=True), expected)
        angles = poses.as_euler("ZYX").T
        assert_close(rotate_track(signal, *angles, inverse=True), expected)

    def test_signs_and_lengths_of_quaternions_do_not_matter(self, rng):
        signal, (quaternions, times) = rng.normal(size=(9, 100)), track(8)
        scale = rng.choice([-3.0, -1.0, 1e-3, 1.0], size=(8, 1))
        expected = rotate_track(signal, rotation=quaternions, times=times, sample_rate=RATE)
        assert_close(rotate_track(signal, rotation=scale * quaternions, times=times, sample_rate=RATE), expected)

    def test_scale(self, dtype, rng):
        signal = rng.normal(size=(9, 50)).astype(dtype)
        large, small = (rotate_track(signal * dtype_one, np.linspace(0, 3, 50)) for dtype_one in (1.0, 1e-6))
        assert_close(small * 1e6, large, dtype)

    def test_angles_and_quaternions_agree(self, library, rng):
        signal, angles = library.array(rng.normal(size=(9, 30))), rng.uniform(-3, 3, (3, 5))
        quaternions = Rotation.from_euler("ZYX", angles.T).as_quat()
        common = {"pose_rate": 150.0, "sample_rate": RATE}
        one = rotate_track(signal, *(library.array(a) for a in angles), **common)
        assert_close(
            library.numpy(one), library.numpy(rotate_track(signal, rotation=library.array(quaternions), **common))
        )


class TestLoop:
    """The compiled loops work in tiles of 240 and of 496 samples, and prepare 64 intervals of poses together."""

    @pytest.mark.parametrize("order", [1, 2])
    @pytest.mark.parametrize("samples", [1, 239, 240, 241, 496, 1500])
    @pytest.mark.parametrize("poses", [1, 2, 40, 65, 3000])
    def test_equals_the_formula(self, order, samples, poses, dtype, rng):
        signal = rng.normal(size=((order + 1) ** 2, samples)).astype(dtype)
        quaternions = rng.normal(size=(poses, 4))
        times = np.sort(rng.uniform(-0.1, 1.6, poses))
        arguments = {"rotation": quaternions, "times": times, "sample_rate": RATE}
        turned = rotate_track(signal, **arguments)
        expected = rotate_track(torch.tensor(signal, dtype=torch.float64, requires_grad=True), **{
            **arguments, "rotation": torch.tensor(quaternions)
        })  # fmt: skip
        assert_close(turned, expected.detach().numpy(), dtype)

    @pytest.mark.parametrize("turn", [0.0, 1e-300, 1e-160, 1e-12, 1e-6])
    def test_poses_that_hardly_differ(self, turn, rng):
        signal = rng.normal(size=(9, 500))
        turned = rotate_track(signal, [0.0, turn], pitch=0.3, roll=[0.0, -turn], pose_rate=2, sample_rate=RATE)
        assert_close(turned, rotate(signal, 0.0, 0.3), factor=1 + 3 * turn / 1e-12)

    def test_an_hour_of_steps_keeps_its_length(self):
        """Two poses for a whole signal: the steps start anew in each tile, so that rounding does not add up."""
        turned = rotate_track(np.outer(FRONT, np.ones(1_000_000)), [0, 3], pose_rate=1, sample_rate=999_999)
        angle = np.linspace(0, 3, 1_000_000)
        assert np.abs(turned[[3, 1]] - [np.cos(angle), np.sin(angle)]).max() < 1e-12


class TestManyPoses:
    """A quaternion of any length for each of many samples."""

    @pytest.mark.parametrize("order", [1, 3])
    @pytest.mark.parametrize("poses", ["float32", "float64"])
    def test_scipy(self, order, poses, library, dtype, rng):
        quaternions = rng.normal(size=(1000, 4)) * 10.0 ** rng.uniform(-9, 9, (1000, 1))
        where = Rotation.from_quat(quaternions).apply(angles_to_vectors(0.4, 1.0))
        sound = rng.normal(size=1000)
        signal = library.array(encode(sound, 0.4, 1.0, order), dtype)
        turned = library.numpy(rotate_track(signal, rotation=library.array(quaternions, poses)))
        expected = encode(sound, *vectors_to_angles(where), order, trajectory=True)
        assert_close(turned, expected, "float32" if "float32" in (dtype, poses) else "float64")

    @pytest.mark.parametrize("clock", [{}, {"pose_rate": RATE, "sample_rate": RATE}])
    @pytest.mark.parametrize("order", [1, 2])
    def test_one_of_length_0_is_refused_and_in_tensors_not_judged(self, order, clock, rng):
        signal, quaternions = rng.normal(size=((order + 1) ** 2, 1000)), rng.normal(size=(1000, 4))
        quaternions[777] = 0
        with pytest.raises(AmbikitError, match="length 0"):
            rotate_track(signal, rotation=quaternions, **clock)
        turned = rotate_track(torch.tensor(signal), rotation=torch.tensor(quaternions), **clock).numpy()
        assert np.isnan(turned[1:, 777]).all()
        assert np.isfinite(turned[:, :776]).all()
        assert np.isfinite(turned[0]).all()

    @pytest.mark.parametrize("order", [1, 3])
    def test_nan_stays_where_it_is(self, order, rng):
        quaternions = rng.normal(size=(1000, 4))
        quaternions[5, 2] = np.nan
        turned = rotate_track(np.ones(((order + 1) ** 2, 1000)), rotation=quaternions)
        assert np.flatnonzero(np.isnan(turned[1:]).any(0)).tolist() == [5]

    @pytest.mark.parametrize("tilt", [0.0, 1e-200, 1e-160, 1e-30, 1e-9])
    def test_heads_that_hardly_tilt(self, tilt, dtype, rng):
        """Where the axes of the sphere and of a pose nearly meet, their angles are lost and the rotation is not."""
        signal = rng.normal(size=(25, 60)).astype(dtype)
        for pitch in (tilt, np.pi + tilt):
            turned = rotate_track(signal, np.linspace(0, 3, 60), pitch=np.full(60, pitch))
            matrices = rotation_matrix(np.linspace(0, 3, 60), pitch, order=4)
            assert_close(turned, np.einsum("tij,jt->it", matrices, signal.astype(float)), dtype)


class TestOut:
    @pytest.mark.parametrize("order", [0, 1, 3])
    def test_given_memory_and_in_place(self, order, library, dtype, rng):
        signal, (quaternions, times) = rng.normal(size=(2, (order + 1) ** 2, 700)), track(5)
        arguments = {"rotation": library.array(quaternions), "times": times, "sample_rate": RATE}
        given = library.array(signal, dtype)
        expected = library.numpy(rotate_track(given, **arguments)).copy()
        target = library.array(np.zeros_like(signal), dtype)
        assert rotate_track(given, out=target, **arguments) is target
        assert np.array_equal(library.numpy(target), expected)
        assert rotate_track(given, out=given, **arguments) is given
        assert np.array_equal(library.numpy(given), expected)

    def test_memory_that_overlaps_or_has_gaps(self, rng):
        store, yaw = rng.normal(size=(4, 600)), np.linspace(0, 3, 300)
        signal = store[:, :300].copy()
        expected = rotate_track(signal, yaw)
        rotate_track(store[:, :300], yaw, out=store[:, 100:400])
        assert_close(store[:, 100:400], expected)
        wide = np.zeros((4, 600), np.float64)
        rotate_track(signal, yaw, out=wide[:, ::2])
        assert np.array_equal(wide[:, ::2], expected)
        assert not wide[:, 1::2].any()

    @pytest.mark.parametrize("name", ["float16", "bfloat16"])
    def test_half_precision(self, name, rng):
        signal = torch.tensor(rng.normal(size=(4, 50))).to(getattr(torch, name))
        expected = rotate_track(signal, torch.linspace(0, 1, 50))
        assert torch.equal(rotate_track(signal, torch.linspace(0, 1, 50), out=torch.zeros_like(signal)), expected)

    @pytest.mark.usefixtures("no_shape_hook")
    def test_what_is_refused(self):
        signal, yaw = np.zeros((4, 8)), np.zeros(8)
        with pytest.raises(ShapeError, match=r"out of shape \(4, 7\)"):
            rotate_track(signal, yaw, out=np.zeros((4, 7)))
        with pytest.raises(ArrayTypeError, match="float32"):
            rotate_track(signal, yaw, out=np.zeros((4, 8), np.float32))
        tensor = torch.zeros(4, 8)
        with pytest.raises(AmbikitError, match="gradient"):
            rotate_track(tensor, torch.zeros(8, requires_grad=True), out=torch.zeros(4, 8))


class TestBroadcasting:
    @WAYS
    @pytest.mark.parametrize("order", [1, 2])
    def test_clips_by_tracks(self, way, order, library, rng):
        signal, yaw = rng.normal(size=(2, 1, (order + 1) ** 2, 50)), rng.uniform(-3, 3, (2, 3, 4))
        common = {"pitch": 0.3, "pose_rate": 70.0, "sample_rate": RATE}
        turned = library.numpy(rotate_track(library.array(signal), library.array(yaw), **common))
        assert turned.shape == (2, 3, (order + 1) ** 2, 50)
        for n in range(2):
            for k in range(3):
                assert_close(turned[n, k], rotate_track(signal[n, 0], yaw[n, k], **common))

    @pytest.mark.parametrize(("batch", "poses"), [((), (5,)), ((5,), ()), ((1,), (5,)), ((2, 5), (5,)), ((5,), (2, 1))])
    def test_any_batch(self, batch, poses, library, rng):
        signal, yaw = rng.normal(size=(*batch, 9, 20)), rng.uniform(-3, 3, (*poses, 20))
        turned = library.numpy(rotate_track(library.array(signal), library.array(yaw), 0.2))
        expected = np.einsum("...tij,...jt->...it", rotation_matrix(yaw, 0.2, order=2), signal)
        assert_close(turned, expected)

    def test_an_empty_batch(self, library):
        assert rotate_track(library.array(np.zeros((0, 4, 5))), [0.1, 0.2], pose_rate=1, sample_rate=2).shape == (
            0,
            4,
            5,
        )

    def test_views_of_memory(self, library, rng):
        """Strided memory gives what contiguous memory gives."""
        store, yaw = library.array(rng.normal(size=(9, 80))), np.linspace(0, 2, 40)
        turned = rotate_track(store[:, ::2], library.array(yaw))
        assert_close(library.numpy(turned), rotate_track(library.numpy(store)[:, ::2].copy(), yaw))


class TestBackends:
    @pytest.mark.parametrize("name", ["float16", "bfloat16"])
    def test_half_precision_comes_back_in_its_own_dtype(self, name, rng):
        signal, yaw = torch.tensor(rng.normal(size=(9, 20))).to(getattr(torch, name)), np.linspace(0, 3, 20).tolist()
        turned = rotate_track(signal, yaw, 0.3)
        assert turned.dtype == signal.dtype
        assert_close(turned.double().numpy(), rotate_track(signal.double().numpy(), yaw, 0.3), name)

    def test_long_signals_in_single_precision_keep_their_clock(self):
        """The position of a sample is known in double precision: no jitter after minutes."""
        yaw = torch.linspace(0, 600, 601)  # radians: one per second
        signal = torch.tensor(FRONT)[:, None].expand(4, 600_001).contiguous()
        turned = rotate_track(signal, yaw, pose_rate=1.0, sample_rate=1000)
        expected = encode(np.ones(1001), np.linspace(599, 600, 1001), 0.0, trajectory=True)
        assert np.abs(turned[:, -1001:].numpy() - expected).max() < 1e-4  # of the yaw itself, 600 in float32

    @pytest.mark.parametrize("order", [1, 2])
    def test_gradients_to_signal_and_poses(self, order, rng):
        signal = torch.tensor(rng.normal(size=((order + 1) ** 2, 7)), requires_grad=True)
        angles = torch.tensor(rng.uniform(-3, 3, (3, 3)), requires_grad=True)
        quaternions = torch.tensor(rng.normal(size=(3, 4)), requires_grad=True)
        common = {"pose_rate": 300.0, "sample_rate": RATE}
        check = torch.autograd.gradcheck
        assert check(lambda s, a: rotate_track(s, *a, **common), (signal, angles))
        assert check(lambda s, q: rotate_track(s, rotation=q, inverse=True, **common), (signal, quaternions))

    @pytest.mark.parametrize("pose", [[0, 0, 0], [0.7, 0, 0], [np.pi, 0, 0], [0, np.pi, 0], [0, 0, np.pi], [0, 0.7, 0]])
    def test_gradients_where_angles_are_not_defined(self, pose, rng):
        """Upright and upside-down heads, and tracks that rest, have the gradients of rotate."""
        signal = torch.tensor(rng.normal(size=(9, 4)))
        resting = torch.tensor(pose, dtype=torch.float64)[:, None].repeat(1, 2).requires_grad_()
        assert torch.autograd.gradcheck(
            lambda a: rotate_track(signal, *a, pose_rate=300.0, sample_rate=RATE), (resting,)
        )
        turned = rotate_track(signal, *resting, pose_rate=300.0, sample_rate=RATE)
        weights = torch.tensor(rng.normal(size=(9, 4)))
        (slope,) = torch.autograd.grad((weights * turned).sum(), resting)
        still = torch.tensor(pose, dtype=torch.float64, requires_grad=True)
        (expected,) = torch.autograd.grad((weights * rotate(signal, *still)).sum(), still)
        assert_close(slope.sum(-1).numpy(), expected.numpy(), factor=10)

    def test_times_may_be_a_tensor(self, rng):
        signal, (quaternions, times) = rng.normal(size=(9, 100)), track(5)
        expected = rotate_track(signal, rotation=quaternions, times=times, sample_rate=RATE)
        turned = rotate_track(
            torch.tensor(signal), rotation=torch.tensor(quaternions), times=torch.tensor(times), sample_rate=RATE
        )
        assert_close(turned.numpy(), expected)

    @WAYS
    @pytest.mark.parametrize("wrong", [[0.0, 0.05, 0.05], [0.0, np.nan, 0.05], [0.05, 0.02, 0.0], [np.nan] * 3])
    def test_times_in_a_tensor_are_not_judged_and_do_no_harm(self, way, wrong, rng):
        signal = torch.tensor(rng.normal(size=(9, 100)))
        turned = rotate_track(signal, torch.zeros(3), times=torch.tensor(wrong), sample_rate=RATE)
        assert turned.shape == signal.shape
        assert torch.equal(turned[0], signal[0])
        known = ~torch.isnan(turned)
        assert_close(turned[known].numpy(), signal[known].numpy())

    @pytest.mark.usefixtures("no_shape_hook")
    @pytest.mark.parametrize(
        "function",
        [
            lambda s, a: rotate_track(s, a, 0.2, pose_rate=300.0, sample_rate=RATE),
            lambda s, a: rotate_track(s, a, times=[0.0, 0.001, 0.004], sample_rate=RATE, inverse=True),
            lambda s, a: rotate_track(
                s, rotation=a[:, None] * torch.ones(4), times=a.abs().cumsum(0), sample_rate=RATE
            ),
        ],
        ids=["rate", "times", "tensors"],
    )
    def test_compile(self, function, rng):
        signal, yaw = torch.tensor(rng.normal(size=(9, 8))), torch.tensor([0.1, 0.7, 2.0], dtype=torch.float64)
        compiled = torch.compile(function, fullgraph=True, backend="eager")
        assert_close(compiled(signal, yaw).numpy(), function(signal, yaw).numpy())

    def test_vmap(self, rng):
        signal, yaw = torch.tensor(rng.normal(size=(3, 9, 6))), torch.tensor(rng.uniform(-3, 3, (3, 6)))
        found = torch.vmap(lambda s, a: rotate_track(s, a, 0.1))(signal, yaw)
        assert_close(found.numpy(), rotate_track(signal, yaw, 0.1).numpy())

    @WAYS
    def test_nan_stays_in_its_degree_and_sample(self, way, library):
        signal = np.ones((9, 6))
        signal[3, 2] = np.nan
        expected = np.zeros((9, 6), bool)
        expected[1:4, 2] = True
        for order_three in (False, True):
            if order_three:
                signal, expected = np.ones((16, 6)), np.zeros((16, 6), bool)
                signal[12, 4], expected[9:, 4] = np.nan, True
            turned = rotate_track(library.array(signal), np.linspace(0.1, 2, 6).tolist(), 0.3, 0.1)
            assert np.array_equal(np.isnan(library.numpy(turned)), expected)

    def test_silence_gives_silence_and_finite_gradients(self):
        yaw = torch.zeros(3, requires_grad=True)
        turned = rotate_track(torch.zeros(9, 3), yaw)
        turned.sum().backward()
        assert not turned.any()
        assert not yaw.grad.any()


@pytest.mark.usefixtures("no_shape_hook")
class TestErrors:
    def test_the_clock(self):
        signal = np.zeros((4, 8))
        for arguments, error, words in (
            ({}, ShapeError, "3 poses for 8 samples.*pose_rate"),
            ({"pose_rate": 10}, AmbikitError, "without sample_rate"),
            ({"pose_rate": 0, "sample_rate": 8}, AmbikitError, "pose_rate=0"),
            ({"pose_rate": 1, "times": [0, 1, 2], "sample_rate": 8}, AmbikitError, "both times and pose_rate"),
            ({"times": [0, 1], "sample_rate": 8}, ShapeError, r"\(2,\) for 3 poses"),
            ({"times": [0, 2, 1], "sample_rate": 8}, AmbikitError, "do not increase"),
            ({"times": [0, np.nan, 1], "sample_rate": 8}, AmbikitError, "do not increase"),
            ({"times": [0, 1, 2], "sample_rate": -8}, AmbikitError, "sample_rate=-8"),
        ):
            with pytest.raises(error, match=words):
                rotate_track(signal, [0.1, 0.2, 0.3], **arguments)

    def test_poses(self):
        signal = np.zeros((4, 8))
        with pytest.raises(ShapeError, match="single numbers.*ambikit.rotate"):
            rotate_track(signal, 0.3)
        for single in (Rotation.identity(), [0, 0, 0, 1.0]):
            with pytest.raises(ShapeError, match="a single rotation"):
                rotate_track(signal, rotation=single)
        with pytest.raises(AmbikitError, match="both yaw and rotation"):
            rotate_track(signal, [0.1] * 8, rotation=np.ones((8, 4)))
        with pytest.raises(AmbikitError, match="length 0"):
            rotate_track(signal, rotation=np.zeros((8, 4)))
        with pytest.raises(ShapeError, match="four numbers"):
            rotate_track(signal, rotation=np.ones((8, 3)))
        with pytest.raises(ShapeError, match=r"\(2,\), \(3,\)"):
            rotate_track(np.zeros((2, 4, 8)), np.zeros((3, 8)))

    def test_signals(self):
        with pytest.raises(ShapeError, match="5 channels"):
            rotate_track(np.zeros((5, 8)), [0.1] * 8)
        with pytest.raises(ArrayTypeError, match="int16"):
            rotate_track(np.zeros((4, 8), np.int16), [0.1] * 8)
        with pytest.raises(ArrayTypeError, match="complex"):
            rotate_track(np.zeros((4, 8), complex), [0.1] * 8)
        with pytest.raises(ArrayTypeError, match="one library"):
            rotate_track(np.zeros((4, 8)), torch.zeros(8))
        with pytest.raises(ArrayTypeError, match="one library"):
            rotate_track(torch.zeros(4, 8), rotation=np.ones((8, 4)))
