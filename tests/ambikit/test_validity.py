"""The verdicts on hand-made scenes; those on real recordings are in test_validity_recordings.py."""

import re
from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import ambikit
from ambikit import AmbikitError, ArrayTypeError, FoaReport, ShapeError, check_foa
from ambikit.analysis import block_statistics
from ambikit.analysis.validity import check_in_blocks

RATE = 24000
SQRT3 = np.sqrt(3.0)


def plane_waves(azimuth, elevation, sources):
    """First-order AmbiX written out by hand, in degrees: W, Y, Z, X."""
    azimuth, elevation = np.radians(azimuth), np.radians(elevation)
    gains = [
        np.ones(len(sources)),
        np.sin(azimuth) * np.cos(elevation),
        np.sin(elevation),
        np.cos(azimuth) * np.cos(elevation),
    ]
    return np.stack(gains) @ sources


def scene(seed=0, seconds=1.0, waves=5):
    """Uncorrelated sources all around in diffuse sound (dipoles at 1/√3 of W)."""
    rng = np.random.default_rng(seed)
    time = int(seconds * RATE)
    azimuth, elevation = rng.uniform(-180, 180, waves), np.degrees(np.arcsin(rng.uniform(-0.9, 0.9, waves)))
    sources = rng.standard_normal((waves, time)) * rng.uniform(0.4, 1.0, (waves, 1))
    diffuse = 0.5 * rng.standard_normal((4, time)) / np.array([[1], [SQRT3], [SQRT3], [SQRT3]])
    return plane_waves(azimuth, elevation, sources) + diffuse


SCENE = scene()


def reasons(report):
    return " ".join(report.reasons)


class TestVerdicts:
    def test_a_mixture_of_sources_and_diffuse_sound_is_valid(self):
        for seed in range(5):
            report = check_foa(scene(seed), RATE)
            assert report.verdict == "valid", report
            assert report.valid
            assert report.passes_energy_test
            assert report.normalization == "sn3d"
            assert report.proposal is None

    def test_the_ratio_is_the_one_of_the_paper(self):
        """By hand, below 8 kHz sample rate, where no low-pass is needed: (1 + 4 + 4) / 16."""
        signal = np.array([[4.0, 0.0], [1.0, 0.0], [0.0, 2.0], [0.0, 2.0]])
        report = check_foa(signal, 8000)
        assert report.energy_ratio == pytest.approx(9 / 16, abs=1e-15)
        assert not report.passes_energy_test

    def test_correlated_sources_are_doubtful(self):
        source = np.random.default_rng(1).standard_normal((1, RATE))
        signal = plane_waves([0.0, 60.0], [0.0, 0.0], np.repeat(source, 2, axis=0)) + 0.05 * SCENE
        report = check_foa(signal, RATE)
        assert report.verdict == "doubtful"
        assert report.normalization is None
        assert report.energy_ratio == pytest.approx(0.75, abs=0.02)  # |1 + e^{i60°}|² / 4

    @pytest.mark.parametrize(("scale", "ratio"), [("n3d", 3.0), ("fuma", 2.0)])
    def test_another_scale_is_guessed_and_the_proposal_repairs_it(self, scale, ratio):
        signal = SCENE.copy()
        if scale == "n3d":
            signal[1:] *= SQRT3
        else:
            signal[0] /= np.sqrt(2)
            signal = signal[[0, 3, 1, 2]]  # FuMa order: W, X, Y, Z
        report = check_foa(signal, RATE)
        assert report.verdict == "invalid"
        assert report.normalization == scale
        assert report.energy_ratio == pytest.approx(ratio, rel=0.1)
        assert "guess" in reasons(report)
        repaired = eval(report.proposal.split(" or ")[0], {"ambikit": ambikit, "signal": signal})
        assert check_foa(repaired, RATE).valid

    @pytest.mark.parametrize("dipole", [1, 2, 3])
    def test_a_dipole_in_the_place_of_the_omnidirectional_channel(self, dipole):
        order = list(range(4))
        order[0], order[dipole] = dipole, 0
        report = check_foa(SCENE[order], RATE)
        assert report.verdict == "invalid"
        assert f"W may have changed places with {'WYZX'[dipole]}" in reasons(report)
        assert f"signal[{order}]" in report.proposal

    @pytest.mark.parametrize(
        ("energy", "title", "left"), [(2.25, "FuMa", 1.125), (3.6, "N3D", 1.2)], ids=["fuma", "n3d"]
    )
    def test_the_nearest_scale_is_named_where_none_fits(self, energy, title, left):
        report = check_foa(np.sqrt([[1], [energy], [energy], [energy]]) * SCENE, RATE)
        assert report.normalization is None
        said = re.search(r"the nearest is (\w+) .*, which would leave (\d\.\d\d)", reasons(report))
        assert said.group(1) == title
        assert abs(float(said.group(2)) - left) < 0.02

    def test_a_dipole_may_be_as_loud_as_the_omnidirectional_channel_but_not_louder(self):
        """The two sides of the rule, 1.1 times the energy of W, in signals that pass the energy test."""
        rng = np.random.default_rng(3)
        uncorrelated = np.linalg.qr(rng.standard_normal((RATE, 4)))[0].T
        verdicts = []
        for energy in (1.05, 1.15):
            levels = np.sqrt([[1.0], [energy], [1e-2], [1e-2]])
            verdicts.append(check_foa(levels * uncorrelated, 8000, tolerance=0.3).verdict)
        assert verdicts == ["valid", "invalid"]

    @pytest.mark.parametrize(("place", "other"), [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)])
    @pytest.mark.parametrize("sign", [1.0, -1.0])
    def test_a_copied_channel(self, place, other, sign):
        signal = SCENE.copy()
        signal[other] = sign * signal[place]
        report = check_foa(signal, RATE)
        assert report.verdict == "invalid"
        assert f"{'WYZX'[place]} and {'WYZX'[other]} carry the same signal" in reasons(report)
        assert ("would look the same" in reasons(report)) == (place > 0)

    def test_mono_copied_into_all_channels(self):
        report = check_foa(np.repeat(SCENE[:1], 4, axis=0), RATE)
        assert report.verdict == "invalid"
        assert "W, Y, Z and X carry the same signal" in reasons(report)

    def test_a_scaled_copy_is_doubtful(self):
        """Sources in one vertical plane at azimuth 30° make Y = tan(30°) X: a scene, or a copy with a gain."""
        rng = np.random.default_rng(2)
        waves = plane_waves([30.0, 30.0, -150.0], [-50.0, 10.0, 45.0], rng.standard_normal((3, RATE)))
        report = check_foa(waves, RATE)
        assert report.verdict == "doubtful"
        assert "Y and X carry the same signal, 4.8 dB apart" in reasons(report)

    def test_stereo_padded_with_silence_passes_the_energy_test_and_is_invalid(self):
        left, right = np.random.default_rng(5).standard_normal((2, RATE))
        shared = np.random.default_rng(6).standard_normal(RATE)
        stereo = np.stack([shared + left, shared + right])
        stereo /= np.sqrt((stereo**2).sum(axis=-1, keepdims=True))
        report = check_foa(np.concatenate([stereo, np.zeros_like(stereo)]), 8000)
        assert report.energy_ratio == pytest.approx(1.0)
        assert report.passes_energy_test
        assert report.verdict == "invalid"
        assert report.normalization is None
        assert "stereo" in reasons(report)
        assert "ends of the Y axis would look the same" in reasons(report)

    def test_mono_in_w(self):
        report = check_foa(SCENE * np.array([[1.0], [0], [0], [0]]), RATE)
        assert (report.verdict, report.proposal) == ("invalid", "signal[:1] as a mono signal")

    def test_silent_omnidirectional_channel(self):
        report = check_foa(SCENE * np.array([[0.0], [1], [1], [1]]), RATE)
        assert report.verdict == "invalid"
        assert report.energy_ratio == float("inf")
        assert "W is silent" in reasons(report)

    @pytest.mark.parametrize("level_db", [-np.inf, -70.0])
    def test_a_silent_dipole(self, level_db):
        """60 dB down is silent: with the energy test passed it may be a planar scene, otherwise it is a defect."""
        sources = np.random.default_rng(7).standard_normal((3, RATE))
        floor = 10 ** (level_db / 20) * np.random.default_rng(8).standard_normal(RATE)
        planar = plane_waves([10.0, 130.0, -80.0], [0.0, 0.0, 0.0], sources)
        planar[2] = floor
        report = check_foa(planar, RATE)
        assert report.verdict == "doubtful", report
        assert report.normalization == "sn3d"
        assert "Z is silent" in reasons(report)
        broken = plane_waves([10.0, 130.0, -80.0], [40.0, 50.0, -60.0], sources)
        broken[2] = floor
        assert check_foa(broken, RATE).verdict == "invalid"

    def test_not_silent_is_not_silent(self):
        sources = np.random.default_rng(7).standard_normal((3, RATE))
        planar = plane_waves([10.0, 130.0, -80.0], [0.0, 0.0, 0.0], sources)
        planar[2] = 10 ** (-50 / 20) * sources[0]
        assert check_foa(planar, RATE).verdict == "valid"

    @pytest.mark.parametrize(("azimuth", "elevation"), [(0, 0), (90, 0), (0, -90), (30, 20), (-135, 35)])
    def test_a_single_plane_wave_is_doubtful_and_its_direction_is_told(self, azimuth, elevation):
        source = np.random.default_rng(9).standard_normal((1, RATE))
        report = check_foa(plane_waves([azimuth], [elevation], source), RATE)
        assert report.verdict == "doubtful"
        assert report.energy_ratio == pytest.approx(1.0)
        assert "single plane wave" in reasons(report)
        assert f"elevation {elevation}°" in reasons(report)
        if abs(elevation) < 90:
            assert f"azimuth {azimuth}°" in reasons(report)

    def test_digital_silence(self):
        report = check_foa(np.zeros((4, 100)), RATE)
        assert report.verdict == "doubtful"
        assert np.isnan(report.energy_ratio)
        assert not report.passes_energy_test

    def test_sound_above_the_low_pass_alone(self):
        time = np.arange(96000) / 96000
        window = np.sin(np.pi * time) ** 2
        signal = window * np.cos(2 * np.pi * 30000 * time) * np.array([[1.0], [0.6], [0.2], [0.75]])
        report = check_foa(signal, 96000)
        assert report.verdict == "doubtful"
        assert "4 kHz" in reasons(report)

    def test_what_happens_above_4_khz_does_not_matter(self):
        """Aliasing of microphone arrays: a loud 12 kHz in Y alone is not heard by the test."""
        signal = scene(seconds=2.0)  # taken as one second at 48 kHz
        time = np.arange(signal.shape[-1]) / 48000
        signal[1] += 20 * np.sin(np.pi * time) ** 2 * np.sin(2 * np.pi * 12000 * time)
        report = check_foa(signal, 48000)
        assert report.verdict == "valid"
        assert report.figures["share_below_4_khz"] < 0.1

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("block", [100, 1 << 16])
    def test_not_finite(self, monkeypatch, bad, block):
        monkeypatch.setattr(block_statistics, "BLOCK", block)
        signal = SCENE.copy()
        signal[2, 12000] = bad
        signal[1, 12001:12500] = bad
        report = check_foa(signal, RATE)
        assert report.verdict == "invalid"
        assert np.isnan(report.energy_ratio)
        assert f"500 of them are nan or infinite, the first ({bad}) in Z at sample 12000 (0.500 s)" in reasons(report)

    def test_remarks_do_not_touch_the_verdict(self):
        clipped = np.clip(np.cumsum(SCENE, axis=-1), -5, 5)
        assert "perhaps clipped" in reasons(check_foa(clipped, RATE))
        shifted = SCENE + 0.3 * np.array([[1.0], [0.6], [0.0], [0.8]]) * np.abs(SCENE).std()
        report = check_foa(shifted, RATE)
        assert report.valid
        assert "Direct current" in reasons(report)


class TestLaws:
    @given(
        seed=st.integers(0, 1000),
        order=st.permutations([1, 2, 3]),
        signs=st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3),
        defect=st.sampled_from(["none", "silent", "n3d", "copy", "swap", "planar", "one", "stereo"]),
    )
    def test_order_and_signs_of_the_dipoles_are_invisible_and_the_report_says_so(self, seed, order, signs, defect):
        signal = defective(defect, seed)
        turned = signal[[0, *order]] * np.array([[1.0], *[[sign] for sign in signs]])
        one, other = check_foa(signal, RATE), check_foa(turned, RATE)
        assert one.verdict == other.verdict
        assert one.normalization == other.normalization
        assert one.energy_ratio == pytest.approx(other.energy_ratio, rel=1e-12, nan_ok=True)
        assert "order and the signs of X, Y and Z among themselves are not proven" in one.reasons[-1]

    @given(
        exponent=st.integers(-300, 300),
        defect=st.sampled_from(["none", "silent", "n3d", "copy", "swap", "planar", "one", "stereo"]),
    )
    def test_the_level_does_not_matter(self, exponent, defect):
        signal = defective(defect, 0)
        one, other = check_foa(signal, RATE), check_foa(np.ldexp(signal, exponent), RATE)
        assert str(one) == str(other)  # scaled by a power of two: exactly the same

    @pytest.mark.parametrize("gain", [1e-6, 1e3])
    def test_the_level_does_not_matter_in_single_precision(self, gain):
        for dtype in ("float32", "float64"):
            one, other = check_foa(SCENE.astype(dtype), RATE), check_foa((SCENE * gain).astype(dtype), RATE)
            assert one.verdict == other.verdict == "valid"
            assert one.energy_ratio == pytest.approx(other.energy_ratio, rel=1e-6)

    @given(
        time=st.integers(1, 40),
        seed=st.integers(0, 2**32 - 1),
        rate=st.sampled_from([1.0, 8000.0, 8000.001, 8001.0, 16000.0, 48000.0, 192000.0]),
        values=st.sampled_from([(0.0, 1.0), (0.0, 1.0, -1.0), (1e-308, 1e308), (1.0,), (0.0, 5e-324)]),
        bad=st.sampled_from([None, np.nan, np.inf]),
        tolerance=st.sampled_from([1e-9, 0.1, 0.5, 0.999]),
    )
    def test_any_content_gets_a_verdict(self, time, seed, rate, values, bad, tolerance):
        rng = np.random.default_rng(seed)
        signal = rng.choice(values, (4, time))
        if bad is not None:
            signal[rng.integers(4), rng.integers(time)] = bad
        report = check_foa(signal, rate, tolerance=tolerance)
        assert report.verdict in ("valid", "doubtful", "invalid")
        assert report.valid == (report.verdict == "valid")
        assert all(reason.endswith(".") for reason in report.reasons)
        assert not report.valid or report.passes_energy_test
        assert str(report).startswith(report.verdict)
        assert all(isinstance(value, float) for value in report.figures.values())

    @pytest.mark.parametrize("block", [1, 7, 1000])
    def test_block_by_block_is_the_whole(self, monkeypatch, block):
        signal = np.clip(np.cumsum(defective("none", 3)[:, :2000], axis=-1), -9, 9)
        whole = check_foa(signal, RATE)
        monkeypatch.setattr(block_statistics, "BLOCK", block)
        parts = check_foa(signal, RATE)
        assert str(parts) == str(whole)
        assert parts.figures == pytest.approx(whole.figures, rel=1e-9)
        assert whole.figures["share_clipped"] > 0.01

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    @pytest.mark.parametrize("defect", ["none", "silent", "n3d", "copy", "swap", "planar", "one", "stereo"])
    def test_given_piece_by_piece(self, defect, dtype):
        signal = (defective(defect, 1) * np.linspace(0.001, 1, 6000)).astype(dtype)
        whole = check_foa(signal, RATE)
        parts = check_in_blocks(np.split(signal, [1, 700, 701, 3000], axis=-1), RATE)
        assert str(parts) == str(whole)
        assert parts.figures == pytest.approx(whole.figures, rel=1e-9, abs=1e-12, nan_ok=True)

    @pytest.mark.parametrize("bad", [[], [2500], [100, 5999]])
    def test_not_finite_piece_by_piece(self, bad):
        signal = defective("none", 1)
        signal[2, bad] = np.nan
        assert str(check_in_blocks(np.split(signal, [2000, 2400], axis=-1), RATE)) == str(check_foa(signal, RATE))

    def test_every_permutation_that_moves_w_is_told(self):
        told = [check_foa(SCENE[list(order)], RATE).verdict for order in permutations(range(4)) if order[0] != 0]
        assert set(told) == {"invalid"}


def defective(defect, seed):
    signal = scene(seed, seconds=0.25)
    if defect == "silent":
        signal[3] = 0
    elif defect == "n3d":
        signal[1:] *= SQRT3
    elif defect == "copy":
        signal[3] = signal[1]
    elif defect == "swap":
        signal = signal[[1, 0, 2, 3]]
    elif defect == "planar":
        signal = plane_waves([10.0, 130.0, -80.0], [0.0, 0.0, 0.0], signal[:3])
    elif defect == "one":
        signal = plane_waves([40.0], [-20.0], signal[:1])
    elif defect == "stereo":
        signal = np.concatenate([signal[:2], 0 * signal[2:]])
    return signal


class TestLibraries:
    @pytest.mark.parametrize("name", ["float16", "float32", "float64"])
    def test_numpy_and_torch_and_every_precision_agree(self, library, name):
        report = check_foa(library.array(SCENE, name), RATE)
        assert report.verdict == "valid"
        assert report.energy_ratio == pytest.approx(check_foa(SCENE, RATE).energy_ratio, rel=1e-3)

    def test_a_tensor_with_gradient_and_bfloat16(self):
        signal = torch.as_tensor(SCENE, dtype=torch.bfloat16).requires_grad_()
        assert check_foa(signal, RATE).verdict == "valid"

    def test_the_argument_is_left_alone(self):
        signal = SCENE.copy()
        check_foa(signal, RATE)
        np.testing.assert_array_equal(signal, SCENE)


class TestReport:
    def test_it_reads_well(self):
        text = str(check_foa(SCENE[[0, 3, 1, 2]] * np.array([[np.sqrt(0.5)], [1], [1], [1]]), RATE))
        assert text.startswith("invalid: the energy ratio is 1.984 and fails the energy test")
        assert "FuMa" in text
        assert "try: ambikit.convert(signal, 'fuma', 'ambix')" in text

    def test_figures_by_hand(self):
        """Uncorrelated channels of energies 1, 1/2, 1/4, 1/4."""
        uncorrelated = np.linalg.qr(np.random.default_rng(0).standard_normal((1000, 4)))[0].T
        report = check_foa(np.sqrt([[1.0], [0.5], [0.25], [0.25]]) * uncorrelated, 8000)
        assert report.figures["level_w_db"] == 0
        assert report.figures["level_y_db"] == pytest.approx(-3.0103, abs=1e-4)
        assert report.figures["z_to_w"] == pytest.approx(0.25)
        assert report.figures["coherence_w_x"] == pytest.approx(0.0, abs=1e-12)
        assert report.figures["strongest_component"] == pytest.approx(0.5)
        assert report.figures["share_below_4_khz"] == pytest.approx(1.0)

    def test_it_cannot_be_changed(self):
        with pytest.raises(AttributeError):
            check_foa(SCENE, RATE).verdict = "valid"
        assert isinstance(check_foa(SCENE, RATE), FoaReport)


@pytest.mark.usefixtures("no_shape_hook")
class TestErrors:
    @pytest.mark.parametrize(
        ("shape", "remedy"),
        [((9, 100), r"signal\[:4\]"), ((2, 4, 100), "for one in signal"), ((100, 4), r"signal\.T"), ((4, 0), "sample")],
    )
    def test_shapes(self, shape, remedy):
        with pytest.raises(ShapeError, match=remedy):
            check_foa(np.zeros(shape), RATE)

    def test_types(self):
        with pytest.raises(ArrayTypeError, match="32768"):
            check_foa(np.zeros((4, 10), np.int16), RATE)
        with pytest.raises(ArrayTypeError, match="list"):
            check_foa([[0.0]] * 4, RATE)
        with pytest.raises(ArrayTypeError, match="complex"):
            check_foa(np.zeros((4, 10), complex), RATE)

    @pytest.mark.parametrize("tolerance", [0, 1, -0.1, float("nan")])
    def test_tolerance(self, tolerance):
        with pytest.raises(AmbikitError, match="between 0 and 1"):
            check_foa(SCENE, RATE, tolerance=tolerance)

    def test_sample_rate(self):
        with pytest.raises(AmbikitError, match="sample_rate"):
            check_foa(SCENE, 0)
