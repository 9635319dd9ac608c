"""From a sound field to two channels."""

from jaxtyping import Inexact

from ambikit._arrays import Array, constant_like, namespace, narrow, widen
from ambikit._checks import check_signal
from ambikit.operators.beamforming import beam_weights

__all__ = ["decode_stereo"]


def decode_stereo(
    signal: Inexact[Array, "..."], *, pattern: str = "hypercardioid", axis: int = -2
) -> Inexact[Array, "..."]:
    """Two coincident microphones, the left one pointing to +90° and the right one to −90°.

    ``left = a W + b Y``, ``right = a W − b Y`` with the first-order weights a, b of :func:`beam_weights`. To hear the
    scene from a viewpoint, call :func:`align` first.

    Parameters
    ----------
    signal
        ``(..., channels, time)`` of order 1 or more in AmbiX, or a spectrum with ``axis=-3``. The beams are of first
        order whatever the order of the signal: only the channels W and Y are used.
    pattern
        Name of a pattern of :func:`beam_weights` at order 1.
    axis
        The channel axis, negative.

    Returns
    -------
    array
        ``(..., 2, time)``, or ``(..., 2, freq, time)`` with ``axis=-3``, left first, in the library, dtype and device
        of ``signal``, with gradients.

    Raises
    ------
    AmbikitError
        If the pattern is unknown.
    ShapeError
        If the channels are not those of a full order of at least 1, or time is empty.
    ArrayTypeError
        If the signal holds integers.

    References
    ----------
    Wang, Politis, Mesaros, Virtanen, Self-supervised learning of audio representations from audio-visual data using
    spatial alignment, IEEE J. Sel. Top. Signal Process. 16 (2022), eq. (9). As printed, with
    u = (1, d), that is the cardioid times 2; the text says hypercardioid.

    Examples
    --------
    A source on the left is heard on the left at full level, on the right at half, with opposite sign:

    >>> import numpy as np
    >>> left = np.array([[1.0], [1.0], [0.0], [0.0]])
    >>> decode_stereo(left)[:, 0].tolist()
    [1.0, -0.5]
    """
    check_signal(signal, axis=axis, minimum_order=1)
    wide, half = widen(signal)
    omni, dipole = constant_like(beam_weights(pattern, 1), wide)
    behind = (slice(None),) * (-axis - 1)
    middle, side = omni * wide[(..., 0, *behind)], dipole * wide[(..., 1, *behind)]
    return narrow(namespace(wide).stack([middle + side, middle - side], axis), half)
