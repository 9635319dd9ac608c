"""``ambikit convert``: another convention, format or rate."""

from ambikit.cli.options import And, As, Channels, In, Out, Overwrite, To, convention
from ambikit.cli.sounds import check_may_write, open_field, write_sound

__all__ = ["convert"]


def convert(
    file: In,
    out: Out,
    *,
    source: As = "ambix",
    to: To = "ambix",
    sample_rate: float | None = None,
    more: And = (),
    channels: Channels = None,
    overwrite: Overwrite = False,
) -> int:
    """Write a file in another convention, format or sample rate (Hz).

    Long files take no more memory than short ones.

    ambikit convert first_8.ogg field.wav --and last_8.ogg --as n3d
    """
    target = convention(to, "--to")
    check_may_write(file, out, overwrite)
    field = open_field(file, more, source=source, channels=channels, sample_rate=sample_rate)
    return write_sound(out, field, target=target)
