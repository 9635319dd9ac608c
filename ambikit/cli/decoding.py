"""``ambikit decode``: to stereo, to two ears, or to loudspeakers."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.text import Text

from ambikit.cli.options import And, As, Channels, In, Out, Overwrite
from ambikit.cli.sounds import check_may_write, open_field, write_sound
from ambikit.cli.terminal import console
from ambikit.errors import AmbikitError
from ambikit.geometry.channels import order_of

__all__ = ["decode"]

#: what is done to a field that comes in blocks
Operation = Callable[[Iterator[Any]], Iterable[Any]]

Target = Annotated[
    str,
    tyro.conf.arg(
        metavar="stereo|binaural|LAYOUT",
        help="stereo (two beams), binaural (for headphones), or loudspeakers: quad, 5.0, 5.1, 7.0, 7.1, 5.1.2, 5.1.4, "
        "7.1.4, 22.2, cube, ...",
    ),
]
Method = Annotated[
    str | None, tyro.conf.arg(help="of loudspeakers: epad, mode_matching, sampling; allrad if none is given")
]
Weighting = Annotated[str | None, tyro.conf.arg(help="of loudspeakers: basic, in_phase; max_re if none is given")]
Ears = Annotated[
    Path | None, tyro.conf.arg(metavar="FILE", help="ears for binaural, a SOFA file; without it a rigid sphere")
]


def decode(
    file: In,
    out: Out,
    *,
    to: Target = "stereo",
    pattern: Annotated[
        str | None, tyro.conf.arg(help="of the two beams of stereo; hypercardioid if none is given")
    ] = None,
    hrir: Ears = None,
    method: Method = None,
    weighting: Weighting = None,
    source: As = "ambix",
    more: And = (),
    channels: Channels = None,
    overwrite: Overwrite = False,
) -> int:
    """Decode to stereo (two first-order beams to the left and the right), to two ears, or to loudspeakers.

    The channels of loudspeakers are in the order of ITU-R BS.2051, LFE silent.

    ambikit decode scene.wav ears.wav --to binaural --hrir kemar.sofa

    ambikit decode scene.wav room.wav --to 5.1.4
    """
    check_may_write(file, out, overwrite)
    kind = to if to in ("stereo", "binaural") else "LAYOUT"
    for option, value, belongs_to in (
        ("pattern", pattern, "stereo"),
        ("hrir", hrir, "binaural"),
        ("method", method, "LAYOUT"),
        ("weighting", weighting, "LAYOUT"),
    ):
        if value is not None and kind != belongs_to:
            raise AmbikitError(
                f"got --{option} with --to {to}; expected it with --to {belongs_to} only; say so, or leave it away"
            )
    if kind == "LAYOUT":
        _check_layout(to)
    ears = None
    if hrir is not None:
        from ambikit.files.hrirs import read_hrirs

        ears = read_hrirs(hrir)
    field = open_field(file, more, source=source, channels=channels, minimum_order=1)
    order = order_of(field.channels)
    if kind == "binaural":
        operation = _for_ears(order, field.sample_rate, ears)
    elif kind == "LAYOUT":
        operation = _for_loudspeakers(order, to, method or "allrad", weighting or "max_re")
    else:
        from ambikit.operators.stereo import decode_stereo

        operation = partial(map, partial(decode_stereo, pattern=pattern or "hypercardioid"))
    return write_sound(out, field, operation)


def _check_layout(to: str) -> None:
    from ambikit.operators.loudspeakers.layouts import Layout

    layouts = [name for name in Layout.names() if name != "stereo"]
    if to not in layouts:
        raise AmbikitError(f"got --to {to}; expected stereo, binaural or one of {', '.join(layouts)}; choose one")


def _for_loudspeakers(order: int, to: str, method: str, weighting: str) -> Operation:
    from ambikit.operators.loudspeakers.decoder import loudspeaker_decoder

    decoder = loudspeaker_decoder(to, order, method, weighting=weighting)
    console().print(Text(f"channels: {' '.join(decoder.layout.labels)}"), soft_wrap=True)
    return partial(map, decoder.decode)


def _for_ears(order: int, sample_rate: Any, ears: Any) -> Operation:
    from ambikit.operators.binaural import binaural_decoder
    from ambikit.operators.block_convolution import filter_blocks

    decoder = binaural_decoder(ears, order, sample_rate=sample_rate)
    return lambda blocks: filter_blocks(blocks, decoder.filters, advance=decoder.delay)
