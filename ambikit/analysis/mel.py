"""The level of a signal in mel bands, and what all mel features have in common."""

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, is_torch, kernel_view, loaded_torch, namespace, narrow, widen
from ambikit._checks import check_floating
from ambikit.analysis.filterbank import bank_like, mel_filterbank
from ambikit.analysis.levels import check_levels, levels, peak_of
from ambikit.analysis.mel_bands import mel_magnitudes, room_for
from ambikit.analysis.spectra import check_length, feature_grid, frame_spectrum
from ambikit.errors import ShapeError

__all__ = ["MelGrid", "by_clips", "clip_spectra", "log_mel", "mel_grid"]

# Samples of all channels whose spectra stay in the second- and third-level cache: one second of four at 24 kHz.
_CACHED_SAMPLES = 2**17


def log_mel(
    signal: Float[Array, "*batch time"],
    sample_rate: float,
    *,
    bands: int = 128,
    window: float = 0.021,
    hop: float = 0.010,
    power: float = 2.0,
    dynamic_range_db: float = 100.0,
    filterbank: Any = None,
) -> Float[Array, "*batch mel frames"]:
    r"""How loud each mel band is over time, in decibels: the picture of a sound that networks look at.

    .. math:: L(m, t) = \tfrac{20}{p} \log_{10} \sum_f b(m, f)\, |X(f, t)|^p

    but nothing below the peak of the clip minus ``dynamic_range_db``.

    Parameters
    ----------
    signal
        Samples ``(..., channels, time)``; ``(time,)`` is welcome. A clip is the last two axes: a batch of mono
        clips is ``(clips, 1, time)``.
    sample_rate
        In Hz.
    bands
        Number of mel bands.
    window, hop
        Length and distance of the frames in seconds. The frame is the smallest power of two that holds the window:
        512 samples at 24 kHz (21.3 ms) and at 16 kHz (32 ms), 1024 at 44.1 and 48 kHz. The hop is rounded to samples.
    power
        2.0 collects power in the bands, 1.0 magnitude (the papers' published code; it writes 10 log₁₀ of it, half
        our figure).
    dynamic_range_db
        Floor of the level below the largest level of the clip (over its channels, bands and frames), in dB.
    filterbank
        A bank ``(mel, freq)`` to use instead of :func:`mel_filterbank` with ``bands``; a tensor that lies on the
        device already saves a copy per call.

    Returns
    -------
    Levels in dB ``(..., channels, bands, frames)`` with exactly ``ceil(time / hop)`` frames, the hop in samples.
    Multiplying the signal by g adds 20 log₁₀ g and changes nothing else. No level can obey this for silence; a silent
    clip is ``-dynamic_range_db`` everywhere by convention. A clip whose loudest band lies below that is not silent, and
    its figures are lower still: ask the signal, not the features, whether a clip is silent.

    Raises
    ------
    ShapeError
        If the signal is not longer than half a frame.
    AmbikitError
        If a parameter is out of its range.

    Warns
    -----
    UserWarning
        If a mel band is empty, see :func:`mel_filterbank`.

    References
    ----------
    P. Morgado, Y. Li and N. Vasconcelos, "Learning representations from audio-visual spatial alignment", NeurIPS
    2020, section 5.1; S. Wang et al., "Self-supervised learning of audio representations from audio-visual data
    using spatial alignment", IEEE JSTSP 16(6), 2022, section III-A.

    Examples
    --------
    One second gives 100 frames; half the amplitude is 6.02 dB less.

    >>> import numpy as np
    >>> noise = np.random.default_rng(0).normal(size=(1, 24000))
    >>> loud, soft = log_mel(noise, 24000), log_mel(noise / 2, 24000)
    >>> loud.shape
    (1, 128, 100)
    >>> (loud - soft)[0, 10, 50].round(2)
    np.float64(6.02)
    """
    check_floating(signal)
    check_levels(power, dynamic_range_db)
    signal, dtype = widen(signal)
    grid = mel_grid(signal, sample_rate, bands, window, hop, filterbank)
    clips = signal if signal.ndim > 1 else signal[None]
    level = narrow(by_clips(_levels_of_clips, clips, grid, power, dynamic_range_db), dtype)
    return level if signal.ndim > 1 else level[0]


def _levels_of_clips(
    signal: Array, grid: "MelGrid", out: np.ndarray | None, power: float, dynamic_range_db: float
) -> Array:
    spectrum, peak = clip_spectra(signal, grid)
    room = room_for(spectrum.shape[-3], spectrum, grid.bank, out)
    return levels(mel_magnitudes(spectrum, grid.bank, power, room), power, dynamic_range_db, peak, room)


class MelGrid(NamedTuple):
    """What all features of a signal begin with: frames in samples, their number, and the mel bank that fits them."""

    frame_length: int
    hop_length: int
    frames: int
    bank: Array
    library: Any = None
    """Whose Fourier transform it is, if not that of the signal's own library."""


def mel_grid(signal: Array, sample_rate: float, bands: int, window: float, hop: float, filterbank: Any) -> MelGrid:
    """Lay the grid of the features over a signal; a filterbank of the caller's own replaces ``bands``."""
    frame_length, hop_length, frames = feature_grid(signal.shape[-1], sample_rate, window, hop)
    if filterbank is None:
        filterbank = mel_filterbank(sample_rate, frame_length, bands)
    elif tuple(filterbank.shape[1:]) != (frame_length // 2 + 1,):
        raise ShapeError(
            f"got a filterbank of shape {tuple(filterbank.shape)}; expected (bands, {frame_length // 2 + 1}) for "
            f"frames of {frame_length} samples; make it with mel_filterbank(sample_rate, {frame_length}, bands)"
        )
    check_length(signal, frame_length)
    return MelGrid(frame_length, hop_length, frames, bank_like(filterbank, signal))


def clip_spectra(signal: Array, grid: MelGrid) -> tuple[Array, Array]:
    """The spectrum ``(..., channels, freq, frames)`` of clips divided by their largest samples, and these."""
    peak = peak_of(signal)
    spectrum = frame_spectrum(signal / peak, grid.frame_length, grid.hop_length, grid.frames, library=grid.library)
    return spectrum.mT, peak


def by_clips(compute: Callable[..., Array], signal: Array, grid: MelGrid, *options: Any) -> Array:
    """``compute(signal, grid, out, *options)`` for a batch of clips, in pieces that stay in the cache of a CPU.

    Fresh pages for the spectra of a large batch cost more than the arithmetic. Plain tensors are seen as the NumPy
    arrays they are; where gradients or transforms need one formula, and on other devices, the batch stays whole.
    ``out`` is where the result may be written, or None; what is returned instead is copied.
    """
    view, bank = kernel_view(signal), kernel_view(grid.bank)
    if view is None or bank is None:
        return compute(signal, grid, None, *options)
    grid = grid._replace(bank=bank, library=namespace(signal))
    *batch, channels, time = view.shape
    clips, piece = prod(batch), max(1, _CACHED_SAMPLES // max(channels * time, 1))
    flat = view.reshape(clips, channels, time)
    out = compute(flat[:piece], grid, None, *options)
    if clips > piece:
        first, out = out, np.empty((clips, *out.shape[1:]), out.dtype)
        out[:piece] = first
        for start in range(piece, clips, piece):
            part = out[start : start + piece]
            found = compute(flat[start : start + piece], grid, part, *options)
            if found is not part:
                part[:] = found
    out = out.reshape(*batch, *out.shape[1:])
    return loaded_torch().from_numpy(out) if is_torch(signal) else out
