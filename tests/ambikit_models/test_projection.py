import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from ambikit_models.media import read_frames
from ambikit_models.panorama import crop
from ambikit_models.panorama.sampling import is_bytes
from tests.closeness import assert_close

DIRECTIONS = [
    (0, 0), (45, 10), (135, -20), (-45, 30), (-135, -40), (180, 0), (-180, 5), (90, 60),
    (0, 90), (120, 88), (-77, -90), (30, -87), (179.7, 1), (-179.9, -70),
]  # fmt: skip


def directions_of_pixels(width, height):
    """Unit vectors of the pixel centres: front in the middle, left in the left half, up at the top."""
    azimuth = math.pi * (1 - (2 * np.arange(width) + 1) / width)
    elevation = math.pi / 2 * (1 - (2 * np.arange(height) + 1) / height)[:, None]
    ones = np.ones((height, width))
    return np.stack(
        [np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation) * ones], -1
    )


def scene(vectors):
    """A smooth coloured sky without any symmetry."""
    x, y, z = np.moveaxis(np.asarray(vectors), -1, 0)
    return np.stack([0.5 + 0.3 * x + 0.1 * y * z, 0.5 + 0.4 * y - 0.1 * x * y, 0.4 + 0.3 * z + 0.2 * x * y], -1)


def camera(azimuth, elevation, field_of_view, size):
    """Gnomonic rays a second way: a camera that looks to the front is turned up, then to the left. Degrees."""
    extent = math.tan(math.radians(field_of_view) / 2)
    steps = extent * ((size - 1) / 2 - np.arange(size)) * 2 / size
    left, up = np.meshgrid(steps, steps)
    rays = np.stack([np.ones_like(left), left, up], -1).reshape(-1, 3)
    turned = Rotation.from_euler("ZYX", [azimuth, -elevation, 0], degrees=True).apply(rays)
    return (turned / np.linalg.norm(turned, axis=1, keepdims=True)).reshape(size, size, 3)


def dot(azimuth, elevation, width=360, height=180, radius=2.5):
    """A frame that is black but for a white disc around a direction, degrees."""
    toward = camera(azimuth, elevation, 10, 1)[0, 0]
    near = directions_of_pixels(width, height) @ toward > math.cos(math.radians(radius))
    return np.repeat(near[..., None], 3, axis=-1).astype(np.float32)[None]


def centre_of_mass(picture):
    """(row, column) of the light, in [-1, 1] from the top and from the left."""
    light = picture[..., 0].astype(float)
    steps = (np.arange(len(light)) + 0.5) / len(light) * 2 - 1
    return light.sum(axis=1) @ steps / light.sum(), light.sum(axis=0) @ steps / light.sum()


class TestGeometry:
    @pytest.mark.parametrize("library", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
    @pytest.mark.parametrize("kind", ["uint8", "float32", "float64"])
    def test_a_view_towards_nan_is_empty(self, library, kind):
        frames = library(np.full((1, 64, 127, 3), 200, kind))
        view = np.asarray(crop(frames, 0.0, np.nan, field_of_view=1.0, size=16))
        assert (view == 0).all() if kind == "uint8" else np.isnan(view).all()

    @pytest.mark.parametrize("direction", DIRECTIONS)
    def test_a_smooth_sky_is_seen_as_it_is(self, direction, library):
        frames = library.array(scene(directions_of_pixels(512, 256))[None])
        view = library.numpy(crop(frames, *direction, field_of_view=70, size=48, degrees=True))[0]
        expected = scene(camera(*direction, 70, 48))
        assert np.abs(view - expected).max() < 3e-4  # the bend of the sky between two pixels

    @pytest.mark.parametrize("direction", DIRECTIONS)
    def test_a_dot_in_the_direction_is_in_the_middle(self, direction):
        view = crop(dot(*direction), *direction, field_of_view=40, size=64, degrees=True)[0]
        assert view.max() > 0.9
        assert np.abs(centre_of_mass(view)).max() < 0.02

    @pytest.mark.parametrize("direction", [(0, 0), (100, 30), (178, 0), (-178, -30), (-90, 50)])
    def test_left_is_left_and_up_is_up(self, direction):
        azimuth, elevation = direction
        left = crop(dot(azimuth + 10, elevation), azimuth, elevation, field_of_view=60, size=64, degrees=True)[0]
        up = crop(dot(azimuth, elevation + 10), azimuth, elevation, field_of_view=60, size=64, degrees=True)[0]
        assert centre_of_mass(left)[1] < -0.15
        assert centre_of_mass(up)[0] == pytest.approx(
            -math.tan(math.radians(10)) / math.tan(math.radians(30)), abs=0.02
        )
        assert abs(centre_of_mass(up)[1]) < 0.02

    @pytest.mark.parametrize("field_of_view", [25, 60, 90, 130])
    def test_the_field_of_view_is_exact(self, field_of_view):
        edge = 10.0
        frames = np.zeros((1, 720, 1440, 3), np.float32)
        frames[:, :, : 720 - 40] = 1.0  # everything to the left of 10 degrees
        view = crop(frames, 0, 0, field_of_view=field_of_view, size=100, degrees=True)[0]
        share = 0.5 * (1 - math.tan(math.radians(edge)) / math.tan(math.radians(field_of_view) / 2))
        assert view[49:51, :, 0].mean() == pytest.approx(share, abs=2e-3)

    def test_straight_lines_stay_straight(self):
        """The horizon seen from 30 degrees above is a great circle: level, where other projections bend it."""
        above = (directions_of_pixels(720, 360)[..., 2:] > 0).astype(np.float32)
        view = crop(np.repeat(above, 3, -1)[None], 0, 30, field_of_view=90, size=90, degrees=True)[0, :, :, 0]
        levels = view.sum(axis=0)
        assert np.ptp(levels) < 0.05
        assert levels.mean() == pytest.approx(45 * (1 + math.tan(math.radians(30))), abs=0.5)

    def test_peer_with_its_own_pixel_grid(self):
        """py360convert puts the outer pixel centres on the edges and half a pixel elsewhere: loosely the same."""
        e2p = pytest.importorskip("py360convert").e2p
        frames = (255 * scene(directions_of_pixels(512, 256))).astype(np.uint8)
        for azimuth, elevation in [(0, 0), (70, 20), (-130, -50)]:
            peer = e2p(frames, 80, -azimuth, elevation, (64, 64))
            ours = crop(frames[None], azimuth, elevation, field_of_view=80, size=64, degrees=True)[0]
            assert np.abs(ours.astype(int) - peer.astype(int)).max() <= 5
            wrong = crop(frames[None], -azimuth, elevation, field_of_view=80, size=64, degrees=True)[0]
            assert azimuth == 0 or np.abs(wrong.astype(int) - peer.astype(int)).max() > 20


class TestAntialiasing:
    def test_fine_stripes_become_grey(self, library):
        frames = np.zeros((1, 480, 960, 3), np.uint8)
        frames[:, :, ::2] = 200
        smooth = library.numpy(crop(library.array(frames), 20, 0, field_of_view=80, size=64, degrees=True))
        coarse = library.numpy(
            crop(library.array(frames), 20, 0, field_of_view=80, size=64, degrees=True, antialias=False)
        )
        assert np.abs(smooth.astype(int) - 100).max() <= 2
        assert np.abs(coarse.astype(int) - 100).max() >= 80

    def test_an_enlarged_view_is_left_alone(self, rng):
        frames = rng.integers(0, 256, (1, 60, 120, 3), dtype=np.uint8)
        options = {"field_of_view": 40, "size": 64, "degrees": True}
        np.testing.assert_array_equal(crop(frames, 30, 9, **options), crop(frames, 30, 9, antialias=False, **options))

    @pytest.mark.parametrize("shape", [(120, 240), (121, 241), (90, 160)])
    def test_any_size_of_frame(self, shape):
        height, width = shape
        frames = scene(directions_of_pixels(width, height))[None]
        view = crop(frames, -60, 25, field_of_view=100, size=12, degrees=True)[0]
        assert np.abs(view - scene(camera(-60, 25, 100, 12))).max() < 0.01

    def test_a_wide_and_a_narrow_view_each_get_their_own(self, rng, library):
        frames = library.array(rng.integers(0, 256, (2, 96, 192, 3), dtype=np.uint8))
        fields = [[100.0, 20.0, 100.0, 50.0, 3.0]]
        options = {"size": 16, "degrees": True}
        together = library.numpy(crop(frames, [[0, 40, 80, 120, 160]], 10, field_of_view=fields, **options))
        for view, (azimuth, field) in enumerate(zip([0, 40, 80, 120, 160], fields[0])):
            alone = library.numpy(crop(frames, azimuth, 10, field_of_view=float(field), **options))
            np.testing.assert_array_equal(together[:, view], alone)


class TestShapes:
    @pytest.fixture
    def frames(self, rng):
        return rng.random((3, 40, 80, 3)).astype(np.float32)

    def test_one_view_of_every_frame(self, frames):
        views = crop(frames, 0.3, 0.2, field_of_view=1.0, size=8)
        assert views.shape == (3, 8, 8, 3)
        for n in range(3):
            np.testing.assert_array_equal(views[n], crop(frames[n : n + 1], 0.3, 0.2, field_of_view=1.0, size=8)[0])

    def test_its_own_view_for_every_frame(self, frames):
        azimuth, elevation = np.array([0.0, 2.0, -3.0]), np.array([0.1, -0.9, 1.5])
        views = crop(frames, azimuth, elevation, field_of_view=0.4, size=5)
        for n in range(3):
            alone = crop(frames[n : n + 1], azimuth[n], elevation[n], field_of_view=0.4, size=5)[0]
            np.testing.assert_array_equal(views[n], alone)

    def test_frames_and_views(self, frames):
        azimuth = np.arange(6.0).reshape(3, 2)
        views = crop(frames, azimuth, 0.0, field_of_view=0.4, size=5)
        assert views.shape == (3, 2, 5, 5, 3)
        for n, k in np.ndindex(3, 2):
            alone = crop(frames[n : n + 1], azimuth[n, k], 0.0, field_of_view=0.4, size=5)[0]
            np.testing.assert_array_equal(views[n, k], alone)

    def test_the_same_views_of_all_frames(self, frames):
        views = crop(frames, [[0.0, 1.0]], 0.0, field_of_view=[[0.4, 0.5]], size=5)
        each = crop(frames, np.tile([0.0, 1.0], (3, 1)), 0.0, field_of_view=[[0.4, 0.5]], size=5)
        np.testing.assert_array_equal(views, each)

    def test_many_views_of_one_frame(self, frames):
        views = crop(frames[:1], [0.0, 1.0, 2.0, 3.0], 0.0, field_of_view=0.4, size=5)
        assert views.shape == (4, 5, 5, 3)
        np.testing.assert_array_equal(views[2], crop(frames[:1], 2.0, 0.0, field_of_view=0.4, size=5)[0])

    def test_no_frames(self, frames):
        assert crop(frames[:0], [[0.0, 1.0]], 0.0, field_of_view=0.4, size=5).shape == (0, 2, 5, 5, 3)


class TestBackends:
    @given(
        azimuth=st.floats(-200, 200),
        elevation=st.floats(-90, 90),
        field=st.floats(1, 150),
        size=st.integers(1, 20),
        width=st.sampled_from([30, 31, 64]),
        seed=st.integers(0, 99),
    )
    def test_numpy_torch_and_the_loop_agree(self, azimuth, elevation, field, size, width, seed):
        frames = np.random.default_rng(seed).random((2, width // 2, width, 3)).astype(np.float32)
        options = {"field_of_view": field, "size": size, "degrees": True}
        compiled = crop(frames, azimuth, elevation, **options)
        formula = crop(frames.astype(np.float64), azimuth, elevation, **options)
        tensor = crop(torch.from_numpy(frames).requires_grad_(), azimuth, elevation, **options)
        assert_close(compiled, formula, "float32")
        assert_close(tensor.detach().numpy(), formula, "float32")

    @pytest.mark.parametrize("kind", ["uint8", "float16", "bfloat16", "float32", "float64"])
    def test_the_dtype_is_kept(self, kind, library, rng):
        if library.name == "numpy" and kind == "bfloat16":
            pytest.skip("NumPy has no bfloat16")
        levels = rng.integers(0, 200, (1, 30, 60, 3))
        frames = library.array(levels, kind)
        views = crop(frames, [[0.3, 2.0]], -0.4, field_of_view=1.3, size=9)
        assert views.dtype == frames.dtype
        expected = crop(levels.astype(np.float64), [[0.3, 2.0]], -0.4, field_of_view=1.3, size=9)
        allowed = 0.5001 if is_bytes(frames) else {"float16": 0.1, "bfloat16": 0.6}.get(kind, 1e-3)
        assert np.abs(library.numpy(views).astype(float) - expected).max() <= allowed

    def test_angles_as_tensors(self, rng):
        frames = rng.random((2, 20, 40, 3))
        angles = rng.uniform(-1, 1, (2, 2, 3))
        tensors = [torch.from_numpy(a) for a in angles]
        views = crop(torch.from_numpy(frames), *tensors, field_of_view=torch.tensor(0.9), size=6)
        expected = crop(frames, *angles, field_of_view=np.float32(0.9), size=6)
        assert_close(views.numpy(), expected, "float32")

    def test_memory_of_any_layout(self, rng):
        frames = rng.integers(0, 256, (3, 2, 20, 40), dtype=np.uint8).transpose(1, 2, 3, 0)
        expected = crop(np.ascontiguousarray(frames), 1.0, 0.5, field_of_view=1.0, size=7)
        assert np.abs(crop(frames, 1.0, 0.5, field_of_view=1.0, size=7).astype(int) - expected).max() <= 1

    def test_gradients_to_pixels_and_angles(self, rng):
        frames = torch.from_numpy(rng.random((1, 8, 16, 3))).requires_grad_()
        angle = torch.tensor([[0.31, 2.9]], dtype=torch.float64, requires_grad=True)
        raised = torch.tensor([[0.2, 1.1]], dtype=torch.float64, requires_grad=True)

        def views(frames, angle, raised):
            return crop(frames, angle, raised, field_of_view=1.1, size=3)

        assert torch.autograd.gradcheck(views, (frames, angle, raised))


class TestNormalized:
    """Pictures as networks take them."""

    @pytest.mark.parametrize("kind", ["uint8", "float16", "float32", "float64"])
    @pytest.mark.parametrize("field", [20.0, 100.0])
    def test_channels_first_and_bytes_from_zero_to_one(self, kind, field, library, rng):
        levels = rng.integers(0, 256, (2, 64, 128, 3))
        frames = library.array(levels, kind)
        options = {"field_of_view": field, "size": 9, "degrees": True}
        views = crop(frames, [[20.0, -100.0]], 30, normalized=True, **options)
        expected = np.moveaxis(crop(levels.astype(np.float64), [[20.0, -100.0]], 30, **options), -1, -3)
        assert tuple(views.shape) == (2, 2, 3, 9, 9)
        assert str(views.dtype).removeprefix("torch.") == ("float32" if kind == "uint8" else kind)
        expected = expected / 255 if kind == "uint8" else expected
        assert_close(library.numpy(views), expected, "float32" if kind == "uint8" else kind)

    def test_white_is_one(self, library):
        frames = library.array(np.full((1, 32, 64, 3), 255, np.uint8))
        view = library.numpy(crop(frames, 0.3, 0.2, field_of_view=1.5, size=5, normalized=True))
        np.testing.assert_allclose(view, 1.0, rtol=2e-7)

    def test_views_of_several_sizes_stay_in_order(self, rng):
        frames = rng.integers(0, 256, (2, 96, 192, 3), dtype=np.uint8)
        options = {"size": 8, "degrees": True}
        views = crop(frames, [[0, 40, 80]], 10, field_of_view=[[100.0, 20.0, 100.0]], normalized=True, **options)
        plain = crop(frames, [[0, 40, 80]], 10, field_of_view=[[100.0, 20.0, 100.0]], **options)
        assert np.abs(np.moveaxis(255 * views, -3, -1) - plain).max() <= 0.5001

    def test_gradients(self, rng):
        frames = torch.from_numpy(rng.random((1, 8, 16, 3))).requires_grad_()
        assert torch.autograd.gradcheck(lambda x: crop(x, 0.3, 0.2, field_of_view=1.1, size=3, normalized=True), frames)


class TestErrors:
    def test_shapes(self, no_shape_hook):
        frames = np.zeros((2, 4, 8, 3), np.uint8)
        options = {"field_of_view": 1.0, "size": 4}
        with pytest.raises(ShapeError, match=r"frame\[None\]"):
            crop(frames[0], 0, 0, **options)
        with pytest.raises(ShapeError, match="channels come last"):
            crop(frames.transpose(0, 3, 1, 2), 0, 0, **options)
        with pytest.raises(ShapeError, match=r"2 frames and angles of shape \(3,\)"):
            crop(frames, [0, 1, 2], 0, **options)
        with pytest.raises(ShapeError, match="broadcast"):
            crop(frames, [[0, 1, 2]], [[0, 1]], **options)
        with pytest.raises(ShapeError, match="angles of shape"):
            crop(frames, np.zeros((2, 1, 1)), 0, **options)

    def test_numbers(self, no_shape_hook):
        frames = np.zeros((1, 4, 8, 3), np.uint8)
        with pytest.raises(AmbikitError, match="degrees=True"):
            crop(frames, 0, 0, field_of_view=90, size=4)
        with pytest.raises(AmbikitError, match="size=0"):
            crop(frames, 0, 0, field_of_view=1, size=0)
        with pytest.raises(ArrayTypeError, match="int32"):
            crop(frames.astype(np.int32), 0, 0, field_of_view=1, size=4)
        with pytest.raises(ArrayTypeError, match="one library"):
            crop(frames, torch.tensor(0.0), 0, field_of_view=1, size=4)


@pytest.mark.recordings
class TestLabelledGrid:
    """A 360° video whose picture says where things are: F, L, R, U, a piano at the left, a voice at the right."""

    @pytest.fixture
    def frame(self, recordings):
        return read_frames(recordings / "video360" / "redownloaded_from_YT.mp4", [5.0])

    @staticmethod
    def look(frame, azimuth, elevation, field_of_view=50):
        return crop(frame, azimuth, elevation, field_of_view=field_of_view, size=100, degrees=True)[0].astype(int)

    @staticmethod
    def yellow(view):
        return (view[..., 0] > 200) & (view[..., 1] > 180) & (view[..., 2] < 100)

    @staticmethod
    def magenta(view):
        return (view[..., 0] > 180) & (view[..., 1] < 130) & (view[..., 2] > 180)

    def test_objects_lie_where_they_are_said_to(self, frame):
        """Yellow discs at the left, at the right and overhead; none in front, behind and below."""
        for direction, object_there in {
            (90, 0): True, (-90, 0): True, (0, 82): True, (0, 0): False, (180, 0): False, (0, -82): False,
        }.items():  # fmt: skip
            middle = self.yellow(self.look(frame, *direction))[30:70, 30:70]
            assert (middle.mean() > 0.05) == object_there, direction
            assert object_there or middle.mean() < 0.01, direction

    def test_the_letters_tell_left_from_right(self, frame):
        """L stands to the right of its line, R to the left of its own, both below the horizon; B on both sides."""
        for azimuth, side in {90: 1, -90: -1}.items():
            rows, columns = np.nonzero(self.magenta(self.look(frame, azimuth, 0)))
            assert len(rows) > 20
            assert rows.mean() > 55
            assert side * (columns.mean() - 50) > 3
        columns = np.nonzero(self.magenta(self.look(frame, 180, -5)))[1]
        assert (columns < 45).any()
        assert (columns > 55).any()
