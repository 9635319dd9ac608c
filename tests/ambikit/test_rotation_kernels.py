"""The compiled loops of rotation against the formulas beside them, and that no way through them gives other bits."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ambikit import align, angles_to_vectors, encode, rotate, rotation_matrix, vectors_to_angles
from ambikit.kernels.block_rotation import turn_blocks
from ambikit.kernels.rotation_blocks import recursive_blocks
from ambikit.operators import block_turns
from ambikit.operators import rotation_blocks as blocks_module
from ambikit.operators.rotation_blocks import blocks_by_formula, dense_blocks, packed_blocks, rotation_blocks
from tests.closeness import TOLERANCE, assert_close

POSE = 0.7, -1.1, 2.3


def turns(rng, *shape):
    """Rotation matrices, as many as asked for."""
    return Rotation.from_quat(rng.normal(size=(max(1, int(np.prod(shape))), 4))).as_matrix().reshape(*shape, 3, 3)


def turned_by_formula(signal, matrix, order):
    """A matrix for each degree, in double precision."""
    wide = signal.astype(np.float64)
    batch = np.broadcast_shapes(signal.shape[:-2], matrix.shape[:-2])
    return block_turns.turned_by_blocks(wide, blocks_by_formula(matrix, order), batch)


@pytest.fixture
def no_loops(monkeypatch):
    monkeypatch.setattr(block_turns, "_turned_by_loop", lambda *arguments: False)
    monkeypatch.setattr(blocks_module, "_by_loop", lambda *arguments, **keywords: None)


class TestTurning:
    @given(
        order=st.integers(1, 9),
        time=st.integers(1, 1700),
        dtype=st.sampled_from(["float32", "float64"]),
        shapes=st.sampled_from([((), ()), ((3,), ()), ((), (3,)), ((2, 1), (2, 3)), ((1,), (4,)), ((3,), (3,))]),
        seed=st.integers(0, 9),
    )
    def test_equals_the_formula(self, order, time, dtype, shapes, seed):
        rng = np.random.default_rng(seed)
        batch, poses = shapes
        signal = rng.normal(size=(*batch, (order + 1) ** 2, time)).astype(dtype)
        matrix = turns(rng, *poses)
        found = np.full((*np.broadcast_shapes(batch, poses), *signal.shape[-2:]), np.nan, dtype)
        assert block_turns._turned_by_loop(found, signal, matrix, order, False)
        assert_close(found, turned_by_formula(signal, matrix, order), dtype)
        if found.shape == signal.shape:
            assert block_turns._turned_by_loop(signal, signal, matrix, order, True)
            assert np.array_equal(signal, found)

    @pytest.mark.parametrize("order", [1, 2, 3, 4, 5, 6, 7])
    def test_a_source_on_the_sphere(self, order, dtype, library, rng):
        there = Rotation.from_euler("ZYX", POSE).apply(angles_to_vectors(0.4, -0.3))
        sound = rng.normal(size=700)
        turned = rotate(library.array(encode(sound, 0.4, -0.3, order), dtype), *POSE)
        assert_close(library.numpy(turned), encode(sound, *vectors_to_angles(there), order), dtype)

    @pytest.mark.parametrize("order", [1, 2, 3, 7])
    def test_pieces_of_a_signal_give_the_bits_of_the_whole(self, order, dtype, rng):
        signal = rng.normal(size=((order + 1) ** 2, 3001)).astype(dtype)
        whole = rotate(signal, *POSE)
        for length in (1, 7, 64, 511, 513, 1000):
            parts = [signal[:, start : start + length] for start in range(0, 3001 if length > 7 else 70, length)]
            for made in (lambda x: x, np.ascontiguousarray):
                turned = np.concatenate([rotate(made(part), *POSE) for part in parts], -1)
                assert np.array_equal(turned, whole[:, : turned.shape[1]])

    @pytest.mark.parametrize("order", [1, 4])
    def test_no_view_of_a_signal_gives_other_bits(self, order, dtype, rng):
        channels = (order + 1) ** 2
        store = rng.normal(size=(2, channels, 4000)).astype(dtype)
        signal = store[:, :, 100:3001:2]
        expected = rotate(signal.copy(), *POSE)
        assert np.array_equal(rotate(signal, *POSE), expected)
        assert np.array_equal(rotate(np.asfortranarray(signal), *POSE), expected)
        reversed_store = np.ascontiguousarray(signal[:, ::-1, ::-1])
        assert np.array_equal(rotate(reversed_store[:, ::-1, ::-1], *POSE), expected)
        assert np.array_equal(rotate(torch.from_numpy(signal.copy()), *POSE).numpy(), expected)
        wide = np.zeros((2, channels, 5000), dtype)
        assert np.array_equal(rotate(signal, *POSE, out=wide[..., 7 : 7 + signal.shape[-1]]), expected)
        assert not wide[..., :7].any()
        assert not wide[..., 7 + signal.shape[-1] :].any()
        before = store.copy()
        rotate(signal, *POSE, out=signal)
        assert np.array_equal(store[:, :, 100:3001:2], expected)
        assert np.array_equal(store[:, :, 101:3001:2], before[:, :, 101:3001:2])
        assert np.array_equal(store[:, 0], before[:, 0])

    def test_memory_longer_than_a_piece(self, rng):
        """Views go through the loop piece by piece."""
        store = rng.normal(size=(4, 150_000)).astype(np.float32)
        assert np.array_equal(rotate(store[:, ::2], *POSE), rotate(store[:, ::2].copy(), *POSE))

    def test_one_signal_for_many_poses_in_view(self, rng):
        signal = np.broadcast_to(rng.normal(size=(9, 300)), (3, 9, 300))
        yaw = np.array([0.1, 0.2, 0.3])
        expected = np.stack([rotate(signal[0].copy(), angle) for angle in yaw])
        assert np.array_equal(rotate(signal, yaw), expected)
        assert np.array_equal(rotate(signal[:1], yaw), expected)

    def test_spectra(self, rng):
        for name in ("complex64", "complex128"):
            spectrum = (rng.normal(size=(2, 9, 65, 20)) + 1j * rng.normal(size=(2, 9, 65, 20))).astype(name)
            turned = rotate(spectrum, *POSE, axis=-3)
            assert np.array_equal(turned.real, rotate(spectrum.real, *POSE, axis=-3))
            assert np.array_equal(turned.imag, rotate(spectrum.imag, *POSE, axis=-3))
            assert turned.dtype == name

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    @pytest.mark.parametrize("in_place", [False, True])
    def test_what_is_not_finite_stays_in_its_degree_and_sample(self, bad, in_place, dtype, rng):
        for channel in range(16):
            signal = rng.normal(size=(16, 600)).astype(dtype)
            signal[channel, 515] = bad
            turned = rotate(signal, *POSE, out=signal if in_place else None)
            n = int(np.sqrt(channel))
            expected = np.ones((16, 600), bool)
            expected[n * n : (n + 1) ** 2, 515] = False
            assert np.array_equal(np.isfinite(turned), expected)

    def test_a_pose_that_is_nan_leaves_w_and_other_items(self, dtype, rng):
        signal = rng.normal(size=(3, 9, 40)).astype(dtype)
        turned = rotate(signal, 0.1, np.array([0.1, np.nan, 0.2]))
        assert np.array_equal(turned[:, 0], signal[:, 0])
        assert np.isnan(turned[1, 1:]).all()
        assert not np.isnan(turned[[0, 2]]).any()

    def test_only_the_batch_axes_may_be_empty(self, dtype):
        assert rotate(np.zeros((0, 9, 5), dtype), 0.3).shape == (0, 9, 5)
        assert rotate(np.zeros((9, 5), dtype), np.zeros((2, 0))).shape == (2, 0, 9, 5)

    def test_another_byte_order_takes_the_formula(self, rng):
        signal = rng.normal(size=(9, 30))
        expected = rotate(signal, *POSE)
        assert_close(rotate(signal.astype(">f8"), *POSE).astype(float), expected)

    def test_the_same_without(self, library, dtype, rng, request):
        signal = library.array(rng.normal(size=(2, 16, 300)), dtype)
        angles = library.array(rng.uniform(-3, 3, (3, 2)))
        loop = library.numpy(rotate(signal, *angles)), library.numpy(align(signal, *angles[:2]))
        request.getfixturevalue("no_loops")
        formula = library.numpy(rotate(signal, *angles)), library.numpy(align(signal, *angles[:2]))
        assert_close(np.stack(loop), np.stack(formula), dtype)


class TestMatrices:
    @pytest.mark.parametrize("order", [1, 2, 3, 5, 7, 8, 12, 20])
    @pytest.mark.parametrize("count", [1, 7, 8, 33, 130])
    def test_equals_the_formula(self, order, count, dtype, rng):
        matrix = turns(rng, count)
        expected = blocks_by_formula(matrix, order)
        for found, block in zip(rotation_blocks(matrix.astype(dtype), order), expected, strict=True):
            assert found.dtype == dtype
            assert np.abs(found - block).max() <= TOLERANCE[dtype]

    @pytest.mark.parametrize("order", [1, 4, 9])
    def test_dense_and_packed_are_the_same(self, order, rng):
        for count in (3, 20):
            matrix = turns(rng, count)
            dense, packed = dense_blocks(matrix, order), packed_blocks(matrix, order)
            assert packed.shape == (count, sum((2 * n + 1) ** 2 for n in range(order + 1)))
            left = dense.copy()
            at = 0
            for n in range(order + 1):
                part, size = slice(n * n, (n + 1) ** 2), (2 * n + 1) ** 2
                assert np.array_equal(dense[:, part, part].reshape(count, -1), packed[:, at : at + size])
                left[:, part, part] = 0
                at += size
            assert not left.any()

    @given(count=st.integers(1, 12), order=st.integers(1, 6), seed=st.integers(0, 99))
    def test_orthogonal_alone_and_side_by_side(self, count, order, seed):
        matrix = turns(np.random.default_rng(seed), count)
        dense = dense_blocks(matrix, order)
        assert np.abs(dense @ dense.swapaxes(-1, -2) - np.eye((order + 1) ** 2)).max() < 1e-13
        assert np.abs(dense[-1] - dense_blocks(matrix[-1], order)).max() < 1e-13

    def test_a_view_and_any_batch(self, rng):
        matrix = turns(rng, 2, 3, 5).swapaxes(-1, -2)[:, ::-1]
        expected = blocks_by_formula(matrix, 3)
        for found, block in zip(rotation_blocks(matrix, 3), expected, strict=True):
            assert found.shape == block.shape
            assert np.abs(found - block).max() < 1e-14

    @pytest.mark.parametrize("count", [3, 40])
    def test_nan_stays_in_its_rotation(self, count, rng):
        matrix = turns(rng, count)
        matrix[1] = np.nan
        harmed = np.isnan(packed_blocks(matrix, 4))
        assert not harmed[:, 0].any()
        assert harmed[1, 1:].all()
        assert not np.delete(harmed, 1, 0).any()

    def test_an_improper_matrix_is_no_other_case(self, rng):
        """The recursion holds for mirror images too: degree n of the point reflection is (−1)^n."""
        for n, block in enumerate(rotation_blocks(-np.eye(3), 6)):
            assert np.abs(block - (-1) ** n * np.eye(2 * n + 1)).max() < 1e-14

    def test_tensors_give_the_bits_of_arrays(self, rng, dtype):
        yaw = rng.uniform(-3, 3, 20).astype(dtype)
        found = rotation_matrix(torch.from_numpy(yaw), 0.2, order=3)
        assert found.dtype == getattr(torch, dtype)
        expected = rotation_matrix(yaw.astype(float), 0.2, order=3)
        assert np.abs(found.numpy() - expected).max() <= TOLERANCE[dtype]


def test_the_loops_are_taken(rng, monkeypatch):
    """A test of the tests: plain arrays and tensors reach the loops, what needs a gradient does not."""
    seen = []
    original = block_turns._turned_by_loop
    monkeypatch.setattr(
        block_turns, "_turned_by_loop", lambda *arguments: seen.append(original(*arguments)) or seen[-1]
    )
    signal = rng.normal(size=(4, 50)).astype(np.float32)
    tensor = torch.from_numpy(signal)
    for x in (signal, signal[:, ::2], signal.astype(np.float16), tensor, tensor.double()):
        rotate(x, *POSE)
    assert seen == [True] * 5
    rotate(tensor[:, ::2], *POSE)
    assert seen.pop() is False
    rotate(tensor.clone().requires_grad_(), *POSE)
    torch.vmap(lambda x: rotate(x, *POSE))(tensor[None])
    assert len(seen) == 5
    angle = torch.tensor(0.3, requires_grad=True)
    assert packed_blocks(torch.eye(3), 2) is not None
    assert packed_blocks(torch.eye(3) * angle, 2) is None


def test_they_hold_no_lock(rng):
    """Two threads turn at once, each its own signal."""
    from concurrent.futures import ThreadPoolExecutor

    signals = rng.normal(size=(4, 16, 5000))
    with ThreadPoolExecutor(4) as pool:
        turned = list(pool.map(lambda x: rotate(x, *POSE), signals))
    assert np.array_equal(np.stack(turned), rotate(signals, *POSE))
    assert turn_blocks.targetoptions["nogil"]
    assert recursive_blocks.targetoptions["nogil"]
