"""AAC in MP4 and MOV, sought: a stretch that is shown to be what decoding from the beginning gives.

A frame of AAC-LC needs the one before it and nothing older, but for one thing: bands that are stored as noise
(perceptual noise substitution, ISO/IEC 14496-3) are filled from a generator of random numbers that runs through the
whole recording. Whether a stretch has such bands is asked of the decoder itself. It decodes the stretch twice in a row:
where the first time took numbers from the generator, the second takes others, and the samples differ. If all samples
are the same, none were taken, and how many were taken before does not matter.
"""

from collections.abc import Generator
from typing import Any

import numpy as np
from jaxtyping import Float32

__all__ = ["proven_aac"]

_LOW_COMPLEXITY = 2
_FRAME = 1024
#: packets before the first that is wanted; the second after a start is whole
_BEFORE = 4
_MOST_AT_ONCE = 256

Samples = Float32[np.ndarray, "channels time"]


def proven_aac(file: Any, stream: Any, start: int, stop: int) -> Generator[Samples, None, int | None]:
    """Samples from ``start`` on, up to ``stop`` and a little more, as far as they can be shown to be right.

    What it returns is the sample from which on the rest has to be decoded from the beginning of the file; None if the
    recording has ended.
    """
    codec = stream.codec_context
    if not _is_plain(codec) or stream.time_base * stream.rate != 1 or file.start_time is None:
        return start
    first = next(file.decode(stream), None)  # as all readers begin: what is before it is left out
    if first is None or first.pts is None:
        return start
    begin = first.pts - round(first.pts - file.start_time / 10**6 * stream.rate)  # the clock's number of sample 0
    entries = stream.index_entries
    number = entries.search_timestamp(start + begin) - _BEFORE
    # each packet is a frame: the clock must have counted as many samples as they hold, or it has gaps
    if number < 1 or first.pts < begin or entries[number].timestamp != entries[0].timestamp + _FRAME * number:
        return start
    place = entries[number].timestamp
    file.seek(place, stream=stream)
    packets = file.demux(stream)
    held: list[Any] = []
    while start < stop:
        wanted = min(-(-(stop - start) // _FRAME) + 1, _MOST_AT_ONCE) + _BEFORE
        while len(held) < wanted and (packet := next(packets, None)) is not None and packet.size:
            if packet.pts is None or packet.pts >= place:  # behind an edit list the seek ends a packet too early
                held.append(packet)
        has_ended = len(held) < wanted
        if has_ended and len(held) <= _BEFORE:
            return None
        if any(packet.pts != place + _FRAME * k for k, packet in enumerate(held)):
            return start
        once, twice = _decoded(codec, held), _decoded(codec, held)
        if once is None or twice is None or not np.array_equal(once, twice):
            return start
        # sample 0 of the recording is that with the number begin
        found = once[:, max(start + begin - place - _BEFORE * _FRAME, 0) :]
        yield found
        start = max(start, place + _BEFORE * _FRAME - begin) + found.shape[1]
        if has_ended:
            return None
        place += _FRAME * (len(held) - _BEFORE)
        held = held[-_BEFORE:]
    return start


def _is_plain(codec: Any) -> bool:
    """Whether it is AAC of low complexity, in frames of 1024 samples by its own configuration."""
    header = codec.extradata or b""
    return codec.name == "aac" and len(header) > 1 and header[0] >> 3 == _LOW_COMPLEXITY and not header[1] & 4


def _decoded(codec: Any, packets: list[Any]) -> Samples | None:
    """The samples of the packets without the first few; None if any is not what its packet says."""
    import av

    resampler = av.AudioResampler(format="flt")  # packed, as elsewhere
    pieces = []
    for number, packet in enumerate(packets):
        frames = codec.decode(packet)
        is_last = number == len(packets) - 1
        if len(frames) != 1 or frames[0].pts != packet.pts or frames[0].sample_rate != codec.sample_rate:
            return None
        if frames[0].samples != _FRAME and not (is_last and frames[0].samples < _FRAME):
            return None
        channels = frames[0].layout.nb_channels
        if number >= _BEFORE:
            pieces += [packed.to_ndarray().reshape(-1, channels).T for packed in resampler.resample(frames[0])]
    return np.concatenate(pieces, axis=1) if pieces else None
