"""The sound of a file on the clock of its pictures."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

import ambikit
from ambikit.errors import AmbikitError

__all__ = ["read_sound"]


def read_sound(
    path: str | Path,
    start: float = 0.0,
    duration: float | None = None,
    *,
    sample_rate: float | None = None,
    source: str = "ambix",
    channel_map: Any = "auto",
) -> tuple[Float[np.ndarray, "channels time"], float]:
    """Read a stretch of a file's sound on the clock of :func:`~ambikit_models.media.read_frames`.

    Where the sound begins later than the picture, or ends before ``start + duration``, there is silence. With a
    duration only the stretch is loaded, as :func:`ambikit.read_segment` does.

    Parameters
    ----------
    path
        A sound or video file.
    start
        Seconds from the start of the file's presentation, not negative.
    duration
        Seconds; None reads to the end.
    sample_rate, source, channel_map
        As in :func:`ambikit.read`, which reads the file.

    Returns
    -------
    signal, sample_rate
        AmbiX ``(channels, round(duration * sample_rate))`` and its rate in Hz.
    """
    if not np.isfinite(start) or start < 0 or (duration is not None and not duration > 0):
        raise AmbikitError(
            f"got start={start} and duration={duration}; expected seconds: a start that is not negative and a positive "
            "duration, or None to read to the end"
        )
    how: dict[str, Any] = {"sample_rate": sample_rate, "source": source, "channel_map": channel_map}
    if duration is None:
        signal, rate = ambikit.read(path, **how)
        return signal[:, round(start * rate) :], rate
    signal, rate = ambikit.read_segment(path, start, duration, **how)
    missing = round(duration * rate) - signal.shape[-1]
    return (np.pad(signal, ((0, 0), (0, missing))) if missing else signal), rate
