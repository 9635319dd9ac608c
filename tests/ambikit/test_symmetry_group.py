import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ambikit import (
    CHANNEL_SWAPS,
    OCTAHEDRAL_GROUP,
    Symmetry,
    acs,
    angles_to_pixels,
    angles_to_vectors,
    angular_distance,
    apply_symmetry,
    encode,
    mirror,
    pixels_to_angles,
    rotate,
    vectors_to_angles,
)
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from ambikit.geometry.symmetries import channel_map
from tests.closeness import assert_close
from tests.oracles import rotation_by_least_squares

ELEMENTS = pytest.mark.parametrize("symmetry", OCTAHEDRAL_GROUP, ids=lambda s: f"{s.axes}{s.signs}".replace(" ", ""))
AZIMUTH, ELEVATION = st.floats(-np.pi, np.pi), st.floats(-np.pi / 2, np.pi / 2)


def matrix_of(symmetry, order):
    """What the symmetry does to each unit channel, as a matrix."""
    return apply_symmetry(symmetry, signal=np.eye((order + 1) ** 2)).signal


class TestGroup:
    def test_48_elements_of_which_24_are_turns(self):
        assert len(set(OCTAHEDRAL_GROUP)) == 48
        assert [s.determinant for s in OCTAHEDRAL_GROUP] == [1] * 24 + [-1] * 24
        for symmetry in OCTAHEDRAL_GROUP:
            assert round(np.linalg.det(symmetry.matrix)) == symmetry.determinant
        assert np.array_equal(OCTAHEDRAL_GROUP[0].matrix, np.eye(3))

    def test_the_turns_are_scipys_octahedral_group(self):
        theirs = {tuple(np.rint(m).astype(int).ravel()) for m in Rotation.create_group("O").as_matrix()}
        assert theirs == {tuple(s.matrix.astype(int).ravel()) for s in OCTAHEDRAL_GROUP if s.is_rotation}

    def test_the_table_closes_and_is_that_of_the_matrices(self):
        for a, b in itertools.product(OCTAHEDRAL_GROUP, repeat=2):
            assert a @ b in OCTAHEDRAL_GROUP
            assert np.array_equal((a @ b).matrix, a.matrix @ b.matrix)
        for a in OCTAHEDRAL_GROUP:
            assert a @ a.inverse() == a.inverse() @ a == OCTAHEDRAL_GROUP[0]
            assert Symmetry.from_matrix(a.matrix) == a

    def test_the_swaps_are_the_16_that_keep_the_horizon_8_and_8(self):
        assert set(CHANNEL_SWAPS) == {s for s in OCTAHEDRAL_GROUP if s.keeps_horizon}
        assert [s.determinant for s in CHANNEL_SWAPS] == [1] * 8 + [-1] * 8
        for a, b in itertools.product(CHANNEL_SWAPS, repeat=2):
            assert a @ b in CHANNEL_SWAPS

    def test_the_swaps_in_words(self):
        """The table of acs: sense and quarter turns of azimuth, sense of elevation."""
        for index, symmetry in enumerate(CHANNEL_SWAPS):
            sense = 1 if index in (*range(4), *range(12, 16)) else -1
            upright = 1 if index in (*range(4), *range(8, 12)) else -1
            goal = angles_to_vectors(sense * 20 + index * 90, upright * 35, degrees=True)
            assert_close(symmetry.matrix @ angles_to_vectors(20, 35, degrees=True), goal)


class TestSignals:
    @ELEMENTS
    @settings(max_examples=6)
    @given(azimuth=AZIMUTH, elevation=ELEVATION)
    def test_a_source_goes_where_its_label_goes(self, symmetry, azimuth, elevation):
        vector = symmetry.matrix @ angles_to_vectors(azimuth, elevation)
        for order in (1, 3):
            moved = apply_symmetry(
                symmetry, signal=encode(np.ones(1), azimuth, elevation, order), azimuth=azimuth, elevation=elevation
            )
            assert moved.picture is None
            assert_close(angles_to_vectors(moved.azimuth, moved.elevation), vector)
            assert_close(moved.signal, encode(np.ones(1), moved.azimuth, moved.elevation, order))

    @ELEMENTS
    @pytest.mark.parametrize("order", [1, 2, 3, 4])
    def test_least_squares_on_many_directions(self, symmetry, order):
        assert_close(matrix_of(symmetry, order), rotation_by_least_squares(symmetry.matrix, order))

    @pytest.mark.parametrize("order", [0, 1, 2, 3, 4, 7])
    def test_exact_signed_permutations(self, order):
        """All 48 in first order, the 16 swaps at every order: one ±1 in each row and column, else 0."""
        for symmetry in OCTAHEDRAL_GROUP:
            if order > 1 and not symmetry.keeps_horizon:
                continue
            matrix = matrix_of(symmetry, order)
            assert np.isin(matrix, (-1, 0, 1)).all()
            assert (np.abs(matrix).sum(0) == 1).all()
            assert (np.abs(matrix).sum(1) == 1).all()

    def test_from_second_order_on_the_other_32_mix_channels(self):
        """Up to the front turns R = (3 z² − 1) / 2 into (3 x² − 1) / 2 = −R / 2 + √3 / 2 U."""
        for symmetry in OCTAHEDRAL_GROUP:
            if not symmetry.keeps_horizon:
                row = np.abs(matrix_of(symmetry, 2)[6])
                assert_close(np.sort(row[row > 1e-9]), np.array([0.5, 0.75**0.5]))
                with pytest.raises(AmbikitError, match="keeps the horizon"):
                    channel_map(symmetry.axes, symmetry.signs, 2)

    @pytest.mark.parametrize("order", [1, 2, 4])
    def test_turns_are_rotate(self, order, library, dtype, rng):
        signal = library.array(rng.normal(size=(2, (order + 1) ** 2, 5)), dtype)
        for symmetry in OCTAHEDRAL_GROUP[:24]:
            moved = apply_symmetry(symmetry, signal=signal).signal
            assert moved.dtype == signal.dtype
            turned = rotate(signal, rotation=Rotation.from_matrix(symmetry.matrix))
            assert_close(library.numpy(moved), library.numpy(turned), dtype)

    def test_they_compose_as_their_elements_do(self, rng):
        signal = rng.normal(size=(9, 4))
        for a, b in zip(OCTAHEDRAL_GROUP, OCTAHEDRAL_GROUP[::-1], strict=True):
            twice = apply_symmetry(a, signal=apply_symmetry(b, signal=signal).signal).signal
            assert_close(twice, apply_symmetry(a @ b, signal=signal).signal)

    @pytest.mark.parametrize("plane", ["left_right", "front_back", "up_down"])
    def test_mirrors_are_elements(self, plane, rng):
        signal = rng.normal(size=(16, 4))
        assert np.array_equal(apply_symmetry(Symmetry.mirror(plane), signal=signal).signal, mirror(signal, plane))


class TestChannelSwaps:
    def test_by_hand(self, library):
        """W, Y, Z, X of a scene with a different number in each."""
        signal = library.array(np.array([[1.0], [2.0], [3.0], [4.0]]))
        for index, expected in {
            0: [1, 2, 3, 4], 1: [1, 4, 3, -2], 2: [1, -2, 3, -4], 3: [1, -4, 3, 2],
            4: [1, -2, -3, 4], 8: [1, -2, 3, 4], 9: [1, 4, 3, 2], 12: [1, 2, -3, 4], 13: [1, 4, -3, -2],
        }.items():  # fmt: skip
            assert library.numpy(acs(signal, index))[:, 0].tolist() == expected

    @pytest.mark.parametrize("order", [0, 1, 3])
    def test_one_index_per_clip(self, order, library, rng):
        signal, index = rng.normal(size=(16, (order + 1) ** 2, 5)), rng.permutation(16)
        moved = library.numpy(acs(library.array(signal), library.array(index)))
        for n in range(16):
            assert np.array_equal(moved[n], acs(signal[n], int(index[n])))
            assert np.array_equal(moved[n], apply_symmetry(CHANNEL_SWAPS[index[n]], signal=signal[n]).signal)

    def test_all_16_of_each_clip(self, library, rng):
        signal = rng.normal(size=(2, 1, 9, 5))
        moved = library.numpy(acs(library.array(signal), range(16)))
        assert moved.shape == (2, 16, 9, 5)
        assert np.array_equal(moved[1, 13], acs(signal[1, 0], 13))

    def test_spectra(self, library, rng):
        spectrum = rng.normal(size=(3, 4, 5, 6)) + 1j * rng.normal(size=(3, 4, 5, 6))
        moved = library.numpy(acs(library.array(spectrum), [1, 9, 14], axis=-3))
        for n, index in enumerate((1, 9, 14)):
            assert np.array_equal(moved[n].real, acs(spectrum[n].real.reshape(4, 30), index).reshape(4, 5, 6))
            assert np.array_equal(acs(spectrum[n], index, axis=-3), moved[n])

    def test_nan_goes_with_its_channel_alone(self):
        signal = np.ones((9, 3))
        signal[1, 2] = np.nan
        for index in range(16):
            assert np.isnan(acs(signal, index)).sum() == 1

    @pytest.mark.parametrize("name", ["float16", "bfloat16"])
    def test_half_precision(self, name):
        signal = torch.ones(2, 4, 2, dtype=getattr(torch, name))
        assert acs(signal, 3).dtype == acs(signal, [3, 5]).dtype == signal.dtype

    def test_gradients(self, rng):
        signal = torch.tensor(rng.normal(size=(2, 9, 2)), requires_grad=True)
        assert torch.autograd.gradcheck(lambda s: acs(s, torch.tensor([5, 9])), (signal,))
        for symmetry in (OCTAHEDRAL_GROUP[10], OCTAHEDRAL_GROUP[40]):
            assert torch.autograd.gradcheck(lambda s, e=symmetry: apply_symmetry(e, signal=s).signal, (signal,))

    @pytest.mark.usefixtures("no_shape_hook")
    def test_compile(self, rng):
        signal, index = torch.tensor(rng.normal(size=(2, 9, 2))), torch.tensor([5, 9])
        compiled = torch.compile(lambda s, i: acs(acs(s, i), 3), fullgraph=True, backend="eager")
        assert torch.equal(compiled(signal, index), acs(acs(signal, index), 3))
        for symmetry in (CHANNEL_SWAPS[6], OCTAHEDRAL_GROUP[40]):
            compiled = torch.compile(
                lambda s, e=symmetry: apply_symmetry(e, signal=s).signal, fullgraph=True, backend="eager"
            )
            assert_close(compiled(signal).numpy(), apply_symmetry(symmetry, signal=signal).signal.numpy())


class TestLabels:
    def test_degrees_without_rounding(self):
        azimuth, elevation = CHANNEL_SWAPS[7].move_angles([-33, 10, 170], [20, 0, -90], degrees=True)
        assert azimuth.tolist() == [-57.0, -100.0, 100.0]
        assert elevation.tolist() == [-20.0, 0.0, 90.0]

    @ELEMENTS
    def test_tensors_with_gradients(self, symmetry):
        angles = torch.tensor([[0.3, -1.2], [0.5, 1.1]], dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda a: symmetry.move_angles(a[0], a[1]), (angles,))
        plain = symmetry.move_angles(*angles.detach().numpy())
        for one, other in zip(symmetry.move_angles(*angles), plain, strict=True):
            assert_close(one.detach().numpy(), other)

    @ELEMENTS
    @settings(max_examples=6)
    @given(azimuth=AZIMUTH, elevation=ELEVATION)
    def test_there_and_back(self, symmetry, azimuth, elevation):
        there = symmetry.move_angles(azimuth, elevation)
        assert -np.pi <= there[0] <= np.pi
        assert angular_distance(*symmetry.inverse().move_angles(*there), azimuth, elevation) < 1e-7


class TestScenes:
    """Sound, label and picture of a source stay together."""

    @ELEMENTS
    def test_a_dot_goes_where_its_label_goes(self, symmetry, library):
        width, height = 64, 32
        for column, row in ((5, 3), (40, 17), (63, 30), (0, 15)):
            azimuth, elevation = pixels_to_angles(column, row, width, height)
            picture = np.zeros((height, width, 3), np.float32)
            # a blob, so that its middle can be found between pixels
            directions = angles_to_vectors(*pixels_to_angles(*np.meshgrid(np.arange(64), np.arange(32)), width, height))
            picture[:] = np.exp(60 * (directions @ angles_to_vectors(azimuth, elevation) - 1))[..., None]
            sound = encode(np.ones(1), azimuth, elevation)
            scene = apply_symmetry(
                symmetry,
                signal=library.array(sound),
                azimuth=azimuth,
                elevation=elevation,
                picture=library.array(picture),
            )
            moved = library.numpy(scene.picture)
            assert moved.shape == picture.shape
            assert moved.dtype == picture.dtype
            area = np.cos(pixels_to_angles(0, np.arange(height), width, height)[1])[:, None, None]
            seen = vectors_to_angles((moved[..., :1] * area * directions).sum((0, 1)))
            heard = vectors_to_angles(library.numpy(scene.signal)[[3, 1, 2], 0])
            assert angular_distance(*seen, scene.azimuth, scene.elevation) < 0.02
            assert angular_distance(*heard, scene.azimuth, scene.elevation) < 1e-7
            if symmetry.keeps_horizon:  # the very pixel
                pixel = angles_to_pixels(scene.azimuth, scene.elevation, width, height)
                x, y = (round(float(p)) % n for p, n in zip(pixel, (width, height), strict=True))
                assert moved[y, x, 0] == picture[row, column, 0] == moved.max()
                assert np.array_equal(np.sort(moved, axis=None), np.sort(picture, axis=None))

    def test_layouts_and_dtypes(self, rng):
        picture = rng.integers(0, 256, (2, 3, 8, 16), dtype=np.uint8)  # (clips, colours, height, width)
        for symmetry in (CHANNEL_SWAPS[13], OCTAHEDRAL_GROUP[30]):
            moved = apply_symmetry(symmetry, picture=picture, picture_axis=-1).picture
            assert moved.dtype == np.uint8
            expected = apply_symmetry(symmetry, picture=np.moveaxis(picture, 1, -1)).picture
            assert np.array_equal(moved, np.moveaxis(expected, -1, 1))
        mask = picture[0, 0] > 128
        assert apply_symmetry(CHANNEL_SWAPS[5], picture=mask, picture_axis=-1).picture.dtype == bool

    def test_nothing_given_nothing_moved(self):
        assert apply_symmetry(CHANNEL_SWAPS[3]) == (None, None, None, None)


@pytest.mark.usefixtures("no_shape_hook")
class TestErrors:
    def test_what_is_no_symmetry(self):
        with pytest.raises(AmbikitError, match="axes=\\(0, 0, 2\\).*OCTAHEDRAL_GROUP"):
            Symmetry((0, 0, 2), (1, 1, 1))
        with pytest.raises(AmbikitError, match="signs=\\(1, 0, 1\\)"):
            Symmetry((0, 1, 2), (1, 0, 1))
        for wrong in (np.ones((3, 3)), np.eye(4), Rotation.from_euler("z", 0.1).as_matrix(), np.zeros((3, 3))):
            with pytest.raises(AmbikitError, match="does not take axes to axes"):
                Symmetry.from_matrix(wrong)
        with pytest.raises(AmbikitError, match="type int.*CHANNEL_SWAPS"):
            apply_symmetry(3, signal=np.zeros((4, 2)))
        with pytest.raises(AmbikitError, match="keeps the horizon"):
            next(s for s in OCTAHEDRAL_GROUP if not s.keeps_horizon).horizontal_turn()

    def test_indices(self):
        signal = np.zeros((2, 4, 3))
        for wrong in (16, -1, [0, 16], np.array([-1, 2])):
            with pytest.raises(AmbikitError, match="0 to 15"):
                acs(signal, wrong)
        for wrong in (1.0, [0.5, 1.0], np.zeros(2), torch.zeros(2)):
            sound = torch.zeros(2, 4, 3) if isinstance(wrong, torch.Tensor) else signal
            with pytest.raises(ArrayTypeError, match="whole numbers"):
                acs(sound, wrong)
        with pytest.raises(ShapeError, match=r"\(2,\), \(3,\)"):
            acs(signal, [0, 1, 2])
        with pytest.raises(ArrayTypeError, match="one library"):
            acs(signal, torch.tensor([0, 1]))

    def test_scenes(self):
        with pytest.raises(AmbikitError, match="both or neither"):
            apply_symmetry(CHANNEL_SWAPS[1], azimuth=3)
        with pytest.raises(ShapeError, match="5 channels"):
            apply_symmetry(CHANNEL_SWAPS[1], signal=np.zeros((5, 2)))
        with pytest.raises(ArrayTypeError, match="int16"):
            acs(np.zeros((4, 2), np.int16), 3)
