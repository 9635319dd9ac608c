"""Short-time spectra: the Fourier transform of overlapping frames, and its exact inverse."""

from math import ceil
from typing import Any

import numpy as np
from jaxtyping import Complex, Float

from ambikit._arrays import Array, constant_like, is_torch, kernel_view, namespace, widen
from ambikit._checks import check_floating, check_order, check_sample_rate
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from ambikit.operators.channel_weights import is_complex

# Of squared windows, below which a sample is not raised any further: the amplitude of a window there is 0.01.
_LEAST_COVERAGE = 1e-4

__all__ = ["check_length", "feature_grid", "fourier", "frame_spectrum", "hann", "istft", "spectrum_of_frames", "stft"]


def stft(
    signal: Float[Array, "*batch time"], *, frame_length: int, hop_length: int
) -> Complex[Array, "*batch freq frames"]:
    r"""Which frequencies sound when: the spectrum of short, overlapping frames.

    .. math:: X(f, t) = \sum_{n=0}^{N-1} h(n)\, x(tH + n - N/2)\, e^{-2\pi i f n / N}

    with the periodic Hann window :math:`h`. Frame ``t`` is centred on sample ``t * hop_length``; beyond its ends
    the signal is reflected.

    Parameters
    ----------
    signal
        Samples ``(..., channels, time)``. Any leading axes; ``(time,)`` is welcome.
    frame_length
        Samples per frame, N, at least 2. ``freq`` is ``frame_length // 2 + 1``.
    hop_length
        Samples from one frame to the next, H, at least 1.

    Returns
    -------
    Complex spectrum ``(..., channels, freq, frames)`` with ``1 + time // hop_length`` frames; complex64 for half
    and single precision, complex128 for double. It is not scaled: a sine of amplitude 1 in the middle of a bin
    has magnitude N/4.

    Raises
    ------
    ShapeError
        If the signal is too short to be reflected by half a frame.
    AmbikitError
        If ``frame_length`` or ``hop_length`` is not a whole number in its range.

    See Also
    --------
    istft : the way back.

    References
    ----------
    J. B. Allen and L. R. Rabiner, "A unified approach to short-time Fourier analysis and synthesis", Proc. IEEE
    65(11), 1977.

    Examples
    --------
    A constant 1 is all direct current: bin 0 holds the sum of the window, N/2, and bin 1 its cosine term, N/4.

    >>> import numpy as np
    >>> spectrum = stft(np.ones((1, 16)), frame_length=8, hop_length=4)
    >>> spectrum.shape
    (1, 5, 5)
    >>> np.abs(spectrum[0, :3, 2]).round(6)
    array([4., 2., 0.])
    """
    check_floating(signal)
    for name, value, least in (("frame_length", frame_length, 2), ("hop_length", hop_length, 1)):
        check_order(value, minimum=least, name=name)
    return frame_spectrum(widen(signal)[0], frame_length, hop_length).mT


def frame_spectrum(
    signal: Array,
    frame_length: int,
    hop_length: int,
    frames: int | None = None,
    transform_length: int | None = None,
    *,
    library: Any = None,
) -> Array:
    """The transform behind :func:`stft`: ``(..., frames, freq)``, the way it lies in memory, or its first frames.

    Frames may be filled up with zeros to ``transform_length``. A NumPy view of a tensor may be transformed by the
    ``library`` of the tensor, torch.
    """
    check_length(signal, frame_length)
    view = kernel_view(signal)
    if view is not None and view.size:
        cut = _cut(view, frame_length, hop_length, frames)
        library = library or namespace(signal)
        if library is np:
            return fourier(np).rfft(cut, transform_length)
        spectrum = library.fft.rfft(library.from_numpy(cut), transform_length)
        return spectrum if is_torch(signal) else spectrum.numpy()
    left, samples = frame_length // 2, signal.shape[-1]
    right = frame_length - left
    xp = namespace(signal)
    before = xp.flip(signal[..., 1 : left + 1], (-1,))
    after = xp.flip(signal[..., samples - right - 1 : samples - 1], (-1,))
    padded = xp.concat([before, signal, after], -1)
    return spectrum_of_frames(padded, frame_length, hop_length, frames, transform_length)


def _cut(view: np.ndarray, frame_length: int, hop_length: int, frames: int | None) -> np.ndarray:
    """All frames ``(..., frames, frame_length)`` that are centred within a signal, or the first ones, windowed."""
    from ambikit.kernels.frames import cut_frames

    *batch, samples = view.shape
    count = 1 + samples // hop_length
    cut = np.empty((*batch, count if frames is None else min(frames, count), frame_length), view.dtype)
    window = hann(frame_length).astype(view.dtype)
    cut_frames(view.reshape(-1, samples), window, hop_length, cut.reshape(-1, *cut.shape[-2:]))
    return cut


def spectrum_of_frames(
    padded: Array, frame_length: int, hop_length: int, frames: int | None = None, transform_length: int | None = None
) -> Array:
    """The spectra ``(..., frames, freq)`` of all frames, or the first ones, that lie within given samples."""
    cut = _frames(padded, frame_length, hop_length)[..., :frames, :]
    if 0 in cut.shape:  # an empty batch, which torch's transform refuses
        bins = [0] * ((transform_length or frame_length) // 2 + 1)
        return cut[..., bins] * 1j
    return fourier(namespace(padded)).rfft(cut * constant_like(hann(frame_length), padded), transform_length)


def istft(
    spectrum: Complex[Array, "*batch freq frames"], *, frame_length: int, hop_length: int, length: int | None = None
) -> Float[Array, "*batch time"]:
    r"""Sound from a short-time spectrum: the inverse of :func:`stft`.

    .. math:: x(n) = \frac{\sum_t h(n - tH)\, x_t(n - tH)}{\sum_t h^2(n - tH)}

    the least-squares signal: also the nearest answer for a spectrum that no signal has. The denominator is at least
    10⁻⁴, see below.

    Parameters
    ----------
    spectrum
        Complex spectrum ``(..., channels, freq, frames)``, as :func:`stft` returns it.
    frame_length, hop_length
        As they were in :func:`stft`.
    length
        Number of samples to return; default the span between the first and the last frame's centre,
        ``(frames - 1) * hop_length``. Pass the length of the original signal to get all of it back.

    Returns
    -------
    Samples ``(..., channels, time)``.

    Raises
    ------
    ShapeError
        If ``freq`` does not fit ``frame_length``, or there are too few frames for ``length``.
    ArrayTypeError
        If the spectrum is not complex.
    AmbikitError
        If ``hop_length`` is not less than ``frame_length``, so that no window covers some samples, or ``length`` is no
        whole number.

    Notes
    -----
    Hops of up to 0.46 frames, a quarter frame for instance, give every sample back. With longer ones, half a frame
    too, the last samples of some lengths hang on the foot of one window alone, at most 3.2 % of a frame, and between
    windows that hardly meet there are such samples as well. Dividing by the foot would multiply whatever was done to
    the spectrum, and its rounding, by up to N²; the samples fade out instead, and no change is raised more than 100
    times.

    References
    ----------
    D. W. Griffin and J. S. Lim, "Signal estimation from modified short-time Fourier transform", IEEE Trans. ASSP
    32(2), 1984, eq. (6).

    Examples
    --------
    >>> import numpy as np
    >>> signal = np.arange(16.0).reshape(1, 16)
    >>> spectrum = stft(signal, frame_length=8, hop_length=4)
    >>> np.allclose(istft(spectrum, frame_length=8, hop_length=4), signal)
    True
    """
    check_floating(spectrum, "spectrum", complex_allowed=True)
    if not is_complex(spectrum):
        raise ArrayTypeError(
            f"got spectrum of dtype {spectrum.dtype}; expected a complex spectrum (..., freq, frames); "
            "pass what ambikit.stft returned: levels without phases are no sound"
        )
    for name, value, least in (("frame_length", frame_length, 2), ("hop_length", hop_length, 1)):
        check_order(value, minimum=least, name=name)
    if spectrum.ndim < 2 or spectrum.shape[-2] != frame_length // 2 + 1 or spectrum.shape[-1] < 1:
        raise ShapeError(
            f"got a spectrum of shape {tuple(spectrum.shape)}; expected (..., freq, frames) with "
            f"{frame_length // 2 + 1} bins for frame_length={frame_length} and at least one frame; "
            "pass the frame_length the spectrum was made with"
        )
    if hop_length >= frame_length:
        raise AmbikitError(
            f"got hop_length={hop_length} for frame_length={frame_length}; expected windows that cover every sample; "
            "take a hop of at most half a frame"
        )
    xp = namespace(spectrum)
    count, left = spectrum.shape[-1], frame_length // 2
    span = (count - 1) * hop_length
    samples = span if length is None else check_order(length, name="length")
    if not 0 < samples <= span + frame_length - left:
        raise ShapeError(
            f"got {count} frames of {frame_length} samples every {hop_length} for length={samples}; expected 1 to "
            f"{span + frame_length - left} samples; pass a length that the frames cover"
        )
    window = hann(frame_length)
    coverage = _overlap_add(np.broadcast_to(window**2, (count, frame_length)), hop_length)[left : left + samples]
    if 0 in spectrum.shape:
        frames = xp.concat([spectrum.real, spectrum.real], -2).mT[..., :frame_length]
    else:
        frames = fourier(xp).irfft(spectrum.mT, frame_length)
    signal = _overlap_add(frames * constant_like(window, frames), hop_length)[..., left : left + samples]
    return signal / constant_like(np.maximum(coverage, _LEAST_COVERAGE), frames)


def feature_grid(samples: int, sample_rate: float, window: float, hop: float) -> tuple[int, int, int]:
    """Frame length, hop length and number of frames of the features, in samples.

    A frame is the smallest power of two that holds ``window`` seconds (512 at 24 kHz for 21 ms, as the papers
    have it), the hop the nearest whole number of samples. There are exactly ``ceil(samples / hop_length)`` frames:
    100, not 101, for one second where 10 ms are whole samples; 101 at 22.05 kHz, whose hop is rounded down.

    >>> feature_grid(24000, 24000, window=0.021, hop=0.010)
    (512, 240, 100)
    """
    sample_rate = check_sample_rate(sample_rate)
    for name, seconds in (("window", window), ("hop", hop)):
        if not seconds * sample_rate >= 1:
            raise AmbikitError(
                f"got {name}={seconds!r} and sample_rate={sample_rate:g}; expected {name} in seconds, at least one "
                f"sample, and sample_rate in Hz; e.g. {name}=0.02 and sample_rate=48000 (48 would be kHz)"
            )
    frame_length = 1 << max(ceil(round(window * sample_rate, 6)) - 1, 1).bit_length()
    hop_length = round(hop * sample_rate)
    return frame_length, hop_length, -(-samples // hop_length)


def check_length(signal: Array, frame_length: int) -> None:
    """Refuse a signal that half a frame cannot be reflected in."""
    least = frame_length - frame_length // 2
    if signal.ndim == 0 or signal.shape[-1] <= least:
        raise ShapeError(
            f"got a signal of shape {tuple(signal.shape)}; expected more than {least} samples, half a frame, on the "
            "last axis, because the ends are reflected; pad the signal or choose a shorter frame"
        )


def hann(length: int) -> np.ndarray:
    """The periodic Hann window, float64: 0 at its first sample, 1 in the middle."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)


def fourier(xp: Any) -> Any:
    """The module of Fourier transforms: SciPy's transforms many frames side by side, four times faster than NumPy's."""
    if xp is np:
        import scipy.fft

        return scipy.fft
    return xp.fft


def _frames(padded: Array, frame_length: int, hop_length: int) -> Array:
    """Overlapping frames ``(..., frames, frame_length)`` as a view."""
    if is_torch(padded):
        return padded.unfold(-1, frame_length, hop_length)
    return np.lib.stride_tricks.sliding_window_view(padded, frame_length, axis=-1)[..., ::hop_length, :]


def _overlap_add(frames: Array, hop_length: int) -> Array:
    """Add frames ``(..., frames, frame_length)`` up, each ``hop_length`` after the one before."""
    xp = namespace(frames)
    *batch, count, frame_length = frames.shape
    pieces = -(-frame_length // hop_length)
    rest = xp.zeros_like(frames[..., :1])
    # Cut each frame into pieces of one hop: piece k of frame t belongs to output block t + k.
    whole = xp.concat([frames, xp.broadcast_to(rest, (*batch, count, pieces * hop_length - frame_length))], -1)
    whole = whole.reshape(*batch, count, pieces, hop_length)
    blocks = xp.zeros_like(whole[..., :1, 0, :])
    total = 0
    for k in range(pieces):
        before = xp.broadcast_to(blocks, (*batch, k, hop_length))
        after = xp.broadcast_to(blocks, (*batch, pieces - 1 - k, hop_length))
        total = total + xp.concat([before, whole[..., k, :], after], -2)
    return total.reshape(*batch, (count + pieces - 1) * hop_length)
