"""Ambisonics for machine learning: arrays in, arrays out; NumPy or torch; CPU or GPU; differentiable.

Inside it is always AmbiX (ACN channel order W, Y, Z, X, …; SN3D normalisation); x points to the front, y to
the left, z up; azimuth counts counter-clockwise, elevation upwards; angles are radians.

The names below load on first use, so that ``import ambikit`` costs little more than NumPy and never torch.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# The table of contents: every public name once, under the module where it lives.
_CONTENTS = {
    "errors": [
        "AmbikitError",
        "ArrayTypeError",
        "ConventionError",
        "FileError",
        "MissingExtraError",
        "ShapeError",
    ],
    # geometry: what the channels mean
    "geometry.cube_maps": ["angles_to_cube_pixels"],
    "geometry.directions": ["angles_to_vectors", "angular_distance", "vectors_to_angles"],
    "geometry.channels": ["channel_count", "order_of"],
    "geometry.equirectangular": [
        "angles_to_pixels",
        "crop_rays",
        "flip_equirectangular",
        "pixels_to_angles",
        "roll_equirectangular",
    ],
    "geometry.panorama_turns": ["turn_equirectangular"],
    "geometry.symmetries": ["CHANNEL_SWAPS", "OCTAHEDRAL_GROUP", "Symmetry"],
    "geometry.harmonics": ["spherical_harmonics"],
    "geometry.grids": ["fibonacci_grid", "gauss_legendre_grid"],
    "geometry.conventions": ["AMBIX", "FUMA", "N3D", "Convention", "convert"],
    # operators: what may be done to a sound field
    "operators.encoding": ["encode"],
    "operators.rotation": ["align", "rotate", "rotation_matrix"],
    "operators.rotation_track": ["rotate_track"],
    "operators.symmetry": ["MovedScene", "acs", "apply_symmetry", "mirror"],
    "operators.beamforming": ["beam_weights", "beamform"],
    "operators.beam_patterns": ["dolph_chebyshev_weights", "fitted_beam_weights"],
    "operators.channel_weights": ["apply_weights"],
    "operators.directivity": ["Directivity", "directivity", "directivity_of_weights"],
    "operators.null_steering": ["null_steering_weights"],
    "operators.adaptive_beams": ["diffuse_covariance", "lcmv", "mvdr"],
    "operators.directional_transform": ["DirectionalTransform", "apply_transform", "directional_transform"],
    "operators.warping": ["warp", "warp_transform"],
    "operators.dominance": ["dominance", "dominance_transform"],
    "operators.directional_gain": ["directional_gain", "directional_gain_transform"],
    "operators.transform_report": ["TransformReport", "transform_report"],
    "operators.stereo": ["decode_stereo"],
    "operators.hrir_sets": ["HrirSet"],
    "operators.spherical_head": ["spherical_head_hrirs", "spherical_head_response"],
    "operators.binaural": ["BinauralFilters", "binaural_decoder", "decode_binaural"],
    "operators.loudspeakers.layouts": ["Layout"],
    "operators.loudspeakers.vbap": ["vbap"],
    "operators.loudspeakers.decoder": ["LoudspeakerDecoder", "decode_loudspeakers", "loudspeaker_decoder"],
    "operators.loudspeakers.report": ["DecoderReport", "decoder_report"],
    "operators.microphones.arrays": ["MicrophoneArray"],
    "operators.microphones.simulation": ["microphone_response"],
    "operators.microphones.encoder": ["MicrophoneEncoder", "encode_microphones", "microphone_encoder"],
    "operators.microphones.report": ["EncodingReport", "encoding_report"],
    "operators.resampling": ["resample"],
    "operators.rooms.images": ["ImageSources", "image_sources"],
    "operators.rooms.sources": ["directional_source"],
    "operators.rooms.air": ["air_absorption"],
    "operators.rooms.bands": ["octave_band_filters", "split_octave_bands"],
    "operators.rooms.responses": ["response_of_images", "room_impulse_response"],
    "operators.rooms.rendering": ["render_room"],
    "operators.rooms.reverberation": [
        "absorption_for_reverberation_time",
        "absorption_to_reflection",
        "reverberation_time",
    ],
    "operators.rooms.polygons": ["pyroomacoustics_images"],
    # analysis: what a sound field says
    "analysis.spectra": ["istft", "stft"],
    "analysis.filterbank": ["mel_average", "mel_filterbank"],
    "analysis.mel": ["log_mel"],
    "analysis.intensity": ["active_intensity", "diffuseness", "energy_density", "reactive_intensity"],
    "analysis.diffuse_covariance": ["diffuseness_comedie", "diffuseness_directional_power"],
    "analysis.diffuse_directions": ["diffuseness_spherical_variance", "diffuseness_temporal_variation"],
    "analysis.direct_path": ["direct_path_dominance"],
    "analysis.intensity_histogram": ["intensity_histogram"],
    "analysis.localization": ["direction_of_arrival"],
    "analysis.interaural": ["ild", "ipd"],
    "analysis.correlation": ["gcc_phat", "interaural_cross_correlation"],
    "analysis.coherence": ["coherence", "interaural_coherence"],
    "analysis.time_differences": ["itd"],
    "analysis.covariance": ["mvdr_map", "power_map", "spatial_covariance"],
    "analysis.pseudo_spectra": ["min_norm", "music"],
    "analysis.peaks": ["FoundDirections", "map_peaks"],
    "analysis.esprit": ["esprit"],
    "analysis.source_count": ["number_of_sources"],
    "analysis.decay": ["clarity", "decay_time", "energy_decay"],
    "analysis.validity": ["FoaReport", "check_foa"],
    "analysis.features": ["foa_features", "stereo_features"],
    "analysis.salsa": ["salsa"],
    "analysis.salsa_lite": ["salsa_lite"],
    "analysis.dcase": ["dcase_foa_features", "dcase_intensity", "dcase_mic_features"],
    "analysis.mel_covariance": ["align_mel_covariance", "mel_covariance", "mel_covariance_features"],
    # edges: files
    "files.hrirs": ["read_hrirs"],
    "files.metadata.facts": ["Pose", "SpatialMetadata"],
    "files.metadata.reading": ["read_metadata"],
    "files.metadata.writing": ["write_metadata"],
    "files.reading": ["read"],
    "files.segments": ["read_segment"],
    "files.writing": ["write"],
}
_NAMESPACES = ["conformance", "interop", "nn", "plot", "stream"]
_HOME = {name: module for module, names in _CONTENTS.items() for name in names}

__all__ = sorted([*_HOME, *_NAMESPACES])

if TYPE_CHECKING:
    from ambikit import conformance, interop, nn, plot, stream
    from ambikit.analysis.coherence import coherence, interaural_coherence
    from ambikit.analysis.correlation import gcc_phat, interaural_cross_correlation
    from ambikit.analysis.covariance import mvdr_map, power_map, spatial_covariance
    from ambikit.analysis.dcase import dcase_foa_features, dcase_intensity, dcase_mic_features
    from ambikit.analysis.decay import clarity, decay_time, energy_decay
    from ambikit.analysis.diffuse_covariance import diffuseness_comedie, diffuseness_directional_power
    from ambikit.analysis.diffuse_directions import diffuseness_spherical_variance, diffuseness_temporal_variation
    from ambikit.analysis.direct_path import direct_path_dominance
    from ambikit.analysis.esprit import esprit
    from ambikit.analysis.features import foa_features, stereo_features
    from ambikit.analysis.filterbank import mel_average, mel_filterbank
    from ambikit.analysis.intensity import active_intensity, diffuseness, energy_density, reactive_intensity
    from ambikit.analysis.intensity_histogram import intensity_histogram
    from ambikit.analysis.interaural import ild, ipd
    from ambikit.analysis.localization import direction_of_arrival
    from ambikit.analysis.mel import log_mel
    from ambikit.analysis.mel_covariance import align_mel_covariance, mel_covariance, mel_covariance_features
    from ambikit.analysis.peaks import FoundDirections, map_peaks
    from ambikit.analysis.pseudo_spectra import min_norm, music
    from ambikit.analysis.salsa import salsa
    from ambikit.analysis.salsa_lite import salsa_lite
    from ambikit.analysis.source_count import number_of_sources
    from ambikit.analysis.spectra import istft, stft
    from ambikit.analysis.time_differences import itd
    from ambikit.analysis.validity import FoaReport, check_foa
    from ambikit.errors import (
        AmbikitError,
        ArrayTypeError,
        ConventionError,
        FileError,
        MissingExtraError,
        ShapeError,
    )
    from ambikit.files.hrirs import read_hrirs
    from ambikit.files.metadata.facts import Pose, SpatialMetadata
    from ambikit.files.metadata.reading import read_metadata
    from ambikit.files.metadata.writing import write_metadata
    from ambikit.files.reading import read
    from ambikit.files.segments import read_segment
    from ambikit.files.writing import write
    from ambikit.geometry.channels import channel_count, order_of
    from ambikit.geometry.conventions import AMBIX, FUMA, N3D, Convention, convert
    from ambikit.geometry.cube_maps import angles_to_cube_pixels
    from ambikit.geometry.directions import angles_to_vectors, angular_distance, vectors_to_angles
    from ambikit.geometry.equirectangular import (
        angles_to_pixels,
        crop_rays,
        flip_equirectangular,
        pixels_to_angles,
        roll_equirectangular,
    )
    from ambikit.geometry.grids import fibonacci_grid, gauss_legendre_grid
    from ambikit.geometry.harmonics import spherical_harmonics
    from ambikit.geometry.panorama_turns import turn_equirectangular
    from ambikit.geometry.symmetries import CHANNEL_SWAPS, OCTAHEDRAL_GROUP, Symmetry
    from ambikit.operators.adaptive_beams import diffuse_covariance, lcmv, mvdr
    from ambikit.operators.beam_patterns import dolph_chebyshev_weights, fitted_beam_weights
    from ambikit.operators.beamforming import beam_weights, beamform
    from ambikit.operators.binaural import BinauralFilters, binaural_decoder, decode_binaural
    from ambikit.operators.channel_weights import apply_weights
    from ambikit.operators.directional_gain import directional_gain, directional_gain_transform
    from ambikit.operators.directional_transform import DirectionalTransform, apply_transform, directional_transform
    from ambikit.operators.directivity import Directivity, directivity, directivity_of_weights
    from ambikit.operators.dominance import dominance, dominance_transform
    from ambikit.operators.encoding import encode
    from ambikit.operators.hrir_sets import HrirSet
    from ambikit.operators.loudspeakers.decoder import LoudspeakerDecoder, decode_loudspeakers, loudspeaker_decoder
    from ambikit.operators.loudspeakers.layouts import Layout
    from ambikit.operators.loudspeakers.report import DecoderReport, decoder_report
    from ambikit.operators.loudspeakers.vbap import vbap
    from ambikit.operators.microphones.arrays import MicrophoneArray
    from ambikit.operators.microphones.encoder import MicrophoneEncoder, encode_microphones, microphone_encoder
    from ambikit.operators.microphones.report import EncodingReport, encoding_report
    from ambikit.operators.microphones.simulation import microphone_response
    from ambikit.operators.null_steering import null_steering_weights
    from ambikit.operators.resampling import resample
    from ambikit.operators.rooms.air import air_absorption
    from ambikit.operators.rooms.bands import octave_band_filters, split_octave_bands
    from ambikit.operators.rooms.images import ImageSources, image_sources
    from ambikit.operators.rooms.polygons import pyroomacoustics_images
    from ambikit.operators.rooms.rendering import render_room
    from ambikit.operators.rooms.responses import response_of_images, room_impulse_response
    from ambikit.operators.rooms.reverberation import (
        absorption_for_reverberation_time,
        absorption_to_reflection,
        reverberation_time,
    )
    from ambikit.operators.rooms.sources import directional_source
    from ambikit.operators.rotation import align, rotate, rotation_matrix
    from ambikit.operators.rotation_track import rotate_track
    from ambikit.operators.spherical_head import spherical_head_hrirs, spherical_head_response
    from ambikit.operators.stereo import decode_stereo
    from ambikit.operators.symmetry import MovedScene, acs, apply_symmetry, mirror
    from ambikit.operators.transform_report import TransformReport, transform_report
    from ambikit.operators.warping import warp, warp_transform


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for (PEP 562)."""
    if name in _HOME:
        value = getattr(_import_module(f"ambikit.{_HOME[name]}"), name)
    elif name in _NAMESPACES:
        value = _import_module(f"ambikit.{name}")
    else:
        raise AttributeError(f"module 'ambikit' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
