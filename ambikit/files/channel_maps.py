"""Which stored channels are the Ambisonic ones, and in which order: recognised, told, or refused, never guessed."""

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64

from ambikit._checks import order_of_channels
from ambikit.errors import AmbikitError, ShapeError

__all__ = ["SILENCE_DB", "YOUTUBE", "chosen_channels", "mean_squares", "select_channels"]

#: W, Y, Z, X among YouTube's six AAC channels, which FFmpeg decodes as X, Y, W, silence, Z, silence
YOUTUBE = [2, 1, 4, 0]
_YOUTUBE_SILENT = [3, 5]
#: a channel this far below the loudest is silent (lossy codecs seldom give exact zeros)
SILENCE_DB = -60.0


def select_channels(
    stored: Float32[np.ndarray, "stored time"],
    channel_map: str | Iterable[Any] | None,
    layout: str | None,
    name: str | Path,
) -> Float32[np.ndarray, "channels time"]:
    """Take the Ambisonic channels out of the stored ones; parameters as in :func:`ambikit.read`."""
    indices = chosen_channels(len(stored), lambda: mean_squares([stored]), channel_map, layout, name)
    return stored if indices is None else stored[indices]


def chosen_channels(
    channels: int,
    squares: Callable[[], Float64[np.ndarray, "stored"]],
    channel_map: str | Iterable[Any] | None,
    layout: str | None,
    name: str | Path,
) -> list[int] | None:
    """Which of the stored channels are the Ambisonic ones; None for all as they are.

    ``squares`` gives the mean square of each channel and is only called where that decides (six channels).
    """
    if channel_map is None:
        return None
    if isinstance(channel_map, str):
        if channel_map != "auto":
            raise AmbikitError(
                f"got channel_map={channel_map!r}; expected 'auto', None (all channels as they are) or a list of "
                "channel numbers counted from 0, e.g. [2, 1, 4, 0]"
            )
        return _recognised(channels, squares, layout, name)
    return _indices(channel_map, channels, name)


def mean_squares(blocks: Iterable[Float32[np.ndarray, "stored time"]]) -> Float64[np.ndarray, "stored"]:
    """The mean square of each channel of a signal that comes in blocks.

    Examples
    --------
    >>> mean_squares([np.ones((2, 4), np.float32), np.float32([[0, 0, 0, 0], [1, 1, 1, 1]])]).tolist()
    [0.5, 1.0]
    """
    total, length = 0.0, 0
    for block in blocks:
        total = total + np.sum(np.square(block, dtype=np.float64), axis=-1)
        length += block.shape[-1]
    return np.asarray(total) / length


def _indices(channel_map: Iterable[Any], channels: int, name: str | Path) -> list[int]:
    indices = list(channel_map)
    whole = all(isinstance(i, int | np.integer) and not isinstance(i, bool) for i in indices)
    if not indices or not whole or not all(0 <= i < channels for i in indices):
        raise ShapeError(
            f"got channel_map={indices} for {name}, which has {channels} channels; expected at least one whole number "
            f"from 0 to {channels - 1}; count the channels from 0"
        )
    return [int(i) for i in indices]


def _recognised(
    channels: int, squares: Callable[[], Float64[np.ndarray, "stored"]], layout: str | None, name: str | Path
) -> list[int] | None:
    six_with_gaps = channels == 6 and _like_youtube(squares())
    if six_with_gaps and layout == "5.1":
        warnings.warn(
            f"{name} has six channels of layout 5.1 with channels 3 and 5 silent, as YouTube serves first-order "
            f"Ambisonics; taken as W, Y, Z, X with channel_map={YOUTUBE}; pass that map to silence this warning, or "
            "channel_map=None for the six channels as they are",
            UserWarning,
            stacklevel=5,
        )
        return YOUTUBE
    said = f" of layout {layout}" if layout else ""
    try:
        order_of_channels(channels, f"{channels} channels{said} in {name}")
    except ShapeError as error:
        raise ShapeError(f"{error}. {_remedy(channels, six_with_gaps)}") from None
    return None


def _like_youtube(squares: Float64[np.ndarray, "stored"]) -> bool:
    """Whether W is heard and the two unused channels are silent (a dipole may be: a scene can be flat)."""
    levels = np.sqrt(squares)
    heard = levels > levels.max() * 10 ** (SILENCE_DB / 20)
    return bool(heard[YOUTUBE[0]]) and not heard[_YOUTUBE_SILENT].any()


def _remedy(channels: int, six_with_gaps: bool) -> str:
    if six_with_gaps:
        return f"Channels 3 and 5 are silent, as in YouTube's streams: if it is one, pass channel_map={YOUTUBE}"
    say = "Say which channels are W, Y, Z, X, …: channel_map=[0, 1, 2, 3], for example"
    if channels == 2:
        return "A stereo file is not Ambisonics; read it with channel_map=None if stereo is what you want"
    if channels == 8:
        return f"Half of a third-order set? Read both files at once: read([first, second]). {say}"
    if channels in (6, 11, 18):
        return f"A sound field followed by head-locked stereo? {say} takes the field alone"
    return f"{say}, or channel_map=None for all channels as they are"
