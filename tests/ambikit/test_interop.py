import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ambikit import encode, interop, rotate, rotation_matrix, vectors_to_angles
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from ambikit.geometry.interop import pose, to_tool
from tests.closeness import assert_close

ANGLE = st.floats(-np.pi, np.pi)
PLACES = {
    "front": [1, 0, 0], "left": [0, 1, 0], "up": [0, 0, 1],
    "back": [-1, 0, 0], "right": [0, -1, 0], "down": [0, 0, -1],
}  # fmt: skip

# What +90° does to sources in front, on the left and above, if yaw takes the front to …, pitch takes the front to …,
# and roll takes the left to ….
QUARTER_TURNS = {
    ("yaw", "left"): {"front": "left", "left": "back", "up": "up"},
    ("yaw", "right"): {"front": "right", "left": "front", "up": "up"},
    ("pitch", "down"): {"front": "down", "left": "left", "up": "front"},
    ("pitch", "up"): {"front": "up", "left": "left", "up": "back"},
    ("roll", "up"): {"front": "front", "left": "up", "up": "right"},
    ("roll", "down"): {"front": "front", "left": "down", "up": "left"},
}
SENSES = {
    "ambikit": ("left", "down", "up"),
    "scipy": ("left", "down", "up"),
    "spharpy": ("left", "down", "up"),
    "iem_roll_pitch_yaw": ("left", "down", "up"),
    "iem_yaw_pitch_roll": ("left", "down", "up"),
    "ambix_roll_pitch_yaw": ("left", "down", "down"),
    "ambix_yaw_pitch_roll": ("left", "down", "down"),
    "politis": ("left", "down", "down"),
    "saf": ("right", "up", "down"),
    "sparta": ("right", "up", "down"),
    "jsambisonics": ("right", "up", "down"),
    "libspatialaudio": ("right", "up", "down"),
    "spaudiopy": ("right", "up", "down"),
    "atk": ("left", "up", "up"),
}
ANGLE_TOOLS = list(SENSES)


def turn(axis, angle):
    return Rotation.from_euler(axis, angle).as_matrix()


def matrix_of(tool, y, p, r):
    """The matrix that moves the sources, as the documents of each tool have it."""
    x, u, z = (lambda a: turn("x", a)), (lambda a: turn("y", a)), (lambda a: turn("z", a))
    return {
        "ambikit": z(y) @ u(p) @ x(r),
        "scipy": Rotation.from_euler("ZYX", [y, p, r]).as_matrix(),
        "spharpy": z(y) @ u(p) @ x(r),
        "iem_roll_pitch_yaw": z(y) @ u(p) @ x(r),
        "iem_yaw_pitch_roll": x(r) @ u(p) @ z(y),
        "ambix_roll_pitch_yaw": z(y) @ u(p) @ x(-r),
        "ambix_yaw_pitch_roll": x(-r) @ u(p) @ z(y),
        "politis": x(-r) @ u(p) @ z(y),
        "saf": x(-r) @ u(-p) @ z(-y),
        "sparta": Rotation.from_euler("ZYX", [y, p, r]).as_matrix().T,
        "jsambisonics": x(-r) @ u(-p) @ z(-y),
        "libspatialaudio": x(-r) @ u(-p) @ z(-y),
        "spaudiopy": z(-y) @ u(-p) @ x(-r),
        "atk": u(-p) @ x(r) @ z(y),
    }[tool]


def plane_wave(vector, order=1):
    return encode(np.ones(1), *vectors_to_angles(np.asarray(vector, float)), order)


def test_every_tool_is_tested():
    assert {*ANGLE_TOOLS, "resonance", "omnitone"} == set(interop.TOOLS)
    assert interop.pose is pose


class TestQuarterTurns:
    @pytest.mark.parametrize("angle", ["yaw", "pitch", "roll"])
    @pytest.mark.parametrize("tool", ANGLE_TOOLS)
    def test_from_the_tool(self, tool, angle, library):
        """A sound field turned by the tool's +90° has its sources where the tool takes them."""
        sense = SENSES[tool][["yaw", "pitch", "roll"].index(angle)]
        for source, goal in QUARTER_TURNS[angle, sense].items():
            quaternion = pose(tool=tool, degrees=True, **{angle: library.array([90.0])})
            turned = rotate(library.array(plane_wave(PLACES[source])), rotation=quaternion)
            assert_close(library.numpy(turned)[0], plane_wave(PLACES[goal]))

    @pytest.mark.parametrize("angle", ["yaw", "pitch", "roll"])
    @pytest.mark.parametrize("tool", ANGLE_TOOLS)
    def test_to_the_tool(self, tool, angle):
        """The rotation that moves all three sources as the tool's +90° does is written as +90° of that angle alone."""
        number = ["yaw", "pitch", "roll"].index(angle)
        moves = QUARTER_TURNS[angle, SENSES[tool][number]]
        columns = np.stack([PLACES[moves[source]] for source in ("front", "left", "up")], axis=-1)
        written = to_tool(Rotation.from_matrix(columns), tool=tool, degrees=True)
        np.testing.assert_allclose(written, np.where(np.arange(3) == number, 90.0, 0.0), atol=1e-12)

    @pytest.mark.parametrize("tool", ["resonance", "omnitone"])
    def test_world_axes(self, tool):
        """About the world's up, right and back by a right-handed quarter: front → left, front → up, left → down."""
        half = np.sqrt(0.5)
        for axis, source, goal in (
            ([0, 1, 0], "front", "left"),
            ([1, 0, 0], "front", "up"),
            ([0, 0, 1], "left", "down"),
        ):
            theirs = np.array([*np.multiply(axis, half), half])
            ours = pose(tool=tool, rotation=theirs)
            assert_close(rotate(plane_wave(PLACES[source]), rotation=ours), plane_wave(PLACES[goal]))
            assert_close(to_tool(ours, tool=tool), theirs)


class TestAnyPose:
    @pytest.mark.parametrize("tool", ANGLE_TOOLS)
    @given(angles=st.tuples(ANGLE, ANGLE, ANGLE))
    def test_the_matrix_of_the_tool(self, tool, angles):
        quaternion = pose(*angles, tool=tool)
        expected = matrix_of(tool, *angles)
        assert np.abs(Rotation.from_quat(quaternion).as_matrix() - expected).max() < 3e-15
        assert np.abs(matrix_of(tool, *to_tool(quaternion, tool=tool)) - expected).max() < 3e-15

    @pytest.mark.parametrize("tool", ANGLE_TOOLS)
    def test_batches(self, tool, library, dtype, rng):
        yaw, pitch, roll = rng.uniform(-1.5, 1.5, (3, 5))
        angles = yaw[:, None], pitch, roll
        quaternions = pose(*(library.array(angle, dtype) for angle in angles), tool=tool)
        assert quaternions.shape == (5, 5, 4)
        written = to_tool(quaternions, tool=tool)
        for angle, there in zip(angles, written):
            assert dtype in str(there.dtype) or library.name == "numpy"
            assert_close(library.numpy(there), np.broadcast_to(angle, (5, 5)), dtype)
        one = pose(yaw[2], pitch[3], roll[3], tool=tool)
        assert_close(library.numpy(quaternions)[2, 3], one, dtype)

    def test_degrees(self):
        assert_close(pose(30, -20, 10, tool="saf", degrees=True), pose(*np.deg2rad([30, -20, 10]), tool="saf"))
        np.testing.assert_allclose(
            to_tool(pose(30, -20, 10, tool="atk", degrees=True), tool="atk", degrees=True), [30, -20, 10], atol=1e-12
        )


class TestTheToolsThemselves:
    @pytest.mark.parametrize("order", [1, 4])
    def test_spaudiopy(self, order, rng):
        spaudiopy = pytest.importorskip("spaudiopy")
        for angles in rng.uniform(-np.pi, np.pi, (5, 3)):
            theirs = np.asarray(spaudiopy.sph.sh_rotation_matrix(order, *angles))
            assert_close(rotation_matrix(rotation=pose(*angles, tool="spaudiopy"), order=order), theirs)
            # and a pose of ours, typed into spaudiopy
            written = to_tool(Rotation.from_euler("ZYX", angles), tool="spaudiopy")
            typed = np.asarray(spaudiopy.sph.sh_rotation_matrix(order, *(float(angle) for angle in written)))
            assert_close(rotation_matrix(*angles, order=order), typed)

    def test_the_published_matrix_of_saf(self):
        published = [
            [0.912317819, -0.334007493, -0.236886452],
            [0.408043823, 0.790002011, 0.457599237],
            [0.034299199, -0.514135992, 0.857022606],
        ]
        quaternion = pose(0.04, 0.54, -0.4, tool="saf")
        assert np.abs(rotation_matrix(rotation=quaternion)[1:, 1:] - published).max() < 1e-9
        np.testing.assert_allclose(to_tool(quaternion, tool="sparta"), [0.04, 0.54, -0.4], atol=1e-15)

    def test_the_published_turns_of_resonance(self):
        """Azimuth 22°, elevation 33°, by a quarter about the world's x (right), y (up) and z (back)."""
        source = encode(np.ones(1), 22, 33, 3, degrees=True)
        for axis, azimuth, elevation in (
            ([1, 0, 0], 150.0217786, 51.0415207),
            ([0, 1, 0], 112.0, 33.0),
            ([0, 0, 1], 35.0077313, -18.3108067),
        ):
            theirs = Rotation.from_rotvec(np.pi / 2 * np.array(axis))
            turned = rotate(source, rotation=pose(tool="resonance", rotation=theirs))
            expected = encode(np.ones(1), azimuth, elevation, 3, degrees=True)
            assert np.abs(turned - expected).max() < 1e-8


class TestGimbalLock:
    @pytest.mark.parametrize("quarter", [90.0, -90.0])
    @pytest.mark.parametrize("tool", ANGLE_TOOLS)
    def test_yaw_has_the_whole_turn(self, tool, quarter, library):
        middle = {"roll" if tool == "atk" else "pitch": library.array([quarter])}
        quaternion = pose(30.0, tool=tool, degrees=True, **middle)
        written = [library.numpy(angle)[0] for angle in to_tool(quaternion, tool=tool, degrees=True)]
        expected = [30.0, 0.0, quarter] if tool == "atk" else [30.0, quarter, 0.0]
        np.testing.assert_allclose(written, expected, atol=1e-6)

    @pytest.mark.parametrize("near", [0.0, 1e-16, 1e-12, 1e-9, 1e-8, 1e-6, 1e-3])
    @pytest.mark.parametrize("tool", ANGLE_TOOLS)
    def test_the_rotation_is_always_the_one_given(self, tool, near, rng):
        for yaw, other in rng.uniform(-np.pi, np.pi, (5, 2)):
            for side in (1, -1):
                quarter = side * (np.pi / 2 - near)
                angles = (yaw, other, quarter) if tool == "atk" else (yaw, quarter, other)
                written = to_tool(pose(*angles, tool=tool), tool=tool)
                assert np.abs(matrix_of(tool, *written) - matrix_of(tool, *angles)).max() < 2e-14

    def test_gradients_stay_finite(self):
        angles = torch.tensor([0.3, np.pi / 2, 0.2], dtype=torch.float64, requires_grad=True)
        sum(to_tool(pose(*angles, tool="saf"), tool="libspatialaudio")).backward()
        assert torch.isfinite(angles.grad).all()


class TestLearning:
    @pytest.mark.parametrize("tool", ["ambikit", "sparta", "atk"])
    def test_gradients(self, tool, rng):
        angles = [torch.tensor(a, requires_grad=True) for a in rng.uniform(-1.3, 1.3, (3, 4))]
        assert torch.autograd.gradcheck(lambda *a: pose(*a, tool=tool), angles)
        assert torch.autograd.gradcheck(lambda *a: to_tool(pose(*a, tool="spaudiopy"), tool=tool), angles)

    def test_compiles(self, no_shape_hook, rng):
        def there_and_back(yaw, pitch):
            return to_tool(pose(yaw, pitch, 0.1, tool="saf"), tool="ambix_yaw_pitch_roll")

        angles = torch.tensor(rng.uniform(-1, 1, (2, 3)))
        compiled = torch.compile(there_and_back, fullgraph=True, backend="eager")
        for ours, plain in zip(compiled(*angles), there_and_back(*angles)):
            torch.testing.assert_close(ours, plain)


class TestErrors:
    def test_an_unknown_tool(self):
        for call in (lambda: pose(1, 2, 3, tool="iem"), lambda: to_tool([0.0, 0, 0, 1], tool="iem")):
            with pytest.raises(AmbikitError, match=r"tool='iem'; expected one of .*'iem_roll_pitch_yaw'"):
                call()

    def test_angles_and_quaternions_are_not_exchanged(self):
        with pytest.raises(AmbikitError, match="got yaw for tool='resonance'; expected a quaternion"):
            pose(0.1, tool="resonance")
        with pytest.raises(AmbikitError, match="got no rotation for tool='omnitone'"):
            pose(tool="omnitone")
        with pytest.raises(AmbikitError, match="got rotation for tool='saf'; expected its yaw, pitch and roll"):
            pose(tool="saf", rotation=[0.0, 0, 0, 1])

    def test_what_is_no_rotation(self):
        with pytest.raises(ShapeError, match=r"shape \(3, 3\)"):
            to_tool(np.eye(3), tool="saf")
        with pytest.raises(AmbikitError, match="length 0"):
            to_tool([0.0, 0, 0, 0], tool="saf")
        with pytest.raises(AmbikitError, match="type str"):
            pose(tool="resonance", rotation="left")

    def test_angles_that_do_not_belong_together(self):
        with pytest.raises(ShapeError, match=r"\(2,\), \(3,\)"):
            pose(np.zeros(2), np.zeros(3), tool="saf")
        with pytest.raises(ArrayTypeError, match="in one call"):
            pose(np.zeros(2), torch.zeros(2), tool="saf")
