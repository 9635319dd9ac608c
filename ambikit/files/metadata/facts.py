"""The one result of all parsers: what a file says about the space in it."""

from dataclasses import dataclass, fields, replace

__all__ = ["Pose", "SpatialMetadata", "joined"]


@dataclass(frozen=True)
class Pose:
    """How a 360° picture stands in the world, in radians and in the sense of :func:`ambikit.rotate`.

    ``turn_equirectangular(frame, pose.yaw, pose.pitch, pose.roll)`` sets the picture upright, with its front where the
    front of the sound is: +yaw turns to the left, +pitch turns the front down, +roll turns the left side up.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.yaw or self.pitch or self.roll)


@dataclass(frozen=True)
class SpatialMetadata:
    """What a file says about the space in its sound and its pictures; None where it says nothing.

    Attributes
    ----------
    order
        Ambisonic order of the sound field.
    ordering
        ``"acn"`` or ``"fuma"``.
    normalization
        ``"sn3d"``, ``"n3d"`` or ``"fuma"``.
    channels
        How many stored channels the statement is about.
    channel_map
        For each stored channel its component, counted from 0 in ``ordering``; None for a channel that is none of the
        sound field (head-locked stereo, say).
    matrix
        Rows that make the (order + 1)² components out of the first stored channels.
    head_locked_stereo
        Whether two of the channels are a stereo pair that does not turn with the head.
    loudspeakers
        The loudspeakers that the file says its channels are. Writers often say this of sound fields too.
    projection
        ``"equirectangular"``, ``"cubemap"``, ``"mesh"`` or ``"rectangular"``.
    bounds
        Of an equirectangular picture: which share of the full one is missing at the top, bottom, left and right.
    stereo
        ``"mono"``, ``"top-bottom"``, ``"bottom-top"``, ``"left-right"``, ``"right-left"`` or ``"custom"``: where the
        eyes' pictures lie.
    pose
        How the picture is turned against the world.
    pose_certain
        False where specifications differ in the signs of the pose (WebM and MKV with a yaw or a roll); ``pose`` is then
        what MP4 would mean by the same numbers.
    origin
        The structures of the file that said so.
    notes
        What contradicts itself, is damaged, or cannot be used, in words.
    """

    order: int | None = None
    ordering: str | None = None
    normalization: str | None = None
    channels: int | None = None
    channel_map: tuple[int | None, ...] | None = None
    matrix: tuple[tuple[float, ...], ...] | None = None
    head_locked_stereo: bool = False
    loudspeakers: str | None = None
    projection: str | None = None
    bounds: tuple[float, float, float, float] | None = None
    stereo: str | None = None
    pose: Pose | None = None
    pose_certain: bool = True
    origin: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def of_sound_field(self) -> bool:
        """Whether the file says that its sound is Ambisonic."""
        return self.order is not None


_SOUND = ("order", "ordering", "normalization", "channels", "channel_map", "matrix")
_PICTURE = ("projection", "bounds", "stereo", "pose", "pose_certain")


def joined(*parts: SpatialMetadata) -> SpatialMetadata:
    """Several statements in one, the first to speak about the sound, and about the pictures, has the word.

    Examples
    --------
    >>> one, other = SpatialMetadata(order=1, origin=("a",)), SpatialMetadata(order=2, projection="mesh", origin=("b",))
    >>> said = joined(one, other)
    >>> said.order, said.projection, said.notes
    (1, 'mesh', ('a and b contradict each other about the sound field; a is believed',))
    """
    result = SpatialMetadata()
    sound = picture = ""
    notes: list[str] = []
    for part in parts:
        said = {f.name: getattr(part, f.name) for f in fields(part)}
        name = " and ".join(part.origin)
        if part.of_sound_field and not sound:
            result, sound = replace(result, **{k: said[k] for k in (*_SOUND, "head_locked_stereo")}), name
        elif part.of_sound_field and _differ(result, part, ("order", "ordering", "normalization")):
            notes.append(f"{sound} and {name} contradict each other about the sound field; {sound} is believed")
        elif not part.of_sound_field and not sound:
            known = {k: said[k] for k in _SOUND if said[k] is not None and getattr(result, k) is None}
            result = replace(result, **known)
        if (part.projection or part.stereo) and not picture:
            result, picture = replace(result, **{k: said[k] for k in _PICTURE}), name
        elif part.projection and _differ(result, part, ("projection", "stereo", "pose")):
            notes.append(f"{picture} and {name} contradict each other about the pictures; {picture} is believed")
        result = replace(
            result,
            loudspeakers=result.loudspeakers or part.loudspeakers,
            origin=(*result.origin, *part.origin),
            notes=(*result.notes, *part.notes),
        )
    return replace(result, notes=(*result.notes, *notes))


def _differ(one: SpatialMetadata, other: SpatialMetadata, names: tuple[str, ...]) -> bool:
    pairs = [(getattr(one, name), getattr(other, name)) for name in names]
    return any(a is not None and b is not None and a != b for a, b in pairs)
