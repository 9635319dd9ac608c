"""Poses and directions that change while sound plays, in memory that does not grow."""

import gc
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.transform import Rotation, Slerp

import ambikit
from ambikit import stream
from tests.closeness import assert_close

RATE = 48000
ANGLES = st.tuples(*[st.floats(-3.0, 3.0)] * 3)
#: how long a block is, the pose set before it if one is, and its ramp in samples (None: the block)
STEPS = st.lists(
    st.tuples(st.integers(0, 80), st.none() | ANGLES, st.none() | st.integers(0, 150)), min_size=1, max_size=8
)


def way_of(steps):
    """The pose of every sample by SciPy, for poses that are set before blocks."""
    poses = []
    start = end = Rotation.identity()
    done = length = 0
    for samples, angles, ramp in steps:
        if samples == 0:
            continue
        if angles is not None:
            start, end = between(start, end, done, length)[0], Rotation.from_euler("ZYX", angles)
            done, length = 0, (samples if ramp is None else ramp) if poses else 0
        poses.extend(between(start, end, done + np.arange(samples), length).as_quat())
        done += samples
    return np.array(poses)


def between(start, end, done, length):
    fraction = np.minimum(1.0, np.atleast_1d(done) / length) if length else np.ones(np.size(done))
    return Slerp([0, 1], Rotation.concatenate([start, end]))(fraction)


def played(rotator, signal, steps):
    parts, at = [], 0
    for samples, angles, ramp in steps:
        if angles is not None and samples:  # a pose set before an empty block would wait for the next one
            rotator.set_pose(*angles, ramp=None if ramp is None else ramp / RATE)
        parts.append(rotator.process(signal[..., at : at + samples]))
        at += samples
    return torch.cat(parts, -1) if isinstance(signal, torch.Tensor) else np.concatenate(parts, -1)


class TestPoses:
    @given(steps=STEPS)
    def test_against_the_track_of_all_poses(self, steps):
        total = sum(samples for samples, _, _ in steps)
        if total == 0:
            return
        signal = np.random.default_rng(0).standard_normal((16, total))
        expected = ambikit.rotate_track(signal, rotation=way_of(steps))
        assert_close(played(stream.Rotator(RATE), signal, steps), expected, factor=100)

    @settings(max_examples=8)
    @given(steps=STEPS)
    def test_with_gradients_and_in_single_precision(self, steps):
        total = sum(samples for samples, _, _ in steps)
        if total == 0:
            return
        signal = np.random.default_rng(0).standard_normal((9, total))
        expected = ambikit.rotate_track(signal, rotation=way_of(steps))
        tensor = torch.tensor(signal, requires_grad=True)
        assert_close(played(stream.Rotator(RATE), tensor, steps).detach(), expected, factor=100)
        assert_close(played(stream.Rotator(RATE), signal.astype("float32"), steps), expected, "float32", factor=10)

    def test_sources_on_the_sphere(self):
        """A head turns to the left in a fifth of a second; a source in front of it moves to its right."""
        voice = np.random.default_rng(0).standard_normal(9700)
        head = stream.Rotator(RATE, ramp=0.2, inverse=True)
        front = ambikit.encode(voice, 0, 0, order=3)
        parts = [head.process(front[:, :100])]
        head.set_pose(yaw=90, degrees=True)
        parts.append(head.process(front[:, 100:]))
        azimuth = np.clip((np.arange(9700) - 100) / 9600, 0, 1) * -90
        expected = ambikit.encode(voice, azimuth, 0 * azimuth, order=3, degrees=True, trajectory=True)
        assert_close(np.concatenate(parts, -1), expected, factor=100)
        assert_allclose(head.pose, [0, 0, 0.5**0.5, 0.5**0.5], atol=1e-12)

    def test_known_to_rotate_track(self):
        """A tracker of 100 poses a second, each reached when the next one comes: a track that is late by one pose."""
        angles = np.cumsum(np.random.default_rng(1).uniform(-0.3, 0.3, (20, 3)), 0)
        signal = np.random.default_rng(0).standard_normal((9, 20 * 480)).astype("float32")
        rotator = stream.Rotator(RATE, *angles[0], ramp=0.01)
        parts = []
        for k in range(1, 20):
            parts.append(rotator.process(signal[:, (k - 1) * 480 : k * 480]))
            rotator.set_pose(*angles[k])
        parts.append(rotator.process(signal[:, 19 * 480 :]))
        track = ambikit.rotate_track(signal[:, 480:], *angles.T, pose_rate=100, sample_rate=RATE)
        assert_close(np.concatenate(parts, -1)[:, 480:], track, "float32", factor=10)

    @pytest.mark.parametrize("order", [1, 3])
    def test_no_click(self, order):
        """The steepest that degree n can be is n times the speed of the turn; a turn at once is far steeper."""
        field = ambikit.encode(np.ones(4800), 0.4, 0.3, order=order)
        largest = {}
        for ramp in (0.02, 0.0):
            rotator = stream.Rotator(RATE, ramp=ramp)
            parts = [rotator.process(field[:, :640])]
            rotator.set_pose(2.0, 0.5, -1.0)
            parts += [rotator.process(field[:, start : start + 64]) for start in range(640, 4800, 64)]
            largest[ramp] = np.linalg.norm(np.diff(np.concatenate(parts, -1), axis=-1), axis=0).max()
        speed = Rotation.from_euler("ZYX", [2.0, 0.5, -1.0]).magnitude() / 960
        steepest = np.sqrt(sum(n**2 for n in range(1, order + 1))) * speed
        assert largest[0.02] <= steepest * (1 + 1e-9)
        assert largest[0.0] > 100 * largest[0.02]

    def test_the_latest_pose_counts_and_the_first_has_no_way(self):
        rotator, block = stream.Rotator(RATE, ramp=None), np.random.default_rng(0).standard_normal((4, 64))
        rotator.set_pose(3.0)
        rotator.set_pose(rotation=Rotation.from_euler("Z", 1.0))
        assert_close(rotator.process(block), ambikit.rotate(block, 1.0))
        rotator.set_pose(rotation=torch.tensor([0.0, 0.0, 1.0, 1.0]))
        rotator.process(block)
        assert_close(rotator.process(block), ambikit.rotate(block, 90, degrees=True), factor=1e6)
        rotator.set_pose(2.0)
        rotator.process(block[:, :0])  # goes nowhere
        rotator.reset()
        assert_close(rotator.process(block), ambikit.rotate(block, 2.0))


class TestBeams:
    def test_a_beam_on_its_way(self):
        signal = np.random.default_rng(0).standard_normal((16, 500))
        beam = stream.Beamformer(RATE, 30, 20, "max_re", order=3, ramp=200 / RATE, degrees=True)
        parts = [beam.process(signal[:, :100])]
        beam.steer(-100, -40, degrees=True)
        parts.append(beam.process(signal[:, 100:250]))
        beam.steer(10, 85, degrees=True)  # before it has arrived
        parts += [beam.process(signal[:, a : a + 50]) for a in range(250, 500, 50)]
        first, second, third = ambikit.angles_to_vectors([30, -100, 10], [20, -40, 85], degrees=True)
        expected = []
        for n in range(500):
            turning = great_circle(first, second, np.clip((min(n, 250) - 100) / 200, 0, 1))
            vector = turning if n < 250 else great_circle(turning, third, min(1, (n - 250) / 200))
            expected.append(ambikit.beamform(signal[:, n : n + 1], *ambikit.vectors_to_angles(vector), "max_re")[0])
        assert_close(np.concatenate(parts, -1)[0], np.array(expected), factor=100)
        assert_allclose(np.degrees(beam.direction), [10, 85], atol=1e-9)

    def test_to_the_opposite_over_the_left(self):
        beam = stream.Beamformer(RATE, 0, 0, ramp=2 / RATE)
        left = ambikit.encode(np.ones(3), 90, 0, degrees=True)
        beam.process(left)
        beam.steer(180, 0, degrees=True)
        assert_allclose(beam.process(left), [[0.25, 1.0, 0.25]], atol=1e-9)
        beam.reset()
        assert_allclose(beam.process(left), [[0.25, 0.25, 0.25]], atol=1e-9)

    def test_no_click(self):
        """A beam that is asked for at any moment begins to turn from where it looks."""
        beam, left = stream.Beamformer(RATE, 90, 0, ramp=0.01, degrees=True), ambikit.encode(np.ones(64), np.pi / 2, 0)
        parts = [beam.process(left)]
        for azimuth in (-90, 40, 90):
            beam.steer(azimuth, 0, degrees=True)
            parts += [beam.process(left) for _ in range(3 if azimuth == 40 else 9)]
        heard = np.concatenate(parts, -1)[0]
        assert np.abs(np.diff(heard)).max() <= 0.75 * np.pi / 480 * (1 + 1e-9)
        assert heard.min() < -0.49

    def test_straight_up_and_down(self):
        for elevation in (90, -90):
            beam = stream.Beamformer(RATE, 0, 90, ramp=2 / RATE, degrees=True)
            field = ambikit.encode(np.ones(3), 0, elevation, degrees=True)
            beam.process(field)
            beam.steer(0, elevation, degrees=True)
            assert_allclose(beam.process(field)[0, 2], 1.0, atol=1e-9)

    def test_tensors_with_gradients(self):
        signal = np.random.default_rng(0).standard_normal((2, 4, 60))
        tensor, results = torch.tensor(signal, requires_grad=True), []
        for sound in (signal, tensor):
            beam = stream.Beamformer(RATE, 0.3, 0.1, ramp=None)
            first = beam.process(sound[..., :20])
            beam.steer(-1.0, 0.5)
            results.append([first, beam.process(sound[..., 20:50]), beam.process(sound[..., 50:])])
        for ours, theirs in zip(*results):
            assert_close(theirs.detach(), ours, factor=100)
            assert theirs.shape[:2] == (2, 1)


def great_circle(start, end, fraction):
    angle = np.arccos(start @ end)
    return (np.sin((1 - fraction) * angle) * start + np.sin(fraction * angle) * end) / np.sin(angle)


class TestThreads:
    def test_a_tracker_in_a_thread_of_its_own(self):
        """Whatever comes between, W and the energy of each degree stay, and the last pose is reached."""
        rotator, block, stop = (
            stream.Rotator(RATE, ramp=0.003),
            np.random.default_rng(0).standard_normal((9, 64)),
            threading.Event(),
        )

        def track():
            k = 0
            while not stop.is_set():
                k += 1
                rotator.set_pose(0.01 * k, 0.02 * k, -0.01 * k)

        thread = threading.Thread(target=track)
        thread.start()
        for _ in range(300):
            turned = rotator.process(block)
            assert_array_equal(turned[0], block[0])
            for part in (slice(1, 4), slice(4, 9)):
                assert_close((turned[part] ** 2).sum(0), (block[part] ** 2).sum(0), factor=100)
        stop.set()
        thread.join()
        rotator.set_pose(1.0)
        for _ in range(4):
            turned = rotator.process(block)
        assert_close(turned, ambikit.rotate(block, 1.0), factor=10)


def playing(blocks, look):
    """A head that moves all the time, two ears and features, in blocks of several lengths; look in twice."""
    head = stream.Rotator(RATE, ramp=0.01, inverse=True)
    decoder = ambikit.BinauralFilters(np.random.default_rng(1).standard_normal((2, 4, 256)), RATE)
    ears = stream.Chain(head, stream.BinauralDecoder(decoder))
    features, beam = stream.FoaFeatures(RATE, bands=16), stream.Beamformer(RATE, 0, 0)
    block, out = np.random.default_rng(0).standard_normal((4, 96)).astype("float32"), np.empty((2, 64), "float32")
    for k in range(blocks):
        if k % 7 == 0:
            head.set_pose(yaw=0.01 * k)
            beam.steer(0.02 * k, 0.3)
        if k % 2:
            ears.process(block)
            features.process(block[:, :31])
        else:
            ears.process(block[:, :64], out=out)
            beam.process(block)
        if k in (blocks // 4, blocks - 1):
            gc.collect()
            look()


class TestMemory:
    def test_what_python_and_numpy_hold_does_not_grow(self, no_shape_hook):
        """40 bytes a block would be found."""
        playing(20, lambda: None)  # what is compiled and remembered
        held = []
        tracemalloc.start()
        try:
            playing(2000, lambda: held.append(tracemalloc.get_traced_memory()[0]))
        finally:
            tracemalloc.stop()
        assert held[1] - held[0] < 2**16

    @pytest.mark.long
    def test_the_process_does_not_grow(self, no_shape_hook):
        """A hundred thousand blocks; the first quarter may still fill the pools of the allocator."""
        sizes = []
        playing(100_000, lambda: sizes.append(4096 * int(Path("/proc/self/statm").read_text().split()[1])))
        assert sizes[1] - sizes[0] < 2**21
