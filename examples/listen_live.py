"""Listen to a recording over headphones now, and turn the head with the keys or with a tracker.

    pip install "ambikit[live]"                                # sounddevice, which needs a sound card
    python examples/listen_live.py scene.wav
    python examples/listen_live.py scene.wav --hrir kemar.sofa --block 128

Type an angle in degrees and Enter: the head turns there, positive to the left. An empty line ends it. A tracker does
the same from a thread of its own: it calls ``set_pose`` of the rotator whenever it has a pose.
"""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro

import ambikit
from ambikit.errors import AmbikitError, MissingExtraError


@dataclass(frozen=True)
class Arguments:
    """Listen to a recording, live, with a head that can turn."""

    file: tyro.conf.Positional[Path]
    """Anything that ambikit.read reads, of first order or more."""
    source: str = "ambix"
    """Convention of the file: ambix, n3d or fuma."""
    hrir: Path | None = None
    """Ears, a SOFA file; without it a rigid sphere."""
    block: int = 128
    """Samples per block: fewer follow the head closer, more are safer on a busy machine."""


class Player:
    """What a sound card calls for every block: the recording over and over, as the head hears it."""

    def __init__(self, signal: np.ndarray, sample_rate: float, hrirs: Any = None) -> None:
        self.head = ambikit.stream.Rotator(sample_rate, ramp=0.02, inverse=True)
        ears = ambikit.stream.BinauralDecoder(hrirs, order=ambikit.order_of(len(signal)), sample_rate=sample_rate)
        self._chain = ambikit.stream.Chain(self.head, ears)
        self._signal, self._at, self.missed = signal.astype(np.float32), 0, 0
        self._chain.process(self._signal[:, :0])
        # compile everything before the first block has to be in time, then begin with silence behind
        for _ in range(3):
            self._chain.process(np.zeros((len(signal), 128), np.float32))
        self._chain.reset()

    def __call__(self, outdata: np.ndarray, frames: int, time: Any = None, status: Any = None) -> None:
        """Fill ``outdata`` (frames, 2), as sounddevice asks for it."""
        self.missed += bool(status)
        columns = (self._at + np.arange(frames)) % self._signal.shape[1]
        self._at = int(columns[-1] + 1) % self._signal.shape[1]
        outdata[:] = self._chain.process(self._signal[:, columns]).T


def open_device(player: Player, sample_rate: float, block: int) -> Any:
    """A stream of the sound card that calls the player, or a clear word about what is missing."""
    try:
        import sounddevice
    except ImportError as error:
        raise MissingExtraError(
            'got no sounddevice; expected it, to play; install it with pip install "ambikit[live]"'
        ) from error
    except OSError as error:  # the package is there, the library behind it is not
        raise MissingExtraError(
            f"got no PortAudio ({error}); expected its library, to play; install libportaudio2 of the system"
        ) from error
    try:
        return sounddevice.OutputStream(
            samplerate=sample_rate, blocksize=block, channels=2, dtype="float32", callback=player
        )
    except sounddevice.PortAudioError as error:
        raise AmbikitError(
            f"got no device to play on ({error}); expected a sound card with two channels at {sample_rate:g} Hz; "
            "write a file instead, with examples/play_moving_head.py"
        ) from error


def listen(player: Player, device: Any, lines: Iterable[str], say: Callable[[str], None] = print) -> None:
    """Play until the lines end or one is empty; each says where the head looks, in degrees to the left."""
    with device:
        for line in lines:
            if not line.strip():
                break
            try:
                player.head.set_pose(yaw=float(line), degrees=True)
            except ValueError:
                say(f"got {line.strip()!r}; expected degrees, e.g. 30, or an empty line to end")
    if player.missed:
        say(f"{player.missed} blocks came late; take a larger --block")


def main(arguments: Arguments) -> None:
    """Read, open the sound card, and listen to the keys."""
    signal, rate = ambikit.read(arguments.file, source=arguments.source)
    if ambikit.order_of(len(signal)) == 0:
        raise AmbikitError("got one channel; expected a sound field, four or more; mono has no direction: encode it")
    hrirs = None if arguments.hrir is None else ambikit.read_hrirs(arguments.hrir)
    player = Player(signal, rate, hrirs)
    print("degrees to the left and Enter; an empty line ends", flush=True)
    listen(player, open_device(player, rate, arguments.block), sys.stdin)


if __name__ == "__main__":
    try:
        main(tyro.cli(Arguments))
    except AmbikitError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        pass
