"""One file, one statement: what it says about the space in its sound and its pictures."""

from pathlib import Path

from ambikit.files.containers import container_of, regular_file
from ambikit.files.metadata.bounds import BoundedFile
from ambikit.files.metadata.caf import parse_caf
from ambikit.files.metadata.facts import SpatialMetadata
from ambikit.files.metadata.matroska import parse_matroska
from ambikit.files.metadata.mp4 import parse_mp4
from ambikit.files.metadata.ogg import parse_ogg
from ambikit.files.metadata.wave import parse_wave

__all__ = ["PARSERS", "metadata_of", "read_metadata"]

#: by the container's family; the others (FLAC, AIFF) have no place for such a statement
PARSERS = {
    "wav": parse_wave,
    "rf64": parse_wave,
    "caf": parse_caf,
    "ogg": parse_ogg,
    "mp4": parse_mp4,
    "matroska": parse_matroska,
}


def read_metadata(path: str | Path) -> SpatialMetadata:
    """Read what a file says about the space in it: which Ambisonics its sound is, and what its pictures show.

    Read are SA3D, sv3d, st3d, Opus (``dOps``) and Spherical Video V1 in MP4 and MOV; Projection, StereoMode, Opus and
    V1 tags in WebM and MKV; ambiX and ``chan`` in CAF; the B-format GUIDs of ``.amb``, loudspeaker masks and ADM in
    WAV, RF64 and BW64; Opus in Ogg. Only headers are read, and nothing is decoded.

    Parameters
    ----------
    path : str or Path
        A sound or video file.

    Returns
    -------
    SpatialMetadata
        Its fields are None where the file says nothing; ``notes`` say what is damaged or contradicts itself.

    Raises
    ------
    FileError
        The file is missing, of an unknown kind, or made of so many or such large pieces that it must be hostile.

    Examples
    --------
    >>> import numpy as np, tempfile, pathlib, ambikit
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "front.caf")
    ...     ambikit.write(file, np.zeros((4, 480), np.float32), 48000)
    ...     said = ambikit.read_metadata(file)
    >>> said.order, said.ordering, said.normalization, said.origin
    (1, 'acn', 'sn3d', ('ambiX',))
    """
    path = regular_file(path)
    return metadata_of(path, container_of(path))


def metadata_of(path: Path, container: str) -> SpatialMetadata:
    """The same for a file whose container is known."""
    if container not in PARSERS:
        return SpatialMetadata()
    with path.open("rb") as file:
        return PARSERS[container](BoundedFile(file, path.stat().st_size))
