"""``ambikit rotate`` and ``ambikit beamform``: another look at a sound field."""

from ambikit.cli.options import And, As, Channels, In, Out, Overwrite, Pattern, check_finite
from ambikit.cli.sounds import check_may_write, open_field, write_sound

__all__ = ["beamform", "rotate"]


def rotate(
    file: In,
    out: Out,
    *,
    yaw: float = 0.0,
    pitch: float = 0.0,
    roll: float = 0.0,
    source: As = "ambix",
    more: And = (),
    channels: Channels = None,
    overwrite: Overwrite = False,
) -> int:
    """Turn the sound field, in degrees: +yaw turns front to the left, +pitch front down, +roll left up.

    ambikit rotate scene.wav turned.wav --yaw 90
    """
    from ambikit.operators.rotation import rotate as turn

    check_finite(yaw=yaw, pitch=pitch, roll=roll)
    check_may_write(file, out, overwrite)
    field = open_field(file, more, source=source, channels=channels, minimum_order=1)
    return write_sound(out, field, lambda blocks: (turn(block, yaw, pitch, roll, degrees=True) for block in blocks))


def beamform(
    file: In,
    out: Out,
    *,
    azimuth: float,
    elevation: float = 0.0,
    pattern: Pattern = "hypercardioid",
    source: As = "ambix",
    more: And = (),
    channels: Channels = None,
    overwrite: Overwrite = False,
) -> int:
    """Listen in one direction, in degrees (azimuth to the left, elevation up). OUT is mono.

    ambikit beamform scene.wav voice.wav --azimuth 30 --elevation 10 --pattern max_re
    """
    from ambikit.operators.beamforming import beamform as listen

    check_finite(azimuth=azimuth, elevation=elevation)
    check_may_write(file, out, overwrite)
    field = open_field(file, more, source=source, channels=channels, minimum_order=1)
    return write_sound(
        out, field, lambda blocks: (listen(block, azimuth, elevation, pattern, degrees=True)[None] for block in blocks)
    )
