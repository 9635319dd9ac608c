"""Upmixing and separation: masks, what frames their results, what they learn, and how they are judged."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import ambikit
from ambikit.errors import AmbikitError, ShapeError
from ambikit_models.downstream.probing.comparison import comparisons
from ambikit_models.downstream.probing.fitting import FitConfig, seeded
from ambikit_models.downstream.probing.guides import SideBySide
from ambikit_models.downstream.two_channels.clips import PictureConfig
from ambikit_models.downstream.two_channels.mask_training import judge, learn, mask_figures, write_sounds
from ambikit_models.downstream.two_channels.masked_sound import Riddle, partners
from ambikit_models.downstream.two_channels.separation import Separation
from ambikit_models.downstream.two_channels.sound_distances import (
    ComplexL1,
    MagnitudeL1,
    envelope_distance,
    louder_side,
    si_sdr,
)
from ambikit_models.downstream.two_channels.spectrograms import (
    SpectrogramConfig,
    complex_mask,
    leveled,
    real_and_imaginary,
)
from ambikit_models.downstream.two_channels.unet import UNet, UNetConfig
from ambikit_models.downstream.two_channels.upmixing import Upmixing, two_channels

FRAMES = SpectrogramConfig(64, 16)
SMALL = UNetConfig((16, 24, 32), 16)


class Bells:
    """Implements TwoChannelClips: a tone in one of some directions, and a picture that is bright where it is."""

    def __init__(self, count=4, samples=480, seed=0, same_group=False, spread=1.0):
        rng = np.random.default_rng(seed)
        self.pictures = PictureConfig(size=8, frames=2, duration=samples / 8000, sample_rate=8000)
        self.groups = np.zeros(count, int) if same_group else np.arange(count)
        self.place = np.linspace(-spread, spread, count)
        tones = rng.permutation(np.linspace(500, 3000, count))
        time = np.arange(samples) / 8000
        mono = np.sin(2 * np.pi * tones[:, None] * time) + 0.1 * rng.standard_normal((count, samples))
        gains = np.stack([1 + self.place, 1 - self.place], -1)[..., None] / 2
        self.sound = torch.from_numpy(gains * mono[:, None]).float()
        self.video = torch.zeros(count, 3, 2, 8, 8)
        for row, place in enumerate(self.place):  # the left of the picture is the left of the sound
            self.video[row, row % 3, :, :, round(3.5 - 3.5 * place)] = 1.0

    def __len__(self):
        return len(self.sound)

    def read(self, rows, generator=None):
        return self.video[rows], self.sound[rows]


def look(video, sound):
    """A guide: all pixels of every picture."""
    return video.transpose(1, 2).flatten(2).transpose(1, 2)


def noise(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape)).float()


class TestUNet:
    def test_any_size_in_the_same_size_out(self):
        network = UNet(2, 3, 5, UNetConfig((4, 6, 8), 7))
        for freq, frames in ((32, 51), (33, 7), (9, 8)):
            assert network(noise(2, 2, freq, frames), noise(2, 5, 4)).shape == (2, 3, freq, frames)

    def test_the_published_sizes(self):
        """Five steps down and five up; on the way up what lies beside doubles the channels."""
        network = UNet(2, 2, 100)
        assert [layer[0].out_channels for layer in network.down] == [64, 128, 256, 512, 512]
        assert [layer[0].in_channels for layer in network.up] == [1024, 1024, 512, 256, 128]
        assert [layer[0].out_channels for layer in network.up] == [512, 256, 128, 64, 2]

    def test_what_is_told_changes_what_belongs_to_its_time(self):
        network = UNet(1, 1, 2, UNetConfig((4,), 3)).eval()
        spectra, told = noise(1, 1, 8, 64), noise(1, 2, 4)
        changed = told.clone()
        changed[..., 3] += 1
        difference = (network(spectra, changed) - network(spectra, told)).abs().amax((0, 1, 2))
        assert difference[:36].max() == 0
        assert difference[44:].min() > 0

    def test_every_frequency_is_told(self):
        network = UNet(1, 1, 2, UNetConfig((4,), 3)).eval()
        spectra = torch.zeros(1, 1, 16, 8)
        difference = network(spectra, torch.ones(1, 2, 1)) - network(spectra, torch.zeros(1, 2, 1))
        assert (difference.abs() > 0).all()

    def test_with_and_without_features(self):
        assert UNet(1, 1, 0, SMALL)(torch.zeros(2, 1, 8, 8)).shape == (2, 1, 8, 8)
        assert UNet(1, 1, 9, UNetConfig((4,), 0)).told is None
        with pytest.raises(ShapeError, match="no features for a U-Net with"):
            UNet(1, 1, 2, SMALL)(torch.zeros(2, 1, 8, 8))
        with pytest.raises(ShapeError, match="got features for a U-Net without"):
            UNet(1, 1, 0, SMALL)(torch.zeros(2, 1, 8, 8), torch.zeros(2, 2, 1))
        with pytest.raises(AmbikitError, match="at least one step down"):
            UNetConfig(())


class TestSpectrograms:
    def test_there_and_back(self):
        sound = noise(2, 2, 500)
        torch.testing.assert_close(FRAMES.synthesise(FRAMES.analyse(sound), 500), sound, atol=1e-5, rtol=1e-5)
        spectrum = FRAMES.analyse(sound)
        assert torch.equal(complex_mask(real_and_imaginary(spectrum)), spectrum)

    def test_levels(self):
        sound = torch.cat([noise(2, 2, 100) * torch.tensor([1.0, 1e-30])[:, None, None], torch.zeros(1, 2, 100)])
        root = leveled(sound).square().mean((1, 2)).sqrt()
        torch.testing.assert_close(root, torch.tensor([0.1, 0.1, 0.0]))


class TestDistances:
    @given(st.floats(-60, 60), st.floats(1e-6, 1e6), st.floats(-1e6, 1e6).filter(lambda x: abs(x) > 1e-6))
    @settings(max_examples=30, deadline=None)
    def test_si_sdr_of_a_known_ratio_at_any_scale(self, ratio_db, scale, other):
        target = torch.sin(2 * torch.pi * 4 * torch.arange(64, dtype=torch.float64) / 64)
        across = torch.cos(2 * torch.pi * 4 * torch.arange(64, dtype=torch.float64) / 64)
        estimate = target + across * 10 ** (-ratio_db / 20)
        assert si_sdr(scale * estimate, other * target).item() == pytest.approx(ratio_db, abs=1e-6)
        assert si_sdr(scale * estimate + 3 * scale, target).item() == pytest.approx(ratio_db, abs=1e-6)

    def test_si_sdr_by_another_way(self):
        """The cosine of the angle between the two says the same: cot² of the angle."""
        estimate, target = noise(3, 200).double(), noise(3, 200, seed=1).double()
        a, b = (x - x.mean(-1, keepdim=True) for x in (estimate, target))
        cosine = torch.nn.functional.cosine_similarity(a, b, dim=-1)
        expected = 20 * torch.log10(1 / torch.tan(torch.arccos(cosine)).abs())
        torch.testing.assert_close(si_sdr(estimate, target), expected)

    def test_si_sdr_at_the_edges(self):
        wave = noise(100)
        assert si_sdr(2 * wave, wave).item() == pytest.approx(100.0)
        assert si_sdr(1e-30 * wave, 1e-30 * wave).item() == pytest.approx(100.0)
        across = torch.tensor([1.0, -1.0, 0.0, 0.0]), torch.tensor([0.0, 0.0, 1.0, -1.0])
        assert si_sdr(*across, limit_db=40.0).item() == pytest.approx(-40.0)
        assert si_sdr(wave, torch.zeros(100)).item() == si_sdr(torch.zeros(100), wave).item() == 0.0
        silent = torch.zeros(100, requires_grad=True)
        si_sdr(silent, wave).backward()
        assert torch.isfinite(silent.grad).all()
        for estimate in (torch.zeros(99), torch.zeros(2, 100)):
            with pytest.raises(ShapeError, match="the same shape"):
                si_sdr(estimate, wave)
        with pytest.raises(ShapeError):
            si_sdr(torch.zeros(0), torch.zeros(0))
        with pytest.raises(AmbikitError, match="limit_db=0"):
            si_sdr(wave, wave, limit_db=0)

    def test_spectra(self):
        one, other = FRAMES.analyse(noise(2, 300)), FRAMES.analyse(noise(2, 300, seed=1))
        parts = np.abs((one - other).real.numpy()).mean(), np.abs((one - other).imag.numpy()).mean()
        assert ComplexL1()(one, other).item() == pytest.approx(np.mean(parts), rel=1e-5)
        assert MagnitudeL1()(one, -one).item() == 0
        assert MagnitudeL1()(one, 3 * one).item() == pytest.approx(2 * one.abs().mean().item(), rel=1e-5)

    def test_envelopes(self):
        """A phase changes no envelope; a level changes it by as much."""
        time = torch.arange(128) / 128
        cosine, sine = torch.cos(2 * torch.pi * 9 * time), torch.sin(2 * torch.pi * 9 * time)
        two = torch.stack([cosine, 0.5 * sine])
        assert envelope_distance(torch.stack([sine, -0.5 * cosine]), two).item() < 1e-5
        assert envelope_distance(2 * two, two).item() == pytest.approx(1.5, abs=1e-5)
        with pytest.raises(ShapeError):
            envelope_distance(torch.zeros(2, 0), torch.zeros(2, 0))

    def test_sides(self):
        left = ambikit.decode_stereo(ambikit.encode(noise(64), 70.0, 0.0, degrees=True))
        right = ambikit.decode_stereo(ambikit.encode(noise(64), -20.0, 0.0, degrees=True))
        assert (louder_side(left, left).item(), louder_side(left, right).item()) == (1.0, 0.0)


class TestUpmixing:
    task = Upmixing(spectrogram=FRAMES)

    def test_the_true_mask_gives_the_target(self):
        target = FRAMES.analyse(noise(2, 2, 480))
        left, right = target.split(1, 1)
        mask = (left - right) / (left + right)
        torch.testing.assert_close(two_channels(left + right, mask * (left + right)), target, atol=1e-5, rtol=1e-5)
        small = torch.complex(mask.real.clamp(-0.99, 0.99), mask.imag.clamp(-0.99, 0.99))
        raw = torch.atanh(real_and_imaginary(small))
        within = two_channels(left + right, small * (left + right))
        torch.testing.assert_close(self.task.masked(left + right, raw), within, atol=1e-4, rtol=1e-4)

    def test_exchanged_channels_negate_the_difference(self):
        mono, raw = FRAMES.analyse(noise(2, 1, 480)), noise(2, 2, 33, 31)
        turned = self.task.masked(mono, -raw)
        assert torch.equal(turned, self.task.masked(mono, raw).flip(1))
        target = noise(2, 2, 480)
        riddle = Riddle(torch.zeros(2, 3, 1, 1, 1), target.sum(1, keepdim=True), target)
        other = Riddle(riddle.video, riddle.given, target.flip(1))
        for name, bound in self.task.bounds(riddle).items():
            torch.testing.assert_close(self.task.bounds(other)[name], bound.flip(1))

    def test_a_sigmoid_makes_the_left_louder(self):
        """In every bin, whatever the network says: |L|² − |R|² = Re(conj(M) D), and D is M times a real part > 0."""
        mono, raw = FRAMES.analyse(noise(4, 1, 480)), 5 * noise(4, 2, 33, 31)
        left, right = Upmixing("sigmoid", FRAMES).masked(mono, raw).abs().unbind(1)
        assert (left >= right).all()
        left, right = self.task.masked(mono, raw).abs().unbind(1)
        assert 0.4 < (left > right).double().mean() < 0.6

    def test_bounds_frame_the_results(self):
        clips = Bells(8)
        scores = {name: judge(self.task, name, None, clips).figures(np.arange(8)) for name in ("mono", "ideal mask")}
        assert scores["mono"]["side"] == 0.5
        assert scores["mono"]["L1"] > 0.05
        assert scores["ideal mask"]["side"] == 1.0
        assert scores["ideal mask"]["L1"] < 1e-5
        # half of the difference is missing from each channel
        target = FRAMES.analyse(leveled(clips.sound))
        missing = torch.view_as_real(target[:, 0] - target[:, 1]).abs().mean().item() / 2
        assert scores["mono"]["L1"] == pytest.approx(missing, rel=1e-4)

    def test_silence(self):
        silent = Riddle(torch.zeros(1, 3, 1, 1, 1), torch.zeros(1, 1, 480), torch.zeros(1, 2, 480))
        for bound in self.task.bounds(silent).values():
            assert (bound == 0).all()
            assert self.task.scores(bound, silent)["L1"] == 0

    def test_activation(self, no_shape_hook):
        with pytest.raises(AmbikitError, match="'relu'"):
            Upmixing("relu")


class TestSeparation:
    task = Separation(spectrogram=FRAMES)

    def test_the_true_ratio_gives_the_target(self):
        target, mixture = FRAMES.analyse(noise(2, 2, 480)), FRAMES.analyse(noise(2, 2, 480, seed=1))
        ratio = (target.abs() / mixture.abs()).clamp(1e-3, 0.999)
        estimate = self.task.masked(mixture, torch.logit(ratio))
        torch.testing.assert_close(estimate, ratio * mixture, atol=1e-4, rtol=1e-4)
        assert torch.allclose(estimate.angle(), mixture.angle(), atol=1e-4)  # the phase stays

    def test_sounds_that_do_not_meet_are_separated(self):
        time = torch.arange(4800) / 8000
        low, high = (torch.sin(2 * torch.pi * f * time).expand(1, 2, -1) for f in (1000.0, 3000.0))
        riddle = Riddle(torch.zeros(1, 3, 1, 1, 1), low + high, low)
        bounds = self.task.bounds(riddle)
        assert self.task.scores(bounds["ideal mask"], riddle)["SI-SDR"].item() > 30  # frames smear tones a little
        assert self.task.scores(bounds["mixture"], riddle)["SI-SDR"].item() == pytest.approx(0, abs=0.1)
        assert self.task.scores(bounds["ideal mask"], riddle)["L1"] < self.task.scores(bounds["mixture"], riddle)["L1"]

    def test_what_is_mixed(self):
        clips = Bells(6)
        riddle = self.task.riddles(clips, np.arange(6), None)
        torch.testing.assert_close(riddle.target, leveled(clips.sound))
        other = partners(clips, np.arange(6), None)
        assert sorted(other) == list(range(6))
        assert (other != np.arange(6)).all()
        torch.testing.assert_close(riddle.given - riddle.target, leveled(clips.sound)[other])
        with pytest.raises(AmbikitError, match="of one video"):
            self.task.riddles(Bells(6, same_group=True), np.arange(6), None)

    def test_what_the_network_hears(self):
        """Magnitudes, and the phase between the channels; silence has none."""
        spectrum = torch.tensor([1 + 0j, 1j, 0, 2j]).reshape(1, 2, 2, 1)
        found = self.task.channels(spectrum)[0, :, :, 0]
        np.testing.assert_allclose(found[:, 0], [np.log(2), 0, 0, 0], atol=1e-6)
        np.testing.assert_allclose(found[:, 1], [np.log(2), np.log(3), 1, 0], atol=1e-6)
        assert Separation(phases=False).channels(spectrum).shape[1] == Separation(phases=False).inputs == 2


FIT = FitConfig(epochs=120, batch=4, learning_rate=1e-2, weight_decay=0.0)


class TestLearning:
    def test_a_tiny_network_overfits_four_clips(self):
        task, clips = Upmixing(spectrogram=FRAMES), Bells(4)
        losses = []
        network = learn(
            task, look, clips, FIT, network=SMALL, varied=False, report=lambda done, of, loss: losses.append(loss)
        )
        mono = judge(task, "mono", None, clips).figures(np.arange(4))["L1"]
        assert losses[-1] < 0.1 * mono
        own, black, other = (
            judge(task, network, look, clips, pictures=pictures).figures(np.arange(4))
            for pictures in ("own", "black", "other")
        )
        assert own["side"] == 1.0
        assert own["L1"] < 0.5 * mono
        assert own["L1"] < black["L1"]
        assert own["L1"] < other["L1"]
        assert judge(task, network, look, clips, block=3).figures(np.arange(4)) == pytest.approx(own, rel=1e-3)

    def test_the_other_sound_comes_out_for_the_other_picture(self):
        """The pictures decide which half of a mixture is heard, exactly the same mixture."""
        task, clips = Separation(spectrogram=FRAMES), Bells(2, spread=0.5)
        network = learn(task, look, clips, FIT, network=SMALL, varied=False)
        own, other = (
            judge(task, network, look, clips, pictures=pictures).figures(np.arange(2))["SI-SDR"]
            for pictures in ("own", "other")
        )
        mixture = judge(task, "mixture", None, clips).figures(np.arange(2))["SI-SDR"]
        assert own > mixture + 5
        assert other < mixture - 5

    def test_the_same_seed_gives_the_same_network_and_leaves_the_rest_alone(self):
        short = FitConfig(epochs=2, batch=2, learning_rate=1e-2)
        task, clips = Upmixing(spectrogram=FRAMES), Bells(4)
        state = torch.random.get_rng_state()
        with seeded(5):
            one = learn(task, look, clips, short, network=SMALL)
        two = learn(task, look, clips, short, network=SMALL)
        assert torch.equal(state, torch.random.get_rng_state())
        for a, b in zip(one.parameters(), two.parameters(), strict=True):
            assert torch.equal(a, b)

    def test_rows_of_a_table(self, tmp_path):
        short = FitConfig(epochs=1, batch=2)
        task, clips = Upmixing(spectrogram=FRAMES), Bells(6)
        kept, told = {}, []
        figures = mask_figures(
            task,
            {"ours": look, "no pictures": None},
            Bells(4, seed=3),
            clips,
            short,
            network=SMALL,
            seeds=(0, 1),
            tell=lambda *words: told.append(words),
            keep=lambda name, seed, network: kept.update({(name, seed): network}),
        )
        names = list(dict.fromkeys(figure.subject for figure in figures))
        assert names == [
            "ours",
            "ours, black pictures",
            "ours, pictures of another clip",
            "no pictures",
            "mono",
            "ideal mask",
        ]
        assert {f.unit for f in figures} == {"L1", "%"}
        assert {len(f.values) for f in figures if f.way == "U-Net"} == {2}
        assert len(told) == 4
        found = comparisons(figures)
        assert ("ours", "no pictures", "L1") in {(c.first, c.second, c.name) for c in found}
        assert {c.test for c in found if c.name == "L1"} == {"Wilcoxon"}
        paths = write_sounds(tmp_path / "sounds", task, kept["ours", 0], look, clips, [0, 3])
        assert sorted(p.name for p in paths) == [
            f"{row:04}-{word}.wav" for row in (0, 3) for word in ("estimate", "given", "target")
        ]
        for path in paths:
            sound, rate = ambikit.read(path, channel_map=None)
            assert (sound.shape, rate) == ((2, 480), 8000)
        sum_, target = (
            ambikit.read(tmp_path / "sounds" / f"0003-{word}.wav", channel_map=None)[0] for word in ("given", "target")
        )
        np.testing.assert_allclose(sum_[0], target.mean(0), atol=1e-6)
        with pytest.raises(AmbikitError, match="0 guides"):
            mask_figures(task, {}, clips, clips, short)
        with pytest.raises(AmbikitError, match="no guide"):
            SideBySide()
