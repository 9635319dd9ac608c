"""Rooms of any shape, by way of pyroomacoustics: its image sources become an Ambisonics response here."""

from typing import Any

import numpy as np

from ambikit._checks import check_order
from ambikit.errors import AmbikitError, ArrayTypeError
from ambikit.operators.rooms.images import ImageSources

__all__ = ["pyroomacoustics_images"]


def pyroomacoustics_images(
    room: Any, *, source: int = 0, listener: int = 0
) -> tuple[ImageSources, tuple[float, ...] | None]:
    """The image sources of a pyroomacoustics room of any shape, for :func:`response_of_images` of any order.

    Taken are the images that the microphone can see, their attenuation by the walls, the absorption of the air if the
    room has it, and the pattern of the source. Its axes are ours: x front, y left, z up of the listener. What rays add
    (``ray_tracing=True``) is not taken, nor the pattern of the microphone.

    Parameters
    ----------
    room
        A ``pyroomacoustics.Room``, ``ShoeBox`` or ``AnechoicRoom`` in three dimensions, with ``max_order`` set and at
        least one source and one microphone. Its image sources are computed if they are not yet there.
    source
        Number of the source, from 0.
    listener
        Number of the microphone, from 0: where the listener is.

    Returns
    -------
    images
        In float64 with the precision of float32, in which pyroomacoustics computes. Gains are 1/distance for the direct
        sound: pyroomacoustics' own responses are alike, and 40 samples late.
    bands
        Centre frequencies in Hz of the gains ``(bands, images)``, to be passed on as ``bands``; None where all
        frequencies are alike and gains are ``(images,)``.

    Raises
    ------
    ArrayTypeError
        If the room is not one of pyroomacoustics.
    AmbikitError
        If it has two dimensions, lacks that source or microphone, sees no image, or its source has a measured pattern.

    References
    ----------
    Scheibler, Bezzam, Dokmanić, Pyroomacoustics: a Python package for audio room simulation and array processing
    algorithms, ICASSP 2018.

    Examples
    --------
    An L-shaped room, in third order (needs the extra ``rooms``):

    >>> import pyroomacoustics
    >>> corners = np.array([[0, 0], [6, 0], [6, 3], [3, 3], [3, 6], [0, 6]]).T
    >>> room = pyroomacoustics.Room.from_corners(corners, fs=16000, max_order=3)
    >>> room.extrude(3.0)
    >>> _ = room.add_source([5, 1, 1.5]).add_microphone([1, 1, 1.5])
    >>> images, bands = pyroomacoustics_images(room)
    >>> round(float(images.distances.min()), 6), bands
    (4.0, None)
    """
    for name in ("sources", "mic_array", "image_source_model", "dim", "c", "fs"):
        if not hasattr(room, name):
            raise ArrayTypeError(
                f"got a room of type {type(room).__name__}; expected a Room or ShoeBox of pyroomacoustics; for a "
                "rectangular room of numbers call ambikit.image_sources"
            )
    if room.dim != 3:
        raise AmbikitError("got a room of two dimensions; expected three; give it a height with room.extrude(3.0)")
    source, listener = check_order(source, name="source"), check_order(listener, name="listener")
    microphones = 0 if room.mic_array is None else room.mic_array.R.shape[1]
    if source >= len(room.sources) or listener >= microphones:
        raise AmbikitError(
            f"got source={source}, listener={listener} of a room with {len(room.sources)} sources and {microphones} "
            "microphones; expected numbers below those; add them with room.add_source and room.add_microphone"
        )
    if not room.simulator_state["ism_done"]:
        room.image_source_model()
    sounding = room.sources[source]
    seen = np.asarray(room.visibility[source][listener], dtype=bool)
    if not seen.any():
        raise AmbikitError(
            f"got no image of source {source} that microphone {listener} can see; expected at least one; raise "
            "max_order, or move one of them to where the other is not hidden by a corner"
        )
    path = sounding.images[:, seen].T.astype(np.float64) - room.mic_array.R[:, listener]
    distances = np.linalg.norm(path, axis=-1)
    emissions = sounding.directions[listener][:, seen].T.astype(np.float64)
    gains = sounding.damping[:, seen].astype(np.float64) / distances
    if room.air_absorption is not None:
        gains = gains * np.exp(-0.5 * np.asarray(room.air_absorption)[:, None] * distances)
    if sounding.directivity is not None:
        gains = gains * _pattern(sounding.directivity, emissions)
    order = np.argsort(sounding.orders[seen], kind="stable")
    bands = tuple(float(centre) for centre in room.octave_bands.centers) if len(gains) > 1 else None
    images = ImageSources(
        (path / distances[:, None])[order],
        distances[order],
        gains[:, order] if bands else gains[0, order],
        distances[order] / room.c,
        (emissions / np.linalg.norm(emissions, axis=-1, keepdims=True))[order],
    )
    return images, bands


def _pattern(directivity: Any, emissions: np.ndarray) -> np.ndarray:
    """How loud a source with a pattern of pyroomacoustics is, ``(1, images)`` or ``(bands, images)``."""
    if directivity.is_impulse_response:
        raise AmbikitError(
            "got a source whose pattern is measured as impulse responses; expected an analytic one, such as a "
            "CardioidFamily; take the responses of pyroomacoustics themselves"
        )
    x, y, z = emissions.T
    response = directivity.get_response(
        azimuth=np.arctan2(y, x), colatitude=np.arctan2(np.hypot(x, y), z), degrees=False
    )
    return np.atleast_2d(np.asarray(response, dtype=np.float64).T)
