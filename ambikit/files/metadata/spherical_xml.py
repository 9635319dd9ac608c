"""Spherical Video V1: an XML text in a ``uuid`` box of MP4, or a tag of Matroska, that says a picture is a sphere's.

Spherical Video RFC (2015) of the spatial-media project. What it says of an initial view is where a viewer is invited
to look first, not how the picture stands, and is left alone.
"""

from uuid import UUID

from ambikit.files.metadata.facts import SpatialMetadata
from ambikit.files.metadata.safe_xml import Element, parse_xml

__all__ = ["SPHERICAL_UUID", "parse_spherical_xml"]

SPHERICAL_UUID = UUID("ffcc8263-f855-4a93-8814-587a02521fdd").bytes
_STEREO = {"mono": "mono", "top-bottom": "top-bottom", "left-right": "left-right"}


def parse_spherical_xml(data: bytes) -> SpatialMetadata:
    """What the XML says.

    Examples
    --------
    >>> xml = b"<S xmlns:G='g'><G:Spherical>true</G:Spherical><G:ProjectionType>equirectangular</G:ProjectionType></S>"
    >>> parse_spherical_xml(xml).projection
    'equirectangular'
    """
    root = parse_xml(data)
    if root is None:
        return _nothing("it is no XML that can be trusted")
    if _word(root, "Spherical") != "true":
        return _nothing("it does not call the picture spherical")
    projection = _word(root, "ProjectionType")
    if projection != "equirectangular":
        return _nothing(f"the projection {projection[:40]!r} is not the one that it defines, 'equirectangular'")
    bounds, notes = _bounds(root)
    return SpatialMetadata(
        projection=projection,
        bounds=bounds,
        stereo=_STEREO.get(_word(root, "StereoMode")),
        origin=("Spherical Video V1",),
        notes=notes,
    )


def _bounds(root: Element) -> tuple[tuple[float, float, float, float] | None, tuple[str, ...]]:
    names = ("FullPanoWidthPixels", "FullPanoHeightPixels", "CroppedAreaImageWidthPixels")
    names += ("CroppedAreaImageHeightPixels", "CroppedAreaLeftPixels", "CroppedAreaTopPixels")
    words = [_word(root, name) for name in names]
    if not any(words):
        return None, ()
    if not all(word.isascii() and word.isdigit() and len(word) < 10 for word in words):
        return None, ("Spherical Video V1: a crop without all of its six numbers; it is not used",)
    width, height, shown, tall, left, top = map(int, words)
    if not width or not height or left + shown > width or top + tall > height or not shown or not tall:
        return None, ("Spherical Video V1: a crop that is larger than the picture; it is not used",)
    return (top / height, 1 - (top + tall) / height, left / width, 1 - (left + shown) / width), ()


def _word(root: Element, name: str) -> str:
    found = root.find_all(name)
    return found[0].text if found else ""


def _nothing(why: str) -> SpatialMetadata:
    return SpatialMetadata(origin=("Spherical Video V1",), notes=(f"Spherical Video V1: {why}; it is not used",))
