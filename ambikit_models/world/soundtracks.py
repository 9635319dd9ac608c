"""First-order sound as the files of video services carry it: AAC of four channels, or of six as YouTube serves it."""

from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Float

from ambikit.errors import AmbikitError, FileError, ShapeError
from ambikit.files.replacing import replacing

__all__ = ["write_aac"]

_BLOCK = 1024
#: which of W, Y, Z, X each stored channel is; −1: silence
_STORED = {"4.0": (0, 1, 2, 3), "5.1": (3, 1, 0, -1, 2, -1)}
_BIT_RATE = 128000
#: the encoder replaces noise and phases by parameters unless it is told not to
_OPTIONS = {"aac_pns": "0", "aac_is": "0"}


def write_aac(path: str | Path, signal: Float[np.ndarray, "channels time"], sample_rate: int, layout: str) -> None:
    """Write W, Y, Z, X as AAC in MP4, whole or not at all; the same sound gives the same bytes.

    Parameters
    ----------
    path
        The file, which ends with ``.m4a``.
    signal
        First-order AmbiX, within ±1.
    sample_rate
        One that AAC knows, Hz.
    layout
        ``"4.0"`` stores W, Y, Z, X in this order. ``"5.1"`` stores X, Y, W, silence, Z, silence, as YouTube does.
    """
    import av

    if layout not in _STORED:
        raise AmbikitError(f"got layout={layout!r}; expected one of {', '.join(_STORED)}")
    if signal.ndim != 2 or len(signal) != 4:
        raise ShapeError(f"got a sound of shape {signal.shape}; expected (4, time): first order, channels W, Y, Z, X")
    padded = np.concatenate([signal, np.zeros_like(signal[:1])]).astype(np.float32)
    stored = np.ascontiguousarray(padded[list(_STORED[layout])])
    with replacing(path) as temporary:
        try:
            with av.open(str(temporary), "w", format="mp4", options={"movflags": "faststart"}) as file:
                stream = file.add_stream("aac", rate=sample_rate, layout=layout, options=_OPTIONS)
                stream.bit_rate = _BIT_RATE * 4
                for begin in range(0, stored.shape[-1], _BLOCK):
                    piece = np.ascontiguousarray(stored[:, begin : begin + _BLOCK])
                    frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=layout)
                    frame.sample_rate, frame.time_base, frame.pts = sample_rate, Fraction(1, sample_rate), begin
                    file.mux(stream.encode(frame))
                file.mux(stream.encode(None))
        except (av.error.FFmpegError, ValueError) as error:
            raise FileError(
                f"got {path} to write to as AAC at {sample_rate} Hz, which failed ({error}); expected a sample rate "
                "that AAC knows and room on the disk"
            ) from error
