"""The level of a signal in mel bands, and what all mel features have in common."""

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from ambikit._arrays import (
    Array,
    empty_like_signal,
    is_torch,
    kernel_view,
    loaded_torch,
    namespace,
    narrow,
    real_dtype,
    widen,
)
from ambikit._checks import check_floating
from ambikit.analysis.filterbank import band_sums, bank_like, detached, mel_filterbank
from ambikit.analysis.spectra import check_length, feature_grid, frame_spectrum
from ambikit.errors import AmbikitError, ShapeError

__all__ = [
    "MelGrid",
    "Room",
    "by_clips",
    "check_levels",
    "clip_spectra",
    "clips_of",
    "levels",
    "log_mel",
    "mel_grid",
    "mel_magnitudes",
    "mel_products",
    "peak_of",
    "room_for",
    "views_for_kernel",
]

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


class Room(NamedTuple):
    """What the loops read, and where they write the quantities of a feature side by side, ``(..., mel, frames)``."""

    spectra: np.ndarray
    bank: np.ndarray
    out: Array

    @property
    def clips(self) -> np.ndarray:
        """``out`` as ``(clips, quantities, mel, frames)``."""
        return clips_of(self.out)


def room_for(quantities: int, spectrum: Array, bank: Array, out: Array | None = None) -> Room | None:
    """Room for the quantities of a spectrum, in ``out`` if it is given; None where only the formula can go."""
    views = views_for_kernel(spectrum, bank)
    if views is None:
        return None
    if out is None:
        out = empty_like_signal((*spectrum.shape[:-3], quantities, len(bank), spectrum.shape[-1]), bank)
    return Room(*views, out)


def mel_magnitudes(spectrum: Array, bank: Array, power: float, room: Room | None = None) -> Array:
    """``|X|²`` for power 2, ``|X|`` for power 1 (with gradient 0 where X is 0), summed over each band.

    They are the first channels of ``room``, if there is one.
    """
    if spectrum.ndim == 2:
        return mel_magnitudes(spectrum[None], bank, power)[0]
    count = spectrum.shape[-3]
    if power == 2:
        return mel_products(spectrum, bank, list(range(count)), list(range(count)), room)
    if room is None:
        room = room_for(count, spectrum, bank)
    if room is not None:
        from ambikit.kernels import mel as kernels

        kernels.mel_magnitudes(room.spectra, room.bank, room.clips)
        return room.out[..., :count, :, :]
    xp = namespace(spectrum)
    squared = spectrum.real**2 + spectrum.imag**2
    silent = squared == 0
    return band_sums(bank, xp.where(silent, 0.0, xp.sqrt(xp.where(silent, 1.0, squared))))


def mel_products(spectrum: Array, bank: Array, left: list[int], right: list[int], room: Room | None = None) -> Array:
    """``Re(conj(X_left) X_right)`` for pairs of channels, summed over each band: ``(..., pairs, mel, frames)``.

    They are the first channels of ``room``, if there is one.
    """
    if room is None:
        room = room_for(len(left), spectrum, bank)
    if room is not None:
        from ambikit.kernels import mel as kernels

        kernels.mel_products(room.spectra, np.array(left), np.array(right), room.bank, room.clips)
        return room.out[..., : len(left), :, :]
    real, imaginary = spectrum.real, spectrum.imag
    products = real[..., left, :, :] * real[..., right, :, :] + imaginary[..., left, :, :] * imaginary[..., right, :, :]
    return band_sums(bank, products)


def views_for_kernel(spectrum: Array, bank: Array) -> tuple[np.ndarray, np.ndarray] | None:
    """The spectrum as ``(clips, channels, frames, freq)``, the way it lies in memory, and the bank; or None."""
    view, bank_view = kernel_view(spectrum.mT), kernel_view(bank)
    return None if view is None or bank_view is None else (clips_of(view), bank_view)


def clips_of(x: Array) -> np.ndarray:
    """A view of ``(..., a, b, c)`` as ``(clips, a, b, c)``."""
    view = kernel_view(x)
    return view.reshape(prod(view.shape[:-3]), *view.shape[-3:])


def levels(mel: Array, power: float, dynamic_range_db: float, peak: Any = None, room: Room | None = None) -> Array:
    """Decibels of band sums of ``|X / peak|**power``, floored below the largest of the last three axes.

    Band sums that are the first channels of a ``room`` of single precision are overwritten: the result is the room's.
    """
    xp = namespace(mel)
    if room is not None and real_dtype(mel).itemsize == 4:
        from ambikit.kernels.levels import decibels

        clips, ratio = room.clips, np.float32(10 ** (-dynamic_range_db * power / 20))
        offset = np.zeros(len(clips), np.float32) if peak is None else 20 * np.log10(np.asarray(peak).reshape(-1))
        flat = clips.reshape(len(clips), prod(clips.shape[1:]))
        decibels(flat, prod(mel.shape[-3:]), ratio, np.float32(20 / power / np.log(10)), offset)
        return mel
    # A NaN stays where it is: it does not decide over the floor of the rest.
    known = xp.where(xp.isfinite(mel), mel, 0.0)
    top = xp.amax(known, tuple(range(-min(3, mel.ndim), 0)), keepdims=True)
    top = xp.where(top > 0, top, 1.0)
    floor = xp.clip(top * 10 ** (-dynamic_range_db * power / 20), float(xp.finfo(mel.dtype).tiny), None)
    level = (20 / power) * xp.log10(xp.maximum(mel, floor))
    level = level if peak is None else level + 20 * xp.log10(peak)[..., None]
    if room is None:
        return level
    mel[:] = level
    return mel


def peak_of(signal: Array) -> Array:
    """The largest sample of each clip (the last two axes), 1 for silence; without gradient, since it cancels out.

    Squares of float32 samples near 1e-30 would be 0: features are computed at peak 1.
    """
    xp = namespace(signal)
    fixed = detached(signal)
    view = kernel_view(fixed)
    if view is not None and view.dtype == np.float32 and view.ndim > 1:
        from ambikit.kernels.levels import largest_samples

        largest = np.empty((*view.shape[:-2], 1, 1), np.float32)
        samples = view.view(np.int32).reshape(largest.size, view.shape[-2] * view.shape[-1])
        largest_samples(samples, largest.view(np.int32).reshape(-1))
        peak = xp.asarray(largest)
    else:
        # Infinity and NaN stay where they are: they do not decide over the level of the rest.
        size = xp.where(xp.isfinite(fixed), xp.abs(fixed), 0.0)
        peak = xp.amax(size, tuple(range(-min(2, signal.ndim), 0)), keepdims=True)
    return xp.where(peak == 0, 1.0, peak)


def check_levels(power: float, dynamic_range_db: float) -> None:
    """Refuse a power other than 1 or 2 and a dynamic range that is not positive."""
    if power not in (1, 2):
        raise AmbikitError(f"got power={power!r}; expected 2.0 (power spectrum) or 1.0 (magnitude spectrum)")
    if not dynamic_range_db > 0:
        raise AmbikitError(f"got dynamic_range_db={dynamic_range_db!r}; expected decibels above 0, e.g. 100.0")
