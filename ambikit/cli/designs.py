"""``ambikit plot`` of what needs no file: beams and loudspeakers."""

from typing import Annotated, Any

import tyro

import ambikit.cli.pictures as pictures
from ambikit.cli.options import Overwrite
from ambikit.cli.pictures import Picture

__all__ = ["KINDS", "directivity", "layout"]

Name = Annotated[
    str,
    tyro.conf.Positional,
    tyro.conf.arg(
        metavar="LAYOUT", help="loudspeakers: quad, 5.0, 5.1, 7.1, 5.1.4, 7.1.4, 22.2, cube, octahedron, ..."
    ),
]
Beam = Annotated[
    str,
    tyro.conf.Positional,
    tyro.conf.arg(
        metavar="PATTERN",
        help="hypercardioid, cardioid, supercardioid, max_re, max_re_approximate, omni; at first order also "
        "subcardioid, figure_eight",
    ),
]


def directivity(pattern: Beam, out: Picture, *, order: int = 1, overwrite: Overwrite = False) -> int:
    """Draw how loud a beam hears each direction around its axis.

    ambikit plot directivity max_re beam.png --order 3
    """
    from ambikit import plot

    pictures.check_picture(out, None, overwrite)
    return pictures.save(plot.directivity(pattern, order), out)


def layout(
    name: Name,
    out: Picture,
    *,
    order: int = 1,
    method: Annotated[str, tyro.conf.arg(help="allrad, epad, mode_matching or sampling")] = "allrad",
    weighting: Annotated[str, tyro.conf.arg(help="max_re, basic or in_phase")] = "max_re",
    quantity: Annotated[
        str,
        tyro.conf.arg(help="energy_length (rE), velocity_length, energy_db, amplitude, direction_error or width"),
    ] = "energy_length",
    overwrite: Overwrite = False,
) -> int:
    """Draw loudspeakers, and how sharp a source from each direction is on them: the length of the energy vector rE.

    ambikit plot layout 5.1.4 room.png --order 3 --method epad
    """
    from ambikit import plot
    from ambikit.operators.loudspeakers.decoder import loudspeaker_decoder

    pictures.check_picture(out, None, overwrite)
    decoder = loudspeaker_decoder(name, order, method, weighting=weighting)
    return pictures.save(plot.decoder_map(decoder, quantity), out)


#: what can be drawn
KINDS: dict[str, Any] = {
    "energy": pictures.energy,
    "energy-over-time": pictures.energy_over_time,
    "spectrum": pictures.spectrum,
    "directivity": directivity,
    "layout": layout,
}
