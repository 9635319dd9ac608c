"""The examples that play through a moving head, heard from outside: where sources are at the ears, over time."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import ambikit
from ambikit.errors import AmbikitError, MissingExtraError
from tests.closeness import assert_close

RATE = 48000
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def load(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def play_moving_head():
    return load("play_moving_head")


@pytest.fixture
def listen_live():
    return load("listen_live")


def level_difference(ears):
    left, right = (ears**2).sum(-1)
    return 10 * np.log10(left / right)


def lead_of_the_left(ears):
    """Samples by which the left ear hears it first, below 1.5 kHz, where the decoder keeps the phase."""
    spectra = np.fft.rfft(ears, 2 * ears.shape[1])
    spectra[:, int(1500 / RATE * 2 * ears.shape[1]) :] = 0
    correlation = np.fft.irfft(spectra[1] * spectra[0].conj())
    return int((np.argmax(np.roll(correlation, 100)[:200])) - 100)


class TestMovingHead:
    """A head that turns to the left in the middle of a second: its pose at the first, the middle, the last tenth."""

    @pytest.fixture
    def heard(self, play_moving_head, tmp_path, no_shape_hook):
        def hear(azimuth, turn, block=64):
            noise = np.random.default_rng(0).standard_normal(RATE).astype("float32") / 10
            ambikit.write(tmp_path / "scene.wav", ambikit.encode(noise, azimuth, 0, 3, degrees=True), RATE)
            arguments = play_moving_head.Arguments(tmp_path / "scene.wav", tmp_path / "out.wav", turn=turn, block=block)
            play_moving_head.main(arguments)
            ears, rate = ambikit.read(tmp_path / "out.wav", channel_map=None)
            assert (ears.shape, rate) == ((2, RATE), RATE)
            return [ears[:, int(a * RATE) : int((a + 0.1) * RATE)] for a in (0.1, 0.45, 0.9)]

        return hear

    def test_a_source_on_the_left_ends_in_front(self, heard):
        first, middle, last = heard(90, 90)
        assert level_difference(first) > 6
        assert 1 < level_difference(middle) < 20
        assert abs(level_difference(last)) < 0.1
        assert lead_of_the_left(first) > 20  # 0.4 ms
        assert lead_of_the_left(first) > lead_of_the_left(middle) > 5
        assert lead_of_the_left(last) == 0

    def test_a_source_in_front_ends_on_the_right(self, heard):
        first, middle, last = heard(0, 90, block=100)
        assert abs(level_difference(first)) < 0.1
        assert level_difference(middle) < -1
        assert level_difference(last) < -6
        assert lead_of_the_left(first) == 0
        assert lead_of_the_left(last) < lead_of_the_left(middle) < -5

    def test_what_cannot_be_played(self, play_moving_head, tmp_path):
        ambikit.write(tmp_path / "mono.wav", np.zeros((1, 100)), RATE)
        with pytest.raises(AmbikitError, match="mono has no direction"):
            play_moving_head.main(play_moving_head.Arguments(tmp_path / "mono.wav", tmp_path / "out.wav"))
        assert not (tmp_path / "out.wav").exists()


@pytest.mark.recordings
def test_a_recording_is_what_the_whole_would_be(play_moving_head, recordings, tmp_path, no_shape_hook):
    """Turned sample by sample and decoded in one piece, with every pose known beforehand."""
    file = recordings / "foa" / "BF_rec5_fuma.ogg"
    signal, rate = ambikit.read(file, source="fuma")
    ambikit.write(tmp_path / "scene.wav", signal[:, : 2 * rate], rate)
    block = rate // play_moving_head.POSE_RATE
    assert block * play_moving_head.POSE_RATE == rate
    play_moving_head.main(play_moving_head.Arguments(tmp_path / "scene.wav", tmp_path / "out.wav", block=block))
    times = np.arange(201) / play_moving_head.POSE_RATE
    yaw = [0.0, *(play_moving_head.sweeping(time) for time in times[:-1])]
    turned = ambikit.rotate_track(
        signal[:, : 2 * rate], yaw=yaw, times=times, sample_rate=rate, inverse=True, degrees=True
    )
    ears = ambikit.read(tmp_path / "out.wav", channel_map=None)[0]
    assert_close(ears, ambikit.decode_binaural(turned, rate), "float32")


class FakeDevice:
    """A sound card that asks for a few blocks when it is opened, and keeps what it is given."""

    def __init__(self, callback, blocks=40, size=128):
        self.callback, self.blocks, self.size, self.played = callback, blocks, size, []

    def __enter__(self):
        self.ask()

    def __exit__(self, *error):
        self.ask()

    def ask(self):
        for _ in range(self.blocks):
            out = np.full((self.size, 2), np.nan, np.float32)
            self.callback(out, self.size, None, None)
            self.played.append(out)


class TestLive:
    @pytest.fixture
    def player(self, listen_live):
        noise = np.random.default_rng(0).standard_normal(3000)
        return listen_live.Player(ambikit.encode(noise, 0, 0, degrees=True), RATE)

    def test_a_head_that_turns_to_the_left(self, listen_live, player):
        said, device = [], FakeDevice(player)
        listen_live.listen(player, device, ["left", "90", "", "0"], said.append)
        ears = np.concatenate(device.played).T
        assert np.isfinite(ears).all()
        assert abs(level_difference(ears[:, 1000:5000])) < 0.1
        assert level_difference(ears[:, -3000:]) < -6
        assert said == ["got 'left'; expected degrees, e.g. 30, or an empty line to end"]

    def test_blocks_that_came_late_are_counted(self, listen_live, player):
        said = []
        player(np.empty((64, 2), np.float32), 64, None, "output underflow")
        listen_live.listen(player, FakeDevice(player, 1), [], said.append)
        assert said == ["1 blocks came late; take a larger --block"]

    def test_nothing_to_play_with(self, listen_live, player, monkeypatch):
        monkeypatch.setitem(sys.modules, "sounddevice", None)
        with pytest.raises(MissingExtraError, match=r"ambikit\[live\]"):
            listen_live.open_device(player, RATE, 128)

    def test_no_sound_card(self, listen_live, player, monkeypatch):
        class PortAudioError(Exception):
            pass

        def refuse(**options):
            raise PortAudioError("Error querying device -1")

        fake = ModuleType("sounddevice")
        fake.PortAudioError, fake.OutputStream = PortAudioError, refuse
        monkeypatch.setitem(sys.modules, "sounddevice", fake)
        with pytest.raises(AmbikitError, match="no device.*sound card.*play_moving_head"):
            listen_live.open_device(player, RATE, 128)

    def test_a_sound_card(self, listen_live, player, monkeypatch):
        asked = {}
        monkeypatch.setitem(
            sys.modules, "sounddevice", SimpleNamespace(OutputStream=lambda **options: asked.update(options))
        )
        listen_live.open_device(player, RATE, 256)
        assert asked.pop("callback") is player
        assert asked == {"samplerate": RATE, "blocksize": 256, "channels": 2, "dtype": "float32"}

    def test_it_goes_round(self, listen_live):
        """A recording shorter than a block is heard over and over."""
        player = listen_live.Player(np.float32([[0, 1, 2], [0] * 3, [0] * 3, [0] * 3]), RATE)
        heard = []
        player._chain.process = lambda block: (heard.append(block[0]), np.zeros((2, block.shape[1])))[1]
        player(np.empty((7, 2)), 7)
        player(np.empty((2, 2)), 2)
        assert_array_equal(np.concatenate(heard), [0, 1, 2, 0, 1, 2, 0, 1, 2])
