"""What the kit can ask of an implementation, in one convention, and how an implementation is found by name."""

import inspect
from importlib import import_module
from typing import Any, Protocol

from ambikit.errors import AmbikitError

__all__ = ["FUNCTIONS", "Adapter", "NotOffered", "load_adapter"]


class NotOffered(Exception):
    """Raised by an adapter for a case that its implementation does not offer, e.g. a higher order."""


class Adapter(Protocol):
    """An implementation as the kit sees it: any object with some of these functions, which are called by position.

    What is missing is reported as "not offered"; so is a single call that raises :class:`NotOffered`. Arrays come as
    float64 (spectra as complex128) NumPy and go back as anything ``numpy.asarray`` takes. The convention is AmbiX
    throughout: ACN order W, Y, Z, X, …, SN3D; x front, y left, z up; radians, azimuth positive to the left, elevation
    positive upwards. An implementation with another convention translates in its adapter.

    Two optional attributes: ``name``, a title for the report, and ``precision``, the smallest error the kit may ask
    for, e.g. 1e-5 for an implementation in single precision (0 if missing).
    """

    def harmonics(self, azimuth: Any, elevation: Any, order: int) -> Any:
        """Gains of plane waves: ``(directions,)`` angles to ``(directions, channels)``."""
        ...

    def encode(self, signal: Any, azimuth: float, elevation: float, order: int) -> Any:
        """A mono signal ``(time,)`` from a direction: ``(channels, time)``."""
        ...

    def convert(self, signal: Any, source: str, target: str) -> Any:
        """``(channels, time)`` from one to another of ``"ambix"``, ``"n3d"`` (ACN) and ``"fuma"`` (W X Y Z R S …)."""
        ...

    def mirror(self, signal: Any, plane: str) -> Any:
        """Exchange ``"left_right"``, ``"front_back"`` or ``"up_down"``: ``(channels, time)`` both."""
        ...

    def rotation_matrix(self, yaw: float, pitch: float, roll: float, order: int) -> Any:
        """``(channels, channels)``: moves sources by Rz(yaw) Ry(pitch) Rx(roll), right-handed.

        +90° of yaw takes the front to the left, of pitch the front down, of roll the left up.
        """
        ...

    def rotate(self, signal: Any, yaw: float, pitch: float, roll: float) -> Any:
        """The same turn of a signal ``(channels, time)``."""
        ...

    def align(self, signal: Any, azimuth: float, elevation: float) -> Any:
        """Turn ``(channels, time)`` so that a source there comes to the front and the horizon stays level."""
        ...

    def beam_weights(self, pattern: str, order: int) -> Any:
        """``(order + 1,)`` weights b_n with the gain Σ b_n P_n(cos) of a beam, 1 ahead.

        Patterns: ``"hypercardioid"``, ``"cardioid"`` (also called in-phase), ``"supercardioid"`` (largest front-to-back
        ratio), ``"max_re"`` (exact), ``"max_re_approximate"`` (the 137.9° rule), and of first order ``"omni"``,
        ``"subcardioid"``, ``"figure_eight"``.
        """
        ...

    def beamform(self, signal: Any, azimuth: float, elevation: float, pattern: str) -> Any:
        """The sound ``(time,)`` of a beam into ``(channels, time)``, with gain 1 ahead."""
        ...

    def intensity(self, spectrum: Any) -> Any:
        """Of a first-order spectrum ``(4, freq, time)`` the vector ``(3, freq, time)``, x y z, towards the source.

        Divided by the energy, so that a plane wave has length 1:
        ``2 Re(W* [X, Y, Z]) / (|W|² + |X|² + |Y|² + |Z|²)``.
        """
        ...

    def diffuseness(self, spectrum: Any) -> Any:
        """Of a first-order spectrum ``(4, freq, time)`` one number ``(freq,)`` per bin, from means over all frames.

        ``1 − |⟨Re(W* [X, Y, Z])⟩| / ⟨(|W|² + |X|² + |Y|² + |Z|²) / 2⟩``
        """
        ...

    def energy_ratio(self, signal: Any, sample_rate: float) -> Any:
        """The energy of X, Y and Z together over that of W, of ``(4, time)`` (below 4 kHz or in full): one number."""
        ...

    def level_difference(self, spectrum: Any) -> Any:
        """Left over right in dB: ``(2, freq, time)`` to ``(freq, time)``."""
        ...

    def phase_difference(self, spectrum: Any) -> Any:
        """Phase of left minus that of right in radians, in [−π, π]: ``(2, freq, time)`` to ``(freq, time)``."""
        ...

    def loudspeaker_decoder(self, azimuth: Any, elevation: Any, order: int, method: str) -> Any:
        """``(loudspeakers, channels)`` gains without max-rE or other weights, at any level.

        Methods: ``"sampling"``, ``"mode_matching"``, ``"energy_preserving"``.
        """
        ...

    def max_re_decoder(self, azimuth: Any, elevation: Any, order: int, method: str) -> Any:
        """The same with exact max-rE weights, ``P_n`` of the largest root of ``P_(N+1)``.

        Methods: those above, and ``"all_round"`` (AllRAD).
        """
        ...

    def panning_gains(self, azimuth: Any, elevation: Any, source_azimuth: float, source_elevation: float) -> Any:
        """``(loudspeakers,)`` gains of vector base amplitude panning (VBAP), with Σ g² = 1."""
        ...

    def head_response(
        self, azimuth: float, elevation: float, frequency: Any, radius: float, speed_of_sound: float
    ) -> Any:
        """Of a plane wave at ``(freq,)`` the ears, at ±90° on a rigid sphere, left first: ``(2, freq)``, complex.

        Relative to the pressure in the centre without the sphere; later sound has a falling phase.
        """
        ...


#: The parameters of each function, in the order in which they are passed.
FUNCTIONS = {
    name: tuple(inspect.signature(function).parameters)[1:]
    for name, function in vars(Adapter).items()
    if inspect.isfunction(function) and not name.startswith("_")
}


def load_adapter(name: str) -> Any:
    """Find an adapter by ``"module:object"``; a class is made into an object without arguments.

    Raises
    ------
    AmbikitError
        If there is no such module or object, or it offers none of the functions.

    Examples
    --------
    >>> load_adapter("ambikit.conformance.adapters.ours:AmbikitNumPy").name
    'ambikit, NumPy'
    """
    module, _, attribute = name.partition(":")
    advice = "pass module:object, e.g. ambikit.conformance.adapters.ours:AmbikitNumPy"
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, ValueError, AttributeError) as error:
        raise AmbikitError(f"got adapter {name!r}, which cannot be loaded ({error}); {advice}") from error
    adapter = found() if isinstance(found, type) else found
    if not any(callable(getattr(adapter, function, None)) for function in FUNCTIONS):
        raise AmbikitError(
            f"got adapter {name!r}, which offers none of the functions of the kit; expected some of "
            f"{', '.join(FUNCTIONS)}; {advice}"
        )
    return adapter
