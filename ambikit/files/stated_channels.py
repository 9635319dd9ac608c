"""What a file says of its channels, applied where it is unambiguous and held against what the caller says."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64

from ambikit._checks import order_if_complete
from ambikit.errors import ConventionError
from ambikit.files.metadata.facts import SpatialMetadata
from ambikit.geometry.conventions import Convention, convert
from ambikit.operators.channel_axis import apply_matrix

__all__ = ["matrix_to_ambix", "stated_matrix", "to_ambix"]

_CLOSE = 1e-6  # matrices in files are in single precision


def stated_matrix(
    said: SpatialMetadata, channels: int, source: Any, name: str | Path, *, stacklevel: int = 4
) -> Float64[np.ndarray, "components stored"] | None:
    """The matrix to AmbiX that a file asks for; None if it asks for nothing, or the caller says something else.

    What is applied, and what is not, is said in a warning.
    """

    def warn(text: str) -> None:
        warnings.warn(f"{name}: {text}", UserWarning, stacklevel=stacklevel)

    if said.notes:
        warn("; ".join(said.notes))
    origin = " and ".join(said.origin)
    if not said.of_sound_field:
        if said.loudspeakers and channels >= 4 and order_if_complete(channels) is not None:
            warn(
                f"its header calls the {channels} channels loudspeakers ({said.loudspeakers}), as writers often do of "
                f"sound fields; they are read as {source}; if they are loudspeakers, they are no Ambisonics"
            )
        return None
    if said.channels != channels:
        warn(f"it speaks ({origin}) of {said.channels} channels where {channels} are; what it says is not used")
        return None
    matrix = matrix_to_ambix(said)
    if matrix is None:
        return None
    asked = _matrix_of_source(source, channels)
    if asked is not None and asked.shape == matrix.shape and np.allclose(asked, matrix, rtol=0, atol=_CLOSE):
        return None  # the ordinary way does the same
    if source != "ambix":
        warn(f"its header ({origin}) says {_in_words(said)}, which source={source!r} contradicts; source is followed")
        return None
    warn(
        f"its header ({origin}) says {_in_words(said)}; taken by it to AmbiX, {len(matrix)} channels; pass "
        "channel_map=None for the channels as they are"
    )
    return matrix


def matrix_to_ambix(said: SpatialMetadata) -> Float64[np.ndarray, "components stored"] | None:
    """The matrix from the stored channels to AmbiX that a statement means; None if it does not say enough.

    Examples
    --------
    >>> n3d = SpatialMetadata(order=1, ordering="acn", normalization="n3d", channels=4)
    >>> matrix_to_ambix(n3d).diagonal().round(3)
    array([1.   , 0.577, 0.577, 0.577])
    """
    if said.order is None or said.ordering is None or said.normalization is None or said.channels is None:
        return None
    components = (said.order + 1) ** 2
    placed = np.zeros((components, said.channels))
    if said.matrix is not None:
        placed[:, : len(said.matrix[0])] = said.matrix
    else:
        for channel, component in enumerate(said.channel_map or range(components)):
            if component is not None:
                placed[component, channel] = 1.0
    try:
        return convert(placed, Convention(said.ordering, said.normalization), "ambix")
    except ConventionError:  # FuMa above the third order
        return None


def to_ambix(
    stored: Float32[np.ndarray, "stored time"], matrix: Float64[np.ndarray, "components stored"]
) -> Float32[np.ndarray, "channels time"]:
    """Apply a matrix, or pick the channels where it does no more, so that samples stay as they are."""
    picked = matrix.argmax(axis=1)
    if np.array_equal(matrix, np.eye(matrix.shape[1])[picked]):
        return stored[picked]
    return apply_matrix(matrix.astype(np.float32), stored)


def _matrix_of_source(source: Any, channels: int) -> Float64[np.ndarray, "components stored"] | None:
    try:
        return convert(np.eye(channels), source, "ambix")
    except ValueError:  # no full set of channels: the ordinary way will say so
        return None


def _in_words(said: SpatialMetadata) -> str:
    words = [f"order {said.order}, {(said.ordering or '').upper()} order, {_NAMES[said.normalization or '']}"]
    if said.matrix is not None:
        words.append("through its matrix")
    if said.channel_map is not None and said.channel_map != tuple(range(said.channels or 0)):
        places = ", ".join("-" if place is None else str(place) for place in said.channel_map[:16])
        words.append(f"with the channels at the places [{places}{', …' if len(said.channel_map) > 16 else ''}]")
    if said.head_locked_stereo:
        words.append("beside a head-locked stereo pair, which is left out")
    return ", ".join(words)


_NAMES = {"sn3d": "SN3D", "n3d": "N3D", "fuma": "FuMa scale", "": "no scale"}
