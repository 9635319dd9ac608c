import struct
from fractions import Fraction

import av
import numpy as np
import pytest
import soundfile

import ambikit
from ambikit.errors import AmbikitError, FileError
from ambikit_models.media import each_frame, read_frames, read_sound, video_facts
from tests import spatial_files
from tests.ambikit_models.clips import numbered_frame, numbers_of, write_video

NTSC = Fraction(30000, 1001)
FORMATS = {
    "h264 with B-frames in mp4": ("a.mp4", "libx264", {"bf": "3", "g": "24", "b_strategy": "0"}, NTSC),
    "h264 with open groups in mkv": ("a.mkv", "libx264", {"bf": "3", "g": "12", "x264-params": "open-gop=1"}, 24),
    "mpeg4 with B-frames in mkv": ("a.mkv", "mpeg4", {"bf": "2", "g": "15", "qmax": "2"}, 25),
    "mpeg4 in avi": ("a.avi", "mpeg4", {"g": "15"}, 25),
    "mpeg4 in mov, odd rate": ("a.mov", "mpeg4", {"g": "200"}, Fraction(127, 10)),
}


@pytest.fixture(scope="module", params=FORMATS)
def numbered(request, tmp_path_factory):
    """A video of 250 numbered frames and its frame rate."""
    name, codec, options, rate = FORMATS[request.param]
    frames = [numbered_frame(n) for n in range(250)]
    return write_video(tmp_path_factory.mktemp("media") / name, frames, rate, codec=codec, options=options), rate


class TestFrames:
    def test_the_file_does_hold_frames_out_of_order(self, tmp_path):
        """Otherwise the tests below would prove less than they say."""
        import av

        name, codec, options, rate = FORMATS["h264 with B-frames in mp4"]
        path = write_video(tmp_path / name, [numbered_frame(n) for n in range(30)], rate, codec=codec, options=options)
        with av.open(str(path)) as container:
            stamps = [packet.pts for packet in container.demux(video=0) if packet.pts is not None]
        assert stamps != sorted(stamps)

    def test_each_frame_is_found_at_its_time(self, numbered):
        path, rate = numbered
        wanted = [0, 1, 2, 3, 47, 48, 49, 120, 121, 249]
        assert numbers_of(read_frames(path, [n / float(rate) for n in wanted])) == wanted

    def test_the_frame_on_the_screen_is_taken(self, numbered):
        path, rate = numbered
        times = np.array([10.4, 10.9, 99.05, 99.95, 249.9]) / float(rate)
        assert numbers_of(read_frames(path, times)) == [10, 10, 99, 99, 249]

    def test_any_order_and_repetitions(self, numbered):
        path, rate = numbered
        wanted = [200, 3, 3, 120, 0, 249, 119]
        assert numbers_of(read_frames(path, np.array(wanted) / float(rate))) == wanted

    def test_every_single_frame_by_its_own_seek(self, numbered):
        path, rate = numbered
        for number in range(0, 250, 7):
            assert numbers_of(read_frames(path, [number / float(rate)])) == [number]

    def test_sixteen_frames_a_second_from_any_rate(self, numbered):
        path, rate = numbered
        times = 2.0 + np.arange(8) / 16
        assert numbers_of(read_frames(path, times)) == [int(t * float(rate) + 1e-6) for t in times]

    def test_irregular_presentation_times(self, tmp_path):
        times = [0.0, 0.1, 0.15, 0.9, 1.0, 3.0, 3.02]
        path = write_video(tmp_path / "a.mkv", [numbered_frame(n) for n in range(7)], 25, times=times)
        assert numbers_of(read_frames(path, [0.09, 0.1, 0.13, 0.16, 0.89, 2.99, 3.0, 3.03])) == [0, 1, 1, 2, 2, 4, 5, 6]

    def test_the_end_is_the_end(self, numbered):
        path, rate = numbered
        with pytest.raises(AmbikitError, match=r"expected at most .* s, where the video ends"):
            read_frames(path, [250.6 / float(rate)])

    def test_red_is_red(self, tmp_path):
        red = np.zeros((32, 64, 3), np.uint8)
        red[..., 0] = 220
        frame = read_frames(write_video(tmp_path / "a.mp4", [red] * 3), [0.0])[0]
        assert frame.shape == (32, 64, 3)
        assert frame.dtype == np.uint8
        np.testing.assert_allclose(frame.mean(axis=(0, 1)), [220, 0, 0], atol=4)

    def test_no_times_no_frames(self, numbered):
        assert read_frames(numbered[0], []).shape == (0, 32, 64, 3)

    def test_facts_from_the_header(self, numbered):
        path, rate = numbered
        facts = video_facts(path)
        assert (facts.width, facts.height) == (64, 32)
        assert facts.frame_rate == pytest.approx(float(rate), rel=1e-3)
        assert facts.duration == pytest.approx(250 / float(rate), abs=0.11)


class TestClock:
    """A flash and a click at the same moment stay together, wherever the streams begin."""

    @staticmethod
    def flash_and_click(path, *, picture_start=0.0, sound_start=0.0, moment=1.2):
        frames, times = [], [picture_start + n / 25 for n in range(60)]
        for time in times:
            frames.append(np.full((32, 64, 3), 230 if abs(time - moment) < 1e-6 else 20, np.uint8))
        sound = np.zeros((4, 3 * 48000))
        sound[:, round((moment - sound_start) * 48000)] = 0.9
        return write_video(path, frames, 25, times=times, sound=sound, sound_start=sound_start)

    @pytest.mark.parametrize("starts", [(0.0, 0.0), (0.4, 0.0), (0.0, 0.4)])
    @pytest.mark.parametrize("name", ["a.mov", "a.mkv"])
    def test_together(self, tmp_path, starts, name):
        path = self.flash_and_click(tmp_path / name, picture_start=starts[0], sound_start=starts[1])
        frames = read_frames(path, [1.16, 1.2, 1.24])
        assert [int(level > 100) for level in frames.mean(axis=(1, 2, 3))] == [0, 1, 0]
        signal, rate = read_sound(path, start=1.0, duration=0.5)
        assert signal.shape == (4, 24000)
        assert abs(int(np.argmax(np.abs(signal[0]))) / rate - 0.2) < 0.002

    @pytest.mark.parametrize("sound_start", [0.0, 0.03, 0.4])
    @pytest.mark.parametrize(
        ("name", "codec", "exactness"),
        [
            ("a.mov", "pcm_s16le", 0),
            ("a.mkv", "flac", 0),
            ("a.mp4", "flac", 0),
            ("a.mp4", "alac", 0),
            # a priming that is no whole number of milliseconds, in clocks that count them
            ("a.mp4", "aac", 0.001),
            ("a.mkv", "aac", 0.001),
            ("a.mkv", "libopus", 0.001),
            ("a.mp4", "libopus", 0.001),
        ],
    )
    def test_a_click_is_read_when_the_picture_flashes(self, tmp_path, name, codec, exactness, sound_start):
        """Late by thirty milliseconds is late, and what an encoder puts before the sound is not heard."""
        time = np.arange(3 * 48000) / 48000 - (1.2 - sound_start)
        click = 0.5 * np.exp(-((time / 0.001) ** 2)) * np.cos(2 * np.pi * 700 * time)
        frames = [np.full((32, 64, 3), 230 if n == 30 else 20, np.uint8) for n in range(60)]
        path = write_video(
            tmp_path / name, frames, 25, sound=np.tile(click, (2, 1)), sound_start=sound_start, sound_codec=codec
        )
        levels = read_frames(path, [1.199, 1.2, 1.239, 1.2405]).mean(axis=(1, 2, 3))
        assert [int(level > 100) for level in levels] == [0, 1, 1, 0]
        for start in (0.0, 1.0):
            signal, rate = read_sound(path, start=start, duration=1.5, channel_map=None)
            found = start + int(np.argmax(signal[0])) / rate
            assert abs(found - 1.2) <= exactness + 1e-9

    def test_before_the_first_frame_there_is_the_first_frame(self, tmp_path):
        path = self.flash_and_click(tmp_path / "a.mkv", picture_start=0.4, moment=0.4)
        assert read_frames(path, [0.1]).mean() > 100

    def test_silence_follows_the_end_of_the_sound(self, tmp_path):
        path = tmp_path / "a.wav"
        soundfile.write(path, np.full((800, 4), 0.5), 8000)
        signal, rate = read_sound(path, start=0.05, duration=0.1)
        assert rate == 8000
        np.testing.assert_allclose(signal, np.repeat([[0.5] * 400 + [0.0] * 400], 4, axis=0), atol=1e-4)
        assert read_sound(path, start=0.075)[0].shape == (4, 200)
        assert read_sound(path, start=9.0)[0].shape == (4, 0)


class TestErrors:
    def test_missing_wrong_and_truncated_files(self, tmp_path, numbered):
        with pytest.raises(FileError, match="cannot be opened"):
            read_frames(tmp_path / "nowhere.mp4", [0.0])
        text = tmp_path / "text.mp4"
        text.write_text("no video at all " * 100)
        with pytest.raises(FileError, match=r"text\.mp4"):
            read_frames(text, [0.0])
        cut = tmp_path / f"cut{numbered[0].suffix}"
        cut.write_bytes(numbered[0].read_bytes()[:3000])
        with pytest.raises(AmbikitError, match="cut"):
            read_frames(cut, [9.0])

    def test_a_playlist_opens_no_other_file(self, tmp_path):
        target = write_video(tmp_path / "a.mp4", [numbered_frame(1)] * 5)
        listing = tmp_path / "list.mp4"
        listing.write_text(f"ffconcat version 1.0\nfile {target.name}\n")
        with pytest.raises(FileError):
            read_frames(listing, [0.0])

    def test_sound_has_no_frames(self, tmp_path):
        path = tmp_path / "sound.ogg"
        soundfile.write(path, np.zeros((800, 2)), 8000)
        with pytest.raises(FileError, match="no video"):
            read_frames(path, [0.0])
        with pytest.raises(FileError, match="no video"):
            video_facts(path)

    @pytest.mark.parametrize("times", [[-0.1], [np.nan], [[0.0]]])
    def test_impossible_times(self, numbered, times):
        with pytest.raises(AmbikitError, match="times"):
            read_frames(numbered[0], times)

    def test_impossible_stretches_of_sound(self, tmp_path):
        with pytest.raises(AmbikitError, match="start=-1"):
            read_sound(tmp_path / "a.wav", start=-1.0)
        with pytest.raises(AmbikitError, match="duration=0"):
            read_sound(tmp_path / "a.wav", duration=0.0)


@pytest.mark.recordings
class TestPictureAndSoundTogether:
    """A video whose picture shows a piano at the left and a voice at the right, and whose sound has them there."""

    def test_the_sound_of_every_second_comes_from_the_sides(self, recordings):
        folder = recordings / "video360"
        facts = video_facts(folder / "redownloaded_from_YT.mp4")
        assert (facts.width, facts.height, facts.frame_rate) == (640, 360, 25.0)
        sides = []
        for second in range(10):
            name = folder / "redownloaded_from_YT.m4a"
            signal, rate = read_sound(name, start=second, duration=1.0, channel_map=[2, 1, 4, 0])
            assert signal.shape == (4, rate)
            intensity = (signal[0] * signal[1:]).mean(axis=1)  # towards y, z, x
            sides.append(np.degrees(np.arctan2(intensity[0], intensity[2])))
        # every second lies at one of the two sides, to the degree: X is silent
        np.testing.assert_allclose(np.abs(sides), 90, atol=3)
        assert {side > 0 for side in sides} == {True, False}

    def test_the_picture_shows_something_yellow_there(self, recordings):
        frames = read_frames(recordings / "video360" / "redownloaded_from_YT.mp4", np.arange(10.0) + 0.5)
        yellow = (frames[..., 0] > 200) & (frames[..., 1] > 180) & (frames[..., 2] < 100)
        left, middle, right = yellow[:, 165:195, 145:175], yellow[:, 165:195, 305:335], yellow[:, 165:195, 465:495]
        assert left.mean() > 0.5
        assert right.mean() > 0.5
        assert middle.mean() < 0.01


class TestPoses:
    """A mark that a camera filmed turned away stands, in the frames, where the pose says it was in the world."""

    SIZE = (32, 64)

    def video(self, tmp_path, *boxes, place=(16, 32)):
        """A black film with a bright mark around a pixel (row, column), and boxes in its picture entry."""
        picture = np.zeros((*self.SIZE, 3), np.uint8)
        picture[place[0] - 2 : place[0] + 2, place[1] - 2 : place[1] + 2] = 255
        path = tmp_path / "turned.mp4"
        with av.open(str(path), "w") as file:
            stream = file.add_stream("mpeg4", rate=10)
            stream.width, stream.height, stream.pix_fmt = self.SIZE[1], self.SIZE[0], "yuv420p"
            for _ in range(5):
                file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            file.mux(stream.encode(None))
        data = bytearray(path.read_bytes())
        added = b"".join(boxes)
        handler = data.index(b"vide", data.rindex(b"moov"))
        chain = [data.rindex(word, 0, handler) for word in (b"moov", b"trak", b"mdia")]
        chain += [data.index(word, handler) for word in (b"minf", b"stbl", b"stsd")]
        entry = chain[-1] + 12
        end = entry + struct.unpack_from(">I", data, entry)[0]
        for start in [word - 4 for word in chain] + [entry]:
            struct.pack_into(">I", data, start, struct.unpack_from(">I", data, start)[0] + len(added))
        data[end:end] = added
        path.write_bytes(data)
        return path

    def mark(self, frame):
        """Azimuth and elevation of the mark in degrees, by its centre of light, in a picture like all of ours."""
        light = np.maximum(frame[..., 1].astype(float) - 100, 0)
        rows, columns = np.indices(light.shape)
        u = (np.sum(light * columns) / light.sum() + 0.5) / light.shape[1]
        v = (np.sum(light * rows) / light.sum() + 0.5) / light.shape[0]
        return (0.5 - u) * 360, (0.5 - v) * 180

    @pytest.mark.parametrize(
        ("angles", "place", "seen"),
        [
            ({}, (16, 32), (0, 0)),
            ({"yaw": 90}, (16, 32), (90, 0)),  # counter-clockwise: what was in front is on the left
            ({"yaw": -45}, (16, 32), (-45, 0)),
            ({"pitch": 30}, (16, 32), (0, 30)),  # counter-clockwise about the right: the front goes up
            ({"roll": 45}, (16, 16), (90, -45)),  # clockwise about the forward vector: the left goes down
            ({"yaw": 90, "pitch": 30}, (16, 32), (90, 30)),  # pitch is about the right that yaw has turned
        ],
    )
    def test_frames_are_set_upright(self, tmp_path, angles, place, seen):
        path = self.video(tmp_path, spatial_files.sv3d(**angles), place=place)
        found = self.mark(read_frames(path, [0.2])[0])
        assert np.allclose(found, seen, atol=4)
        assert np.allclose(self.mark(read_frames(path, [0.2], upright=False)[0]), self.stored(place), atol=4)

    def stored(self, place):
        return (0.5 - place[1] / self.SIZE[1]) * 360, (0.5 - place[0] / self.SIZE[0]) * 180

    def test_a_sound_and_its_mark_are_in_one_direction(self, tmp_path):
        """Filmed in front with a camera turned to (120°, 20°), the mark is where `encode` puts its sound."""
        path = self.video(tmp_path, spatial_files.sv3d(yaw=120, pitch=20))
        azimuth, elevation = self.mark(read_frames(path, [0.2])[0])
        foa = ambikit.encode(np.ones(1), 120, 20, degrees=True)
        seen = ambikit.align(foa, azimuth, elevation, degrees=True)
        assert np.allclose(seen[:, 0], [1, 0, 0, 1], atol=0.08)

    @pytest.mark.parametrize(
        "boxes",
        [
            (spatial_files.sv3d(yaw=10, projection=b"mshp"),),
            (spatial_files.sv3d(yaw=10, bounds=(0.25, 0.25, 0, 0)),),
            (spatial_files.st3d(3), spatial_files.sv3d(yaw=10)),
        ],
    )
    def test_pictures_that_cannot_be_turned_are_refused(self, tmp_path, boxes):
        path = self.video(tmp_path, *boxes)
        with pytest.raises(FileError, match="turned against the world"):
            read_frames(path, [0.2])
        assert read_frames(path, [0.2], upright=False).shape == (1, *self.SIZE, 3)

    def test_without_a_pose_nothing_is_interpolated(self, tmp_path):
        path = self.video(tmp_path, spatial_files.st3d(0), spatial_files.sv3d())
        assert np.array_equal(read_frames(path, [0.2]), read_frames(path, [0.2], upright=False))

    @pytest.mark.parametrize(("mode", "place", "shape"), [(1, (8, 32), (16, 64)), (2, (16, 16), (32, 32))])
    def test_the_left_eye_is_taken_and_turned(self, tmp_path, mode, place, shape):
        """The mark is in front in the left eye's half, and the other half is dark."""
        path = self.video(tmp_path, spatial_files.st3d(mode), spatial_files.sv3d(yaw=90), place=place)
        frame = read_frames(path, [0.2])[0]
        assert frame.shape == (*shape, 3)
        assert np.allclose(self.mark(frame), (90, 0), atol=6)
        small = next(each_frame(path, 5, height=32, width=64))
        assert small.shape == (32, 64, 3)
        assert np.allclose(self.mark(small), (90, 0), atol=6)
        assert read_frames(path, [0.2], upright=False).shape == (1, *self.SIZE, 3)

    def test_a_cube_map_is_read_as_it_is_told(self, tmp_path):
        """The mark is in the middle of the face in front, which the pose turns to the left."""
        self.SIZE = (64, 96)
        path = self.video(tmp_path, spatial_files.sv3d(yaw=90, projection=b"cbmp"), place=(48, 48))
        with pytest.raises(FileError, match="expected to be told how they lie: layout='cbmp'"):
            read_frames(path, [0.2])
        frame = read_frames(path, [0.2], layout="cbmp")[0]
        assert frame.shape == (64, 128, 3)
        assert np.allclose(self.mark(frame), (90, 0), atol=3)
        assert np.allclose(self.mark(read_frames(path, [0.2], layout="3x2", upright=False)[0]), (0, 0), atol=3)
