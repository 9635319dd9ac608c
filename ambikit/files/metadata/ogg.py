"""The first pages of an Ogg file: the Opus header, which says what its channels are."""

from ambikit.files.metadata.bounds import BoundedFile
from ambikit.files.metadata.facts import SpatialMetadata
from ambikit.files.metadata.opus import OpusHead, parse_opus_head, spatial_of_opus

__all__ = ["opus_head_of_ogg", "parse_ogg"]

_MOST_STREAMS = 16
_LARGEST_PAGE = 27 + 255 + 255 * 255


def opus_head_of_ogg(file: BoundedFile) -> tuple[bool, OpusHead | None]:
    """Whether one of the streams is Opus, and its header (None if it is damaged)."""
    start = 0
    for _ in range(_MOST_STREAMS):  # every stream begins with a page of its own, before all others
        page = file.read(start, _LARGEST_PAGE)
        if len(page) < 28 or page[:4] != b"OggS" or not page[5] & 2:
            break
        lacing = page[27 : 27 + page[26]]
        content = page[27 + page[26] : 27 + page[26] + sum(lacing)]
        if content[:8] == b"OpusHead":
            return True, parse_opus_head(content)
        start += 27 + page[26] + sum(lacing)
    return False, None


def parse_ogg(file: BoundedFile) -> SpatialMetadata:
    """What an Ogg file says."""
    is_opus, head = opus_head_of_ogg(file)
    return spatial_of_opus(head) if is_opus else SpatialMetadata()
