"""``ambikit tag``: a video told what it holds."""

from math import radians
from pathlib import Path
from typing import Annotated

import tyro
from rich.table import Table
from rich.text import Text

from ambikit.cli.metadata import metadata_in_words
from ambikit.cli.options import Overwrite, check_finite
from ambikit.cli.sounds import check_may_write
from ambikit.cli.terminal import console
from ambikit.errors import AmbikitError

__all__ = ["tag"]

Video = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="IN", help="MP4, M4A or MOV file to read")]
Copy = Annotated[
    Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT", help="file to write; IN itself with --overwrite")
]
Order = Annotated[int | None, tyro.conf.arg(metavar="N", help="its sound is AmbiX (W,Y,Z,X,..., SN3D) of this order")]
Pair = Annotated[
    bool,
    tyro.conf.FlagCreatePairsOff,
    tyro.conf.arg(help="its last two channels are stereo that does not turn with the head"),
]
Projection = Annotated[str | None, tyro.conf.arg(metavar="equirectangular", help="how its pictures are laid out")]
Eyes = Annotated[
    str | None,
    tyro.conf.arg(metavar="EYES", help="mono, top-bottom, left-right or right-left: where the eyes' pictures lie"),
]
Bounds = Annotated[
    tuple[float, float, float, float] | None,
    tyro.conf.arg(
        metavar="TOP BOTTOM LEFT RIGHT", help="shares of the sphere that are missing at the edges of its pictures"
    ),
]
Angle = Annotated[
    float | None,
    tyro.conf.arg(metavar="DEGREES", help="turn that sets its pictures upright; if one is given, the others are 0"),
]
Version1 = Annotated[
    bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(name="v1", help="describe its pictures in the older XML too")
]
Only = Annotated[
    bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help="take out all that IN says of space and is not said anew")
]


def tag(
    file: Video,
    out: Copy,
    *,
    order: Order = None,
    head_locked_stereo: Pair = False,
    projection: Projection = None,
    stereo: Eyes = None,
    bounds: Bounds = None,
    yaw: Angle = None,
    pitch: Angle = None,
    roll: Angle = None,
    version_1: Version1 = False,
    only: Only = False,
    overwrite: Overwrite = False,
) -> int:
    """Let an MP4 or MOV file say that its sound is Ambisonics and how its pictures lie on the sphere.

    Sound and pictures stay as they are, to the byte, and so does what the file says and is not said anew. The angles
    are degrees, with the signs of ambikit rotate.

    ambikit tag camera.mp4 upload.mp4 --order 1 --projection equirectangular
    """
    from ambikit.files.metadata.facts import Pose, SpatialMetadata
    from ambikit.files.metadata.reading import read_metadata
    from ambikit.files.metadata.writing import write_metadata

    angles = {"yaw": yaw, "pitch": pitch, "roll": roll}
    turns = {name: angle for name, angle in angles.items() if angle is not None}
    check_finite(**turns)
    says_something = order is not None or projection or stereo or bounds or turns or version_1 or only
    if not says_something or (head_locked_stereo and order is None):
        raise AmbikitError(
            f"got nothing to say of {file}{' but --head-locked-stereo' * head_locked_stereo}; expected --order for its "
            "sound or --projection for its pictures; e.g. --order 1 --projection equirectangular"
        )
    check_may_write(file, out, overwrite)
    is_field = order is not None
    said = SpatialMetadata(
        order=order,
        ordering="acn" if is_field else None,
        normalization="sn3d" if is_field else None,
        head_locked_stereo=head_locked_stereo,
        projection=projection,
        bounds=bounds,
        stereo=stereo,
        pose=Pose(**{name: radians(angle) for name, angle in turns.items()}) if turns else None,
    )
    write_metadata(file, out, said, keep=not only, version_1=version_1)
    console().print(Text(f"wrote {out}: {out.stat().st_size} bytes"), soft_wrap=True)
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, words in metadata_in_words(read_metadata(out)):
        table.add_row(name, Text(words))
    console().print(table)
    return 0
