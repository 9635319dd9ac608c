import sys
import warnings

import numpy as np
import pytest

from ambikit import (
    FileError,
    HrirSet,
    MissingExtraError,
    angles_to_vectors,
    angular_distance,
    fibonacci_grid,
    read_hrirs,
)
from ambikit.errors import AmbikitError, ShapeError
from tests.closeness import assert_close

sofar = pytest.importorskip("sofar")

AZIMUTH = np.array([0.0, 90.0, 180.0, 270.0, 0.0, 0.0])
ELEVATION = np.array([0.0, 0.0, 0.0, 0.0, 90.0, -90.0])


def pulses(left=(5, 2, 5, 9, 5, 5), right=(5, 9, 5, 2, 5, 5), taps=16):
    """One pulse per direction and ear: louder and earlier at the ear that is nearer."""
    responses = np.zeros((len(left), 2, taps))
    for ear, places in enumerate((left, right)):
        for direction, place in enumerate(places):
            responses[direction, ear, place] = 5 / place
    return responses


@pytest.fixture
def write(tmp_path):
    def write(name="set.sofa", responses=None, **fields):
        sofa = sofar.Sofa("SimpleFreeFieldHRIR")
        sofa.Data_IR = pulses() if responses is None else responses
        sofa.Data_SamplingRate = 48000
        sofa.SourcePosition = np.stack([AZIMUTH, ELEVATION, np.full(6, 1.2)], axis=-1)
        for key, value in fields.items():
            setattr(sofa, key, value)
        sofar.write_sofa(str(tmp_path / name), sofa)
        return tmp_path / name

    return write


def direction_of(hrirs, index):
    return angles_to_vectors(hrirs.azimuth[index], hrirs.elevation[index])


class TestReading:
    def test_spherical_positions(self, write):
        hrirs = read_hrirs(write())
        assert_close(
            angles_to_vectors(hrirs.azimuth, hrirs.elevation), angles_to_vectors(AZIMUTH, ELEVATION, degrees=True)
        )
        assert np.array_equal(hrirs.responses, pulses())
        assert hrirs.responses.dtype == np.float64
        assert hrirs.sample_rate == 48000
        assert "set.sofa" in hrirs.source

    def test_cartesian_positions(self, write):
        """x front, y left, z up, as everywhere; seen from where the listener is."""
        vectors = np.array([[2, 0, 0], [0, 2, 0], [-2, 0, 0], [0, -2, 0], [0, 0, 2], [0, 0, -2.0]])
        file = write(
            SourcePosition=vectors + np.array([0, 0, 1.5]),
            SourcePosition_Type="cartesian",
            SourcePosition_Units="metre",
            ListenerPosition=[0, 0, 1.5],
        )
        hrirs = read_hrirs(file)
        assert_close(angles_to_vectors(hrirs.azimuth, hrirs.elevation), vectors / 2)

    def test_a_turned_listener(self, write):
        """A listener who looks to +90° hears what lies at +90° in front; what was in front comes from the right."""
        turned = pulses(left=(9, 5, 2, 5, 5, 5), right=(2, 5, 9, 5, 5, 5))
        hrirs = read_hrirs(write(responses=turned, ListenerView=[0, 1, 0]))
        assert_close(direction_of(hrirs, 1), np.array([1.0, 0, 0]))
        assert_close(direction_of(hrirs, 0), np.array([0, -1.0, 0]))
        assert_close(direction_of(hrirs, 4), np.array([0, 0, 1.0]))

    def test_whole_delays(self, write):
        """Data.Delay is silence before the response: 3 samples left, 1 right."""
        hrirs = read_hrirs(write(Data_Delay=[[3, 1]]))
        assert hrirs.responses.shape == (6, 2, 19)
        assert_close(hrirs.responses[:, 0, 3:], pulses()[:, 0])
        assert_close(hrirs.responses[:, 1, 1:17], pulses()[:, 1])
        assert abs(hrirs.responses[:, 0, :3]).max() < 1e-14

    def test_delays_per_direction(self, write):
        delays = np.stack([np.arange(6.0), np.zeros(6)], axis=-1)
        hrirs = read_hrirs(write(Data_Delay=delays, responses=pulses(left=(5, 1, 3, 4, 1, 1))))
        peaks = abs(hrirs.responses[:, 0]).argmax(-1)
        assert peaks.tolist() == [5, 2, 5, 7, 5, 6]

    def test_a_fraction_of_a_sample(self, write):
        """Half a sample: the phase of every frequency below Nyquist falls by π f / sample_rate."""
        responses = np.zeros((6, 2, 64))
        responses[:, :, 24:41] = np.hanning(17)
        responses[:, 0] *= (1 + angles_to_vectors(AZIMUTH, ELEVATION, degrees=True)[:, 1:2]) / 2 + 0.1
        plain, delayed = (
            read_hrirs(write(responses=responses, Data_Delay=[[delay, 0]])).responses for delay in (0, 0.5)
        )
        frequency = np.arange(12) / 128  # where a Hann pulse of 17 samples has its energy
        kernel = np.exp(-2j * np.pi * frequency[:, None] * np.arange(delayed.shape[-1]))
        expected = kernel[:, :64] @ plain[0, 0] * np.exp(-1j * np.pi * frequency)
        np.testing.assert_allclose(kernel @ delayed[0, 0], expected, atol=1e-3 * abs(expected).max())

    def test_the_farthest_of_several_distances(self, write):
        file = write(
            responses=np.concatenate([2 * pulses(), pulses()]),
            SourcePosition=np.stack([np.tile(AZIMUTH, 2), np.tile(ELEVATION, 2), np.repeat([0.3, 1.2], 6)], axis=-1),
        )
        with pytest.warns(UserWarning, match=r"0.30 to 1.20 m.*6 of 12"):
            assert np.array_equal(read_hrirs(file).responses, pulses())

    def test_any_file_name(self, write):
        file = write()
        renamed = file.rename(file.with_suffix(".data"))
        assert read_hrirs(renamed).responses.shape == (6, 2, 16)


class TestEars:
    """+90° is the left: there the left ear is louder and earlier, whatever the file says of its receivers."""

    def assert_left_first(self, hrirs):
        left = int(np.argmin(angular_distance(hrirs.azimuth, hrirs.elevation, np.pi / 2, 0)))
        energy, onset = (hrirs.responses[left] ** 2).sum(-1), abs(hrirs.responses[left]).argmax(-1)
        assert energy[0] > 1.5 * energy[1]
        assert onset[0] < onset[1]

    def test_left_ear_first(self, write):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self.assert_left_first(read_hrirs(write()))

    def test_right_ear_first_and_said_so(self, write):
        file = write(responses=pulses()[:, ::-1], ReceiverPosition=[[0, -0.09, 0], [0, 0.09, 0]])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self.assert_left_first(read_hrirs(file))

    def test_a_file_that_says_it_wrongly(self, write):
        """Files of the older tools have the left ear first, and its position with the wrong sign."""
        file = write(ReceiverPosition=[[0, -0.09, 0], [0, 0.09, 0]])
        with pytest.warns(UserWarning, match="the second receiver is the left ear, but the first one"):
            self.assert_left_first(read_hrirs(file))

    def test_where_the_sound_does_not_tell_the_file_decides(self, write):
        responses = np.zeros((6, 2, 4))
        responses[:, 0, 1], responses[:, 1, 2] = 1, 1
        for left, sign in ((1, 1), (2, -1)):
            file = write(responses=responses, ReceiverPosition=[[0, sign * 0.09, 0], [0, -sign * 0.09, 0]])
            assert read_hrirs(file).responses[0, 0].argmax() == left

    @pytest.mark.recordings
    def test_a_dummy_head(self, recordings):
        hrirs = read_hrirs(recordings / "hrir" / "mit_kemar_normal_pinna.sofa")
        assert hrirs.responses.shape == (710, 2, 512)
        assert hrirs.sample_rate == 44100
        assert "KEMAR" in hrirs.source
        self.assert_left_first(hrirs)
        # every source on the left, beyond 10° off the median plane, is louder on the left
        energy = (hrirs.responses**2).sum(-1)
        side = angles_to_vectors(hrirs.azimuth, hrirs.elevation)[:, 1]
        assert (energy[side > 0.2, 0] > energy[side > 0.2, 1]).all()

    @pytest.mark.recordings
    def test_an_old_version(self, recordings):
        """SOFA 0.6: pulses after 100 samples in 1250 directions on one side of a tilted frame."""
        hrirs = read_hrirs(recordings / "hrir" / "Pulse.sofa")
        assert hrirs.responses.shape == (1250, 2, 256)
        assert hrirs.sample_rate == 48000
        assert (hrirs.responses.argmax(-1) == 100).all()
        assert (hrirs.responses.sum(-1) == 1).all()
        assert np.degrees(hrirs.azimuth[0]) == pytest.approx(82.89292389)
        assert np.degrees(hrirs.elevation[0]) == pytest.approx(-7.05302213)


class TestRefusals:
    @pytest.mark.recordings
    def test_another_convention(self, recordings):
        with pytest.raises(FileError, match=r"convention GeneralFIR-E \(FIR-E\).*expected SimpleFreeFieldHRIR"):
            read_hrirs(recordings / "hrir" / "testfile.sofa")

    def test_transfer_functions(self, tmp_path):
        sofa = sofar.Sofa("SimpleFreeFieldHRTF")
        sofar.write_sofa(str(tmp_path / "tf.sofa"), sofa)
        with pytest.raises(FileError, match="SimpleFreeFieldHRTF.*expected SimpleFreeFieldHRIR"):
            read_hrirs(tmp_path / "tf.sofa")

    @pytest.mark.parametrize("kept", [0.001, 0.02, 0.3, 0.7, 0.95, 0.999])
    def test_a_file_that_was_cut_off(self, write, kept):
        whole = write(responses=np.random.default_rng(0).normal(size=(6, 2, 256)) * [[1.0], [1.0]])
        content = whole.read_bytes()
        whole.write_bytes(content[: int(kept * len(content))])
        with pytest.raises(FileError, match="cut off|damaged|starts with"):
            read_hrirs(whole)

    def test_other_files(self, tmp_path):
        (tmp_path / "sound.sofa").write_bytes(b"RIFF\0\0\0\0WAVE")
        with pytest.raises(FileError, match="starts with the bytes 52 49 46 46.*expected a SOFA file"):
            read_hrirs(tmp_path / "sound.sofa")
        with pytest.raises(FileError, match="nothing is there"):
            read_hrirs(tmp_path / "none.sofa")
        with pytest.raises(FileError, match="a folder"):
            read_hrirs(tmp_path)

    def test_an_hdf5_file_that_is_not_sofa(self, tmp_path):
        h5py = pytest.importorskip("h5py")
        with h5py.File(tmp_path / "data.sofa", "w") as file:
            file["x"] = np.zeros(3)
        with pytest.raises(FileError, match="convention unknown"):
            read_hrirs(tmp_path / "data.sofa")

    def test_a_claim_that_would_fill_memory(self, write):
        h5py = pytest.importorskip("h5py")
        file = write()
        with h5py.File(file, "a") as data:
            del data["Data.IR"]
            data.create_dataset("Data.IR", shape=(100_000, 2, 100_000), chunks=(1, 2, 1000), dtype="f8")
        with pytest.raises(FileError, match="100000 responses of 100000 samples|cannot be read"):
            read_hrirs(file)

    def test_values_that_are_missing(self, write):
        broken = pulses()
        broken[2, 1, 3] = np.nan
        with pytest.raises(FileError, match="not finite in Data.IR"):
            read_hrirs(write(responses=broken))

    def test_negative_delays(self, write):
        with pytest.raises(FileError, match="delays from -1 to 0"):
            read_hrirs(write(Data_Delay=[[-1, 0]]))

    def test_without_sofar(self, write, monkeypatch):
        file = write()
        monkeypatch.setitem(sys.modules, "sofar", None)
        with pytest.raises(MissingExtraError, match=r"ambikit\[sofa\]"):
            read_hrirs(file)


class TestHrirSet:
    def test_cells_of_a_dense_grid_are_equal(self):
        azimuth, elevation = fibonacci_grid(500)
        weights = HrirSet(azimuth, elevation, np.ones((500, 2, 1)), 48000).sphere_weights()
        assert weights.sum() == pytest.approx(1)
        assert weights.min() > 0.9 / 500
        assert weights.max() < 1.2 / 500

    def test_a_direction_measured_twice_shares_its_cell(self):
        azimuth, elevation = np.radians(AZIMUTH), np.radians(ELEVATION)
        twice = HrirSet(np.append(azimuth, 0.0), np.append(elevation, 0.0), np.ones((7, 2, 1)), 48000)
        assert_close(twice.sphere_weights(), np.array([1, 2, 2, 2, 2, 2, 1]) / 12)

    def test_given_weights(self):
        hrirs = HrirSet(np.zeros(2), np.zeros(2), np.ones((2, 2, 1)), 48000, weights=np.array([1.0, 3.0]))
        assert hrirs.sphere_weights().tolist() == [0.25, 0.75]

    def test_a_ring_spans_no_sphere(self):
        ring = HrirSet(np.arange(8) * np.pi / 4, np.zeros(8), np.ones((8, 2, 1)), 48000)
        with pytest.raises(AmbikitError, match="span no sphere"):
            ring.sphere_weights()

    @pytest.mark.parametrize("rate", [24000, 44100, 96000])
    def test_another_rate_keeps_the_frequency_response(self, rate):
        responses = np.zeros((1, 2, 256))
        responses[0, :, 100:133] = np.hanning(33) * [[1.0], [0.5]]
        hrirs = HrirSet(np.zeros(1), np.zeros(1), responses, 48000)
        resampled = hrirs.resampled(rate)
        assert resampled.sample_rate == rate
        for frequency in (0, 500, 2000):
            plain, new = (
                h.responses @ np.exp(-2j * np.pi * frequency * np.arange(h.responses.shape[-1]) / h.sample_rate)
                for h in (hrirs, resampled)
            )
            np.testing.assert_allclose(new, plain, rtol=0.01)
        assert hrirs.resampled(48000) is hrirs

    def test_arrays_that_do_not_belong_together(self, no_shape_hook):
        good = np.ones((2, 2, 4))
        for azimuth, responses in (
            (np.zeros(3), good),
            (np.zeros(2), np.ones((2, 4, 2))),
            (np.zeros(2), np.ones((2, 4))),
        ):
            with pytest.raises(ShapeError):
                HrirSet(azimuth, np.zeros(2), responses, 48000)
        with pytest.raises(AmbikitError, match="finite"):
            HrirSet(np.zeros(2), np.zeros(2), good * np.nan, 48000)
        with pytest.raises(AmbikitError, match="sample_rate"):
            HrirSet(np.zeros(2), np.zeros(2), good, 0)
        with pytest.raises(AmbikitError, match="negative"):
            HrirSet(np.zeros(2), np.zeros(2), good, 48000, weights=np.array([-1.0, 2.0]))
