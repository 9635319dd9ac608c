"""The sv3d and st3d boxes: how 360° pictures are laid out, how they stand in the world, and where each eye's lies.

Layout and meaning: Spherical Video V2 RFC of the spatial-media project. Its pose is yaw and pitch counter-clockwise
about the up and the right vector, each after the one before, and roll clockwise about the forward vector, in degrees.
About a vector, counter-clockwise is right-handed; so yaw keeps its sign here, pitch and roll change theirs.
"""

import struct
from math import degrees, pi, radians

from ambikit.errors import ConventionError
from ambikit.files.metadata.bounds import BoundedFile
from ambikit.files.metadata.facts import Pose, SpatialMetadata
from ambikit.files.metadata.walking import walk_boxes

__all__ = ["STEREO", "bounds_of", "parse_st3d", "parse_sv3d", "pose_of", "st3d_box", "sv3d_box"]

STEREO = ("mono", "top-bottom", "left-right", "custom", "right-left")
_PROJECTIONS = {b"equi": "equirectangular", b"cbmp": "cubemap", b"mshp": "mesh"}
_FIXED = 2.0**16
_LIMITS = (180.0, 90.0, 180.0)
_UPRIGHT = Pose()


def pose_of(yaw: float, pitch: float, roll: float) -> tuple[Pose | None, tuple[str, ...]]:
    """A pose in the file's degrees as ours, or None and a note if it is none."""
    if not all(abs(value) <= limit for value, limit in zip((yaw, pitch, roll), _LIMITS)):
        return None, (f"the pose yaw {yaw:g}°, pitch {pitch:g}°, roll {roll:g}° is outside ±180°, ±90°, ±180°",)
    return Pose(radians(yaw), -radians(pitch) or 0.0, -radians(roll) or 0.0), ()


def bounds_of(content: bytes) -> tuple[tuple[float, float, float, float] | None, tuple[str, ...]]:
    """Top, bottom, left and right of an ``equi`` box, whose content starts with version and flags."""
    if len(content) < 20:
        return None, ("equi ends within its bounds",)
    top, bottom, left, right = (value / 2**32 for value in struct.unpack_from(">4I", content, 4))
    if top + bottom >= 1 or left + right >= 1:
        return None, (f"the bounds {top:g}, {bottom:g}, {left:g}, {right:g} leave nothing of the picture",)
    return (top, bottom, left, right), ()


def parse_st3d(content: bytes) -> SpatialMetadata:
    """Where each eye's picture lies.

    Examples
    --------
    >>> parse_st3d(st3d_box("top-bottom")[8:]).stereo
    'top-bottom'
    """
    if len(content) < 5 or content[0] or content[4] >= len(STEREO):
        return SpatialMetadata(origin=("st3d",), notes=("st3d: an unknown layout of the eyes; the box is not used",))
    return SpatialMetadata(stereo=STEREO[content[4]], origin=("st3d",))


def parse_sv3d(file: BoundedFile, start: int, stop: int) -> SpatialMetadata:
    """What lies in the content of an sv3d box between two positions of the file."""
    projection = bounds = pose = None
    notes: list[str] = []
    for name, content, end in walk_boxes(file, start, stop):
        if name != b"proj":
            continue
        for inner, first, last in walk_boxes(file, content, end):
            # what follows the first fields may be long (a mesh) and is not read
            data = file.read(first, min(last - first, 32)) if inner == b"prhd" or inner in _PROJECTIONS else b""
            said: tuple[str, ...] = ()
            if inner == b"prhd" and (len(data) < 16 or data[0]):
                said = ("prhd is too short or of an unknown version",)
            elif inner == b"prhd":
                pose, said = pose_of(*(value / _FIXED for value in struct.unpack_from(">3i", data, 4)))
            elif inner in _PROJECTIONS and projection:
                said = ("there is more than one projection, of which the first is believed",)
            elif inner in _PROJECTIONS:
                projection = _PROJECTIONS[inner]
                if inner == b"equi":
                    bounds, said = bounds_of(data)
            notes += said
    if projection is None:
        notes.append("there is no projection in it that is known")
    return SpatialMetadata(
        projection=projection,
        bounds=bounds,
        pose=pose,
        origin=("sv3d",),
        notes=tuple(f"sv3d: {note}" for note in notes),
    )


def st3d_box(stereo: str) -> bytes:
    """The box that says where each eye's picture lies."""
    if stereo not in STEREO:
        raise ConventionError(f"got stereo={stereo!r}; expected one of {', '.join(STEREO)}; st3d knows no other")
    return struct.pack(">I4sIB", 13, b"st3d", 0, STEREO.index(stereo))


def sv3d_box(
    pose: Pose = _UPRIGHT, bounds: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0), *, writer: str = "ambikit"
) -> bytes:
    """The box of an equirectangular picture: its pose, and the shares that are missing at each edge."""
    angles = [round(degrees(angle) * _FIXED) for angle in (pose.yaw, -pose.pitch, -pose.roll)]
    if not all(abs(angle) <= limit * _FIXED for angle, limit in zip(angles, _LIMITS)):
        raise ConventionError(
            f"got {pose}; expected yaw and roll within ±π and pitch within ±π/2 ({pi / 2:.4f}); turn them into it"
        )
    top, bottom, left, right = bounds
    if min(bounds) < 0 or top + bottom >= 1 or left + right >= 1:
        raise ConventionError(f"got bounds {bounds}; expected shares of the picture, at least 0, that leave some of it")

    def box(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I4s", 8 + len(content), name) + content

    head = box(b"svhd", bytes(4) + writer.encode() + b"\0")
    turned = box(b"prhd", struct.pack(">I3i", 0, *angles))
    shares = (min(round(share * 2**32), 2**32 - 1) for share in bounds)
    return box(b"sv3d", head + box(b"proj", turned + box(b"equi", struct.pack(">I4I", 0, *shares))))
