"""``ambikit plot`` of files: where their sound comes from, over the picture of the place if there is one, and when."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from rich.text import Text

from ambikit.cli.options import And, As, Channels, In, Overwrite
from ambikit.cli.sounds import blocks_of, check_may_write, open_field
from ambikit.cli.terminal import console, say
from ambikit.errors import AmbikitError, FileError
from ambikit.files.blocks import SoundBlocks

__all__ = ["Picture", "check_picture", "energy", "energy_over_time", "save", "spectrum"]

Picture = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT", help="picture to write: .png .pdf .svg")]
Panorama = Annotated[
    Path | None,
    tyro.conf.arg(
        metavar="FILE", help="360 degree picture to draw under the map: an image, or a video (IN, say), of which the "
        "frame in the middle is taken"
    ),
]  # fmt: skip


def energy(
    file: In,
    out: Picture,
    *,
    panorama: Panorama = None,
    source: As = "ambix",
    more: And = (),
    channels: Channels = None,
    overwrite: Overwrite = False,
) -> int:
    """Draw a map of the directions the sound comes from.

    ambikit plot energy concert.mp4 map.png --panorama concert.mp4
    """
    from ambikit.analysis.block_covariances import mean_covariances
    from ambikit.plot import power_map

    check_picture(out, file, overwrite)
    field = open_field(file, more, source=source, channels=channels, minimum_order=1)
    with _what_can_be_drawn(field, file) as blocks:
        (covariance,) = mean_covariances(blocks)
    return save(power_map(covariance, panorama=None if panorama is None else _picture(panorama)), out, file.name)


def energy_over_time(
    file: In,
    out: Picture,
    *,
    source: As = "ambix",
    more: And = (),
    channels: Channels = None,
    overwrite: Overwrite = False,
) -> int:
    """Draw from which azimuths the sound comes as time goes on, whatever the elevation.

    ambikit plot energy-over-time scene.wav moves.png
    """
    from ambikit._signal_axes import column_edges, draw_azimuths
    from ambikit.analysis.block_covariances import mean_covariances

    check_picture(out, file, overwrite)
    field = open_field(file, more, source=source, channels=channels, minimum_order=1)
    with _what_can_be_drawn(field, file) as blocks:
        covariances = mean_covariances(blocks, column_edges(field.frames))
    return save(draw_azimuths(covariances, field.frames / field.sample_rate), out, file.name)


def spectrum(
    file: In,
    out: Picture,
    *,
    source: As = "ambix",
    more: And = (),
    channels: Channels = None,
    overwrite: Overwrite = False,
) -> int:
    """Draw the level of each channel in third-octave bands, and say it altogether.

    ambikit plot spectrum scene.wav channels.png
    """
    from ambikit._signal_axes import draw_bands
    from ambikit.analysis.third_octaves import band_powers

    check_picture(out, file, overwrite)
    field = open_field(file, more, source=source, channels=channels)
    with _what_can_be_drawn(field, file) as blocks:
        powers = band_powers(blocks, field.sample_rate)
    return save(draw_bands(powers, field.sample_rate), out, file.name)


def check_picture(out: Path, file: Path | None, overwrite: bool) -> None:
    """Refuse a name that no picture can be written to, before any work is done."""
    check_may_write(file, out, overwrite)
    if _format(out) not in ("png", "pdf", "svg"):
        raise FileError(f"got {out} to write to; expected a picture that ends with .png, .pdf or .svg; change the name")


def save(axes: Any, out: Path, title: str | None = None) -> int:
    """Write a picture, whole or not at all, and say so."""
    from ambikit.files.replacing import replacing

    if title is not None:
        axes.set_title(title.replace("$", r"\$"))
    with replacing(out) as temporary:
        axes.figure.savefig(temporary, format=_format(out), dpi=150)
    console().print(Text(f"wrote {out}"), soft_wrap=True)
    return 0


def _format(out: Path) -> str:
    return out.suffix.lower().removeprefix(".")


@contextmanager
def _what_can_be_drawn(field: SoundBlocks, file: Path) -> Iterator[Iterator[np.ndarray]]:
    """The blocks, silence from the first sample on that is no number; which is an error when all have been seen."""
    bad, silent = 0, True
    with blocks_of(field, "plot") as blocks:

        def good() -> Iterator[np.ndarray]:
            nonlocal bad, silent
            for block in blocks:
                bad += block.size - np.count_nonzero(np.isfinite(block))
                silent = silent and not block.any()
                yield np.zeros_like(block) if bad else block

        yield good()
    if bad:
        raise AmbikitError(
            f"got {file} with {bad} samples that are NaN or infinite; expected finite ones, which alone can be "
            "drawn; find where they are with: ambikit check"
        )
    if silent:
        say("note", f"{file} is silent; the picture shows nothing")


def _picture(path: Path) -> np.ndarray:
    """An image, or the frame in the middle of a video, as (height, width, 3)."""
    from ambikit.files.containers import container_of, regular_file

    path = regular_file(path)
    try:
        is_video = container_of(path) in ("mp4", "matroska")
    except FileError:  # no sound or video file: an image, then
        is_video = False
    if is_video:
        from ambikit.files.frames import middle_frame

        return middle_frame(path)
    from ambikit._panorama_axes import pyplot

    try:
        image = np.asarray(pyplot().imread(path))
    except (OSError, ValueError, SyntaxError) as error:
        raise FileError(
            f"got {path} as the picture of the place, which cannot be read ({error}); expected an image or a video; "
            "take a .png or .jpg, or an .mp4"
        ) from error
    return image[..., :3] if image.ndim == 3 else np.stack([image] * 3, -1)
