"""Head-related impulse responses from SOFA files (AES69), read through sofar.

Files disagree with the standard on which of their two receivers is the left ear, so the sound itself is asked: an
ear hears the sources on its own side louder. Where that contradicts what the file says, a warning says so.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit.errors import FileError, MissingExtraError
from ambikit.files.containers import regular_file
from ambikit.geometry.directions import vectors_to_angles
from ambikit.operators.hrir_sets import HrirSet

__all__ = ["read_hrirs"]

_CONVENTION = "SimpleFreeFieldHRIR"
_HDF5 = b"\x89HDF\r\n\x1a\n"
# What netCDF4 and sofar raise on damaged files; RuntimeError is its word for errors of HDF5 while data are read.
_DAMAGED = (OSError, RuntimeError, AttributeError, KeyError, IndexError, UnicodeError, ValueError, TypeError)
# numbers in all responses together (2 GiB), so that a header's claim cannot ask for all memory
_MOST_NUMBERS = 2**28
# samples; longer delays are damage, not measurement
_LONGEST_DELAY = 2**16
# relative difference of level between the ears, averaged over directions, below which the sound does not tell left
# from right
_UNDECIDED = 0.01


def read_hrirs(path: Any) -> HrirSet:
    """Read the ears of a person or a dummy head from a SOFA file.

    Parameters
    ----------
    path : str or Path
        A SOFA file of the convention SimpleFreeFieldHRIR, of any version, with two receivers. Source positions may
        be spherical or Cartesian; they are seen from the listener, in the direction of ``ListenerView``. Of sources
        in one direction at several distances the farthest is taken, with a warning.

    Returns
    -------
    HrirSet
        Directions in radians (left and up positive), responses ``(directions, 2, taps)`` in float64 with the left
        ear first and ``Data.Delay`` applied, sample rate and a line about the origin.

    Raises
    ------
    FileError
        If the file is missing, cut off, damaged, no SOFA file, or of another convention (the message names it).
    MissingExtraError
        Without sofar: ``pip install "ambikit[sofa]"``.

    Warns
    -----
    UserWarning
        If the file exchanges the ears by its own ``ReceiverPosition``: the sound decides, and an ear is the left one
        when it hears the sources on the left louder.

    References
    ----------
    AES69-2022, AES standard for file exchange: spatial acoustic data file format.

    Examples
    --------
    ``hrirs = ambikit.read_hrirs("kemar.sofa")``, then ``ambikit.binaural_decoder(hrirs, order=3)``.
    """
    path = regular_file(path)
    with path.open("rb") as file:
        head = file.read(len(_HDF5))
    if head != _HDF5:
        raise FileError(
            f"got {path}, which starts with the bytes {head.hex(' ')}; expected a SOFA file (netCDF-4, which is HDF5); "
            "name a file that ends with .sofa"
        )
    try:
        import sofar
    except ImportError as error:
        raise MissingExtraError(
            f'got {path} to read; expected sofar to be installed; install it with: pip install "ambikit[sofa]"'
        ) from error
    try:
        with sofar.SofaStream(str(path)) as file:
            return _read(file, path)
    except FileError:
        raise
    except _DAMAGED as error:
        reason = " ".join(str(error).split())
        raise FileError(
            f"got {path}, which cannot be read as {_CONVENTION} ({type(error).__name__}: {reason}); expected a "
            "complete SOFA file; it was cut off or is damaged: copy or download it again"
        ) from error


def _read(file: Any, path: Path) -> HrirSet:
    convention, kind = _attribute(file, "GLOBAL_SOFAConventions"), _attribute(file, "GLOBAL_DataType")
    if convention != _CONVENTION:
        raise FileError(
            f"got {path}, a SOFA file of the convention {convention or 'unknown'} ({kind or 'unknown data'}); expected "
            f"{_CONVENTION}, one impulse response per direction and ear; export the set in that convention"
        )
    shape = tuple(file.Data_IR.shape)
    if kind != "FIR" or len(shape) != 3 or shape[1] != 2 or 0 in shape:
        raise FileError(
            f"got {path}, which holds {kind or 'unknown data'} of shape {shape}; expected FIR of shape (directions, 2, "
            "taps), one receiver per ear; check how the file was made"
        )
    _check_size(shape[0], shape[2], path)
    responses = _numbers(file.Data_IR, "Data.IR", path)
    delays = _numbers(file.Data_Delay, "Data.Delay", path) if "Data.Delay" in _variables(file) else np.zeros(2)
    rates = np.unique(_numbers(file.Data_SamplingRate, "Data.SamplingRate", path))
    if rates.size != 1 or not rates[0] > 0:
        raise FileError(f"got {path} with the sample rates {rates.tolist()}; expected one, in Hz; the file is damaged")
    vectors = _seen_by_listener(file, path, shape[0])
    responses = _delayed(responses, np.broadcast_to(np.atleast_2d(delays), shape[:2]), path)
    distances = np.linalg.norm(vectors, axis=-1)
    vectors, responses = _farthest(vectors, distances, responses, path)
    azimuth, elevation = vectors_to_angles(vectors)
    if _ears_are_exchanged(file, path, vectors, responses):
        responses = np.ascontiguousarray(responses[:, ::-1])
    rate = float(rates[0])
    return HrirSet(azimuth, elevation, responses, int(rate) if rate.is_integer() else rate, _origin(file, path))


def _check_size(directions: int, taps: int, path: Path) -> None:
    if 2 * directions * taps > _MOST_NUMBERS:
        raise FileError(
            f"got {path} with {directions} responses of {taps} samples; expected at most {_MOST_NUMBERS} numbers in "
            "all; check its header"
        )


def _variables(file: Any) -> list[str]:
    return list(file._file.variables)


def _attribute(file: Any, name: str) -> str:
    try:
        return str(getattr(file, name))
    except AttributeError:
        return ""


def _numbers(variable: Any, name: str, path: Path) -> Float[np.ndarray, "..."]:
    values = np.ma.filled(np.ma.asarray(variable[...]).astype(np.float64), np.nan)
    if not np.isfinite(values).all():
        raise FileError(
            f"got {path} with values missing or not finite in {name}; expected numbers; the file is damaged"
        )
    return values


def _cartesian(file: Any, name: str, path: Path, default: tuple[float, float, float]) -> Float[np.ndarray, "_ 3"]:
    """A position or direction of the file as Cartesian vectors, one row for all measurements or one for each."""
    if name not in _variables(file):
        return np.array([default])
    values = np.atleast_2d(_numbers(getattr(file, name), name, path))
    if values.shape[-1] != 3 or values.ndim != 2:
        raise FileError(f"got {path} with {name} of shape {values.shape}; expected three coordinates; it is damaged")
    typed = "ListenerView" if name == "ListenerUp" else name  # which is of the type of the view, by the standard
    kind = _attribute(file, f"{typed}_Type").lower()
    if kind == "cartesian":
        return values
    if kind != "spherical":
        raise FileError(f"got {path} with {name} of type {kind!r}; expected 'spherical' or 'cartesian'; it is damaged")
    unit = _attribute(file, f"{typed}_Units").lower()
    azimuth, elevation = values[:, :2].T if unit.startswith("rad") else np.radians(values[:, :2].T)
    horizontal = np.cos(elevation)
    directions = np.stack([np.cos(azimuth) * horizontal, np.sin(azimuth) * horizontal, np.sin(elevation)], axis=-1)
    return values[:, 2:] * directions


def _seen_by_listener(file: Any, path: Path, count: int) -> Float[np.ndarray, "directions 3"]:
    """Source positions in metres from the listener, x towards where it looks, z towards the top of its head."""
    source = _cartesian(file, "SourcePosition", path, (np.nan,) * 3)
    listener = _cartesian(file, "ListenerPosition", path, (0.0, 0.0, 0.0))
    view = _cartesian(file, "ListenerView", path, (1.0, 0.0, 0.0))
    up = _cartesian(file, "ListenerUp", path, (0.0, 0.0, 1.0))
    if any(len(rows) not in (1, count) for rows in (source, listener, view, up)):
        raise FileError(f"got {path} whose positions do not match its {count} measurements; it is damaged")
    left = np.cross(up, view)
    up = np.cross(view, left)
    frame = np.stack(np.broadcast_arrays(view, left, up), axis=-2)
    lengths = np.linalg.norm(frame, axis=-1, keepdims=True)
    vectors = np.broadcast_to(source - listener, (count, 3))
    if not (lengths > 0).all() or not (np.linalg.norm(vectors, axis=-1) > 0).all():
        raise FileError(
            f"got {path} with a source in the head of the listener, or a listener without a view; expected a source "
            "direction for each response; the file is damaged"
        )
    return ((frame / lengths) @ vectors[..., None])[..., 0]


def _delayed(
    responses: Float[np.ndarray, "directions 2 taps"], delays: Float[np.ndarray, "directions 2"], path: Path
) -> Float[np.ndarray, "directions 2 longer"]:
    """Put the delays, which the file keeps apart, before the responses; fractions of a sample by their phase."""
    if not delays.any():
        return responses
    if delays.min() < 0 or delays.max() > _LONGEST_DELAY:
        raise FileError(
            f"got {path} with delays from {delays.min():g} to {delays.max():g} samples; expected 0 to "
            f"{_LONGEST_DELAY}; the file is damaged"
        )
    fractional = bool((delays % 1).any())
    taps = responses.shape[-1] + int(np.ceil(delays.max())) + (32 if fractional else 0)  # room for the ripples
    _check_size(len(responses), taps, path)
    spectra = np.fft.rfft(responses, 2 * taps)
    cycles = np.fft.rfftfreq(2 * taps)
    return np.fft.irfft(spectra * np.exp(-2j * np.pi * delays[..., None] * cycles), 2 * taps)[..., :taps]


def _farthest(
    vectors: Float[np.ndarray, "directions 3"],
    distances: Float[np.ndarray, "directions"],
    responses: Float[np.ndarray, "directions 2 taps"],
    path: Path,
) -> tuple[Float[np.ndarray, "kept 3"], Float[np.ndarray, "kept 2 taps"]]:
    """Of the sources in one direction keep the farthest, if they differ in distance by more than 5 %."""
    directions = np.round(vectors / distances[:, None], 6) + 0.0
    _, group = np.unique(directions, axis=0, return_inverse=True)
    farthest = np.zeros(group.max() + 1)
    np.maximum.at(farthest, group.ravel(), distances)
    kept = distances >= 0.95 * farthest[group.ravel()]
    if not kept.all():
        warnings.warn(
            f"{path} holds sources at several distances ({distances.min():.2f} to {distances.max():.2f} m); the "
            f"farthest of each direction were taken, {kept.sum()} of {kept.size}",
            UserWarning,
            stacklevel=5,
        )
    return vectors[kept], responses[kept]


def _ears_are_exchanged(
    file: Any, path: Path, vectors: Float[np.ndarray, "directions 3"], responses: Float[np.ndarray, "directions 2 _"]
) -> bool:
    """Whether the second receiver is the left ear: by the sound, or by the file where the sound does not tell."""
    receivers = _numbers(file.ReceiverPosition, "ReceiverPosition", path).reshape(2, 3, -1)[:, :, 0]
    across = receivers[0] - receivers[1]
    if _attribute(file, "ReceiverPosition_Type").lower() == "spherical":
        across = np.array([0.0, np.sin(np.radians(receivers[0, 0])) - np.sin(np.radians(receivers[1, 0])), 0.0])
    by_position = bool(across[1] < 0)
    energy = (responses**2).sum(axis=-1)
    total = energy.sum(axis=-1)
    side = vectors[:, 1] / np.linalg.norm(vectors, axis=-1)
    difference = np.divide(energy[:, 0] - energy[:, 1], total, out=np.zeros_like(total), where=total > 0)
    evidence = float((side * difference).mean())
    if abs(evidence) < _UNDECIDED:
        return by_position
    by_sound = evidence < 0
    if by_sound != by_position:
        warnings.warn(
            f"{path} says by its ReceiverPosition that the {'second' if by_position else 'first'} receiver is the left "
            f"ear, but the {'second' if by_sound else 'first'} one hears the sources on the left louder; the sound was "
            "trusted",
            UserWarning,
            stacklevel=4,
        )
    return by_sound


def _origin(file: Any, path: Path) -> str:
    names = ("DatabaseName", "ListenerShortName", "Organization", "License")
    said = [" ".join(_attribute(file, f"GLOBAL_{name}").split()) for name in names]
    return "; ".join([path.name, *(text for text in said if text and text.lower() != "none")])
