"""What the command line says of what files say, and whether their signals agree."""

import numpy as np
import pytest

import ambikit
from ambikit.cli import main
from ambikit.files.metadata.facts import SpatialMetadata, joined
from tests import spatial_files as made
from tests.media_files import RATE, add_sa3d, write_media


def diffuse() -> np.ndarray:
    """Waves from eight corners of a cube: a sound field that passes every test."""
    rng = np.random.default_rng(5)
    scene = np.zeros((4, RATE))
    for k in range(8):
        noise = np.convolve(rng.standard_normal(RATE), np.hanning(16) / 8, mode="same")
        scene += ambikit.encode(noise, 45 + 90 * (k % 4), 35.264 * (1 if k < 4 else -1), degrees=True)
    return np.float32(0.9 * scene / np.abs(scene).max())


def run(*arguments):
    return main([str(a) for a in arguments])


def test_info_names_everything(tmp_path, capsys):
    path = write_media(tmp_path / "a.mov", "pcm_s16le", "4 channels", diffuse(), picture=True)
    add_sa3d(path, [0, 3, 2, 1])
    assert run("info", path) == 0
    out = capsys.readouterr().out
    for words in ("SA3D", "order 1, ACN, SN3D", "0 3 2 1"):
        assert words in out
    wave = tmp_path / "b.wav"
    wave.write_bytes(made.wave(diffuse(), mask=0x33))
    run("info", wave)
    assert "loudspeakers quad" in capsys.readouterr().out
    ambikit.write(tmp_path / "c.flac", diffuse(), RATE)
    run("info", tmp_path / "c.flac")
    assert "nothing about space" in capsys.readouterr().out


def test_check_says_that_they_agree(tmp_path, capsys):
    ambikit.write(tmp_path / "a.caf", diffuse(), RATE)
    assert run("check", tmp_path / "a.caf") == 0
    assert "The file says (ambiX): order 1, SN3D; the signal, read so, agrees." in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore:.*its header")
def test_check_says_that_they_disagree(tmp_path, capsys):
    """An ambiX file whose samples are N3D; and a B-format file with two silent channels beside stereo."""
    w, *dipoles = diffuse() / 2
    stored = np.stack([w, *(np.sqrt(3) * d for d in dipoles)])
    (tmp_path / "a.caf").write_bytes(made.caf(stored, made.ambix_uuid(np.eye(4))))
    assert run("check", tmp_path / "a.caf") == 1
    said = "The file says (ambiX): order 1, SN3D; the signal, read so, looks like N3D: the two disagree"
    assert said in capsys.readouterr().out
    (tmp_path / "a.amb").write_bytes(made.wave(np.stack([w, 0 * w, dipoles[0], 0 * w]), guid=made.AMB))
    assert run("check", tmp_path / "a.amb") == 1
    out, error = capsys.readouterr()
    assert "The file says (.amb): order 1, FuMa scale; the signal, read so, speaks against a sound field" in out
    assert "channel_map" not in error


@pytest.mark.filterwarnings("ignore:.*its header")
def test_a_field_that_is_called_loudspeakers(tmp_path, capsys):
    (tmp_path / "a.wav").write_bytes(made.wave(diffuse(), mask=0x33))
    assert run("check", tmp_path / "a.wav") == 0
    assert "the signal is a sound field's: the two disagree" in capsys.readouterr().out


def test_two_statements_are_joined():
    one = SpatialMetadata(order=1, ordering="acn", normalization="sn3d", origin=("a",))
    other = SpatialMetadata(order=1, ordering="acn", normalization="n3d", origin=("b",), notes=("n",))
    said = joined(one, other)
    assert (said.normalization, said.origin) == ("sn3d", ("a", "b"))
    assert said.notes == ("n", "a and b contradict each other about the sound field; a is believed")
    assert joined() == SpatialMetadata()
    assert joined(SpatialMetadata(stereo="mono", origin=("s",)), one).stereo == "mono"
