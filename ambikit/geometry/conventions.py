"""Which channel is which, and how loud: the only door between AmbiX and every other convention."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from jaxtyping import Inexact

from ambikit._arrays import Array, constant_like, narrow, widen
from ambikit._checks import check_floating, check_signal
from ambikit.errors import ConventionError
from ambikit.geometry.channels import degree_pairs

__all__ = ["AMBIX", "FUMA", "N3D", "Convention", "convert"]

# The ACN number of each letter, in Furse-Malham order.
_FUMA_LETTERS = {
    "W": 0, "X": 3, "Y": 1, "Z": 2,
    "R": 6, "S": 7, "T": 5, "U": 8, "V": 4,
    "K": 12, "L": 13, "M": 11, "N": 14, "O": 10, "P": 15, "Q": 9,
}  # fmt: skip

# The factors from SN3D to a maximum of 1 over the sphere, by degree n and |m|.
_MAXN = {
    (0, 0): 1.0,
    (1, 0): 1.0, (1, 1): 1.0,
    (2, 0): 1.0, (2, 1): 2 / sqrt(3), (2, 2): 2 / sqrt(3),
    (3, 0): 1.0, (3, 1): sqrt(45 / 32), (3, 2): 3 / sqrt(5), (3, 3): sqrt(8 / 5),
}  # fmt: skip

# Furse-Malham files may leave channels out; the count tells which (the .amb convention). These are not a full sphere.
_PARTIAL_SETS = {
    3: ("W X Y", "first order, horizontal only"),
    5: ("W X Y U V", "second order, horizontal only"),
    6: ("W X Y Z U V", "second order horizontally, first order in height"),
    7: ("W X Y U V P Q", "third order, horizontal only"),
    8: ("W X Y Z U V P Q", "third order horizontally, first order in height"),
    11: ("W X Y Z R S T U V P Q", "third order horizontally, second order in height"),
}

_ORDERINGS = ("acn", "fuma")
_NORMALIZATIONS = ("sn3d", "n3d", "maxn", "fuma")
_HIGHEST_FUMA_ORDER = 3


@dataclass(frozen=True)
class Convention:
    """An order of the channels and a scale for each: what must be known to read an Ambisonics signal.

    Parameters
    ----------
    ordering
        ``"acn"``: channel n (n + 1) + m carries degree n, index m. ``"fuma"``: the letters
        W X Y Z R S T U V K L M N O P Q, which exist to third order.
    normalization
        ``"sn3d"``: the channels of each degree together have the energy of W. ``"n3d"``: √(2 n + 1) times that.
        ``"maxn"``: each channel has the maximum 1 over the sphere (to third order). ``"fuma"``: maxn with W at
        1/√2, i.e. 3 dB lower.

    Raises
    ------
    ConventionError
        If a word is not one of these.

    References
    ----------
    Nachbar, Zotter, Deleflie, Sontacchi: AmbiX, a suggested Ambisonics format (2011). Malham: Higher order
    Ambisonic systems (2003), for Furse-Malham.

    Examples
    --------
    A microphone that delivers W X Y Z with a W as loud as the source:

    >>> Convention(ordering="fuma", normalization="sn3d")
    Convention(ordering='fuma', normalization='sn3d')
    """

    ordering: str = "acn"
    normalization: str = "sn3d"

    def __post_init__(self) -> None:
        for field, value, known in (
            ("ordering", self.ordering, _ORDERINGS),
            ("normalization", self.normalization, _NORMALIZATIONS),
        ):
            if value not in known:
                raise ConventionError(
                    f"got {field}={value!r}; expected one of {', '.join(map(repr, known))}; "
                    "look up in the manual of the source which of them it writes"
                )

    @property
    def highest_order(self) -> int | None:
        """The highest order this convention defines; None where there is no limit."""
        limited = self.ordering == "fuma" or self.normalization in ("maxn", "fuma")
        return _HIGHEST_FUMA_ORDER if limited else None

    def acn_of_channels(self, order: int) -> list[int]:
        """The ACN number of each of this convention's channels, in its order."""
        if self.ordering == "acn":
            return list(range((order + 1) ** 2))
        return list(_FUMA_LETTERS.values())[: (order + 1) ** 2]

    def weights(self, order: int) -> np.ndarray:
        """The factor from SN3D to this convention for each ACN channel (in ACN order, whatever the ordering)."""
        pairs = degree_pairs(order)
        if self.normalization == "sn3d":
            weights = [1.0 for _ in pairs]
        elif self.normalization == "n3d":
            weights = [sqrt(2 * n + 1) for n, _ in pairs]
        else:
            weights = [_MAXN[n, abs(m)] for n, m in pairs]
        if self.normalization == "fuma":
            weights[0] = sqrt(0.5)
        return np.array(weights)


#: ACN order, SN3D: the convention inside ambikit, of YouTube and of most files.
AMBIX = Convention("acn", "sn3d")
#: ACN order, N3D: the convention of most array processing.
N3D = Convention("acn", "n3d")
#: Furse-Malham: W X Y Z … with W at 1/√2, the convention of older recordings and ``.amb`` files.
FUMA = Convention("fuma", "fuma")

_NAMED = {"ambix": AMBIX, "n3d": N3D, "fuma": FUMA}


def _convention(name: "str | Convention", role: str) -> Convention:
    if isinstance(name, Convention):
        return name
    if name not in _NAMED:
        raise ConventionError(
            f"got {role}={name!r}; expected 'ambix', 'n3d', 'fuma' or an ambikit.Convention; "
            "describe any other with Convention(ordering=..., normalization=...)"
        )
    return _NAMED[name]


def _check_layout(signal: Array, axis: int, source: Convention, target: Convention) -> int:
    check_floating(signal, complex_allowed=True)
    shape = tuple(signal.shape)
    channels = shape[axis] if axis < 0 and len(shape) >= -axis else None
    if source.ordering == "fuma" and channels in _PARTIAL_SETS:
        letters, meaning = _PARTIAL_SETS[channels]
        raise ConventionError(
            f"got {channels} channels on axis {axis} of a Furse-Malham signal with shape {shape}, the set {letters} "
            f"({meaning}); expected a full sphere of 1, 4, 9 or 16 channels; insert silent channels at the places "
            f"of the missing letters of {' '.join(_FUMA_LETTERS)}, or keep only a complete lower order"
        )
    order = check_signal(signal, axis=axis)
    for convention in (source, target):
        highest = convention.highest_order
        if highest is not None and order > highest:
            raise ConventionError(
                f"got {shape[axis]} channels on axis {axis} of a signal with shape {shape}, which is order {order}; "
                f"{convention} exists only up to order {highest} ({(highest + 1) ** 2} channels), where its letters "
                "and factors end; use 'ambix' or 'n3d', or keep the first 16 ACN channels"
            )
    return order


def convert(
    signal: Inexact[Array, "..."],
    source: str | Convention,
    target: str | Convention,
    *,
    axis: int = -2,
) -> Inexact[Array, "..."]:
    """Bring a signal from one convention of channel order and scale to another, by the same sound field.

    Each channel is taken from its place in ``source``, multiplied by the ratio of the two factors against SN3D, and
    put in its place in ``target``. For Furse-Malham the factors are W 1/√2; X Y Z 1; R 1, S T U V 2/√3; K 1,
    L M √(45/32), N O 3/√5, P Q √(8/5).

    Parameters
    ----------
    signal
        Signal ``(..., channels, time)``, or a spectrum ``(..., channels, freq, time)`` with ``axis=-3``; real or
        complex floating point, 1, 4, 9, 16, … channels.
    source, target
        ``"ambix"`` (ACN, SN3D), ``"n3d"`` (ACN, N3D), ``"fuma"`` (Furse-Malham, to third order), or a
        :class:`Convention`.
    axis
        The channel axis, counted from the end.

    Returns
    -------
    array
        The signal in the target convention: same shape, library, device and dtype. Where the two conventions are
        the same it is ``signal`` itself, not a copy. NaN stays in its channel.

    Raises
    ------
    ConventionError
        If a convention is unknown or ends below the order of the signal, or if the channel count is one of the
        horizontal or mixed-order sets of Furse-Malham.
    ShapeError
        If the channels are not a full sphere, or there are no samples.
    ArrayTypeError
        If the signal holds integers.

    References
    ----------
    Nachbar, Zotter, Deleflie, Sontacchi: AmbiX, a suggested Ambisonics format (2011). Malham: Higher order
    Ambisonic systems (2003).

    Examples
    --------
    A plane wave from the left, W X Y Z = 1/√2, 0, 1, 0 in Furse-Malham, is W Y Z X = 1, 1, 0, 0 in AmbiX:

    >>> left = np.array([[np.sqrt(0.5)], [0.0], [1.0], [0.0]])
    >>> convert(left, "fuma", "ambix")[:, 0].round(12).tolist()
    [1.0, 1.0, 0.0, 0.0]
    """
    source, target = _convention(source, "source"), _convention(target, "target")
    order = _check_layout(signal, axis, source, target)
    if source == target:
        return signal
    acn_of_source, acn_of_target = source.acn_of_channels(order), target.acn_of_channels(order)
    trailing = (slice(None),) * (-axis - 1)
    x, dtype = widen(signal)
    if acn_of_source != acn_of_target:
        x = x[(Ellipsis, [acn_of_source.index(acn) for acn in acn_of_target], *trailing)]
    if source.normalization != target.normalization:
        factors = (target.weights(order) / source.weights(order))[acn_of_target]
        x = x * constant_like(factors, x).reshape((-1,) + (1,) * len(trailing))
    return narrow(x, dtype)
