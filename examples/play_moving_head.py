"""A recording through headphones on a head that turns, block by block, into a binaural file.

    python examples/play_moving_head.py scene.wav headphones.wav                    # the head sweeps to either side
    python examples/play_moving_head.py scene.wav headphones.wav --turn 90          # it turns to the left and stays
    python examples/play_moving_head.py recording.wav out.wav --source n3d --hrir kemar.sofa

Sources stay where they are while the head moves: one that is ahead goes to the right ear as the head turns left. What
runs here is what runs live (examples/listen_live.py): blocks of 64 samples, and a pose now and then.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

import ambikit
from ambikit.errors import AmbikitError
from ambikit.files.blocks import SoundBlocks, read_in_blocks
from ambikit.files.writing import write_in_blocks

POSE_RATE = 100  # poses of the head per second


@dataclass(frozen=True)
class Arguments:
    """Play a recording through a moving head."""

    file: tyro.conf.Positional[Path]
    """Anything that ambikit.read reads, of first order or more."""
    out: tyro.conf.Positional[Path]
    """Where the two ears are written."""
    source: str = "ambix"
    """Convention of the file: ambix, n3d or fuma."""
    hrir: Path | None = None
    """Ears, a SOFA file; without it a rigid sphere."""
    turn: float | None = None
    """Degrees by which the head turns to the left in the middle half of the recording; by default it sweeps."""
    block: int = 64
    """Samples per block."""


def sweeping(seconds: float) -> float:
    """Yaw of a head, in degrees, that looks to either side every eight seconds."""
    return 60.0 * float(np.sin(2 * np.pi * seconds / 8))


def turning(degrees: float, duration: float) -> Callable[[float], float]:
    """Yaw of a head that rests, turns in the middle half of a duration, and rests again."""
    return lambda seconds: degrees * float(np.clip(2 * seconds / duration - 0.5, 0, 1))


def heard(sound: SoundBlocks, yaw: Callable[[float], float], hrir: Path | None, block: int) -> Iterator[np.ndarray]:
    """The two ears, as long as the recording, while the head follows ``yaw``."""
    rate, order = sound.sample_rate, ambikit.order_of(sound.channels)
    if order == 0:
        raise AmbikitError("got one channel; expected a sound field, four or more; mono has no direction: encode it")
    if block < 1:
        raise AmbikitError(f"got --block {block}; expected samples, 1 or more")
    ears = None if hrir is None else ambikit.read_hrirs(hrir)
    head = ambikit.stream.Rotator(rate, yaw=yaw(0), ramp=1 / POSE_RATE, inverse=True, degrees=True)
    decoder = ambikit.stream.BinauralDecoder(ears, order=order, sample_rate=rate)
    chain = ambikit.stream.Chain(head, decoder)
    played, poses, late = 0, 1, chain.latency
    for stored in sound:
        for start in range(0, stored.shape[1], block):
            if played >= poses * rate / POSE_RATE:  # what a tracker does: the pose of now, reached when the next comes
                head.set_pose(yaw=yaw(poses / POSE_RATE), degrees=True)
                poses += 1
            result = chain.process(stored[:, start : start + block])
            played += result.shape[1]
            if result.shape[1] > late:
                yield result[:, late:]
            late = max(0, late - result.shape[1])
    yield chain.flush()[:, late:]


def main(arguments: Arguments) -> None:
    """Read, turn, listen, and write as it comes."""
    sound = read_in_blocks(arguments.file, source=arguments.source)
    duration = sound.frames / sound.sample_rate
    yaw = sweeping if arguments.turn is None else turning(arguments.turn, duration)
    blocks = (part for part in heard(sound, yaw, arguments.hrir, arguments.block) if part.shape[1])
    write_in_blocks(arguments.out, blocks, sound.frames, sound.sample_rate)
    print(f"wrote {arguments.out}: two ears, {duration:.3f} s at {sound.sample_rate:g} Hz")


if __name__ == "__main__":
    try:
        main(tyro.cli(Arguments))
    except AmbikitError as error:
        sys.exit(f"error: {error}")
