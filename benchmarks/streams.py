"""Sound block by block: what a block of 64 samples takes of the 1.33 ms that it lasts at 48 kHz.

A row is one call per block, with all that Python adds; the error is that of one second against the operators on the
whole signal in double precision.

``python -m benchmarks.streams``
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy import signal as scipy_signal

import ambikit
from ambikit import stream
from ambikit.operators.block_convolution import filter_next
from ambikit.operators.convolution import filter_channels
from benchmarks.common import Candidate, Table, largest_error, measure, report

RATE, BLOCK, ORDER = 48000, 64, 3
CHANNELS = (ORDER + 1) ** 2


def scene(seconds: float) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((CHANNELS, int(seconds * RATE))).astype(np.float32)


def ears(taps: int) -> np.ndarray:
    random = np.random.default_rng(1)
    return random.standard_normal((2, CHANNELS, taps)) * np.exp(-6 * np.arange(taps) / taps) / 10


def blocks(signal: np.ndarray, size: int = BLOCK) -> list[np.ndarray]:
    return [np.ascontiguousarray(signal[:, start : start + size]) for start in range(0, signal.shape[1], size)]


def again_and_again(parts: list[np.ndarray]) -> Iterator[np.ndarray]:
    while True:
        yield from parts


def candidate(name: str, make: Callable[[], Callable[[np.ndarray], Any]], signal: np.ndarray, oracle: Any) -> Candidate:
    """Time one block after the other; the error is found over all of them beforehand."""
    parts, first = blocks(signal), make()
    error = largest_error(oracle)(np.concatenate([np.array(first(part)) for part in parts], -1))
    step, source = make(), again_and_again(parts)
    return Candidate(name, lambda: step(next(source)), lambda result: error)


def by_formula(filters: np.ndarray) -> Callable[[np.ndarray], Any]:
    """The formula beside the loop: the whole filters on a block and what came before it."""
    before = np.zeros((CHANNELS, filters.shape[-1] - 1), np.float32)

    def step(block: np.ndarray) -> np.ndarray:
        nonlocal before
        result, before = filter_next(before, block, filters)
        return result

    return step


def by_scipy(filters: np.ndarray) -> Callable[[np.ndarray], Any]:
    """The recipe: ``oaconvolve`` for each ear and channel, and what reaches beyond the block added to the next ones."""
    filters, rest = filters.astype(np.float32), np.zeros((2, filters.shape[-1] - 1), np.float32)

    def step(block: np.ndarray) -> np.ndarray:
        nonlocal rest
        result = scipy_signal.oaconvolve(block[None], filters, axes=-1).sum(1)
        result[:, : rest.shape[-1]] += rest
        rest = result[:, block.shape[-1] :]
        return result[:, : block.shape[-1]]

    return step


def filtering(taps: int) -> Table:
    signal, filters = scene(1.0), ears(taps)
    oracle = filter_channels(signal.astype(np.float64), filters)
    copy = np.empty((CHANNELS, BLOCK), np.float32)
    part = blocks(signal)[0]

    def into_memory() -> Callable[[np.ndarray], Any]:
        matrix, out = stream.FilterMatrix(filters), np.empty((2, BLOCK), np.float32)
        return lambda block: matrix.process(block, out=out)

    return measure(
        f"Two ears, order {ORDER}, {taps} taps, a block of {BLOCK} (1.33 ms)",
        [
            Candidate("limit: copy the block", lambda: np.copyto(copy, part)),
            candidate("ambikit, parts and direct taps", lambda: stream.FilterMatrix(filters).process, signal, oracle),
            candidate("the same, out=", into_memory, signal, oracle),
            candidate("formula: overlap-save of each block", lambda: by_formula(filters), signal, oracle),
            candidate("SciPy oaconvolve, tails carried", lambda: by_scipy(filters), signal, oracle),
        ],
    )


def moving_head(taps: int) -> Table:
    """A head that turns at a third of a revolution per second, tracked 100 times a second."""
    signal, filters = scene(1.0), ears(taps)
    every, speed = 7, 2.0  # a pose every 7 blocks; radians per second
    times = np.arange(0, signal.shape[1], every * BLOCK) / RATE
    poses = np.concatenate([[0.0], speed * times[:-1]])
    reached = np.concatenate([[0.0], times[1:] + times[1]])  # each one when the next one comes
    wide = signal.astype(np.float64)
    turned = ambikit.rotate_track(wide, yaw=poses, times=reached, sample_rate=RATE, inverse=True)

    def head(decoder: bool) -> Callable[[], Callable[[np.ndarray], Any]]:
        def make() -> Callable[[np.ndarray], Any]:
            rotator = stream.Rotator(RATE, ramp=every * BLOCK / RATE, inverse=True)
            chain = stream.Chain(rotator, stream.FilterMatrix(filters)) if decoder else rotator
            count = 0

            def step(block: np.ndarray) -> np.ndarray:
                nonlocal count
                if count and count % every == 0:
                    rotator.set_pose(yaw=speed * (count - every) * BLOCK / RATE)
                count += 1
                return chain.process(block)

            return step

        return make

    def resting() -> Callable[[np.ndarray], Any]:
        return stream.Chain(stream.Rotator(RATE, 0.7), stream.FilterMatrix(filters)).process

    still = filter_channels(ambikit.rotate(wide, 0.7), filters)
    copy, part = np.empty((CHANNELS, BLOCK), np.float32), blocks(signal)[0]
    return measure(
        f"A head that moves, order {ORDER}, {taps} taps, a block of {BLOCK} (1.33 ms)",
        [
            Candidate("limit: copy the block", lambda: np.copyto(copy, part)),
            candidate("ambikit, turn", head(False), signal, turned),
            candidate("ambikit, turn and two ears", head(True), signal, filter_channels(turned, filters)),
            candidate("ambikit, turn and two ears, head at rest", resting, signal, still),
        ],
    )


if __name__ == "__main__":
    report("streams", [moving_head(256), filtering(256), filtering(1024)])
