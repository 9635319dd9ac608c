"""The command line: what it prints, what it writes, and its exit status."""

import re
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from numpy.testing import assert_allclose, assert_array_equal

import ambikit
from ambikit.cli import main
from tests.media_files import RATE, direction_of, source_at, tones, write_media


@pytest.fixture
def front(tmp_path):
    """A source in front, written by another writer."""
    soundfile.write(tmp_path / "front.wav", source_at(0, 0).T, RATE, subtype="FLOAT")
    return tmp_path / "front.wav"


def field(count=12):
    """Uncorrelated sources all around: a valid scene."""
    noise = np.random.default_rng(3).standard_normal((count, 8 * RATE // 10))
    azimuth, elevation = ambikit.fibonacci_grid(count)
    gains = [
        np.ones(count),
        np.sin(azimuth) * np.cos(elevation),
        np.sin(elevation),
        np.cos(azimuth) * np.cos(elevation),
    ]
    return np.float32(0.02 * np.array(gains) @ noise)


def moving_picture(path, colours):
    """A video whose frames are of one colour each, a second apart."""
    import av

    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p"
        for colour in colours:
            frame = av.VideoFrame.from_ndarray(np.full((32, 64, 3), colour, np.uint8), format="rgb24")
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def run(*arguments):
    return main([str(a) for a in arguments])


class TestInfo:
    def test_a_sound_file(self, front, capsys):
        assert run("info", front) == 0
        out = capsys.readouterr().out
        for words in ("front.wav", "wav", "FLOAT", "4 (order 1)", "48000 Hz", "0.500 s", "none said"):
            assert words in out

    def test_a_video(self, tmp_path, capsys):
        path = write_media(tmp_path / "[a].mp4", "aac", "5.1", tones(6), picture=True)
        assert run("info", path) == 0
        out = capsys.readouterr().out
        for words in ("[a].mp4", "aac", "6 (no Ambisonic order)", "loudspeakers 5.1", "64 x 32 mpeg4"):
            assert words in out


class TestCheck:
    def test_valid_is_0(self, tmp_path, capsys):
        soundfile.write(tmp_path / "a.wav", field().T, RATE, subtype="FLOAT")
        assert run("check", tmp_path / "a.wav") == 0
        out = capsys.readouterr().out
        assert out.startswith("valid")
        assert "energy ratio" in out

    def test_another_scale_is_1_and_named(self, tmp_path, capsys):
        w, y, z, x = field()
        soundfile.write(tmp_path / "a.wav", np.stack([w / np.sqrt(2), x, y, z]).T, RATE, subtype="FLOAT")
        assert run("check", tmp_path / "a.wav") == 1
        out = capsys.readouterr().out
        assert out.startswith("invalid")
        assert "ambikit convert" in out
        assert "--as fuma" in out
        assert run("check", tmp_path / "a.wav", "--as", "fuma") == 0

    def test_what_cannot_be_decided_is_3(self, front, capsys):
        assert run("check", front) == 3
        assert capsys.readouterr().out.startswith("doubtful")

    def test_higher_orders_are_judged_by_their_first_four_channels(self, tmp_path, capsys):
        soundfile.write(tmp_path / "a.wav", np.concatenate([field(), field()[[0] * 5]]).T, RATE, subtype="FLOAT")
        assert run("check", tmp_path / "a.wav") == 0
        assert "first four of its 9 channels" in capsys.readouterr().out

    @pytest.mark.parametrize("word", ["FuMa", "fuma", "FUMA"])
    def test_conventions_are_named_as_people_spell_them(self, tmp_path, word):
        w, y, z, x = field()
        soundfile.write(tmp_path / "a.wav", np.stack([w / np.sqrt(2), x, y, z]).T, RATE, subtype="FLOAT")
        assert run("check", tmp_path / "a.wav", "--as", word) == 0
        assert run("convert", tmp_path / "a.wav", tmp_path / "b.wav", "--as", word, "--to", "SN3D") == 0
        assert_allclose(ambikit.read(tmp_path / "b.wav")[0], field(), atol=1e-6)

    def test_reasons_come_before_figures_which_are_asked_for(self, tmp_path, capsys):
        soundfile.write(tmp_path / "a.wav", field().T, RATE, subtype="FLOAT")
        run("check", tmp_path / "a.wav")
        out = capsys.readouterr().out
        assert re.match(
            r"valid .*a\.wav read as ambix: energy ratio 1\.0\d\d \(passes: 1 ± 0\.1\), scale \(guess\) sn3d", out
        )
        assert "coherence" not in out
        run("check", tmp_path / "a.wav", "--verbose")
        out = capsys.readouterr().out
        assert 0 < out.index("The energy test passes") < out.index("coherence_w_y")

    def test_many_files_get_a_line_each_and_the_worst_status(self, front, tmp_path, capsys):
        soundfile.write(tmp_path / "good.wav", field().T, RATE, subtype="FLOAT")
        soundfile.write(tmp_path / "bad.wav", 2 * field()[[0, 0, 0, 1]].T, RATE, subtype="FLOAT")
        good, bad, gone = tmp_path / "good.wav", tmp_path / "bad.wav", tmp_path / "gone.wav"
        for files, status in (((good, good), 0), ((front, good), 3), ((bad, front), 1), ((gone, bad, good), 2)):
            assert run("check", *files) == status
            out, error = capsys.readouterr()
            there = [file for file in files if file != gone]
            assert len(out.splitlines()) == len(there)
            assert all(str(file) in line for file, line in zip(there, out.splitlines()))
            assert ("nothing is there" in error) == (gone in files)
        assert run("check") == 2
        assert run("check", good, good, "--and", good) == 2

    def test_fewer_than_four_channels_cannot_be_judged(self, front, capsys):
        for word in ("0", "0,1"):
            assert run("check", front, "--channels", word) == 2
            assert "--channels 0,1,2,3" in capsys.readouterr().err

    def test_stereo_cannot_be_judged(self, tmp_path, capsys):
        soundfile.write(tmp_path / "a.wav", tones(2).T, RATE)
        assert run("check", tmp_path / "a.wav") == 2
        error = capsys.readouterr().err
        assert "A stereo file is not Ambisonics" in error
        assert "channel_map" not in error


class TestConvert:
    def test_conventions_format_and_rate(self, tmp_path, capsys):
        w, y, z, x = source_at(60, 30)
        soundfile.write(tmp_path / "in.wav", np.stack([w / np.sqrt(2), x, y, z]).T, RATE, subtype="FLOAT")
        assert run("convert", tmp_path / "in.wav", tmp_path / "out.caf", "--as", "fuma", "--to", "n3d") == 0
        stored, _ = soundfile.read(tmp_path / "out.caf", dtype="float32")
        assert_allclose(stored.T, [w, *(np.sqrt(3) * np.stack([y, z, x]))], atol=1e-6)
        assert "4 channels, 48000 Hz, 0.500 s" in capsys.readouterr().out
        assert run("convert", tmp_path / "in.wav", tmp_path / "out.flac", "--sample-rate", "24000") == 0
        assert soundfile.info(tmp_path / "out.flac").samplerate == 24000

    def test_a_video_with_an_unknown_stream(self, tmp_path, capsys):
        w, y, z, x = source_at(60, 30)
        path = write_media(tmp_path / "a.mp4", "aac", "5.1", np.stack([w, y, z, 0 * w, x, w]))
        assert run("convert", path, tmp_path / "out.wav") == 2
        error = capsys.readouterr().err
        assert "--channels 0,1,2,3" in error
        assert "channel_map" not in error
        assert run("convert", path, tmp_path / "out.wav", "--channels", "0,1,2,4") == 0
        assert_allclose(direction_of(ambikit.read(tmp_path / "out.wav")[0]), (60, 30), atol=3.0)

    def test_notes_are_one_line_on_the_error_stream(self, tmp_path, capsys):
        w, y, z, x = source_at(60, 30)
        path = write_media(tmp_path / "a.mp4", "aac", "5.1", np.stack([x, y, w, 0 * w, z, 0 * w]))
        assert run("convert", path, tmp_path / "out.wav") == 0
        error = capsys.readouterr().err
        assert error.startswith("ambikit: note: ")
        assert error.count("\n") == 1
        assert "--channels 2,1,4,0" in error
        assert "channel_map" not in error

    def test_a_recording_split_into_two_files(self, tmp_path, capsys):
        field = ambikit.encode(tones(1)[0], 60, 30, 3, degrees=True)
        for name, part in (("a.wav", field[:8]), ("b.wav", field[8:])):
            soundfile.write(tmp_path / name, part.T, RATE, subtype="FLOAT")
        assert run("convert", tmp_path / "a.wav", tmp_path / "out.wav") == 2
        assert "IN --and SECOND" in capsys.readouterr().err
        assert run("convert", tmp_path / "a.wav", tmp_path / "out.wav", "--and", tmp_path / "b.wav") == 0
        assert_array_equal(ambikit.read(tmp_path / "out.wav")[0], field)
        assert run("check", tmp_path / "a.wav", "--and", tmp_path / "b.wav") == 3

    def test_an_incomplete_order_is_refused(self, front, tmp_path, capsys):
        assert run("convert", front, tmp_path / "out.wav", "--channels", "0,1,2") == 2
        assert "3 channels" in capsys.readouterr().err
        assert not (tmp_path / "out.wav").exists()
        assert run("convert", front, tmp_path / "out.wav", "--channels", "0") == 0

    @pytest.mark.parametrize("word", ["", "0,,1", "a,b", "0;1", "-1,0"])
    def test_channels_are_one_word_of_numbers(self, front, tmp_path, capsys, word):
        assert run("convert", front, tmp_path / "out.wav", f"--channels={word}") == 2
        assert f"got --channels {word!r}" in capsys.readouterr().err

    def test_channels_may_stand_before_the_files(self, front, tmp_path):
        assert run("convert", "--channels", "0,1,2,3", front, tmp_path / "out.wav") == 0
        assert_array_equal(ambikit.read(tmp_path / "out.wav")[0], ambikit.read(front)[0])


class TestOperators:
    @pytest.mark.parametrize(
        ("turn", "direction"),
        [(("--yaw", 90), (90, 0)), (("--yaw", -30), (-30, 0)), (("--pitch", 45), (0, -45)), (("--roll", 90), (0, 0))],
    )
    def test_rotate_turns_a_source(self, front, tmp_path, turn, direction):
        assert run("rotate", front, tmp_path / "out.wav", *turn) == 0
        assert_allclose(direction_of(ambikit.read(tmp_path / "out.wav")[0]), direction, atol=0.01)

    def test_beamform_hears_where_it_looks(self, tmp_path):
        signal = source_at(60, 30)
        soundfile.write(tmp_path / "a.wav", signal.T, RATE, subtype="FLOAT")
        for name, azimuth, elevation, gain in (("at", 60, 30, 1.0), ("away", -120, -30, 0.0)):
            out = tmp_path / f"{name}.wav"
            assert run("beamform", tmp_path / "a.wav", out, "--azimuth", azimuth, "--elevation", elevation,
                       "--pattern", "cardioid") == 0  # fmt: skip
            assert_allclose(ambikit.read(out)[0], gain * signal[:1], atol=1e-6)

    @pytest.mark.parametrize(
        ("pattern", "behind"),
        [("hypercardioid", -0.5), ("max_re_approximate", (1 - 3 * 0.574431) / (1 + 3 * 0.574431)),
         ("omni", 1.0), ("subcardioid", 0.5), ("figure_eight", -1.0)],
    )  # fmt: skip
    def test_beamform_knows_every_pattern(self, tmp_path, pattern, behind):
        signal = source_at(0, 0)
        soundfile.write(tmp_path / "a.wav", signal.T, RATE, subtype="FLOAT")
        assert run("beamform", tmp_path / "a.wav", tmp_path / "b.wav", "--azimuth", 180, "--pattern", pattern) == 0
        assert_allclose(ambikit.read(tmp_path / "b.wav")[0], behind * signal[:1], atol=1e-5)

    @pytest.mark.parametrize("word", ["nan", "inf", "-inf"])
    def test_angles_are_finite(self, front, tmp_path, capsys, word):
        for command, option in (("rotate", "yaw"), ("rotate", "roll"), ("beamform", "azimuth")):
            assert run(command, front, tmp_path / "out.wav", f"--{option}={word}") == 2
            assert f"got --{option} {word}; expected degrees, a finite number" in capsys.readouterr().err
        assert not (tmp_path / "out.wav").exists()

    @pytest.mark.parametrize(
        "arguments",
        [
            ("rotate",),
            ("beamform", "--azimuth", 0),
            ("decode",),
            ("decode", "--to", "5.1"),
            ("decode", "--to", "binaural"),
        ],
    )
    def test_mono_has_no_direction(self, tmp_path, capsys, arguments):
        soundfile.write(tmp_path / "a.wav", tones(1).T, RATE)
        command, *options = arguments
        assert run(command, tmp_path / "a.wav", tmp_path / "out.wav", *options) == 2
        assert "with one channel; expected a sound field" in capsys.readouterr().err

    def test_decode_puts_the_left_first(self, tmp_path):
        signal = source_at(90, 0)
        soundfile.write(tmp_path / "a.wav", signal.T, RATE, subtype="FLOAT")
        assert run("decode", tmp_path / "a.wav", tmp_path / "out.wav", "--pattern", "cardioid") == 0
        stereo, _ = soundfile.read(tmp_path / "out.wav", dtype="float32")
        assert_allclose(stereo.T, [signal[0], 0 * signal[0]], atol=1e-6)

    @pytest.mark.parametrize(("azimuth", "loudest"), [(35, "M+030"), (-110, "M-110"), (110, "M+110")])
    def test_decode_to_loudspeakers(self, tmp_path, capsys, azimuth, loudest):
        soundfile.write(tmp_path / "a.wav", source_at(azimuth, 0).T, RATE, subtype="FLOAT")
        assert run("decode", tmp_path / "a.wav", tmp_path / "out.wav", "--to", "5.1") == 0
        sound, _ = soundfile.read(tmp_path / "out.wav", dtype="float32")
        labels = capsys.readouterr().out.splitlines()[0].removeprefix("channels: ").split()
        energy = dict(zip(labels, (sound**2).sum(axis=0)))
        assert max(energy, key=energy.get) == loudest
        assert energy["LFE1"] == 0
        expected = ambikit.decode_loudspeakers(source_at(azimuth, 0), "5.1")
        assert_allclose(sound.T, expected, atol=1e-6)

    def test_decode_by_another_method(self, tmp_path):
        signal = source_at(60, 30)
        soundfile.write(tmp_path / "a.wav", signal.T, RATE, subtype="FLOAT")
        choice = ("--to", "cube", "--method", "sampling", "--weighting", "basic")
        assert run("decode", tmp_path / "a.wav", tmp_path / "out.wav", *choice) == 0
        sound, _ = soundfile.read(tmp_path / "out.wav", dtype="float32")
        decoder = ambikit.loudspeaker_decoder("cube", 1, "sampling", weighting="basic")
        assert_allclose(sound.T, decoder.decode(signal), atol=1e-6)
        assert_allclose(sound.sum(axis=1), signal[0], atol=1e-5)

    def test_decode_for_headphones(self, tmp_path):
        """What comes from the left is louder on the left; at the rate of the file, through the sphere."""
        noise = np.random.default_rng(0).normal(size=RATE).astype(np.float32) / 10
        signal = ambikit.encode(noise, np.pi / 2, 0, 2)
        soundfile.write(tmp_path / "a.wav", signal.T, RATE, subtype="FLOAT")
        assert run("decode", tmp_path / "a.wav", tmp_path / "out.wav", "--to", "binaural") == 0
        ears, rate = soundfile.read(tmp_path / "out.wav", dtype="float32")
        assert rate == RATE
        assert_allclose(ears.T, ambikit.decode_binaural(signal, RATE), atol=1e-5)
        assert (ears[:, 0] ** 2).sum() > 2 * (ears[:, 1] ** 2).sum()

    @pytest.mark.recordings
    def test_decode_through_the_ears_of_a_file(self, tmp_path, recordings):
        """The set, at 44.1 kHz, is brought to the rate of the sound."""
        pytest.importorskip("sofar")
        noise = np.random.default_rng(0).normal(size=4800).astype(np.float32) / 10
        signal = ambikit.encode(noise, 1, 0, 1)
        soundfile.write(tmp_path / "a.wav", signal.T, 48000, subtype="FLOAT")
        file = recordings / "hrir" / "mit_kemar_normal_pinna.sofa"
        assert run("decode", tmp_path / "a.wav", tmp_path / "o.wav", "--to", "binaural", "--hrir", file) == 0
        ears, rate = soundfile.read(tmp_path / "o.wav", dtype="float32")
        assert rate == 48000
        assert_allclose(ears.T, ambikit.decode_binaural(signal, 48000, ambikit.read_hrirs(file)), atol=1e-5)

    def test_decode_refuses_what_does_not_go_together(self, front, tmp_path, capsys):
        for arguments, said in (
            (("--to", "binaural", "--pattern", "cardioid"), "--pattern with --to binaural"),
            (("--hrir", "kemar.sofa"), "--hrir with --to stereo"),
            (("--to", "banana"), "banana"),
            (("--to", "binaural", "--hrir", tmp_path / "none.sofa"), "nothing is there"),
        ):
            assert run("decode", front, tmp_path / "out.wav", *arguments) == 2
            assert said in capsys.readouterr().err
        assert not (tmp_path / "out.wav").exists()

    def test_plot_draws_the_source_where_a_picture_shows_it(self, tmp_path):
        from matplotlib.image import imread

        brightness = {}
        for azimuth in (90, -90):
            soundfile.write(tmp_path / "a.wav", source_at(azimuth, 0).T, RATE, subtype="FLOAT")
            assert run("plot", "energy", tmp_path / "a.wav", tmp_path / f"{azimuth}.png") == 0
            brightness[azimuth] = imread(tmp_path / f"{azimuth}.png")[..., :3].sum(axis=-1)
        difference = brightness[90] - brightness[-90]
        middle = difference.shape[1] // 2
        assert difference[:, : middle - middle // 4].sum() > 0 > difference[:, middle + middle // 4 :].sum()
        assert run("plot", "energy", tmp_path / "a.wav", tmp_path / "out.jpg") == 2

    def test_plot_over_the_picture_of_the_place(self, front, tmp_path, capsys):
        """Where nothing sounds, the picture is seen: an image, or the frame in the middle of a video."""
        from matplotlib.image import imread, imsave

        imsave(tmp_path / "place.png", np.full((32, 64, 3), [0, 255, 0], np.uint8))
        red, blue = [255, 0, 0], [0, 0, 255]
        video = moving_picture(tmp_path / "place.mp4", [red, red, blue, red, red])
        for place, colour in ((tmp_path / "place.png", [0, 1, 0]), (video, [0, 0, 1])):
            assert run("plot", "energy", front, tmp_path / "out.png", "--panorama", place, "--overwrite") == 0
            image = imread(tmp_path / "out.png")[..., :3]
            assert (np.abs(image - colour).max(axis=-1) < 0.1).mean() > 0.01
        assert run("plot", "energy", front, tmp_path / "out.png", "--panorama", front, "--overwrite") == 2
        assert "as the picture of the place, which cannot be read" in capsys.readouterr().err

    def test_plot_tells_of_silence_and_refuses_nan(self, tmp_path, capsys):
        soundfile.write(tmp_path / "a.wav", 0 * source_at(0, 0).T, RATE, subtype="FLOAT")
        assert run("plot", "energy", tmp_path / "a.wav", tmp_path / "out.png") == 0
        assert "is silent" in capsys.readouterr().err
        bad = source_at(0, 0)
        bad[2, 7] = np.nan
        soundfile.write(tmp_path / "b.wav", bad.T, RATE, subtype="FLOAT")
        assert run("plot", "energy", tmp_path / "b.wav", tmp_path / "b.png") == 2
        assert "1 samples that are NaN or infinite" in capsys.readouterr().err
        assert not (tmp_path / "b.png").exists()

    def test_plot_over_time_and_of_channels(self, tmp_path, capsys):
        from matplotlib.image import imread

        signal = np.concatenate([source_at(90, 0), source_at(-90, 0)], axis=1)
        soundfile.write(tmp_path / "a.wav", signal.T, RATE, subtype="FLOAT")
        assert run("plot", "energy-over-time", tmp_path / "a.wav", tmp_path / "t.png") == 0
        brightness = imread(tmp_path / "t.png")[..., :3].sum(axis=-1)
        rows, columns = brightness.shape
        rows, columns = slice(rows // 10, rows * 8 // 10), slice(columns // 6, columns * 3 // 4)
        (early_left, late_left), (early_right, late_right) = (
            [quarter.mean() for quarter in np.array_split(half, 2, axis=1)]
            for half in np.array_split(brightness[rows, columns], 2)
        )
        assert early_left > 1.5 * late_left
        assert late_right > 1.5 * early_right
        assert run("plot", "spectrum", tmp_path / "a.wav", tmp_path / "s.svg") == 0
        assert capsys.readouterr().out.count("wrote") == 2
        assert run("plot", "spectrum", tmp_path / "a.wav", tmp_path / "s.svg") == 2
        assert "exists already" in capsys.readouterr().err

    def test_plot_of_designs(self, tmp_path, capsys):
        assert run("plot", "directivity", "max_re", tmp_path / "d.png", "--order", 3) == 0
        assert run("plot", "layout", "5.1.4", tmp_path / "l.png", "--order", 2, "--quantity", "width") == 0
        assert (tmp_path / "d.png").read_bytes()[1:4] == (tmp_path / "l.png").read_bytes()[1:4] == b"PNG"
        capsys.readouterr()
        for arguments, word in (
            (("directivity", "banana", tmp_path / "x.png"), "banana"),
            (("directivity", "cardioid", tmp_path / "x.jpg"), ".png, .pdf or .svg"),
            (("layout", "6.1", tmp_path / "x.png"), "6.1"),
            (("layout", "5.1", tmp_path / "x.png", "--quantity", "beauty"), "beauty"),
            (("layout", "5.1", tmp_path / "d.png"), "exists already"),
        ):
            assert run("plot", *arguments) == 2
            assert word in capsys.readouterr().err
        assert not (tmp_path / "x.png").exists()

    def test_plot_alone_says_what_can_be_drawn(self, capsys):
        with pytest.raises(SystemExit):
            run("plot", "--help")
        assert "energy-over-time" in capsys.readouterr().out


class TestFilesAreSafe:
    def test_an_existing_output_is_kept_unless_asked(self, front, tmp_path, capsys):
        before = front.read_bytes()
        (tmp_path / "out.wav").write_bytes(b"precious")
        assert run("rotate", front, tmp_path / "out.wav", "--yaw", 90) == 2
        assert "--overwrite" in capsys.readouterr().err
        assert (tmp_path / "out.wav").read_bytes() == b"precious"
        assert run("rotate", front, front, "--yaw", 90) == 2
        assert "is the input itself" in capsys.readouterr().err
        assert front.read_bytes() == before

    def test_a_folder_is_no_file(self, front, tmp_path, capsys):
        for options in ((), ("--overwrite",)):
            assert run("convert", front, tmp_path, *options) == 2
            error = capsys.readouterr().err
            assert "which is a folder" in error
            assert "pass --overwrite" not in error

    def test_in_place_if_asked(self, front):
        assert run("rotate", front, front, "--yaw", 90, "--overwrite") == 0
        assert_allclose(direction_of(ambikit.read(front)[0]), (90, 0), atol=0.01)


class TestErrors:
    def test_one_clear_line(self, tmp_path, capsys):
        for arguments in (
            ("info", tmp_path / "gone.wav"),
            ("check", tmp_path),
            ("decode", tmp_path / "gone.wav", tmp_path / "out.wav"),
        ):
            assert run(*arguments) == 2
            out, error = capsys.readouterr()
            assert out == ""
            assert error.startswith("ambikit: error: got ")
            assert error.count("\n") == 1

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("--to", "5.1", "--pattern", "cardioid"), "--pattern with --to 5.1; expected it with --to stereo"),
            (("--to", "binaural", "--method", "epad"), "--method with --to binaural; expected it with --to LAYOUT"),
            (("--hrir", "ears.sofa"), "--hrir with --to stereo; expected it with --to binaural"),
        ],
    )
    def test_an_option_that_belongs_to_another_kind_of_decoding(self, front, tmp_path, capsys, arguments, words):
        assert run("decode", front, tmp_path / "out.wav", *arguments) == 2
        assert words in capsys.readouterr().err

    def test_unknown_layouts_and_methods(self, front, tmp_path, capsys):
        assert run("decode", front, tmp_path / "out.wav", "--to", "6.1") == 2
        assert "--to 6.1; expected stereo, binaural or one of quad, 5.0" in capsys.readouterr().err
        assert run("decode", front, tmp_path / "out.wav", "--to", "5.1", "--method", "magic") == 2
        assert "method='magic'" in capsys.readouterr().err

    def test_unknown_words(self, front, tmp_path, capsys):
        assert run("decode", front, tmp_path / "out.wav", "--pattern", "banana") == 2
        assert "banana" in capsys.readouterr().err
        for option, command in (("--as", "check"), ("--to", "convert")):
            files = (front,) if command == "check" else (front, tmp_path / "out.wav")
            assert run(command, *files, option, "banana") == 2
            assert f"got {option} banana; expected ambix (also called sn3d), n3d or fuma" in capsys.readouterr().err

    def test_help_tells_the_exit_status(self, capsys):
        with pytest.raises(SystemExit) as stop:
            run("check", "--help")
        assert stop.value.code == 0
        assert "0 valid, 1 invalid, 3 doubtful" in capsys.readouterr().out


@pytest.mark.parametrize(
    "command",
    ["info", "check", "analyse", "convert", "rotate", "beamform", "decode", "tag"]
    + [f"plot {kind}" for kind in ("energy", "energy-over-time", "spectrum", "directivity", "layout")],
)
def test_every_help_has_an_example(command, capsys):
    with pytest.raises(SystemExit) as stop:
        run(*command.split(), "--help")
    assert stop.value.code == 0
    assert f"\nambikit {command} " in capsys.readouterr().out


def test_as_a_process_and_without_torch(front, tmp_path):
    code = (
        "import sys; from ambikit.cli import main; status = main(); assert 'torch' not in sys.modules; sys.exit(status)"
    )
    out = tmp_path / "out.wav"
    for arguments, status in (
        (["rotate", front, out, "--yaw", "90"], 0),
        (["check", front], 3),
        (["info", "gone"], 2),
    ):
        result = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
        assert result.returncode == status, result.stderr
        assert "Traceback" not in result.stderr
    assert_array_equal(np.round(direction_of(ambikit.read(out)[0])), (90, 0))


@pytest.mark.parametrize("module", ["ambikit", "ambikit.cli"])
def test_as_a_module(module):
    result = subprocess.run([sys.executable, "-m", module, "--version"], capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, f"ambikit {ambikit.__version__}\n"), result.stderr
    assert subprocess.run([sys.executable, "-m", module, "info", "gone"], capture_output=True).returncode == 2


@pytest.mark.recordings
@pytest.mark.parametrize(
    ("path", "arguments", "status"),
    [
        ("foa/BF_rec5_fuma.ogg", ["--as", "fuma"], 0),
        ("foa/BF_rec5_fuma.ogg", [], 1),
        ("foa/BF_rec3_fuma.ogg", ["--as", "fuma"], 3),
        ("rir/gewandhaus_n3d.wav", ["--as", "n3d"], 0),
        ("video360/redownloaded_from_YT.mp4", [], 3),
        ("not_ambisonics/stereo_padded_4ch.wav", [], 1),
        ("stereo/dialog_clip_stereo.wav", [], 2),
        ("hoa/HOA3_rec1_01-08ch.ogg", ["--as", "n3d", "--channels", "0,1,2,3"], 0),
    ],
)
def test_check_of_recordings(recordings, path, arguments, status):
    assert run("check", recordings / path, *arguments) == status
