import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ambikit import AMBIX, FUMA, N3D, Convention, convert, spherical_harmonics, vectors_to_angles
from ambikit.errors import ArrayTypeError, ConventionError, ShapeError
from tests.closeness import assert_close
from tests.oracles import FURSE_MALHAM_LETTERS, furse_malham, real_spherical_harmonics

AZIMUTHS = st.floats(-np.pi, np.pi)
ELEVATIONS = st.floats(-np.pi / 2, np.pi / 2)
NAMES = ["ambix", "n3d", "fuma"]


class TestFurseMalham:
    @given(AZIMUTHS, ELEVATIONS, st.integers(0, 3))
    def test_a_source_in_the_published_closed_forms_is_a_source_in_ambix(self, azimuth, elevation, order):
        signal = furse_malham(azimuth, elevation, order)[:, None]
        expected = spherical_harmonics(azimuth, elevation, order)[:, None]
        assert_close(convert(signal, "fuma", "ambix"), expected)
        assert_close(convert(expected, "ambix", "fuma"), signal)
        assert_close(convert(signal, "fuma", "n3d")[:, 0], real_spherical_harmonics(azimuth, elevation, order, "n3d"))

    def test_the_closed_forms_have_their_maximum_at_one(self):
        # The oracle itself, on a grid fine enough to see Furse and Malham's rounded 8/11 (1.0015).
        azimuth, elevation = np.meshgrid(np.linspace(-np.pi, np.pi, 241), np.linspace(-np.pi / 2, np.pi / 2, 4001))
        maxima = np.abs(furse_malham(azimuth, elevation)).max((0, 1))
        assert np.abs(maxima[1:] - 1).max() < 2e-6
        assert maxima[0] == np.sqrt(0.5)
        assert len(FURSE_MALHAM_LETTERS) == len(maxima)

    def test_first_order_by_hand(self):
        wxyz = np.array([[np.sqrt(0.5), 1.0], [2.0, 2.0], [3.0, 3.0], [4.0, 4.0]])
        assert_close(convert(wxyz, "fuma", "ambix"), np.array([[1, np.sqrt(2)], [3, 3], [4, 4], [2, 2]]))

    def test_the_same_letters_in_other_scales(self):
        up = np.array([[1.0], [0.0], [0.0], [1.0]])
        assert convert(up, Convention("fuma", "sn3d"), AMBIX)[:, 0].tolist() == [1, 0, 1, 0]
        assert convert(up, Convention("fuma", "maxn"), "ambix")[:, 0].tolist() == [1, 0, 1, 0]
        assert_close(convert(up, "ambix", Convention("acn", "fuma"))[:, 0], np.array([np.sqrt(0.5), 0, 0, 1]))


class TestN3d:
    @pytest.mark.parametrize("order", [1, 4, 9])
    def test_a_source_in_n3d_is_a_source_in_ambix(self, order):
        signal = real_spherical_harmonics(0.8, -0.5, order, "n3d")[:, None]
        assert_close(convert(signal, "n3d", "ambix")[:, 0], spherical_harmonics(0.8, -0.5, order))
        assert_close(convert(spherical_harmonics(0.8, -0.5, order)[:, None], "ambix", N3D), signal)


class TestLaws:
    @pytest.mark.parametrize("source", NAMES)
    @pytest.mark.parametrize("target", NAMES)
    def test_there_and_back(self, source, target, rng):
        signal = rng.normal(size=(2, 16, 5))
        assert_close(convert(convert(signal, source, target), target, source), signal)

    @pytest.mark.parametrize("name", NAMES)
    def test_the_same_convention_is_the_same_signal(self, name, library):
        signal = library.array(np.ones((4, 3)))
        assert convert(signal, name, name) is signal

    def test_names_are_instances(self):
        assert (Convention(), Convention("acn", "n3d"), Convention("fuma", "fuma")) == (AMBIX, N3D, FUMA)
        with pytest.raises(dataclasses.FrozenInstanceError):
            AMBIX.ordering = "fuma"

    def test_spectra_and_leading_axes(self, library, rng):
        spectrum = rng.normal(size=(2, 3, 9, 4, 5)) + 1j * rng.normal(size=(2, 3, 9, 4, 5))
        converted = library.numpy(convert(library.array(spectrum), "fuma", "ambix", axis=-3))
        for bin_ in range(4):
            assert_close(converted[..., bin_, :], convert(spectrum[..., bin_, :], "fuma", "ambix"))
        only_channels = convert(library.array(spectrum[0, 0, :, 0, 0]), "fuma", "n3d", axis=-1)
        assert_close(library.numpy(only_channels), convert(spectrum[0, 0, :, 0], "fuma", "n3d")[:, 0])

    def test_nan_stays_in_its_channel(self, library):
        signal = np.ones((16, 2))
        signal[FURSE_MALHAM_LETTERS.index("S"), 1] = np.nan
        converted = library.numpy(convert(library.array(signal), "fuma", "ambix"))
        assert np.argwhere(np.isnan(converted)).tolist() == [[7, 1]]  # degree 2, index 1

    def test_zero_order(self, library):
        assert_close(library.numpy(convert(library.array(np.ones((1, 2))), "fuma", "ambix")), np.sqrt([[2.0, 2.0]]))


class TestBackends:
    @pytest.mark.parametrize("name", ["float16", "float32", "float64", "complex64", "complex128"])
    def test_dtype_is_kept(self, name, library):
        signal = library.array(np.ones((9, 4)), name)
        converted = convert(signal, "fuma", "n3d")
        assert converted.dtype == signal.dtype
        exact = convert(np.ones((9, 4)), "fuma", "n3d")
        tolerance = {"float16": "float16", "float64": "float64", "complex128": "float64"}.get(name, "float32")
        assert_close(library.numpy(converted), exact, tolerance)

    def test_gradients(self, rng):
        signal = torch.tensor(rng.normal(size=(16, 2)), requires_grad=True)
        assert torch.autograd.gradcheck(lambda x: convert(x, "fuma", "n3d"), signal)

    @pytest.mark.usefixtures("no_shape_hook")
    def test_compiles_and_maps(self, rng):
        signal = torch.tensor(rng.normal(size=(3, 9, 4)))
        expected = convert(signal, "fuma", "ambix").numpy()
        compiled = torch.compile(lambda x: convert(x, "fuma", "ambix"), fullgraph=True, backend="eager")
        assert_close(compiled(signal).numpy(), expected)
        assert_close(torch.vmap(lambda x: convert(x, "fuma", "ambix"))(signal).numpy(), expected)


@pytest.mark.usefixtures("no_shape_hook")
class TestErrors:
    @pytest.mark.parametrize(
        ("channels", "letters"),
        [
            (3, "W X Y "),
            (5, "W X Y U V "),
            (6, "W X Y Z U V "),
            (7, "W X Y U V P Q "),
            (8, "W X Y Z U V P Q "),
            (11, "W X Y Z R S T U V P Q "),
        ],
    )
    def test_partial_furse_malham_sets_are_named(self, channels, letters):
        with pytest.raises(ConventionError, match=rf"{channels} channels.*the set {letters}\(.*order.*silent channels"):
            convert(np.zeros((channels, 10)), "fuma", "ambix")

    def test_other_counts_are_no_sphere(self):
        with pytest.raises(ShapeError, match="10 channels"):
            convert(np.zeros((10, 4)), "fuma", "ambix")
        with pytest.raises(ShapeError, match="5 channels"):
            convert(np.zeros((5, 4)), "ambix", "n3d")

    @pytest.mark.parametrize(
        ("source", "target"), [("fuma", "ambix"), ("n3d", "fuma"), (Convention("acn", "maxn"), AMBIX)]
    )
    def test_furse_malham_ends_at_third_order(self, source, target):
        with pytest.raises(ConventionError, match=r"25 channels.*order 4.*only up to order 3.*'ambix' or 'n3d'"):
            convert(np.zeros((25, 4)), source, target)

    def test_unknown_words(self):
        with pytest.raises(ConventionError, match="source='AmbiX'.*'ambix', 'n3d', 'fuma'"):
            convert(np.zeros((4, 2)), "AmbiX", "ambix")
        with pytest.raises(ConventionError, match="target=None"):
            convert(np.zeros((4, 2)), "ambix", None)
        with pytest.raises(ConventionError, match="ordering='sid'.*'acn', 'fuma'"):
            Convention(ordering="sid")
        with pytest.raises(ConventionError, match="normalization='n2d'"):
            Convention(normalization="n2d")

    def test_integers_empty_signals_and_lists(self):
        with pytest.raises(ArrayTypeError, match="32768"):
            convert(np.zeros((4, 2), np.int16), "fuma", "ambix")
        with pytest.raises(ArrayTypeError, match="list"):
            convert([[1.0]], "fuma", "ambix")
        with pytest.raises(ShapeError, match="empty"):
            convert(np.zeros((4, 0)), "ambix", "ambix")
        with pytest.raises(ShapeError, match="axis=0"):
            convert(np.zeros((4, 3)), "fuma", "ambix", axis=0)


@pytest.mark.recordings
class TestRealRecordings:
    @staticmethod
    def below_4_khz(path, samples):
        import soundfile

        signal, sample_rate = soundfile.read(path, frames=samples)
        spectrum = np.fft.rfft(signal.T)
        return spectrum[:, np.fft.rfftfreq(len(signal), 1 / sample_rate) < 4000]

    def test_furse_malham(self, recordings):
        # Known of this recording: energies that agree in SN3D, and sound mainly from azimuth 10°, elevation −20°.
        spectrum = self.below_4_khz(recordings / "foa" / "BF_rec5_fuma.ogg", 44100 * 17)
        w, *yzx = convert(spectrum, "fuma", "ambix")
        assert 0.9 < np.sum(np.abs(yzx) ** 2) / np.sum(np.abs(w) ** 2) < 1.1
        y, z, x = (np.sum((np.conj(w) * dipole).real) for dipole in yzx)
        azimuth, elevation = vectors_to_angles([x, y, z], degrees=True)
        assert abs(azimuth - 10) < 5
        assert abs(elevation + 20) < 5

    def test_n3d(self, recordings):
        spectrum = self.below_4_khz(recordings / "hoa" / "HOA3_rec1_01-08ch.ogg", 44100 * 5)[:4]
        w, *yzx = convert(spectrum, "n3d", "ambix")
        assert 0.9 < np.sum(np.abs(yzx) ** 2) / np.sum(np.abs(w) ** 2) < 1.1
