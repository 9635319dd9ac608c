"""Files on disk: a video given to the writer of metadata (a whole new file that says so, or an error and no file)."""

import atexit
import shutil
import tempfile
from pathlib import Path

from ambikit.errors import AmbikitError, FileError
from ambikit.files.flac_length import length_patch
from ambikit.files.metadata.facts import Pose, SpatialMetadata
from ambikit.files.metadata.reading import read_metadata
from ambikit.files.metadata.writing import write_metadata

_SOUND = {"order": 1, "ordering": "acn", "normalization": "sn3d"}
_PICTURES = {"projection": "equirectangular", "stereo": "left-right", "pose": Pose(1.0, 0.5, -0.25)}
#: what is said, whether the rest is kept, and whether in XML too
_WISHES = [
    (SpatialMetadata(**_SOUND), True, False),
    (SpatialMetadata(**_PICTURES), True, True),
    (SpatialMetadata(**_SOUND, **_PICTURES), False, False),
    (SpatialMetadata(**_SOUND, **_PICTURES), True, False),
    (SpatialMetadata(stereo="mono"), True, False),
    (SpatialMetadata(), False, False),
]
_FOLDER = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
atexit.register(shutil.rmtree, _FOLDER)


def tag(data: bytes) -> SpatialMetadata | None:
    """What the new file says; None if it was refused. The wish depends on the bytes."""
    path, out = _FOLDER / "a.mp4", _FOLDER / "b.mp4"
    path.write_bytes(data)
    metadata, keep, version_1 = _WISHES[sum(data[-64:]) % len(_WISHES)]
    try:
        write_metadata(path, out, metadata, keep=keep, version_1=version_1)
    except AmbikitError:
        assert sorted(_FOLDER.iterdir()) == [path]
        return None
    try:
        said = read_metadata(out)
        assert said.order == (metadata.order if metadata.of_sound_field or not keep else said.order)
        assert len(out.read_bytes()) - len(data) < 4000
        assert path.read_bytes() == data
        write_metadata(out, out, metadata, keep=keep, version_1=version_1)
        again = read_metadata(out)
    finally:
        out.unlink()
    assert (again.order, again.projection, again.stereo) == (said.order, said.projection, said.stereo)
    return said


def length_of_flac(data: bytes) -> SpatialMetadata | None:
    """Nothing is said of space; None if the length cannot be found."""
    path = _FOLDER / "a.flac"
    path.write_bytes(data)
    try:
        length_patch(path)
    except FileError:
        return None
    finally:
        path.unlink()
    return SpatialMetadata()
