"""The sound of scenes is physics: directions, motion, reflections, decay, ambience and its level."""

import dataclasses
import math

import numpy as np
import pytest
import scipy.signal
import torch

import ambikit
from ambikit_models.world import WorldConfig, acoustics, render_sound, scene, scenes
from ambikit_models.world.ambience import ambience_spectrum, diffuse_noise
from ambikit_models.world.reverberation import (
    SPEED_OF_SOUND,
    diffuse_tail,
    early_reflections,
    eyring_reflection,
    mean_free_path,
)
from ambikit_models.world.timbre import dry_signals, pulse_rates

CONFIG = WorldConfig()
#: one still object in the open, no noise
PLAIN = WorldConfig(sounding=(1, 1), silent=(0, 0), reverberation=0.0, snr_db=None, speed_degrees=(0.0, 0.0))
RATE = CONFIG.sample_rate


def directions_of(signal):
    """Azimuth and elevation of the intensity in the time domain, ⟨w·(x, y, z)⟩, radians."""
    w, y, z, x = signal.double().unbind(-2)
    x, y, z = ((w * dipole).mean(-1) for dipole in (x, y, z))
    return torch.atan2(y, x).numpy(), torch.atan2(z, torch.hypot(x, y)).numpy()


def angle_between(azimuth, elevation, true_azimuth, true_elevation):
    return ambikit.angular_distance(azimuth, elevation, true_azimuth, true_elevation)


class TestDirectSound:
    def test_a_single_source_is_heard_where_it_is(self):
        table = scenes(PLAIN, 3, range(12))
        heard = directions_of(render_sound(PLAIN, 3, table))
        error = angle_between(*heard, table.objects.azimuth[:, 0], table.objects.elevation[:, 0])
        assert error.max() < 1e-5

    def test_a_moving_source_is_heard_on_its_way(self):
        config = dataclasses.replace(PLAIN, speed_degrees=(20.0, 30.0))
        table = scenes(config, 3, range(12))
        sound, objects = render_sound(config, 3, table), table.objects
        span = 160
        for start in (0, config.samples - span):
            middle = (start + (span - 1) / 2) / RATE - config.duration / 2
            azimuth = objects.azimuth[:, 0] + objects.speed[:, 0] * middle
            error = angle_between(*directions_of(sound[..., start : start + span]), azimuth, objects.elevation[:, 0])
            # it moves by 0.3° within the span
            assert np.degrees(error).max() < 0.3
        travelled = objects.speed[:, 0] * config.duration
        assert np.degrees(travelled).min() >= 10

    def test_the_level_is_the_gain(self):
        config = dataclasses.replace(PLAIN, sound_depth=0.0, gain_db=(-6.0, -6.0))
        w = render_sound(config, 0, scenes(config, 0, range(8)))[:, 0]
        level = 10 * torch.log10(w.square().mean(-1) / 0.01)
        assert (level + 6.0).abs().max() < 0.5

    def test_it_pulses_from_the_start_of_the_clip_as_the_picture_does(self):
        table = scenes(PLAIN, 6, range(6))
        loudness = render_sound(PLAIN, 6, table)[:, 0].reshape(6, 80, 100).square().mean(-1).sqrt().numpy()
        time = (np.arange(80) + 0.5) * 100 / RATE
        objects = table.objects
        for row in range(6):
            picture = np.cos(2 * np.pi * objects.pulse_rate[row, 0] * time + objects.pulse_phase[row, 0])
            assert np.corrcoef(loudness[row], picture)[0, 1] > 0.95

    def test_without_sources_there_is_silence(self):
        config = dataclasses.replace(PLAIN, sounding=(0, 0), silent=(2, 2))
        assert not render_sound(config, 0, scene(config, 0, 0)).any()


class TestTimbre:
    def voice(self, kind, **change):
        config = dataclasses.replace(CONFIG, duration=2.0, lead_in=0.0, **change)
        one = torch.ones(1, 1, dtype=torch.float64)
        fundamental = 140.0 * 2.0 ** (kind / 4) * one
        rate = torch.from_numpy(pulse_rates(config)[[[kind]]])
        phases = torch.zeros(1, 1, config.harmonics, dtype=torch.float64)
        noise = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 1, config.samples), np.float32))
        return dry_signals(config, torch.tensor([[kind]]), fundamental, phases, rate, 0 * one, noise)[0, 0].numpy()

    @pytest.mark.parametrize("kind", [0, 5, 11])
    def test_a_voice_is_a_stack_of_harmonics(self, kind):
        power = np.abs(np.fft.rfft(self.voice(kind, sound_depth=0.0) * np.hanning(32000))) ** 2
        fundamental = 140.0 * 2.0 ** (kind / 4)
        harmonics = fundamental * np.arange(1, 7)
        for frequency in harmonics:
            place = round(frequency * 2)
            around = power[place - 3 : place + 4].sum()
            between = power[round((frequency + fundamental / 2) * 2) - 3 :][:7].sum()
            assert around > 30 * between, frequency

    def test_it_pulses_at_the_rate_of_its_class(self):
        for kind in (2, 7):
            envelope = self.voice(kind).reshape(-1, 160)
            power = np.abs(np.fft.rfft((envelope**2).mean(1) - (envelope**2).mean()))
            assert abs(power.argmax() / 2 - pulse_rates(CONFIG)[kind]) <= 0.5

    def test_every_class_has_its_own_rate(self):
        rates = np.sort(pulse_rates(CONFIG))
        assert np.diff(rates).min() > 0.3
        assert 2 <= rates[0] < rates[-1] <= 10

    def test_nothing_is_folded_back_from_above_half_the_sample_rate(self):
        # its second harmonic would lie at 15 kHz
        high = self.voice(23, classes=24, sound_depth=0.0)
        power = np.abs(np.fft.rfft(high * np.hanning(len(high)))) ** 2
        folded = round((RATE - 2 * 140 * 2 ** (23 / 4)) * 2)
        beside = power[folded + 100 : folded + 1100].mean()
        assert power[folded - 4 : folded + 5].mean() < 3 * beside


class TestReflections:
    def response(self, orientation=0.0, source=(0.9, 0.5, 0.3), length=2048):
        self.size, self.listener = torch.tensor([[6.0, 4.5, 3.0]]), torch.tensor([[2.7, 2.2, 1.4]])
        direction = torch.tensor(source) / torch.tensor(source).norm()
        # the direct sound takes 50 samples
        distance = torch.tensor([[50 * SPEED_OF_SOUND / RATE]])
        turn = torch.tensor([orientation])
        x, y, z = direction
        turned = torch.stack([turn.cos()[0] * x - turn.sin()[0] * y, turn.sin()[0] * x + turn.cos()[0] * y, z])
        self.source = self.listener[0] + distance[0, 0] * direction
        return early_reflections(
            self.size, self.listener, turn, turned[None, None], distance, torch.tensor([0.8]), RATE, length
        )[0, 0]

    def test_they_are_those_of_the_room(self):
        ours = self.response()
        room = ambikit.room_impulse_response(
            self.size[0].double(),
            self.source.double(),
            self.listener[0].double(),
            RATE,
            reflection=0.8,
            max_reflections=1,
            length=2048,
        )
        direct = ambikit.room_impulse_response(
            self.size[0].double(),
            self.source.double(),
            self.listener[0].double(),
            RATE,
            reflection=0.8,
            max_reflections=0,
            length=2048,
        )
        theirs = (room - direct)[:, 50:] * (50 * SPEED_OF_SOUND / RATE)
        # the two interpolate between samples with sincs of unlike length: compare below 6 kHz of the 8 kHz there are
        band = int(6000 / RATE * 1998)
        a, b = (torch.fft.rfft(r[:, :1998].double())[:, :band].numpy() for r in (ours, theirs))
        assert np.abs(a - b).max() < 0.02 * np.abs(b).max()

    def test_they_turn_with_the_room(self):
        turned = self.response(orientation=0.7)
        expected = ambikit.rotate(self.response(), yaw=0.7)
        torch.testing.assert_close(turned, expected, atol=1e-5, rtol=0)

    def test_walls_that_reflect_by_eyring_make_the_reverberation_time(self):
        size, t60 = torch.tensor([[5.0, 4.0, 3.0]]), torch.tensor([0.5])
        reflection = eyring_reflection(size, t60)
        times = SPEED_OF_SOUND * t60 / mean_free_path(size)
        torch.testing.assert_close(20 * torch.log10(reflection) * times, torch.tensor([-60.0]))


class TestTail:
    def noise(self, shape):
        return torch.from_numpy(np.random.default_rng(1).standard_normal(shape, np.float32))

    @pytest.mark.parametrize("t60", [0.15, 0.4, 1.0])
    def test_it_decays_in_the_reverberation_time(self, t60):
        size = torch.tensor([[6.0, 5.0, 3.0]])
        tail = diffuse_tail(self.noise((1, 1, 4, 2 * RATE)), size, torch.tensor([t60]), torch.ones(1, 1), RATE)
        energy = tail[0, 0, 0].double().square().numpy()
        # Schroeder: the energy still to come, from -5 to -25 dB, times three
        decay = 10 * np.log10(energy[::-1].cumsum()[::-1] / energy.sum() + 1e-12)
        measured = 3 * (np.argmax(decay < -25) - np.argmax(decay < -5)) / RATE
        assert measured == pytest.approx(t60, rel=0.2)

    def test_its_energy_is_that_of_the_diffuse_field(self):
        size, t60, distance = torch.tensor([[8.0, 6.0, 3.0]]), torch.tensor([0.6]), torch.tensor([[1.5]])
        tail = diffuse_tail(self.noise((1, 1, 4, 2 * RATE)), size, t60, distance, RATE)[0, 0].double()
        absorption = 24 * math.log(10) * (8 * 6 * 3) / (SPEED_OF_SOUND * 0.6)
        begins = 2 * mean_free_path(size).item() / SPEED_OF_SOUND
        expected = 16 * math.pi / absorption * 1.5**2 * 10 ** (-6 * begins / 0.6)
        assert tail[0].square().sum().item() == pytest.approx(expected, rel=0.1)
        assert not tail[:, : int(begins * RATE)].any()
        ratio = tail[1:].square().sum() / tail[0].square().sum()
        assert ratio.item() == pytest.approx(1.0, abs=0.1)

    def test_the_wet_sound_is_the_dry_sound_in_the_room(self):
        config = dataclasses.replace(PLAIN, reverberation=1.0, lead_in=0.0)
        table = scene(config, 0, 4)
        whole = render_sound(config, 0, table)[0]
        direct = render_sound(dataclasses.replace(config, reverberation=0.0), 0, table)[0]
        _, noise = acoustics._source_noise(0, table, 1, config.samples, config.samples)
        objects = table.objects.to("cpu")
        response = acoustics._room_response(config, table, objects, torch.from_numpy(noise))[0, 0]
        expected = scipy.signal.oaconvolve(direct[:1].double(), response.double(), axes=-1)[:, : config.samples]
        torch.testing.assert_close((whole - direct).double(), torch.from_numpy(expected), atol=1e-5, rtol=1e-4)
        assert (whole - direct).square().sum() > 0.05 * direct.square().sum()

    def test_every_source_has_noise_of_its_own(self):
        table = scene(WorldConfig(sounding=(3, 3)), 0, 1)
        breath, tail = acoustics._source_noise(0, table, 3, 4000, 4000)
        channels = np.concatenate([breath[0], tail[0].reshape(12, 4000)])
        assert np.abs(np.corrcoef(channels) - np.eye(15)).max() < 0.08

    def test_what_wraps_around_stays_in_the_lead_in(self):
        generator = np.random.default_rng(5)
        dry, response = generator.normal(size=(2, 3, 1200)), generator.normal(size=(2, 3, 4, 800))
        ours = acoustics._convolved(torch.from_numpy(dry), torch.from_numpy(response))
        expected = scipy.signal.oaconvolve(dry[:, :, None], response, axes=-1).sum(1)
        np.testing.assert_allclose(ours[..., 400:1200], expected[..., 400:1200], atol=1e-9)


class TestAmbience:
    def test_its_spectrum_is_the_rooms(self):
        frequency = torch.fft.rfftfreq(8000, 1 / RATE)
        spectrum = ambience_spectrum(frequency, torch.tensor([-4.0]), torch.tensor([800.0]), torch.tensor([10.0]))
        drawn = torch.from_numpy(np.random.default_rng(2).standard_normal((200, 4, 4001, 2), np.float32))
        noise = diffuse_noise(drawn, spectrum.expand(200, -1), 8000)
        power = torch.fft.rfft(noise[:, 0]).abs().square().mean(0)
        level = {f: 10 * torch.log10(power[f // 2 - 20 : f // 2 + 21].mean()).item() for f in (100, 200, 800, 6000)}
        # far from the peak: 4 dB per octave; at the peak: 10 dB above that line
        assert level[100] - level[200] == pytest.approx(4.0, abs=0.4)
        assert level[200] - level[6000] == pytest.approx(4 * math.log2(30), abs=0.5)
        assert level[800] - level[200] == pytest.approx(10 - 4 * 2, abs=0.5)

    def test_it_comes_from_everywhere(self):
        drawn = torch.from_numpy(np.random.default_rng(3).standard_normal((40, 4, 4001, 2), np.float32))
        noise = diffuse_noise(drawn, torch.ones(40, 4001), 8000).double()
        joined = noise.movedim(0, 1).flatten(1)
        torch.testing.assert_close(joined[0].square().mean(), torch.tensor(1.0, dtype=torch.float64))
        ratio = joined[1:].square().sum() / joined[0].square().sum()
        assert ratio.item() == pytest.approx(1.0, abs=0.02)
        assert (torch.corrcoef(joined) - torch.eye(4)).abs().max() < 0.01

    def test_it_lies_below_the_objects_as_asked(self):
        table = scenes(CONFIG, 0, range(6))
        quiet = dataclasses.replace(CONFIG, snr_db=None)
        objects = render_sound(quiet, 0, scenes(quiet, 0, range(6)))
        ambience = render_sound(CONFIG, 0, table) - objects
        measured = 10 * torch.log10(objects[:, 0].square().mean(-1) / ambience[:, 0].square().mean(-1))
        np.testing.assert_allclose(measured.numpy(), table.acoustics.snr_db, atol=0.01)
        assert measured.min() >= 1.5
        assert measured.max() <= 15.5


class TestWhole:
    def test_it_does_not_depend_on_the_company(self):
        table = scenes(CONFIG, 0, range(9))
        together = render_sound(CONFIG, 0, table)
        alone = torch.cat([render_sound(CONFIG, 0, scene(CONFIG, 0, index)) for index in range(9)])
        assert (together - alone).abs().max() < 2e-6 * alone.abs().max()
        again = render_sound(CONFIG, 0, table[4])
        assert torch.equal(again, alone[4:5])

    def test_it_does_not_depend_on_the_strength_of_the_room(self):
        weak, strong = (dataclasses.replace(CONFIG, room_strength=s) for s in (0.0, 1.0))
        first = render_sound(weak, 0, scenes(weak, 0, range(4)))
        assert torch.equal(first, render_sound(strong, 0, scenes(strong, 0, range(4))))

    def test_it_is_valid_ambisonics(self):
        sound = render_sound(CONFIG, 0, scenes(CONFIG, 0, range(40)))
        report = ambikit.check_foa(sound.movedim(0, 1).flatten(1).double().numpy(), RATE)
        assert report.verdict == "valid", report
        power = sound.square().mean(-1)
        ratio = power[:, 1:].sum(1) / power[:, 0]
        assert ratio.median().item() == pytest.approx(1.0, abs=0.1)

    @pytest.mark.parametrize("breakage", [1, 2, 3])
    def test_broken_sound_is_broken(self, breakage):
        table = scenes(CONFIG, 0, range(40))
        whole = render_sound(CONFIG, 0, table)
        broken = render_sound(CONFIG, 0, dataclasses.replace(table, breakage=np.full(40, breakage)))
        report = ambikit.check_foa(broken.movedim(0, 1).flatten(1).double().numpy(), RATE)
        assert report.verdict != "valid", report
        if breakage == 1:
            assert torch.equal(broken[:, [3, 1, 2, 0]], whole)
        if breakage == 2:
            assert torch.equal(broken[:, [0, 2, 3]], whole[:, [0, 2, 3]])
            assert not broken[:, 1].any()
        if breakage == 3:
            torch.testing.assert_close(broken[:, 0] - broken[:, 1], whole[:, 1])
            assert not broken[:, 2:].any()

    @pytest.mark.cuda
    @pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
    def test_every_device_makes_the_same_sound(self):
        table = scenes(CONFIG, 0, range(16))
        there = render_sound(CONFIG, 0, table, device="cuda").cpu()
        torch.testing.assert_close(there, render_sound(CONFIG, 0, table), atol=1e-4, rtol=0)
