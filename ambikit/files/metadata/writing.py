"""What a video says about the space in it, said anew: boxes put into MP4 and MOV, and all else left as it is."""

from pathlib import Path

from ambikit.errors import ConventionError, FileError
from ambikit.files.containers import check_complete, container_of, regular_file
from ambikit.files.metadata.bounds import BoundedFile
from ambikit.files.metadata.box_edits import copy_edited
from ambikit.files.metadata.facts import Pose, SpatialMetadata
from ambikit.files.metadata.mp4_changes import planned_changes
from ambikit.files.metadata.mp4_statements import PICTURE_FIELDS
from ambikit.files.metadata.reading import metadata_of
from ambikit.files.replacing import replacing

__all__ = ["write_metadata"]

_SOUND = ("order", "ordering", "normalization", "head_locked_stereo")
_CLOSE = 1e-6


def write_metadata(
    path: str | Path, out: str | Path, metadata: SpatialMetadata, *, keep: bool = True, version_1: bool = False
) -> None:
    """Copy an MP4 or MOV file, and let the copy say which Ambisonics its sound is and how its pictures are laid out.

    Of the sound an ``SA3D`` box speaks, in the sound track with the most channels; of the pictures ``st3d`` and
    ``sv3d``, in the first picture track. Every other box, and every byte of sound and pictures, stays as it is; what
    counts bytes from the start of the file is moved along. The file goes through in pieces, whatever its length, and
    the copy is there whole or not at all.

    Parameters
    ----------
    path : str or Path
        An MP4, M4A or MOV file.
    out : str or Path
        The file to write; ``path`` itself is replaced by the copy when that is complete.
    metadata : SpatialMetadata
        What it shall say. Of the sound: ``order``, ``ordering="acn"``, ``normalization="sn3d"`` and perhaps
        ``head_locked_stereo``; SA3D knows nothing else, nor any other order of channels that all readers take alike.
        Of the pictures: ``projection="equirectangular"``, ``bounds``, ``stereo``, ``pose``. What is no statement
        (``origin``, ``notes``, ``loudspeakers``, ``pose_certain``) is not written.
    keep : bool
        Whether the file goes on to say what it said where ``metadata`` is None; False takes out what is not said anew.
    version_1 : bool
        Whether the pictures are described a second time in the older XML, for old players. An older such
        description is taken out with every new statement about the pictures.

    Raises
    ------
    FileError
        The file is no MP4 or MOV, is cut off, lacks the track that is spoken of, or has a structure that is not
        understood well enough to be changed; or ``out`` cannot be written.
    ConventionError
        What the boxes cannot say: another scale or order than AmbiX, another number of channels than the track has,
        another projection.

    References
    ----------
    Spatial Audio RFC and Spherical Video V2 RFC of the spatial-media project; ISO/IEC 14496-12 for the boxes.

    Examples
    --------
    The first-order recording of a camera, for upload:

    >>> import ambikit
    >>> said = ambikit.SpatialMetadata(order=1, ordering="acn", normalization="sn3d", projection="equirectangular")
    >>> ambikit.write_metadata("camera.mp4", "upload.mp4", said)  # doctest: +SKIP
    """
    path = regular_file(path)
    container = container_of(path)
    if container != "mp4":
        raise FileError(
            f"got {path}, a {container} file; expected MP4, M4A or MOV, the only ones in which such boxes are written; "
            "put its streams into one of them first (ambikit.write makes CAF files that say what they are)"
        )
    check_complete(path, container)
    with path.open("rb") as source:
        size = path.stat().st_size
        try:
            changes = planned_changes(
                BoundedFile(source, size, of_all_pieces=True), metadata, keep=keep, version_1=version_1
            )
        except (FileError, ConventionError) as error:
            raise type(error)(f"{path}: {error}") from error
        with replacing(out) as temporary:
            with temporary.open("xb") as target:
                copy_edited(source, target, size, *changes)
            _check_read_back(temporary, metadata, path)


def _check_read_back(temporary: Path, metadata: SpatialMetadata, path: Path) -> None:
    """A file whose structure readers could take in two ways is refused: by what is read of it."""
    found = metadata_of(temporary, "mp4")
    fields = _SOUND if metadata.of_sound_field else ()
    for name in (*fields, *PICTURE_FIELDS):
        said, read = getattr(metadata, name), getattr(found, name)
        if said is not None and not (said == read or _is_close(said, read)):
            raise FileError(
                f"got {path}, of which {name}={read!r} would be read where {said!r} is to be said; expected boxes that "
                "can be understood in one way only; the file is damaged or strange: remux it first"
            )


def _is_close(said: object, read: object) -> bool:
    """Whether angles or shares are the same, as far as the boxes have digits for them."""
    if isinstance(said, Pose) and isinstance(read, Pose):
        said, read = (said.yaw, said.pitch, said.roll), (read.yaw, read.pitch, read.roll)
    if not isinstance(said, tuple) or not isinstance(read, tuple):
        return False
    return all(abs(one - other) < _CLOSE for one, other in zip(said, read, strict=True))
