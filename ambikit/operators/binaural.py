"""From a sound field to two ears."""

from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, cached_design
from ambikit._checks import check_choice, check_floating, check_order, check_sample_rate, check_signal
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from ambikit.geometry.harmonics import spherical_harmonics
from ambikit.operators.binaural_design import (
    constrain_covariance,
    equalize_diffuse_field,
    fitting_matrix,
    magnitude_least_squares,
)
from ambikit.operators.convolution import filter_channels
from ambikit.operators.hrir_sets import HrirSet
from ambikit.operators.spherical_head import spherical_head_hrirs

__all__ = ["METHODS", "BinauralFilters", "binaural_decoder", "decode_binaural"]

#: how a decoder may be designed
METHODS = ("magls", "least_squares")


@dataclass(frozen=True, eq=False)
class BinauralFilters:
    """A binaural decoder: one filter per ear and channel, made by :func:`binaural_decoder` or of your own arrays.

    Parameters
    ----------
    filters
        ``(2, channels, taps)``, left ear first, for an AmbiX signal.
    sample_rate
        In Hz.
    delay
        Samples that the filters are late by design, which :func:`decode_binaural` takes back. A program that plays
        as it computes cannot, and has this latency.
    source
        Where the filters come from, in words.

    Raises
    ------
    ShapeError
        If the filters are not those of two ears and a full order.
    AmbikitError
        If the sample rate is not positive, or the delay not within the filters.

    Examples
    --------
    >>> import numpy as np
    >>> BinauralFilters(np.ones((2, 4, 1)), 48000)
    BinauralFilters(order 1, 1 taps, 48000 Hz)
    """

    filters: Float[Array, "ears channels taps"]
    """``(2, channels, taps)``, left ear first."""
    sample_rate: float
    """In Hz."""
    delay: int = 0
    """Samples that the filters are late by design."""
    source: str = ""
    """Where the filters come from."""

    def __post_init__(self) -> None:
        check_sample_rate(self.sample_rate)
        shape = tuple(self.filters.shape)
        if len(shape) != 3 or shape[0] != 2 or 0 in shape:
            raise ShapeError(f"got filters of shape {shape}; expected (2, channels, taps), left ear first")
        check_signal(self.filters, name="filters")
        check_order(self.delay, maximum=shape[2] - 1, name="delay")

    @property
    def order(self) -> int:
        """Ambisonic order of the signals it decodes."""
        return round(self.filters.shape[1] ** 0.5) - 1

    def __repr__(self) -> str:
        source = f", {self.source}" if self.source else ""
        return f"BinauralFilters(order {self.order}, {self.filters.shape[2]} taps, {self.sample_rate:g} Hz{source})"


def binaural_decoder(
    hrirs: HrirSet | None = None,
    order: int = 1,
    *,
    method: str = "magls",
    sample_rate: float | None = None,
    cut_frequency: float = 1500.0,
    diffuse_field_equalization: bool = False,
    covariance_constraint: bool = False,
) -> BinauralFilters:
    r"""Design the filters with which a sound field of an order is heard through the ears of a set.

    A plane wave from direction d excites the channels as :math:`y(d)`; the filters D should turn it into the measured
    responses h(d). Least squares minimises :math:`\sum_d w_d\, |D\, y(d) - h(d)|^2` over the sphere, at each
    frequency. At low orders and high frequencies that fails, above all at the ear away from the source, and the sound
    is dull. As the ear hears no fine interaural phase above about 1.5 kHz, magnitude least squares ("magls") there
    minimises :math:`\sum_d w_d\, (|D\, y(d)| - |h(d)|)^2`: frequency by frequency upwards, with the phases of the
    decoder at the frequency before, turned on by its common delay. Below the cut both are the same.

    Parameters
    ----------
    hrirs
        The ears: from :func:`read_hrirs`, or by default a rigid sphere (:func:`spherical_head_hrirs`).
    order
        Ambisonic order, 0 or more, that the directions of the set can carry.
    method
        ``"magls"`` or ``"least_squares"``.
    sample_rate
        In Hz; the set is brought to it. By default that of the set, or 48000 for the sphere.
    cut_frequency
        In Hz, above 0: where magnitude least squares begins. Higher keeps the phase of the waves longer, lower
        makes the magnitudes of low orders better: first order is exact to some 600 Hz only.
    diffuse_field_equalization
        Whether to bring the energy that both ears together receive in a diffuse field, at each frequency, to that
        of the set. With least squares this undoes the dullness on average; with magnitude least squares it
        changes little.
    covariance_constraint
        Whether to bring the covariance of the ears in a diffuse field (their energies and their coherence) to
        that of the set, with the filters that are nearest to the design. From order 1 on.

    Returns
    -------
    BinauralFilters
        Float64 NumPy; the taps of the set with plain least squares, else four times as many or more.

    Raises
    ------
    AmbikitError
        If the directions cannot carry the order, a parameter is unknown or out of range.
    ArrayTypeError
        If ``hrirs`` is not a set.

    References
    ----------
    Schörkhuber, Zaunschirm, Höldrich, Binaural rendering of Ambisonic signals via magnitude least squares, DAGA
    (2018); Zaunschirm, Schörkhuber, Höldrich, Binaural rendering of Ambisonic signals by head-related impulse response
    time alignment and a diffuseness constraint, J. Acoust. Soc. Am. 143 (2018) 3616; Hold, Meyer-Kahlen, Pulkki,
    Magnitude-least-squares binaural Ambisonic rendering with phase continuation, DAGA (2023).

    Examples
    --------
    The ears are mirror images of each other: what is left-right symmetric (W, Z, X) both hear alike, Y with
    opposite sign:

    >>> decoder = binaural_decoder(order=1)
    >>> left, right = decoder.filters
    >>> [bool(np.allclose(left[c], sign * right[c])) for c, sign in enumerate([1, -1, 1, 1])]
    [True, True, True, True]
    """
    order = check_order(order)
    check_choice(method, METHODS, "method")
    if hrirs is not None and not isinstance(hrirs, HrirSet):
        raise ArrayTypeError(
            f"got hrirs of type {type(hrirs).__name__}; expected a HrirSet; read one with ambikit.read_hrirs(path), or "
            "make one of your own arrays"
        )
    if not isinstance(cut_frequency, int | float | np.number) or not cut_frequency > 0:
        raise AmbikitError(f"got cut_frequency={cut_frequency!r}; expected a positive number in Hz, e.g. 1500")
    if covariance_constraint and order == 0:
        raise AmbikitError(
            "got covariance_constraint with order 0; expected order 1 or more: two ears that hear one channel are "
            "always coherent; leave the constraint away"
        )
    if hrirs is None:
        hrirs = spherical_head_hrirs(sample_rate=48000 if sample_rate is None else check_sample_rate(sample_rate))
    elif sample_rate is not None:
        hrirs = hrirs.resampled(sample_rate)
    weights = hrirs.sphere_weights()
    harmonics = spherical_harmonics(hrirs.azimuth, hrirs.elevation, order)
    fit = fitting_matrix(harmonics, weights, order)
    words = f"{method} of {hrirs.source or 'a set'}"
    if method == "least_squares" and not (diffuse_field_equalization or covariance_constraint):
        return BinauralFilters(np.tensordot(hrirs.responses, fit, (0, 1)).swapaxes(1, 2), hrirs.sample_rate, 0, words)
    taps = hrirs.responses.shape[-1]
    length = 1 << (4 * taps - 1).bit_length()
    # What rings before its cause wraps round to the end of the filters; turned by this delay it stands before again.
    delay = length // 8
    spectra = np.moveaxis(np.fft.rfft(hrirs.responses, length), 1, 0)
    first_bin = min(max(2, ceil(cut_frequency / hrirs.sample_rate * length)), spectra.shape[-1])
    first_bin = first_bin if method == "magls" else spectra.shape[-1]
    filters = magnitude_least_squares(spectra, harmonics, fit, weights, first_bin)
    if covariance_constraint:
        filters = constrain_covariance(filters, spectra, weights)
    elif diffuse_field_equalization:  # which the constraint includes
        filters = equalize_diffuse_field(filters, spectra, weights)
    return BinauralFilters(np.roll(np.fft.irfft(filters, length), delay, -1), hrirs.sample_rate, delay, words)


@cached_design
def _spherical_head_decoder(order: int, sample_rate: float, *design: tuple[str, Any]) -> BinauralFilters:
    return binaural_decoder(None, order, sample_rate=sample_rate, **dict(design))


def decode_binaural(
    signal: Float[Array, "*batch channels time"],
    sample_rate: float,
    decoder: Any = None,
    *,
    tail: bool = False,
    **design: Any,
) -> Float[Array, "*batch 2 out_time"]:
    """Hear a sound field through two ears, over headphones.

    To turn the head, turn the field the other way first: :func:`align` looks at a direction.

    Parameters
    ----------
    signal
        ``(..., channels, time)`` in AmbiX, of any order.
    sample_rate
        Of the signal, in Hz.
    decoder
        The filters of :func:`binaural_decoder` (best, where the same ears are used again), a set of ears from
        :func:`read_hrirs`, or by default a rigid sphere, whose filters are remembered.
    tail
        Whether the result goes on until the last echo of the ears has died out; otherwise it is as long as the signal.
    **design
        Keywords of :func:`binaural_decoder`, unless the decoder is designed already: ``method``,
        ``cut_frequency``, ``diffuse_field_equalization``, ``covariance_constraint``.

    Returns
    -------
    array
        ``(..., 2, time)``, left ear first, in the library, dtype and device of ``signal``, with gradients. The sound
        is late by what the responses of the set are late (about 1 ms), whatever the method. A sample that is not
        finite makes those samples NaN that depend on it, and no others.

    Raises
    ------
    AmbikitError
        If the decoder is for another sample rate, or design keywords are given with a decoder that has its design.
    ShapeError
        If the signal is not of the order of the decoder, or time is empty.
    ArrayTypeError
        If the signal holds integers, or the decoder is no decoder.

    References
    ----------
    As :func:`binaural_decoder`. The convolution is overlap-save: Oppenheim and Schafer, Discrete-Time Signal
    Processing, section 8.7.

    Examples
    --------
    A click on the left is louder at the left ear:

    >>> import numpy as np, ambikit
    >>> click = np.eye(1, 512)[0]
    >>> ears = decode_binaural(ambikit.encode(click, 90, 0, degrees=True), 48000)
    >>> ears.shape, bool((ears[0] ** 2).sum() > 4 * (ears[1] ** 2).sum())
    ((2, 512), True)
    """
    check_floating(signal)
    order = check_signal(signal)
    sample_rate = check_sample_rate(sample_rate)
    decoder = _decoder_for(order, sample_rate, decoder, design)
    return filter_channels(signal, decoder.filters, advance=decoder.delay, tail=tail)


def _decoder_for(order: int, sample_rate: float, decoder: Any, design: dict[str, Any]) -> BinauralFilters:
    if decoder is None:
        return _spherical_head_decoder(order, sample_rate, *sorted(design.items()))
    if isinstance(decoder, HrirSet):
        return binaural_decoder(decoder, order, sample_rate=sample_rate, **design)
    if not isinstance(decoder, BinauralFilters):
        raise ArrayTypeError(
            f"got decoder of type {type(decoder).__name__}; expected BinauralFilters, a HrirSet or None; make one with "
            "ambikit.binaural_decoder(hrirs, order)"
        )
    if design:
        raise AmbikitError(
            f"got {', '.join(sorted(design))} with filters that are designed already; expected none; give them to "
            "ambikit.binaural_decoder"
        )
    if decoder.sample_rate != sample_rate:
        raise AmbikitError(
            f"got a signal at {sample_rate:g} Hz and a decoder for {decoder.sample_rate:g} Hz; expected one rate; "
            f"design the decoder with sample_rate={sample_rate:g}"
        )
    if decoder.order != order:
        raise ShapeError(
            f"got a signal of order {order} and a decoder of order {decoder.order}; expected the same order; design "
            f"the decoder with order={order}, or take the first channels of the signal"
        )
    return decoder
