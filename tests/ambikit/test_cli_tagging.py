"""``ambikit tag``: what it writes, what it prints, and what it refuses."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import ambikit
from ambikit.cli import main
from tests.media_files import source_at, write_media


@pytest.fixture
def video(tmp_path):
    return write_media(tmp_path / "camera.mp4", "aac", "4.0", source_at(30, 10), picture=True)


def run(*arguments):
    return main([str(argument) for argument in arguments])


class TestTag:
    def test_sound_and_pictures(self, video, tmp_path, capsys):
        out = tmp_path / "upload.mp4"
        turns = ("--yaw", 90, "--roll", -10)
        assert run("tag", video, out, "--order", 1, "--projection", "equirectangular", "--stereo", "mono", *turns) == 0
        printed = capsys.readouterr().out
        for words in ("upload.mp4", "SA3D, st3d, sv3d", "order 1, ACN, SN3D", "equirectangular, mono", "yaw 90°"):
            assert words in printed
        said = ambikit.read_metadata(out)
        assert_allclose((said.pose.yaw, said.pose.pitch, said.pose.roll), np.radians([90, 0, -10]), atol=1e-6)
        assert_array_equal(ambikit.read(out)[0], ambikit.read(video)[0])

    def test_in_place_and_back(self, video, capsys):
        before = video.read_bytes()
        bounds = ("--bounds", 0.25, 0, 0, 0.5)
        assert run("tag", video, video, "--projection", "equirectangular", *bounds, "--v1", "--overwrite") == 0
        assert ambikit.read_metadata(video).bounds == (0.25, 0, 0, 0.5)
        assert ambikit.read_metadata(video).origin == ("sv3d", "Spherical Video V1")
        assert run("tag", video, video, "--only", "--overwrite") == 0
        assert "nothing about space" in capsys.readouterr().out
        assert video.read_bytes() == before

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ((), "got nothing to say"),
            (("--head-locked-stereo",), "expected --order"),
            (("--order", 2), "9 channels, for a sound track of 4"),
            (("--projection", "mesh"), "expected 'equirectangular'"),
            (("--yaw", 10), "without a projection"),
            (("--yaw", "nan"), "finite"),
            (("--stereo", "up"), "expected one of mono"),
        ],
    )
    def test_what_is_refused(self, video, tmp_path, capsys, options, words):
        assert run("tag", video, tmp_path / "out.mp4", *options) == 2
        assert words in capsys.readouterr().err
        assert not (tmp_path / "out.mp4").exists()

    def test_nothing_is_replaced_unless_asked(self, video, capsys):
        before = video.read_bytes()
        assert run("tag", video, video, "--order", 1) == 2
        assert "--overwrite" in capsys.readouterr().err
        assert video.read_bytes() == before
