"""Spherical Video V1: an XML text in a ``uuid`` box of MP4, or a tag of Matroska, that says a picture is a sphere's.

Spherical Video RFC (2015) of the spatial-media project. What it says of an initial view is where a viewer is invited
to look first, not how the picture stands, and is left alone.
"""

import struct
from uuid import UUID

from ambikit.errors import ConventionError
from ambikit.files.metadata.facts import SpatialMetadata
from ambikit.files.metadata.safe_xml import Element, parse_xml

__all__ = ["SPHERICAL_UUID", "parse_spherical_xml", "spherical_box"]

SPHERICAL_UUID = UUID("ffcc8263-f855-4a93-8814-587a02521fdd").bytes
_CROP = ("FullPanoWidthPixels", "FullPanoHeightPixels", "CroppedAreaImageWidthPixels")
_CROP += ("CroppedAreaImageHeightPixels", "CroppedAreaLeftPixels", "CroppedAreaTopPixels")
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


def spherical_box(said: SpatialMetadata, width: int, height: int, *, writer: str = "ambikit") -> bytes:
    """The ``uuid`` box for an equirectangular picture of so many pixels; it cannot say how the picture is turned.

    Examples
    --------
    >>> said = SpatialMetadata(projection="equirectangular", bounds=(0.0, 0.5, 0.0, 0.0))
    >>> parse_spherical_xml(spherical_box(said, 64, 16)[24:]).bounds
    (0.0, 0.5, 0.0, 0.0)
    """
    if said.projection != "equirectangular" or said.stereo not in (None, *_STEREO):
        raise ConventionError(
            f"got projection={said.projection!r}, stereo={said.stereo!r} for Spherical Video V1; expected "
            f"'equirectangular' and one of {', '.join(_STEREO)}, as it knows no others; write without V1"
        )
    words = {"Spherical": "true", "Stitched": "true", "StitchingSoftware": writer, "ProjectionType": said.projection}
    if said.stereo is not None:
        words["StereoMode"] = said.stereo
    if said.bounds and any(said.bounds):
        if said.stereo not in (None, "mono") or not width or not height:
            raise ConventionError(
                f"got bounds {said.bounds} with stereo={said.stereo!r} and pictures of {width} x {height} for "
                "Spherical Video V1; expected a crop of pictures for one eye, as no other is defined; write without V1"
            )
        top, bottom, left, right = said.bounds
        full = round(width / (1 - left - right)), round(height / (1 - top - bottom))
        corner = min(round(left * full[0]), full[0] - width), min(round(top * full[1]), full[1] - height)
        words |= {name: str(number) for name, number in zip(_CROP, (*full, width, height, *corner))}
    lines = "".join(f"<GSpherical:{name}>{word}</GSpherical:{name}>" for name, word in words.items())
    xml = (
        '<?xml version="1.0"?><rdf:SphericalVideo xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        f'xmlns:GSpherical="http://ns.google.com/videos/1.0/spherical/">{lines}</rdf:SphericalVideo>'
    )
    content = SPHERICAL_UUID + xml.encode()
    return struct.pack(">I4s", 8 + len(content), b"uuid") + content


def _bounds(root: Element) -> tuple[tuple[float, float, float, float] | None, tuple[str, ...]]:
    words = [_word(root, name) for name in _CROP]
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
