"""Features, sample rates, binaural decoder and microphone encoder as ``torch.nn`` modules: a buffer and a call.

A module designs its mel bank or its filters once and keeps them on its device; its results are those of the function.
They are not part of the state dict, because they follow from the parameters.
"""

from ambikit.nn.directional import DirectionalEdit
from ambikit.nn.filters import BinauralDecoder, MicrophoneEncoder
from ambikit.nn.mel import FoaFeatures, LogMel, StereoFeatures, Stft
from ambikit.nn.resampling import Resample
from ambikit.nn.spatial_features import DcaseFoaFeatures, DcaseMicFeatures, GccPhat, Salsa, SalsaLite

__all__ = [
    "BinauralDecoder",
    "DcaseFoaFeatures",
    "DcaseMicFeatures",
    "DirectionalEdit",
    "FoaFeatures",
    "GccPhat",
    "LogMel",
    "MicrophoneEncoder",
    "Resample",
    "Salsa",
    "SalsaLite",
    "StereoFeatures",
    "Stft",
]
