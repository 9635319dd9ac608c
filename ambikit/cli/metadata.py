"""What a file says about the space in it, in words, and whether its signal agrees."""

from math import degrees
from typing import Any

from ambikit.files.metadata.facts import SpatialMetadata

__all__ = ["evidence_against", "metadata_in_words"]

_SCALES = {"sn3d": "SN3D", "n3d": "N3D", "fuma": "FuMa scale", None: "scale not said"}


def metadata_in_words(said: SpatialMetadata) -> list[tuple[str, str]]:
    """Name and content of each row that ``ambikit info`` shows.

    >>> metadata_in_words(SpatialMetadata(order=1, ordering="acn", normalization="n3d", channels=4, origin=("chan",)))
    [('says', 'chan'), ('  field', 'order 1, ACN, N3D')]
    """
    rows = [("says", ", ".join(said.origin) or "nothing about space")]
    if said.of_sound_field:
        field = f"order {said.order}, {(said.ordering or 'order not said').upper()}, {_SCALES[said.normalization]}"
        rows.append(("  field", field + (", and head-locked stereo" if said.head_locked_stereo else "")))
        if said.channel_map is not None:
            places = ["-" if place is None else str(place) for place in said.channel_map]
            rows.append(("  places", " ".join(places[:36]) + (" …" if len(places) > 36 else "")))
        if said.matrix is not None:
            rows.append(("  matrix", f"{len(said.matrix)} x {len(said.matrix[0])}"))
    if said.loudspeakers:
        rows.append(("  channels", f"loudspeakers {said.loudspeakers}"))
    if said.projection:
        rows.append(("  pictures", f"{said.projection}, {said.stereo or 'eyes not said'}"))
    elif said.stereo:
        rows.append(("  pictures", said.stereo))
    if said.bounds and any(said.bounds):
        shares = [f"{name} {share:.4g}" for name, share in zip(("top", "bottom", "left", "right"), said.bounds)]
        rows.append(("  missing", ", ".join(shares)))
    if said.pose is not None:
        angles = (said.pose.yaw, said.pose.pitch, said.pose.roll)
        turns = [f"{name} {degrees(angle) + 0.0:.4g}°" for name, angle in zip(("yaw", "pitch", "roll"), angles)]
        rows.append(("  pose", ", ".join(turns) + ("" if said.pose_certain else " (uncertain)")))
    return rows + [("  note", note) for note in said.notes]


def evidence_against(said: SpatialMetadata, report: Any) -> list[str]:
    """Where the file and its signal agree or not, in sentences; none if the file says nothing of its sound."""
    origin = " and ".join(said.origin)
    fits = report.normalization == "sn3d" or report.passes_energy_test
    if said.of_sound_field and said.normalization is not None:
        claim = f"The file says ({origin}): order {said.order}, {_SCALES[said.normalization]}"
        if report.normalization in ("n3d", "fuma"):
            looks = _SCALES[report.normalization]
            return [
                f"{claim}; the signal, read so, looks like {looks}: the two disagree, and one of them is wrong "
                "(read the channels as they are with --channels to compare)."
            ]
        if report.verdict == "invalid":
            return [f"{claim}; the signal, read so, speaks against a sound field: the two disagree."]
        return [f"{claim}; the signal, read so, {'agrees' if fits else 'does not decide'}."]
    if said.loudspeakers:
        claim = f"The file says ({origin}): loudspeakers {said.loudspeakers}"
        if report.verdict == "valid":
            return [f"{claim}; the signal is a sound field's: the two disagree, as the header is often set by habit."]
        return [f"{claim}; the signal is no proof to the contrary."]
    return []
