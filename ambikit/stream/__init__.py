"""The operators as sound plays: processors that take it block by block and remember what they need.

Every :class:`Processor` has ``process(block)``, ``flush()``, ``reset()`` and a ``latency``. Blocks are
``(..., channels, time)`` of any length, which may change from one to the next; put together, the results are what the
operator of the same name makes of the whole signal, late by ``latency`` samples.
"""

from ambikit.stream.beams import Beamformer
from ambikit.stream.chain import Chain
from ambikit.stream.decoding import LoudspeakerDecoder, StereoDecoder
from ambikit.stream.features import FoaFeatures, LogMel, StereoFeatures
from ambikit.stream.filtering import BinauralDecoder, FilterMatrix
from ambikit.stream.processor import Processor
from ambikit.stream.rotation import Rotator
from ambikit.stream.spectra import Stft

__all__ = [
    "Beamformer",
    "BinauralDecoder",
    "Chain",
    "FilterMatrix",
    "FoaFeatures",
    "LogMel",
    "LoudspeakerDecoder",
    "Processor",
    "Rotator",
    "StereoDecoder",
    "StereoFeatures",
    "Stft",
]
