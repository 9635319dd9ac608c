"""The boxes that say in an MP4 or MOV file what a :class:`SpatialMetadata` says, or a refusal where none can."""

from dataclasses import replace

from ambikit.errors import ConventionError
from ambikit.files.metadata.facts import Pose, SpatialMetadata
from ambikit.files.metadata.projection import st3d_box, sv3d_box
from ambikit.files.metadata.sa3d import sa3d_box

__all__ = [
    "PICTURE_FIELDS",
    "channels_needed",
    "completed",
    "projection_statement",
    "sound_statement",
    "stereo_statement",
]

PICTURE_FIELDS = ("projection", "bounds", "stereo", "pose")
_WHOLE = (0.0, 0.0, 0.0, 0.0)


def channels_needed(said: SpatialMetadata) -> int:
    """How many channels a sound track must have of which this is said."""
    return ((said.order or 0) + 1) ** 2 + 2 * said.head_locked_stereo


def sound_statement(said: SpatialMetadata) -> bytes:
    """The SA3D box; it knows full AmbiX sets only, in their own order, and a stereo pair after them.

    Examples
    --------
    >>> sound_statement(SpatialMetadata(order=1, ordering="acn", normalization="sn3d"))[4:8]
    b'SA3D'
    """
    if (said.ordering, said.normalization) != ("acn", "sn3d") or said.matrix is not None:
        through = " through a matrix" if said.matrix is not None else ""
        raise ConventionError(
            f"got ordering={said.ordering!r} and normalization={said.normalization!r}{through}; expected 'acn' and "
            "'sn3d' of the stored channels, as an SA3D box knows nothing else; convert the sound to AmbiX first"
        )
    box = sa3d_box(said.order or 0, head_locked_stereo=said.head_locked_stereo)
    channels, components = channels_needed(said), (said.order or 0) + 1
    in_order = tuple(place if place < components**2 else None for place in range(channels))
    if said.channel_map not in (None, in_order) or said.channels not in (None, channels):
        raise ConventionError(
            f"got channels={said.channels} and channel_map={said.channel_map} for order {said.order}; expected "
            f"{channels} channels in their own order, the only one that all readers of SA3D take alike; put the "
            "channels of the sound in order first"
        )
    return box


def completed(said: SpatialMetadata, older: SpatialMetadata) -> SpatialMetadata:
    """What is said of the pictures, and from an older statement what is not."""
    fields = {name: getattr(said, name) for name in PICTURE_FIELDS if getattr(said, name) is not None}
    return replace(older, **fields)


def projection_statement(said: SpatialMetadata) -> bytes:
    """The sv3d box; empty if no projection is stated."""
    if said.projection is None and said.pose is None and said.bounds is None:
        return b""
    if said.projection is None:
        raise ConventionError(
            f"got pose={said.pose} and bounds={said.bounds} without a projection; expected what they are of; say "
            "projection='equirectangular' too, if that is what the pictures are"
        )
    if said.projection != "equirectangular":
        raise ConventionError(
            f"got projection={said.projection!r}; expected 'equirectangular', the only one whose box is written here; "
            "take the pictures to it first"
        )
    return sv3d_box(said.pose or Pose(), said.bounds or _WHOLE)


def stereo_statement(said: SpatialMetadata) -> bytes:
    """The st3d box; empty if nothing is said of eyes."""
    return b"" if said.stereo is None else st3d_box(said.stereo)
