import math

import numpy as np
import pytest
import torch

import ambikit
from ambikit_models.sound import SoundFeatures

FORMATS = {"omni": 1, "mono": 1, "stereo": 2, "foa_log_mel": 4, "foa_intensity": 7}


def scene(rng):
    """Two sources and some noise, as a tensor."""
    time = rng.normal(size=(2, 8000)).astype("float32")
    foa = ambikit.encode(time, [0.7, -2.0], [0.3, -0.5]).sum(0) + 0.1 * rng.normal(size=(4, 8000))
    return torch.from_numpy(foa.astype("float32"))


def sound(name):
    return SoundFeatures(name, sample_rate=16000, bands=32, window=0.064, hop=0.04)


@pytest.mark.parametrize("name", FORMATS)
def test_shape(name, rng):
    features = sound(name)
    assert features.channels == FORMATS[name]
    views = features.view(features.prepare(scene(rng))[None, None], torch.zeros(3, 2), torch.zeros(3, 2))
    assert views.shape == (3, 2, FORMATS[name], 32, 13)


@pytest.mark.parametrize(("azimuth", "elevation"), [(0.0, 0.0), (1.1, 0.4), (-2.5, -0.9)])
@pytest.mark.parametrize("name", ["foa_log_mel", "foa_intensity", "omni", "mono", "stereo"])
def test_it_equals_the_features_of_the_turned_signal(name, azimuth, elevation, rng):
    # the slow way: turn the signal itself, then form the beams and transform
    features, signal = sound(name), scene(rng).double()
    aligned = ambikit.align(signal, azimuth, elevation)
    keywords = {"bands": 32, "window": 0.064, "hop": 0.04}
    if name.startswith("foa"):
        expected = ambikit.foa_features(aligned, 16000, **keywords)[: FORMATS[name]]
    elif name == "omni":
        expected = ambikit.log_mel(signal[:1], 16000, **keywords)
    elif name == "mono":
        expected = ambikit.log_mel(ambikit.beamform(signal, azimuth, elevation)[None], 16000, **keywords)
    else:
        expected = ambikit.log_mel(ambikit.decode_stereo(aligned), 16000, **keywords)
    actual = features.view(features.prepare(signal), torch.tensor(azimuth), torch.tensor(elevation))
    torch.testing.assert_close(actual, expected, rtol=1e-7, atol=1e-5)


def test_a_source_at_the_viewpoint_is_in_front(rng):
    signal = ambikit.encode(torch.from_numpy(rng.normal(size=8000)), math.radians(120), math.radians(45))
    features = sound("foa_intensity")
    seen = features.view(features.prepare(signal), math.radians(120), math.radians(45))
    np.testing.assert_allclose(seen[4:].mean((1, 2)), [1, 0, 0], atol=1e-6)


def test_a_source_to_the_left_of_the_viewpoint_is_louder_in_the_left_channel(rng):
    signal = ambikit.encode(torch.from_numpy(rng.normal(size=8000)), math.radians(60), 0.0)
    features = sound("stereo")
    left, right = features.view(features.prepare(signal), math.radians(20), 0.0).mean((1, 2))
    assert left > right + 3


def test_turning_about_the_vertical_leaves_omni_exactly_alone(rng):
    features = sound("omni")
    covariance = features.prepare(scene(rng))
    yaw = torch.linspace(-3, 3, 7)
    views = features.view(covariance[None], yaw, torch.zeros(7))
    assert torch.equal(views, views[:1].expand_as(views))
