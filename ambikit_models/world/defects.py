"""What is wrong with sounds that only claim to be first-order AmbiX, done on purpose, each defect by its name."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from ambikit.errors import AmbikitError, ShapeError

__all__ = ["DEFECTS", "break_sound"]

W, Y, Z, X = range(4)
Signal = Float[np.ndarray, "channels time"]
Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def _reordered(*order: int) -> Change:
    return lambda signal, _: signal[list(order)]


def _scaled(*gains: float) -> Change:
    return lambda signal, _: signal * np.array(gains, signal.dtype)[:, None]


def _silenced(channel: int) -> Change:
    return lambda signal, _: np.where(np.arange(4)[:, None] == channel, signal.dtype.type(0), signal)


def _padded_stereo(signal: np.ndarray, _: np.random.Generator) -> np.ndarray:
    w, y = signal[W], signal[Y]
    return np.stack([0.5 * (w + y), 0.5 * (w - y), np.zeros_like(w), np.zeros_like(w)])


def _copied_channel(signal: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    source, target = generator.permutation(4)[:2]
    copy = signal.copy()
    copy[target] = signal[source]
    return copy


def _dipoles_exchanged(signal: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    orders = ([Y, X, Z], [Z, Y, X], [Z, X, Y], [X, Y, Z], [X, Z, Y])
    return signal[[W, *orders[generator.integers(len(orders))]]]


def _dipole_inverted(signal: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    signs = np.ones(4, signal.dtype)
    signs[generator.integers(1, 4)] = -1
    return signal * signs[:, None]


_CHANGES: dict[str, tuple[str, Change]] = {
    "w_x_exchanged": ("W and X have changed places", _reordered(X, Y, Z, W)),
    "w_y_exchanged": ("W and Y have changed places", _reordered(Y, W, Z, X)),
    "w_z_exchanged": ("W and Z have changed places", _reordered(Z, Y, W, X)),
    "padded_stereo": ("left and right, and two silent channels", _padded_stereo),
    "mono": ("W alone, the dipoles silent", lambda signal, _: signal * np.eye(4, 1, dtype=signal.dtype)),
    "n3d_scale": ("the dipoles √3 louder", _scaled(1.0, 3**0.5, 3**0.5, 3**0.5)),
    "fuma_scale": ("W 3 dB softer", _scaled(0.5**0.5, 1.0, 1.0, 1.0)),
    "fuma": (
        "FuMa as it is: W 3 dB softer, order W, X, Y, Z",
        lambda s, g: _scaled(0.5**0.5, 1, 1, 1)(s, g)[[W, X, Y, Z]],
    ),
    "silent_y": ("Y is silent", _silenced(Y)),
    "silent_z": ("Z is silent", _silenced(Z)),
    "copied_channel": ("one channel, drawn, is a copy of another", _copied_channel),
    "fuma_order": ("order W, X, Y, Z, the scale of AmbiX", _reordered(W, X, Y, Z)),
    "dipoles_exchanged": ("X, Y and Z in another order, drawn", _dipoles_exchanged),
    "dipole_inverted": ("the sign of X, Y or Z, drawn, is wrong", _dipole_inverted),
}

#: name of each defect, and what it is in words
DEFECTS: dict[str, str] = {name: words for name, (words, _) in _CHANGES.items()}


def break_sound(signal: Signal, defect: str, *, seed: int = 0) -> Signal:
    """Give first-order AmbiX one defect of those that are found in the wild.

    Parameters
    ----------
    signal
        Channels W, Y, Z, X.
    defect
        One of :data:`DEFECTS`.
    seed
        Decides what a defect leaves open: which channel is copied, which sign is wrong.

    Examples
    --------
    >>> signal = np.array([[1.0], [0.1], [0.2], [0.3]])
    >>> break_sound(signal, "w_x_exchanged").ravel().tolist()
    [0.3, 0.1, 0.2, 1.0]
    >>> break_sound(signal, "silent_z").ravel().tolist()
    [1.0, 0.1, 0.0, 0.3]
    """
    if defect not in _CHANGES:
        raise AmbikitError(f"got defect={defect!r}; expected one of {', '.join(DEFECTS)}")
    if signal.ndim != 2 or len(signal) != 4:
        raise ShapeError(f"got a sound of shape {signal.shape}; expected (4, time): first order, channels W, Y, Z, X")
    return np.ascontiguousarray(_CHANGES[defect][1](signal, np.random.default_rng(seed)), dtype=signal.dtype)
