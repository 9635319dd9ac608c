"""The verdicts that real files must get. Format conversions are written out by hand: they are another test's matter."""

import numpy as np
import pytest
import soundfile

from ambikit import check_foa

pytestmark = pytest.mark.recordings


def load(path, *, source="ambix", channels=slice(0, 4)):
    """The first four channels of a file as W, Y, Z, X in SN3D."""
    samples, sample_rate = soundfile.read(path, always_2d=True)
    signal = samples.T[channels]
    if source == "fuma":
        w, x, y, z = signal
        signal = np.stack([np.sqrt(2) * w, y, z, x])
    elif source == "n3d":
        signal = signal / np.sqrt([[1], [3], [3], [3]])
    return signal, sample_rate


def youtube(path):
    """The six channels that YouTube serves, decoded as they are: X, Y, W, silence, Z, silence."""
    av = pytest.importorskip("av")
    with av.open(str(path)) as container:
        samples = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=-1)
        return samples[[2, 1, 4, 0]], container.streams.audio[0].rate


@pytest.mark.parametrize(
    ("name", "source", "ratio", "verdict"),
    [
        ("foa/BF_rec5_fuma.ogg", "fuma", 1.016, "valid"),
        ("hoa/HOA3_rec1_01-08ch.ogg", "n3d", 0.961, "valid"),
        ("rir/room_1_fuma.wav", "fuma", 1.012, "valid"),
        ("rir/gewandhaus_n3d.wav", "n3d", 1.010, "valid"),
        ("foa/BF_rec3_fuma.ogg", "fuma", 1.127, "doubtful"),
        ("rir/room_2_01-08ch.wav", "n3d", 0.896, "doubtful"),
        ("foa/AmbixMetronome.caf", "ambix", 1.000, "doubtful"),
        ("hoa/3oa_example_ch0-ch7.wav", "ambix", 1.000, "doubtful"),
        ("foa/BF_rec1_fuma_silent_z.ogg", "fuma", 0.370, "invalid"),
        ("not_ambisonics/stereo_padded_4ch.wav", "ambix", 1.237, "invalid"),
    ],
)
def test_verdict(recordings, name, source, ratio, verdict):
    report = check_foa(*load(recordings / name, source=source))
    assert report.verdict == verdict, report
    assert report.energy_ratio == pytest.approx(ratio, abs=0.003)  # the table's filter has no phase, ours has
    assert report.passes_energy_test == (abs(ratio - 1) <= 0.1)
    assert report.normalization == ("sn3d" if abs(ratio - 1) <= 0.1 else None)


@pytest.mark.parametrize(
    ("name", "source", "words"),
    [
        ("foa/AmbixMetronome.caf", "ambix", "Z is silent"),
        ("hoa/3oa_example_ch0-ch7.wav", "ambix", "single plane wave (azimuth 0°, elevation 0°)"),
        ("foa/BF_rec1_fuma_silent_z.ogg", "fuma", "Z is silent"),
        ("not_ambisonics/stereo_padded_4ch.wav", "ambix", "stereo padded with empty channels"),
    ],
)
def test_the_reason_is_told(recordings, name, source, words):
    assert words in str(check_foa(*load(recordings / name, source=source)))


def test_the_sound_of_a_youtube_video(recordings):
    report = check_foa(*youtube(recordings / "video360/redownloaded_from_YT.m4a"))
    assert report.verdict == "doubtful"
    assert report.energy_ratio == pytest.approx(0.986, abs=0.001)
    assert "X is silent" in str(report)


@pytest.mark.parametrize(
    ("name", "ratio", "scale"),
    [
        ("foa/BF_rec5_fuma.ogg", 2.033, "fuma"),
        ("hoa/HOA3_rec1_01-08ch.ogg", 2.883, "n3d"),
        ("rir/room_1_fuma.wav", 2.028, "fuma"),
        ("rir/gewandhaus_n3d.wav", 3.032, "n3d"),
    ],
)
def test_read_without_conversion(recordings, name, ratio, scale):
    report = check_foa(*load(recordings / name))
    assert report.verdict == "invalid"
    assert report.normalization == scale
    assert report.energy_ratio == pytest.approx(ratio, abs=0.01)
    assert f"ambikit.convert(signal, '{scale}', 'ambix')" in report.proposal
    assert "guess" in str(report)


def test_stereo_of_equal_power_padded_with_silence(recordings):
    stereo, sample_rate = load(recordings / "stereo/dialog_clip_stereo.wav", channels=slice(0, 2))
    stereo = stereo / np.sqrt((stereo**2).sum(axis=-1, keepdims=True))
    report = check_foa(np.concatenate([stereo, np.zeros_like(stereo)]), sample_rate)
    assert report.energy_ratio == pytest.approx(1.0, abs=0.01)
    assert report.verdict == "invalid"
    assert "sources exactly at the two ends of the Y axis would look the same" in str(report)


SOURCES = [("foa/BF_rec5_fuma.ogg", "fuma"), ("hoa/HOA3_rec1_01-08ch.ogg", "n3d")]


@pytest.mark.parametrize(("name", "source"), SOURCES)
@pytest.mark.parametrize(("place", "other"), [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)])
def test_a_copied_channel(recordings, name, source, place, other):
    signal, sample_rate = load(recordings / name, source=source)
    signal[other] = signal[place]
    report = check_foa(signal, sample_rate)
    assert report.verdict == "invalid"
    assert "carry the same signal" in str(report)


@pytest.mark.parametrize(("name", "source"), SOURCES)
@pytest.mark.parametrize("dipole", [1, 2, 3])
def test_the_omnidirectional_channel_exchanged_with_a_dipole(recordings, name, source, dipole):
    signal, sample_rate = load(recordings / name, source=source)
    order = list(range(4))
    order[0], order[dipole] = dipole, 0
    report = check_foa(signal[order], sample_rate)
    assert report.verdict == "invalid"
    assert f"W may have changed places with {'WYZX'[dipole]}" in str(report)
    assert f"signal[{order}]" in report.proposal


@pytest.mark.parametrize(
    ("name", "source"), [*SOURCES, ("foa/BF_rec3_fuma.ogg", "fuma"), ("foa/BF_rec1_fuma_silent_z.ogg", "fuma")]
)
@pytest.mark.parametrize(
    ("order", "signs"), [([2, 1, 3], [1, 1, 1]), ([3, 1, 2], [-1, 1, 1]), ([1, 2, 3], [1, -1, -1])]
)
def test_order_and_signs_of_the_dipoles_cannot_be_seen(recordings, name, source, order, signs):
    signal, sample_rate = load(recordings / name, source=source)
    expected = check_foa(signal, sample_rate)
    turned = check_foa(signal[[0, *order]] * np.array([[1.0], *[[sign] for sign in signs]]), sample_rate)
    assert turned.verdict == expected.verdict
    assert "order and the signs of X, Y and Z among themselves are not proven" in str(turned)
