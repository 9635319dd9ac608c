"""Blocks of a rotation applied to a signal: the channels of each degree among themselves, into given memory or new."""

from math import prod

import numpy as np

from ambikit._arrays import Array, constant_like, empty_like_signal, is_torch, kernel_view, namespace
from ambikit.operators.channel_axis import (
    COLUMNS_AT_ONCE,
    apply_matrix,
    apply_matrix_into,
    as_columns,
    entry_of_each,
    is_on_gpu,
    shares_memory,
)
from ambikit.operators.rotation_blocks import packed_blocks, rotation_blocks

__all__ = ["turn_into", "turned_by_blocks"]

# Numbers of a degree's intermediate product that stay in the second-level cache of a CPU core.
_TILE = 2**17


def turned_by_blocks(columns: Array, blocks: list[Array], batch: tuple[int, ...]) -> Array:
    """The rotated ``(..., channels, columns)`` as a new array, in steps that keep gradients."""
    xp = namespace(columns)
    degrees = [apply_matrix(block, columns[..., n * n : (n + 1) ** 2, :]) for n, block in enumerate(blocks) if n > 0]
    omni = xp.broadcast_to(columns[..., :1, :], (*batch, 1, columns.shape[-1]))
    return xp.concatenate([omni, *degrees], -2)


def turn_into(target: Array, signal: Array, matrix: Array, order: int, axis: int) -> None:
    """Write the signal, turned by a 3 × 3 rotation, into ``target``, which may be the signal itself."""
    if 0 in target.shape:  # an empty batch
        return
    result = as_columns(target, axis)
    if not shares_memory(result, target):  # such memory cannot be seen as columns: write beside it, then copy
        buffer = empty_like_signal(tuple(target.shape), signal)
        turn_into(buffer, signal, matrix, order, axis)
        target[...] = buffer
        return
    columns = as_columns(signal, axis)
    in_place = _same_view(target, signal)
    if not in_place and shares_memory(target, signal):
        columns = columns.copy() if isinstance(columns, np.ndarray) else columns.clone()
    if not _turned_by_loop(result, columns, matrix, order, in_place):
        blocks = [constant_like(block, columns) for block in rotation_blocks(matrix, order)]
        _turn_by_formula(result, columns, blocks, in_place)


def _turn_by_formula(result: Array, columns: Array, blocks: list[Array], in_place: bool) -> None:
    """Write the turned columns into memory that is theirs or does not overlap them."""
    if not in_place:
        result[..., :1, :] = columns[..., :1, :]
    # In place, tile by tile: the products stay in the cache, and each tile is read before it is written.
    count = result.shape[-1]
    rows = max(1, prod(result.shape[:-2])) * blocks[-1].shape[-1]
    tile = max(1024, _TILE // rows) if in_place and not is_on_gpu(result) else count
    for n, block in enumerate(blocks):
        channels = slice(n * n, (n + 1) ** 2)
        for start in range(0, count if n > 0 else 0, tile):
            part = slice(start, start + tile)
            if in_place:
                result[..., channels, part] = apply_matrix(block, columns[..., channels, part])
            else:
                apply_matrix_into(result[..., channels, :], block, columns[..., channels, :])


def _turned_by_loop(result: Array, columns: Array, matrix: Array, order: int, in_place: bool) -> bool:
    """The same by the compiled loop; whether it could be taken."""
    strided = not is_torch(result) and not (result.flags.c_contiguous and columns.flags.c_contiguous)
    probes = [x[..., :0].copy() for x in (result, columns)] if strided else [result, columns]
    out, sound = (kernel_view(x) for x in probes)
    packed = None if out is None or sound is None or order == 0 else packed_blocks(matrix, order)
    if out is None or sound is None or packed is None:
        return False
    blocks = constant_like(packed, columns)
    blocks = blocks.numpy() if is_torch(blocks) else blocks
    if not strided:
        _loop(out, sound, blocks, in_place)
        return True
    # Through memory that lies as the loop takes it, so that no view of a signal gives other bits than its copy.
    step = max(1024, COLUMNS_AT_ONCE // result.shape[-2])
    for start in range(0, result.shape[-1], step):
        part = result[..., start : start + step]
        turned = np.empty(part.shape, part.dtype)
        turned[...] = columns[..., start : start + step]
        _loop(turned, turned, blocks, True)
        part[...] = turned
    return True


def _loop(out: np.ndarray, sound: np.ndarray, blocks: np.ndarray, in_place: bool) -> None:
    from ambikit.kernels import block_rotation as kernels

    batch = out.shape[:-2]
    turn = kernels.turn_first_order if out.shape[-2] == 4 else kernels.turn_blocks
    turn(
        sound.reshape(-1, *sound.shape[-2:]),
        entry_of_each(sound.shape[:-2], batch),
        blocks.reshape(-1, blocks.shape[-1]),
        entry_of_each(blocks.shape[:-1], batch),
        in_place,
        out.reshape(-1, *out.shape[-2:]),
    )


def _same_view(x: Array, y: Array) -> bool:
    """Whether two arrays are the same numbers in the same memory, so that they may be turned in place."""
    if is_torch(x):
        return x.data_ptr() == y.data_ptr() and x.shape == y.shape and x.stride() == y.stride()
    where_x, where_y = x.__array_interface__, y.__array_interface__
    return where_x["data"] == where_y["data"] and x.shape == y.shape and x.strides == y.strides
