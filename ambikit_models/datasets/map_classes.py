"""Which classes of segmentation maps are learned: those that YT-360 keeps, and those of a written world."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8

from ambikit_models.world.config import WorldConfig
from ambikit_models.world.segmentation import NOTHING, STUFF

__all__ = ["UNKNOWN", "WORLD_CLASSES", "YT360_CLASSES", "MapClasses"]

#: the class of a pixel that is not asked
UNKNOWN = -1


@dataclass(frozen=True)
class MapClasses:
    """The classes, things first.

    Attributes
    ----------
    names
        Of the things, then of the stuff.
    things, stuff
        Their numbers in the maps.
    no_thing
        The number in a map of things where there is none, so that the map of stuff speaks.

    Examples
    --------
    >>> things, stuff = (np.array([[[values]]], np.uint8) for values in (2, 40))
    >>> int(YT360_CLASSES.of(things[0], stuff[0])[0, 0]), YT360_CLASSES.names[1]
    (1, 'car')
    """

    names: tuple[str, ...]
    things: tuple[int, ...]
    stuff: tuple[int, ...]
    no_thing: int

    def of(
        self,
        things: UInt8[np.ndarray, "*maps"],
        stuff: UInt8[np.ndarray, "*maps"],
        confidence: Float[np.ndarray, "*maps"] | None = None,
        *,
        least: float = 0.75,
    ) -> Int[np.ndarray, "*maps"]:
        """The class of each pixel, from 0; −1 where it is not known.

        Parameters
        ----------
        things, stuff
            The maps of a teacher.
        confidence
            How sure it was, 0 to 1.
        least
            Pixels of which it was less sure are not known: 75 % in supplementary A.2 of morgado2020.
        """
        tables = np.full((2, 256), UNKNOWN)
        tables[0, list(self.things)] = np.arange(len(self.things))
        tables[1, list(self.stuff)] = len(self.things) + np.arange(len(self.stuff))
        found = np.where(things == self.no_thing, tables[1, stuff], tables[0, things])
        return found if confidence is None else np.where(confidence >= least, found, UNKNOWN)


def _yt360() -> MapClasses:
    things = (
        *((0, "person"), (2, "car"), (4, "airplane"), (8, "boat"), (3, "motorcycle"), (6, "train"), (62, "tv")),
        *((56, "chair"), (60, "dining table"), (55, "cake"), (59, "bed"), (25, "umbrella"), (5, "bus"), (7, "truck")),
        *((58, "potted plant"), (66, "keyboard")),
    )
    stuff = (
        *((40, "sky"), (52, "wall"), (37, "tree"), (39, "ceiling"), (50, "building"), (43, "floor"), (46, "grass")),
        *((21, "road"), (45, "mountain"), (44, "pavement"), (26, "snow"), (47, "dirt"), (51, "rock"), (24, "sea")),
        *((23, "sand"), (36, "window")),
    )
    names = tuple(name for _, name in (*things, *stuff))
    return MapClasses(names, tuple(n for n, _ in things), tuple(n for n, _ in stuff), no_thing=80)


#: The 32 classes that morgado2020 keeps, from the lists of its published code: numbers of things are those of the 80 of
#: COCO, of stuff those of the 54 of its panoptic maps. There 80 among the things means none, and 255 not sure.
YT360_CLASSES = _yt360()

_OBJECTS = WorldConfig().classes
#: Those of the synthetic world as ``write-world`` writes it: objects, and the parts of the room.
WORLD_CLASSES = MapClasses(
    (*(f"class {number}" for number in range(_OBJECTS)), *STUFF),
    tuple(range(_OBJECTS)),
    tuple(range(len(STUFF))),
    no_thing=NOTHING,
)
