"""The command line: ``ambikit info | check | convert | rotate | beamform | decode | plot``. Angles are degrees here.

An error of the input is one line on the standard error and exit status 2. torch is never imported.
"""

import os
import shlex
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ambikit.errors import AmbikitError, FileError

__all__ = ["beamform", "check", "convert", "decode", "info", "main", "plot", "rotate"]

#: exit status of ``check``; 2 is an error, as everywhere
STATUS = {"valid": 0, "invalid": 1, "doubtful": 3}

_Convention = Literal["ambix", "n3d", "fuma"]
In = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="IN", help="sound or video file to read")]
Out = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT", help="file to write: .wav .caf .flac .ogg")]
Picture = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT", help="picture to write: .png .pdf .svg")]
As = Annotated[_Convention, tyro.conf.arg(name="as", help="convention of the channels in IN")]
Channels = Annotated[
    tuple[int, ...],
    tyro.conf.arg(
        help="channels of IN to take as W Y Z X ..., from 0 (for an unknown stream); put it after IN and OUT"
    ),
]
Overwrite = Annotated[bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help="replace OUT if it is there")]
Pattern = Annotated[
    str,
    tyro.conf.arg(
        help="hypercardioid, cardioid (in-phase), supercardioid, max_re, max_re_approximate, omni; at first order also "
        "subcardioid, figure_eight"
    ),
]

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


def info(file: In) -> int:
    """Show what a file is: container, codec, channels, rate, length."""
    from ambikit.files.description import channels_in_words, describe_file

    found = describe_file(file)
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_row("file", Text(str(file)))
    table.add_row("container", f"{found.container}, {found.size} bytes")
    for sound in found.sounds:
        length = "unknown" if sound.frames is None else f"{sound.frames / sound.sample_rate:.3f} s"
        table.add_row("sound", sound.codec)
        table.add_row("  channels", channels_in_words(sound.channels))
        table.add_row("  layout", Text(f"loudspeakers {sound.layout}" if sound.layout else "none said"))
        table.add_row("  rate", f"{sound.sample_rate} Hz")
        table.add_row("  length", length)
    for picture in found.pictures:
        table.add_row("pictures", picture)
    if not found.sounds:
        table.add_row("sound", "none")
    _console().print(table)
    return 0


def check(file: In, *, source: As = "ambix", tolerance: float = 0.1, channels: Channels = ()) -> int:
    """Judge whether a file is the first-order Ambisonics it should be, and say why.

    Exit status: 0 valid, 1 invalid, 3 doubtful (the signal cannot decide), 2 the file cannot be judged.
    """
    from ambikit.analysis.validity import check_foa

    signal, sample_rate = _read(file, source, channels)
    report = check_foa(signal[:4], sample_rate, tolerance=tolerance)
    console = _console()
    colour = {"valid": "green", "doubtful": "yellow", "invalid": "red"}[report.verdict]
    console.print(Text(report.verdict, style=f"bold {colour}"), Text(f"{file} read as {source}"), soft_wrap=True)
    if len(signal) > 4:
        console.print(f"judged by the first four of its {len(signal)} channels", soft_wrap=True)
    table = Table("figure", "value", box=None, pad_edge=False)
    outcome = "passes" if report.passes_energy_test else "fails"
    table.add_row("energy ratio", f"{report.energy_ratio:.3f} ({outcome}: 1 ± {tolerance:g})")
    table.add_row("normalisation (guess)", report.normalization or "none")
    for name, value in report.figures.items():
        table.add_row(Text(name), f"{value:.4g}")
    console.print(table)
    for reason in report.reasons:
        console.print(Text(f"- {reason}"), soft_wrap=True)
    if report.proposal is not None:
        console.print(Text(f"apply in Python: {report.proposal}"), soft_wrap=True)
    if report.normalization in ("n3d", "fuma") and source == "ambix":
        apply = f"ambikit convert {shlex.quote(str(file))} OUT.wav --as {report.normalization}"
        console.print(Text(f"apply here:      {apply}"), soft_wrap=True)
    return STATUS[report.verdict]


def convert(
    file: In,
    out: Out,
    *,
    source: As = "ambix",
    to: _Convention = "ambix",
    sample_rate: float | None = None,
    channels: Channels = (),
    overwrite: Overwrite = False,
) -> int:
    """Write a file in another convention, format or sample rate (Hz)."""
    _may_write(file, out, overwrite)
    signal, rate = _read(file, source, channels, sample_rate)
    return _write(out, signal, rate, to)


def rotate(
    file: In,
    out: Out,
    *,
    yaw: float = 0.0,
    pitch: float = 0.0,
    roll: float = 0.0,
    source: As = "ambix",
    channels: Channels = (),
    overwrite: Overwrite = False,
) -> int:
    """Turn the sound field, in degrees: +yaw turns front to the left, +pitch front down, +roll left up."""
    from ambikit.operators.rotation import rotate as turn

    _may_write(file, out, overwrite)
    signal, rate = _read(file, source, channels)
    return _write(out, turn(signal, yaw, pitch, roll, degrees=True), rate)


def beamform(
    file: In,
    out: Out,
    *,
    azimuth: float,
    elevation: float = 0.0,
    pattern: Pattern = "hypercardioid",
    source: As = "ambix",
    channels: Channels = (),
    overwrite: Overwrite = False,
) -> int:
    """Listen in one direction, in degrees (azimuth to the left, elevation up). OUT is mono."""
    from ambikit.operators.beamforming import beamform as listen

    _may_write(file, out, overwrite)
    signal, rate = _read(file, source, channels)
    return _write(out, listen(signal, azimuth, elevation, pattern, degrees=True)[None], rate)


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
    channels: Channels = (),
    overwrite: Overwrite = False,
) -> int:
    """Decode to stereo (two first-order beams to the left and the right), to two ears, or to loudspeakers.

    The channels of loudspeakers are in the order of ITU-R BS.2051, LFE silent.

    ambikit decode scene.wav ears.wav --to binaural --hrir kemar.sofa

    ambikit decode scene.wav room.wav --to 5.1.4
    """
    _may_write(file, out, overwrite)
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
    if kind == "binaural":
        return _decode_binaural(file, out, hrir, source, channels)
    if kind == "LAYOUT":
        return _decode_loudspeakers(file, out, to, method or "allrad", weighting or "max_re", source, channels)
    from ambikit.operators.stereo import decode_stereo

    signal, rate = _read(file, source, channels)
    return _write(out, decode_stereo(signal, pattern=pattern or "hypercardioid"), rate)


def _decode_loudspeakers(
    file: Path, out: Path, to: str, method: str, weighting: str, source: str, channels: tuple[int, ...]
) -> int:
    from ambikit.geometry.channels import order_of
    from ambikit.operators.loudspeakers.decoder import loudspeaker_decoder
    from ambikit.operators.loudspeakers.layouts import Layout

    layouts = [name for name in Layout.names() if name != "stereo"]
    if to not in layouts:
        raise AmbikitError(f"got --to {to}; expected stereo, binaural or one of {', '.join(layouts)}; choose one")
    signal, rate = _read(file, source, channels)
    decoder = loudspeaker_decoder(to, order_of(signal.shape[0]), method, weighting=weighting)
    _console().print(Text(f"channels: {' '.join(decoder.layout.labels)}"), soft_wrap=True)
    return _write(out, decoder.decode(signal), rate)


def _decode_binaural(file: Path, out: Path, hrir: Path | None, source: str, channels: tuple[int, ...]) -> int:
    from ambikit.operators.binaural import binaural_decoder, decode_binaural

    ears = None
    if hrir is not None:
        from ambikit.files.hrirs import read_hrirs

        ears = read_hrirs(hrir)
    signal, rate = _read(file, source, channels)
    decoder = binaural_decoder(ears, round(len(signal) ** 0.5) - 1, sample_rate=rate)
    return _write(out, decode_binaural(signal, rate, decoder), rate)


def plot(file: In, out: Picture, *, source: As = "ambix", channels: Channels = (), overwrite: Overwrite = False) -> int:
    """Draw a map of the directions the sound comes from."""
    from ambikit.files.replacing import replacing
    from ambikit.plot import energy_map

    _may_write(file, out, overwrite)
    ending = out.suffix.lower().removeprefix(".")
    if ending not in ("png", "pdf", "svg"):
        raise FileError(f"got {out} to write to; expected a picture that ends with .png, .pdf or .svg; change the name")
    signal, _ = _read(file, source, channels)
    axes = energy_map(signal)
    with replacing(out) as temporary:
        axes.figure.savefig(temporary, format=ending, dpi=150)
    _console().print(Text(f"wrote {out}"), soft_wrap=True)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    commands: dict[str, Any] = {
        "info": info,
        "check": check,
        "convert": convert,
        "rotate": rotate,
        "beamform": beamform,
        "decode": decode,
        "plot": plot,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = lambda message, *_: _say("note", message)
        try:
            return tyro.extras.subcommand_cli_from_dict(
                commands,
                prog="ambikit",
                description="Ambisonics files: what they are, turned, decoded. Angles are degrees. See also: ambikit "
                "COMMAND --help.",
                args=arguments,
                config=(tyro.conf.HelptextFromCommentsOff,),
            )
        except AmbikitError as error:
            _say("error", error)
            return 2


def _console() -> Console:
    return Console(highlight=False)


def _say(kind: str, message: Any) -> None:
    print(f"ambikit: {kind}: {' '.join(str(message).split())}", file=sys.stderr)


def _read(file: Path, source: str, channels: tuple[int, ...], sample_rate: float | None = None) -> tuple[Any, Any]:
    from ambikit.files.reading import read

    return read(file, source=source, channel_map=channels or "auto", sample_rate=sample_rate)


def _may_write(file: Path, out: Path, overwrite: bool) -> None:
    """Refuse to touch what is there, before any work is done, unless asked."""
    if overwrite or not os.path.lexists(out):
        return
    what = "is the input itself" if file.exists() and out.exists() and out.samefile(file) else "exists already"
    raise FileError(f"got {out} to write to, which {what}; expected a new name; choose one, or pass --overwrite")


def _write(out: Path, signal: Any, sample_rate: Any, target: str = "ambix") -> int:
    from ambikit.files.writing import write

    rate = int(sample_rate) if float(sample_rate).is_integer() else sample_rate
    write(out, signal, rate, target=target)
    channels, frames = signal.shape
    _console().print(Text(f"wrote {out}: {channels} channels, {rate} Hz, {frames / rate:.3f} s"), soft_wrap=True)
    return 0
