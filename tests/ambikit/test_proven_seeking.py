"""A stretch of AAC that is sought is the stretch of the whole, and where that cannot be shown it is not sought."""

import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import ambikit
from ambikit.files import media, proven_seeking
from tests.media_files import RATE, edit_sound, write_media

SECONDS = 12
NO_NOISE = {"aac_pns": "0"}


def sound():
    """Noise that comes and goes three times a second, as syllables do: an encoder stores some of its bands as noise."""
    time = np.arange(SECONDS * RATE) / RATE
    noise = np.random.default_rng(5).standard_normal((4, len(time)))
    return np.float32(0.1 * noise * (0.5 + 0.5 * np.sin(6 * np.pi * time)) ** 4)


FILES = {
    "without noise": ("a.mp4", {"codec_options": NO_NOISE}),
    "with noise": ("a.mp4", {}),
    "in MOV, beside pictures": ("a.mov", {"codec_options": NO_NOISE, "picture": True}),
    "late": ("a.mp4", {"codec_options": NO_NOISE, "picture": True, "late": 0.3}),
    "in fragments": ("a.mp4", {"codec_options": NO_NOISE, "options": {"movflags": "frag_keyframe+empty_moov"}}),
    "in MKV": ("a.mkv", {"codec_options": NO_NOISE}),
}


@pytest.fixture(scope="module", params=FILES)
def file(request, tmp_path_factory):
    name, how = FILES[request.param]
    return write_media(tmp_path_factory.mktemp("aac") / name, "aac", "4.0", sound(), **how)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The first two of the files."""
    folder = tmp_path_factory.mktemp("made")
    for name in ("without noise", "with noise"):
        write_media(folder / f"{name}.mp4", "aac", "4.0", sound(), **FILES[name][1])
    return folder


@pytest.fixture
def plain(made, tmp_path):
    """A copy of the file without noise."""
    return Path(shutil.copy(made / "without noise.mp4", tmp_path))


@pytest.fixture
def decoded(monkeypatch):
    """How many packets are decoded to prove something, and how many samples are decoded from the beginning."""
    counts = {"proven": 0, "failed": 0}
    decode = proven_seeking._decoded

    def counted(codec, packets):
        samples = decode(codec, packets)
        counts["proven"] += samples is not None
        counts["failed"] += samples is None
        return samples

    monkeypatch.setattr(proven_seeking, "_decoded", counted)
    return counts


def random_stretches(count, seed=0):
    random = np.random.default_rng(seed)
    return [(start, random.uniform(0.001, 1.5)) for start in random.uniform(0, SECONDS + 0.5, count)]


def held_against_the_whole(path, stretches):
    whole, rate = ambikit.read(path)
    for start, duration in stretches:
        part, _ = ambikit.read_segment(path, start, duration)
        begin = round(start * rate)
        assert_array_equal(part, whole[:, begin : begin + round(duration * rate)])


def test_random_stretches(file):
    held_against_the_whole(file, random_stretches(25))


def test_the_ends(file):
    """To the last sample, beyond it, and behind all."""
    length = ambikit.read(file)[0].shape[1] / RATE
    held_against_the_whole(file, [(length - 0.5, 0.5), (length - 0.01, 0.01), (length - 0.3, 2.0), (length + 1, 0.2)])


def test_longer_than_what_is_proven_at_once(file, monkeypatch):
    monkeypatch.setattr(proven_seeking, "_MOST_AT_ONCE", 7)
    held_against_the_whole(file, [(9.0, 1.0), (SECONDS - 1.2, 1.5)])


class TestWays:
    def ways(self, path, decoded, monkeypatch, start=9.0, seconds=0.5):
        """Whether the stretch came from a proof alone."""
        beginnings = []
        monkeypatch.setattr(media, "_late_start", _counting(media._late_start, beginnings))
        ambikit.read_segment(path, start, seconds)
        return decoded["proven"] > 0, decoded["failed"] == 0 and not beginnings

    @pytest.mark.parametrize("seconds", [0.01, 0.5, 2.5])
    def test_what_is_proven_is_not_decoded_from_the_beginning(self, plain, decoded, monkeypatch, seconds):
        assert self.ways(plain, decoded, monkeypatch, 9.0, seconds) == (True, True)

    def test_noise_is_noticed(self, made, decoded, monkeypatch):
        """And would have given other samples: the test above is not in vain."""
        path = made / "with noise.mp4"
        assert self.ways(path, decoded, monkeypatch) == (True, False)
        monkeypatch.setattr(proven_seeking.np, "array_equal", lambda one, other: True)
        part, _ = ambikit.read_segment(path, 9.0, 0.5)
        assert np.abs(part - ambikit.read(path)[0][:, 9 * RATE :][:, : RATE // 2]).max() > 0.01

    def test_near_the_beginning_nothing_is_proven(self, plain, decoded, monkeypatch):
        assert self.ways(plain, decoded, monkeypatch, start=1.0) == (False, False)

    @pytest.mark.parametrize("codec", ["libopus", "libmp3lame"])
    def test_other_codecs_are_not_sought(self, tmp_path, decoded, codec, monkeypatch):
        layout, channels = {"libopus": ("quad", 4), "libmp3lame": ("mono", 1)}[codec]
        path = write_media(tmp_path / "a.mp4", codec, layout, sound()[:channels])
        assert self.ways(path, decoded, monkeypatch) == (False, False)
        held_against_the_whole(path, [(9.0, 0.5)])

    def test_a_clock_with_gaps_is_not_believed(self, plain, decoded, monkeypatch):
        """Packet 300 lasts twice as long by the clock: what comes behind is earlier in the samples than on it."""
        gapped = _with_a_gap(plain)
        assert self.ways(gapped, decoded, monkeypatch) == (False, False)
        held_against_the_whole(gapped, [(9.0, 0.5), (3.0, 0.5)])

    def test_several_edits_are_not_sought(self, plain, decoded, monkeypatch):
        edit_sound(plain, [(5000, 48000), (5000, 4800)])
        assert self.ways(plain, decoded, monkeypatch, 8.0)[0] is False

    def test_one_edit_is(self, plain, decoded, monkeypatch):
        edit_sound(plain, [(10000, 12345)])
        held_against_the_whole(plain, [(6.0, 0.5), (9.9, 0.2), (9.5, 2.0)])
        assert decoded["proven"] > 0


def _counting(function, calls):
    def counted(*arguments):
        calls.append(1)
        return function(*arguments)

    return counted


def _with_a_gap(path):
    """Another table of times (stts) of the sound, its index being at the end of the file."""
    data = bytearray(path.read_bytes())
    place = data.rindex(b"stts")
    count, rows = (
        struct.unpack_from(">I", data, place + 8)[0],
        list(struct.iter_unpack(">2I", data[place + 12 : place - 4 + struct.unpack_from(">I", data, place - 4)[0]])),
    )
    assert (count, rows[0][1]) == (len(rows), 1024)
    new = struct.pack(">II", 0, count + 2) + struct.pack(">6I", 300, 1024, 1, 2048, rows[0][0] - 301, 1024)
    new += b"".join(struct.pack(">2I", *row) for row in rows[1:])
    old = 8 + 8 * count
    handler = data.index(b"soun")
    chain = [data.rindex(name, 0, handler) - 4 for name in (b"moov", b"trak", b"mdia")]
    chain += [data.index(name, handler) - 4 for name in (b"minf", b"stbl", b"stts")]
    for start in chain:
        struct.pack_into(">I", data, start, struct.unpack_from(">I", data, start)[0] + len(new) - old)
    data[place + 4 : place + 4 + old] = new
    path.write_bytes(data)
    return path


@pytest.mark.recordings
def test_a_clip_as_youtube_serves_it(recordings):
    path = recordings / "video360" / "redownloaded_from_YT.m4a"
    whole, _ = ambikit.read(path)
    random = np.random.default_rng(1)
    for start in random.uniform(0, 9.5, 20):
        part, _ = ambikit.read_segment(path, start, 0.3, channel_map=[2, 1, 4, 0])
        assert_array_equal(part, whole[:, round(start * RATE) :][:, : round(0.3 * RATE)])
