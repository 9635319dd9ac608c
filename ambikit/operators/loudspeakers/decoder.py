"""Decoders for loudspeakers: their design, and the signals they make."""

import warnings
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Inexact

from ambikit._arrays import Array, constant_like, empty_like_signal, narrow, widen
from ambikit._checks import check_choice, check_order, check_signal
from ambikit.errors import AmbikitError
from ambikit.operators.channel_axis import (
    apply_matrix,
    apply_matrix_into,
    as_columns,
    from_columns,
    is_plain,
    trailing_shape,
)
from ambikit.operators.loudspeakers.allrad import all_round
from ambikit.operators.loudspeakers.epad import energy_preserving
from ambikit.operators.loudspeakers.harmonics import WEIGHTINGS, Harmonics, harmonics_of
from ambikit.operators.loudspeakers.layouts import Layout, as_layout
from ambikit.operators.loudspeakers.mode_matching import mode_matching
from ambikit.operators.loudspeakers.sampling import sampling

__all__ = ["LoudspeakerDecoder", "decode_loudspeakers", "loudspeaker_decoder"]

_METHODS = ("allrad", "epad", "mode_matching", "sampling")
_LARGEST_CONDITION = 1e6


@dataclass(frozen=True, eq=False)
class LoudspeakerDecoder:
    """A matrix that makes loudspeaker signals of an AmbiX signal, and how it was designed.

    Attributes
    ----------
    layout
        The loudspeakers.
    order
        Ambisonic order of the signals it decodes.
    method, weighting, preserve
        As given to :func:`loudspeaker_decoder`.
    matrix
        ``(loudspeakers, channels)``: gains from SN3D channels to loudspeakers, float64; rows of 0 for silent channels.
    """

    layout: Layout
    order: int
    method: str
    weighting: str
    preserve: str
    matrix: Float[np.ndarray, "loudspeakers channels"]

    def decode(self, signal: Inexact[Array, "..."], *, axis: int = -2) -> Inexact[Array, "..."]:
        """Loudspeaker signals: :func:`decode_loudspeakers` with this decoder."""
        return decode_loudspeakers(signal, self, axis=axis)


def loudspeaker_decoder(
    layout: Layout | str,
    order: int,
    method: str = "allrad",
    *,
    weighting: str = "max_re",
    preserve: str = "amplitude",
    imaginary: str = "share",
) -> LoudspeakerDecoder:
    """Design a decoder for loudspeakers.

    ====================  =========================================================  ===================================
    method                what it is best at                                         what it asks of the layout
    ====================  =========================================================  ===================================
    ``"allrad"``          any layout: sounds come from where they are, nearly        two loudspeakers (three off the
                          equally loud; missing parts are covered gently             horizon)
    ``"epad"``            exactly the same energy from every direction               as many loudspeakers as harmonics
    ``"mode_matching"``   the exact field in the middle of the array                 the same, spread evenly
    ``"sampling"``        the simplest: one beam per loudspeaker                     a uniform layout
    ====================  =========================================================  ===================================

    On uniform layouts (spherical designs of degree 2 · order, regular polygons of 2 · order + 1 or more) the last three
    are one and the same matrix. Layouts on the horizon are decoded with the harmonics of the circle: 2 · order + 1 of
    them instead of (order + 1)², from the channels with m = ±n alone, on their own scale.

    Parameters
    ----------
    layout
        A :class:`Layout` or the name of a standard one.
    order
        Ambisonic order of the signals, 1 or more.
    method
        One of the names above.
    weighting
        ``"max_re"`` (the longest energy vector: for a listening area), ``"basic"`` (velocity vector of length 1: low
        frequencies, one listener) or ``"in_phase"`` (no gain below 0 on uniform layouts, the widest).
    preserve
        ``"amplitude"``: the loudspeaker signals of omnidirectional sound add up to W. ``"energy"``: a source has energy
        1 in the mean over all directions (of the horizon for layouts there), whatever layout, method and weighting are.
    imaginary
        For ``"allrad"`` where loudspeakers are missing: ``"share"`` or ``"discard"``, see :func:`vbap`.

    Returns
    -------
    LoudspeakerDecoder
        With ``.matrix`` ``(loudspeakers, channels)`` for SN3D channels, and ``.decode(signal)``.

    Raises
    ------
    AmbikitError
        If a word is unknown, the order is below 1, or the layout cannot carry the method at that order.

    Warns
    -----
    UserWarning
        If EPAD has enough loudspeakers, but in places where they cannot tell the harmonics apart (two layers at second
        order): the energy is right then, directions are not.

    References
    ----------
    Zotter and Frank, Ambisonics (2019), chapter 4; Zotter, Pomberger and Noisternig, Energy-preserving Ambisonic
    decoding, Acta Acustica 98 (2012); Zotter and Frank, All-round Ambisonic panning and decoding, J. Audio Eng. Soc. 60
    (2012); max-rE on the circle: Daniel, Représentation de champs acoustiques (2000).

    Examples
    --------
    Four loudspeakers on the axes of the horizon play W/4 and half of the dipole towards them:

    >>> square = Layout([0, 90, 180, -90], degrees=True)
    >>> loudspeaker_decoder(square, 1, "sampling", weighting="basic").matrix.round(12).tolist()[:2]
    [[0.25, 0.0, 0.0, 0.5], [0.25, 0.5, 0.0, 0.0]]
    """
    layout, order = as_layout(layout), check_order(order, minimum=1)
    check_choice(method, _METHODS, "method")
    check_choice(weighting, WEIGHTINGS, "weighting")
    check_choice(preserve, ("amplitude", "energy"), "preserve")
    harmonics, sounding = harmonics_of(order, layout.is_horizontal), layout.sounding
    if method == "allrad":
        design = all_round(layout, harmonics, imaginary)
    else:
        values = harmonics(np.array(layout.azimuth)[sounding], np.array(layout.elevation)[sounding])
        if method != "sampling":
            _check_resolution(layout, harmonics, values, method)
        design = {"epad": energy_preserving, "mode_matching": mode_matching, "sampling": sampling}[method](values)
    design = design * harmonics.weights(weighting)
    # the mean over all directions of the sum of the gains is that of W alone; that of their squares is the norm
    design = design / (design[:, 0].sum() if preserve == "amplitude" else np.linalg.norm(design))
    matrix = np.zeros((len(layout), (order + 1) ** 2))
    matrix[sounding] = design @ harmonics.from_channels
    return LoudspeakerDecoder(layout, order, method, weighting, preserve, matrix)


def _check_resolution(layout: Layout, harmonics: Harmonics, values: np.ndarray, method: str) -> None:
    """Refuse layouts with too few loudspeakers, or on which harmonics look the same (two layers: 1, z and z²)."""
    count, needed = values.shape
    place = "circle" if harmonics.horizontal else "sphere"
    remedy = 'take method="allrad", which suits any layout, or a lower order'
    if count < needed:
        raise AmbikitError(
            f"got {count} sounding loudspeakers ({layout.name!r}) for method={method!r} at order {harmonics.order}; "
            f"expected at least {needed}, one per harmonic of the {place}; {remedy}"
        )
    if np.linalg.cond(values) < _LARGEST_CONDITION:
        return
    found = (
        f"got layout {layout.name!r}, whose loudspeakers cannot tell all harmonics of order {harmonics.order} apart; "
        f"expected them spread over the {place}; {remedy}"
    )
    if method == "mode_matching":
        raise AmbikitError(found)
    warnings.warn(f"{found}; the energy is kept, but some sources are far from their direction", stacklevel=3)


def decode_loudspeakers(
    signal: Inexact[Array, "..."], decoder: LoudspeakerDecoder | Layout | str, *, axis: int = -2
) -> Inexact[Array, "..."]:
    """The signals of loudspeakers that reproduce a sound field.

    ``s = D x`` with the matrix D of the decoder.

    Parameters
    ----------
    signal
        ``(..., channels, time)`` in AmbiX of the order of the decoder, or a spectrum with ``axis=-3``.
    decoder
        From :func:`loudspeaker_decoder`; or a :class:`Layout` or the name of one, for the default decoder (AllRAD,
        max-rE) at the order of the signal.
    axis
        The channel axis, negative.

    Returns
    -------
    array
        ``(..., loudspeakers, time)`` in the library, dtype and device of ``signal``, with gradients; silent channels
        (LFE) are 0.

    Raises
    ------
    AmbikitError
        If the layout cannot be decoded to at that order.
    ShapeError
        If the channels are not those of the decoder's order, or time is empty.
    ArrayTypeError
        If the signal holds integers.

    Examples
    --------
    A source on the left is loudest there:

    >>> left = np.array([[1.0], [1.0], [0.0], [0.0]])
    >>> speakers = Layout([90, -90, 0, 180], degrees=True, labels=["left", "right", "front", "back"])
    >>> decoder = loudspeaker_decoder(speakers, 1, "sampling", weighting="in_phase")
    >>> decode_loudspeakers(left, decoder)[:, 0].round(12) + 0.0
    array([0.5 , 0.  , 0.25, 0.25])
    """
    if isinstance(decoder, LoudspeakerDecoder):
        check_signal(signal, axis=axis, order=decoder.order)
    else:
        decoder = loudspeaker_decoder(as_layout(decoder), check_signal(signal, axis=axis, minimum_order=1))
    wide, half = widen(signal)
    matrix, columns = constant_like(decoder.matrix, wide), as_columns(wide, axis)
    trailing = trailing_shape(signal, axis)
    if is_plain(wide):
        shape = (*tuple(signal.shape)[:axis], len(decoder.layout), *trailing)
        result = empty_like_signal(shape, wide)
        apply_matrix_into(as_columns(result, axis), matrix, columns)
    else:
        result = from_columns(apply_matrix(matrix, columns), wide, axis)
    return narrow(result, half)
