"""Laws that tie operators of different files together, on drawn directions, orders, rooms and shapes."""

import numpy as np
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

import ambikit
from ambikit.operators.convolution import filter_channels

azimuths = st.floats(-np.pi, np.pi)
elevations = st.floats(-np.pi / 2, np.pi / 2)
orders = st.integers(1, 4)
seeds = st.integers(0, 2**31 - 1)


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


@given(azimuths, elevations, orders, seeds)
def test_encoding_is_linear_in_the_sound(azimuth, elevation, order, seed):
    one, other = noise(seed, 2, 30)
    whole = ambikit.encode(2 * one - 3 * other, azimuth, elevation, order)
    parts = 2 * ambikit.encode(one, azimuth, elevation, order) - 3 * ambikit.encode(other, azimuth, elevation, order)
    np.testing.assert_allclose(whole, parts, atol=1e-12)


@given(azimuths, elevations, seeds)
def test_a_mirrored_field_changes_the_ears(azimuth, elevation, seed):
    field = ambikit.encode(noise(seed, 40), azimuth, elevation)
    left, right = ambikit.decode_stereo(field)
    mirrored = ambikit.decode_stereo(ambikit.mirror(field, "left_right"))
    np.testing.assert_allclose(mirrored, [right, left], atol=1e-12)


@given(azimuths, elevations, azimuths, elevations, orders, seeds)
def test_a_beam_turns_with_the_field(azimuth, elevation, yaw, pitch, order, seed):
    field = noise(seed, (order + 1) ** 2, 20)
    turned = ambikit.align(field, yaw, pitch)
    # what a beam hears at a direction of the aligned field, it heard before where that direction came from
    before = ambikit.rotate(ambikit.encode(np.ones(1), azimuth, elevation), yaw, -pitch)[[3, 1, 2], 0]
    there = ambikit.vectors_to_angles(before)
    heard = ambikit.beamform(turned, azimuth, elevation, "max_re")
    np.testing.assert_allclose(heard, ambikit.beamform(field, *there, "max_re"), atol=1e-9)


@given(seeds, st.floats(0.0, 0.95), st.integers(0, 2))
def test_source_and_listener_may_change_places(seed, reflection, reflections):
    rng = np.random.default_rng(seed)
    room = rng.uniform(2, 8, 3)
    source, listener = rng.uniform(0.1, 0.9, (2, 3)) * room
    assume(np.linalg.norm(source - listener) > 0.1)
    settings = {"reflection": reflection, "max_reflections": reflections}
    one = ambikit.image_sources(room, source, listener, **settings)
    other = ambikit.image_sources(room, listener, source, **settings)
    np.testing.assert_allclose(np.sort(one.distances), np.sort(other.distances), rtol=1e-9)
    np.testing.assert_allclose(np.sort(one.gains), np.sort(other.gains), rtol=1e-9, atol=1e-12)


@given(seeds, st.integers(1, 3), st.integers(1, 60), st.integers(1, 200))
def test_filtering_channels_is_convolution_and_sum(seed, channels, taps, time):
    signal, filters = noise(seed, channels, time), noise(seed + 1, 2, channels, taps)
    expected = [sum(np.convolve(signal[c], ear[c]) for c in range(channels)) for ear in filters]
    np.testing.assert_allclose(filter_channels(signal, filters, tail=True), expected, atol=1e-9)


@given(seeds, st.integers(1, 3))
def test_features_of_a_batch_are_those_of_its_clips(seed, clips):
    batch = noise(seed, clips, 4, 2400).astype(np.float32)
    together = ambikit.foa_features(batch, 24000)
    alone = np.stack([ambikit.foa_features(clip, 24000) for clip in batch])
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-4)


@given(azimuths, elevations, azimuths, elevations, seeds)
def test_a_steered_null_hears_nothing(azimuth, elevation, null_azimuth, null_elevation, seed):
    assume(ambikit.angular_distance(azimuth, elevation, null_azimuth, null_elevation) > 0.3)
    weights = ambikit.null_steering_weights(azimuth, elevation, [null_azimuth], [null_elevation], order=2)
    sound = noise(seed, 10)
    wanted = ambikit.apply_weights(ambikit.encode(sound, azimuth, elevation, 2), weights)
    unwanted = ambikit.apply_weights(ambikit.encode(sound, null_azimuth, null_elevation, 2), weights)
    np.testing.assert_allclose(wanted, sound, atol=1e-9)
    np.testing.assert_allclose(unwanted, 0, atol=1e-9)


@given(azimuths, st.floats(-1.2, 1.2), azimuths, st.floats(-1.2, 1.2), azimuths)
def test_a_turned_panorama_shows_what_the_turned_sound_says(azimuth, elevation, yaw, pitch, roll):
    height, width = 60, 120
    column, row = np.meshgrid(np.arange(width), np.arange(height))
    pixels = ambikit.angles_to_vectors(*ambikit.pixels_to_angles(column, row, width, height))
    spot = np.exp(8 * (pixels @ ambikit.angles_to_vectors(azimuth, elevation) - 1))[..., None]
    turned = ambikit.turn_equirectangular(spot, yaw, pitch, roll)[..., 0]
    direction = ambikit.rotate(ambikit.encode(np.ones(1), azimuth, elevation), yaw, pitch, roll)[[3, 1, 2], 0]
    np.testing.assert_allclose(turned, np.exp(8 * (pixels @ direction - 1)), atol=0.02)


@settings(max_examples=150)
@given(st.data(), st.sampled_from(["rotate", "align", "beamform"]), st.booleans(), st.integers(1, 2))
def test_angles_broadcast_with_the_axes_before_the_channels(data, name, torch_in, order):
    shapes = mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3, min_dims=0)
    signal_batch, angle_batch = data.draw(shapes).input_shapes
    rng = np.random.default_rng(data.draw(seeds))
    signal, angle = rng.normal(size=(*signal_batch, (order + 1) ** 2, 5)), rng.uniform(-3, 3, angle_batch)
    operator = {
        "rotate": lambda x, a: ambikit.rotate(x, a, 0.2),
        "align": lambda x, a: ambikit.align(x, a, 0.2),
        "beamform": lambda x, a: ambikit.beamform(x, a, 0.2),
    }[name]
    if torch_in:
        together = operator(torch.from_numpy(signal), torch.from_numpy(np.asarray(angle))).numpy()
    else:
        together = operator(signal, angle)
    batch = np.broadcast_shapes(signal_batch, angle_batch)
    assert together.shape[: len(batch)] == batch
    signals = np.broadcast_to(signal, (*batch, *signal.shape[-2:]))
    angles = np.broadcast_to(angle, batch)
    for index in np.ndindex(*batch):
        np.testing.assert_allclose(together[index], operator(signals[index], float(angles[index])), atol=1e-12)
