"""XML from strangers: no document type, so no entities that explode or lead elsewhere, and a limit to everything."""

from dataclasses import dataclass, field
from xml.parsers import expat

__all__ = ["Element", "parse_xml"]

_DEEPEST = 16
_MOST_ELEMENTS = 8_000


class _Refused(Exception):
    """The document has what metadata never needs."""


@dataclass
class Element:
    """An element by its local name, without namespace."""

    name: str
    attributes: dict[str, str]
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def find_all(self, name: str) -> list["Element"]:
        """Every element of that name below this one, in the order of the document."""
        found, waiting = [], list(reversed(self.children))
        while waiting:
            element = waiting.pop()
            if element.name == name:
                found.append(element)
            waiting += reversed(element.children)
        return found


def parse_xml(data: bytes) -> Element | None:
    """The document's tree under a nameless root; None if it is no XML, or more than metadata may be.

    Examples
    --------
    >>> parse_xml(b"<a><n:b xmlns:n='x'>true</n:b></a>").find_all("b")[0].text
    'true'
    >>> parse_xml(b"<!DOCTYPE a [<!ENTITY e 'boom'>]><a>&e;</a>") is None
    True
    """
    root = Element("", {})
    trail = [root]
    count = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > _MOST_ELEMENTS or len(trail) > _DEEPEST:
            raise _Refused
        pieces.clear()  # the text of an element that has others in it is of no interest
        element = Element(name.rpartition(" ")[2], attributes)
        trail[-1].children.append(element)
        trail.append(element)

    def text(content: str) -> None:
        pieces.append(content)

    def end(_: str) -> None:
        trail.pop().text = "".join(pieces).strip()
        pieces.clear()

    def refuse(*_: object) -> None:
        raise _Refused

    pieces: list[str] = []
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = parser.ExternalEntityRefHandler = refuse
    parser.buffer_text = True
    try:
        parser.Parse(data.rstrip(b"\0"), True)
    except (expat.ExpatError, _Refused, ValueError, LookupError):
        return None
    return root
