"""The kit passes what is right, and catches what is wrong."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from rich.console import Console

import ambikit
from ambikit.conformance import NotOffered, as_lines, as_table, load_adapter, load_cases, run
from ambikit.conformance.__main__ import main
from ambikit.conformance.adapter import FUNCTIONS
from ambikit.conformance.adapters.ours import AmbikitNumPy, AmbikitTorch
from ambikit.conformance.adapters.scipy_library import SciPy, SciPyAsIfOurs
from ambikit.conformance.figures import FIGURES
from ambikit.errors import AmbikitError
from tests import make_conformance_cases

CASES = load_cases()
OURS = AmbikitNumPy()


class TestTheCases:
    def test_the_files_are_what_the_independent_sources_say(self, tmp_path):
        make_conformance_cases.write(tmp_path)
        for made in tmp_path.iterdir():
            stored = make_conformance_cases.DATA / made.name
            found, expected = (json.loads(file.read_text(encoding="utf-8"))["cases"] for file in (stored, made))
            assert len(found) == len(expected)
            for one, other in zip(found, expected):
                assert same(one, other), one["name"]
        assert {file.name for file in tmp_path.iterdir()} == {f.name for f in make_conformance_cases.DATA.iterdir()}

    def test_every_case_is_complete(self):
        assert len({case.name for case in CASES}) == len(CASES)
        for case in CASES:
            assert case.function in FUNCTIONS
            assert case.figure in FIGURES
            assert set(FUNCTIONS[case.function]) <= set(case.input)
            assert case.about
            assert case.source
            assert 0 < case.tolerance <= 1e-2

    def test_every_function_and_figure_is_asked_for(self):
        assert {case.function for case in CASES} == set(FUNCTIONS)
        assert {case.figure for case in CASES} == set(FIGURES)

    def test_a_case_hands_out_fresh_arrays(self):
        case = next(case for case in CASES if case.name == "encode/left")
        case.arguments()["signal"][:] = 7
        assert case.arguments()["signal"].tolist() == [1, 0.5]


def same(one, other):
    """Whether two pieces of JSON are alike, numbers to 1e-11 of their size."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, str):
        return one == other
    return abs(one - other) <= 1e-11 * max(1.0, abs(one))


def failed(report):
    return {*report.names("fail"), *report.names("error")}


class TestImplementations:
    def test_ours(self, library):
        classes = {("numpy", "cpu"): "AmbikitNumPy", ("torch", "cpu"): "AmbikitTorch", ("torch", "cuda"): "AmbikitCuda"}
        name = classes[library.name, library.device]
        report = run(load_adapter(f"ambikit.conformance.adapters.ours:{name}"))
        assert not failed(report)
        assert report.conforms
        assert len(report.names("pass")) == len(CASES)

    def test_ours_in_single_precision(self):
        class Single(AmbikitTorch):
            precision = 1e-5

            def array(self, x):
                tensor = super().array(x)
                return tensor.to(torch.complex64 if tensor.is_complex() else torch.float32)

        assert not failed(run(Single()))

    def test_scipy(self):
        report = run(SciPy())
        assert report.conforms
        assert {name.split("/")[0] for name in report.names("pass")} == {
            "harmonics",
            "encode",
            "rotation_matrix",
            "rotate",
        }
        careless = failed(run(SciPyAsIfOurs()))
        assert {
            "harmonics/first-order",
            "harmonics/sum-of-squares/order-4",
            "encode/left",
            "rotate/sequence",
        } <= careless
        assert not any("90" in name for name in careless)  # only the order of the turns differs

    @pytest.mark.filterwarnings("ignore")
    def test_spaudiopy(self):
        pytest.importorskip("spaudiopy")
        from ambikit.conformance.adapters.spaudiopy_library import Spaudiopy, SpaudiopyAsIfOurs

        report = run(Spaudiopy())
        assert not failed(report)
        passed = {name.split("/")[0] for name in report.names("pass")}
        assert passed >= {"harmonics", "convert", "rotate", "beam_weights", "loudspeaker_decoder", "panning_gains"}
        careless = failed(run(SpaudiopyAsIfOurs()))
        assert {f"rotate/{turn}/order-1" for turn in ("yaw+90", "pitch+90", "roll+90")} <= careless
        assert {
            "harmonics/first-order",
            "encode/up",
            "convert/fuma-to-ambix/order-1",
            "beam_weights/max_re/order-2",
        } <= careless
        assert not any(name.startswith(("loudspeaker_decoder", "panning_gains")) for name in careless)


def n3d(result, channels_first):
    scale = np.sqrt(2 * np.floor(np.sqrt(np.arange(result.shape[0 if channels_first else -1]))) + 1)
    return result * (scale[:, None] if channels_first else scale)


def transposed_above_first_order(matrix):
    turned = matrix.T.copy()
    turned[:4, :4] = matrix[:4, :4]
    return turned


def dcase_intensity(spectrum):
    w, *rest = spectrum
    y, z, x = rest
    energy = np.abs(w) ** 2 + sum(np.abs(c) ** 2 for c in rest) / 3
    return np.real(np.conj(w) * np.stack([x, y, z])) / np.where(energy == 0, 1, energy)


def diffuseness_of_means_of_ratios(spectrum):
    return 1 - np.sqrt((OURS.intensity(spectrum).mean(-1) ** 2).sum(0))


# What is broken, which function it replaces, and some of the cases that must notice.
MUTATIONS = {
    "azimuth clockwise": (
        "harmonics", lambda a, e, n: OURS.harmonics(-a, e, n), ["harmonics/first-order", "harmonics/order-5"],
    ),
    "zenith for elevation": (
        "harmonics", lambda a, e, n: OURS.harmonics(a, np.pi / 2 - e, n), ["harmonics/first-order"],
    ),
    "degrees for radians": (
        "harmonics", lambda a, e, n: OURS.harmonics(np.degrees(a), np.degrees(e), n), ["harmonics/first-order"],
    ),
    "N3D for SN3D": (
        "harmonics", lambda a, e, n: n3d(OURS.harmonics(a, e, n), False),
        ["harmonics/first-order", "harmonics/sum-of-squares/order-20"],
    ),
    "Condon-Shortley phase": (
        "harmonics",
        lambda a, e, n: OURS.harmonics(a, e, n) * (-1) ** np.concatenate([np.arange(-k, k + 1) for k in range(n + 1)]),
        ["harmonics/first-order", "harmonics/order-3"],
    ),
    "wrong above order 4": (
        "harmonics", lambda a, e, n: OURS.harmonics(a, e, n) * (np.arange((n + 1) ** 2) != 30),
        ["harmonics/order-5", "harmonics/sum-of-squares/order-10"],
    ),
    "W X Y Z for W Y Z X": (
        "encode", lambda s, a, e, n: OURS.encode(s, a, e, n)[[0, 3, 1, 2, *range(4, (n + 1) ** 2)]],
        ["encode/left", "encode/front", "encode/up"],
    ),
    "elevation downwards": ("encode", lambda s, a, e, n: OURS.encode(s, a, -e, n), ["encode/up", "encode/down"]),
    "FuMa with a full W": (
        "convert",
        lambda s, a, b: OURS.convert(s * np.where(np.arange(len(s)) + 3 * (a != "fuma"), 1, np.sqrt(2))[:, None], a, b),
        ["convert/fuma-to-ambix/order-1", "convert/fuma-factors"],
    ),
    "FuMa without the factors of order 3": (
        "convert",
        lambda s, a, b: OURS.convert(s, a, b) * (1 + 0.005 * (np.arange(len(s)) > 8))[:, None],
        ["convert/fuma-factors", "convert/ambix-to-fuma/order-3"],
    ),
    "reflected in the wrong plane": (
        "mirror", lambda s, p: OURS.mirror(s, {"left_right": "front_back"}.get(p, p)), ["mirror/left_right"],
    ),
    "yaw to the right": (
        "rotate", lambda s, y, p, r: OURS.rotate(s, -y, p, r), ["rotate/yaw+90/order-1", "rotate/yaw+90/order-7"],
    ),
    "pitch upwards": (
        "rotate", lambda s, y, p, r: OURS.rotate(s, y, -p, r), ["rotate/pitch+90/order-1", "rotate/resonance/right"],
    ),
    "roll the other way": (
        "rotate", lambda s, y, p, r: OURS.rotate(s, y, p, -r), ["rotate/roll+90/order-3", "rotate/resonance/back"],
    ),
    "the inverse": (
        "rotate", lambda s, y, p, r: OURS.rotation_matrix(y, p, r, round(len(s) ** 0.5) - 1).T @ s,
        ["rotate/yaw+90/order-1", "rotate/any-pose/order-5"],
    ),
    "another order of the turns": (
        "rotate", lambda s, y, p, r: OURS.rotate(OURS.rotate(OURS.rotate(s, y, 0, 0), 0, p, 0), 0, 0, r),
        ["rotate/sequence", "rotate/any-pose/order-1"],
    ),
    "the inverse above first order": (
        "rotation_matrix", lambda y, p, r, n: transposed_above_first_order(OURS.rotation_matrix(y, p, r, n)),
        ["rotation_matrix/any-pose/order-2", "rotation_matrix/yaw-closed-form/order-3"],
    ),
    "a matrix of x, y, z": (
        "rotation_matrix",
        lambda y, p, r, n: OURS.rotation_matrix(y, p, r, n)[np.ix_(*[[0, 3, 1, 2, *range(4, (n + 1) ** 2)]] * 2)],
        ["rotation_matrix/yaw+90", "rotation_matrix/saf"],
    ),
    "a rotation that loses energy": (
        "rotation_matrix", lambda y, p, r, n: OURS.rotation_matrix(y, p, r, n) * (1 - 1e-6),
        ["rotation_matrix/departure-from-orthogonal/order-10", "rotation_matrix/zonal/order-12"],
    ),
    "the published order of aligning": (
        "align", lambda s, a, e: OURS.rotate(OURS.rotate(s, 0, e, 0), -a, 0, 0), ["align/azimuth+120/elevation+45"],
    ),
    "aligned, but the horizon tilts": (
        "align", lambda s, a, e: OURS.rotate(OURS.align(s, a, e), 0, 0, 0.3), ["align/azimuth+60/elevation+30"],
    ),
    "max-rE by rule of thumb": (
        "beam_weights", lambda p, n: OURS.beam_weights("max_re_approximate" if p == "max_re" else p, n),
        ["beam_weights/max_re/order-1", "beam_weights/max_re/order-2/energy-vector"],
    ),
    "supercardioid taken for max-rE": (
        "beam_weights", lambda p, n: OURS.beam_weights("max_re" if p == "supercardioid" else p, n),
        ["beam_weights/supercardioid/order-2", "beam_weights/supercardioid/order-3/front-to-back-db"],
    ),
    "order weights without 2 n + 1": (
        "beam_weights", lambda p, n: (lambda b: b / b.sum())(OURS.beam_weights(p, n) / (2 * np.arange(n + 1) + 1)),
        ["beam_weights/hypercardioid/order-1/directivity-factor", "beam_weights/first-order/cardioid"],
    ),
    "gain 2 ahead": (
        "beam_weights", lambda p, n: 2 * OURS.beam_weights(p, n), ["beam_weights/cardioid/order-1/gain-ahead"],
    ),
    "a beam of N3D channels": (
        "beamform", lambda s, a, e, p: OURS.beamform(n3d(s, True), a, e, p), ["beamform/hypercardioid/order-1"],
    ),
    "intensity along the flow": ("intensity", lambda s: -OURS.intensity(s), ["intensity/plane-waves"]),
    "intensity as Y, Z, X": ("intensity", lambda s: OURS.intensity(s)[[1, 2, 0]], ["intensity/plane-waves"]),
    "DCASE's energy": ("intensity", dcase_intensity, ["intensity/plane-waves", "intensity/quadrature"]),
    "a small constant below the line": (
        "intensity", lambda s: OURS.intensity(s) * (np.abs(s[:1]) ** 2 / (np.abs(s[:1]) ** 2 + 1e-8)),
        ["intensity/plane-waves/faint"],
    ),
    "NaN in silence": (
        "intensity", lambda s: OURS.intensity(s) / np.where(np.abs(s).sum(0) == 0, np.nan, 1), ["intensity/silence"],
    ),
    "mean of the ratios": (
        "diffuseness", diffuseness_of_means_of_ratios,
        ["diffuseness/two-waves/60", "diffuseness/direct-to-diffuse/0-db"],
    ),
    "diffuseness of N3D": (
        "diffuseness", lambda s: OURS.diffuseness(n3d(s.reshape(4, -1), True).reshape(s.shape)),
        ["diffuseness/plane-wave", "diffuseness/direct-to-diffuse/6-db"],
    ),
    "amplitudes for energies": (
        "energy_ratio", lambda s, f: np.sqrt(OURS.energy_ratio(s, f)), ["energy_ratio/n3d", "energy_ratio/x-y-w-z"],
    ),
    "ears exchanged": (
        "level_difference", lambda s: OURS.level_difference(s[::-1]), ["level_difference/left-louder"],
    ),
    "phase of right minus left": (
        "phase_difference", lambda s: -OURS.phase_difference(s), ["phase_difference/right-later"],
    ),
    "phase in full turns": (
        "phase_difference", lambda s: OURS.phase_difference(s) % (2 * np.pi), ["phase_difference/left-later"],
    ),
}  # fmt: skip


class Broken:
    """Ours, with one function replaced."""

    def __init__(self, function, replacement):
        setattr(self, function, replacement)

    def __getattr__(self, name):
        return getattr(OURS, name)


@pytest.mark.parametrize("name", MUTATIONS)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning", "ignore:divide by zero:RuntimeWarning")
def test_what_is_broken_is_found(name):
    function, replacement, noticing = MUTATIONS[name]
    found = failed(run(Broken(function, replacement)))
    assert set(noticing) <= found
    assert all(one.split("/")[0] == function for one in found)  # and nothing else is blamed


def test_every_function_of_ours_has_been_broken():
    """Except those for loudspeakers, which are broken below through a decoder of their own."""
    assert {function for function, _, _ in MUTATIONS.values()} == set(FUNCTIONS) - {
        "loudspeaker_decoder",
        "panning_gains",
    }


class TestLoudspeakers:
    """A plain sampling decoder and panning between two, as a second implementation; then broken."""

    @staticmethod
    def sampling(azimuth, elevation, order, method):
        if method != "sampling":
            raise NotOffered("sampling only")
        return n3d(n3d(OURS.harmonics(azimuth, elevation, order), False), False)

    def names(self, decoder):
        return run(SimpleNamespace(loudspeaker_decoder=decoder))

    def test_a_sampling_decoder(self):
        report = self.names(self.sampling)
        assert report.conforms
        assert len(report.names("pass")) == 9

    def test_sn3d_weights_are_found(self):
        found = self.names(lambda a, e, n, m: OURS.harmonics(a, e, n))
        assert "loudspeaker_decoder/octahedron/sampling/velocity-vectors" in failed(found)
        assert "loudspeaker_decoder/icosahedron/sampling/energy-over-amplitude" in failed(found)

    def test_energy_that_is_not_preserved_is_found(self):
        found = self.names(lambda a, e, n, m: self.sampling(a, e, n, "sampling"))
        assert failed(found) == {"loudspeaker_decoder/uneven/energy_preserving/spread-of-energy"}

    def test_panning_with_amplitudes_that_add_up_to_one_is_found(self):
        expected = {case.name: np.array(case.expected) for case in CASES if case.function == "panning_gains"}

        def pan(azimuth, elevation, a, e):
            return next(
                g / g.sum() for n, g in expected.items() if np.allclose(g, self.nearest(azimuth, elevation, a, e))
            )

        found = failed(run(SimpleNamespace(panning_gains=pan)))
        assert found == set(expected) - {"panning_gains/at-a-loudspeaker"}

    @staticmethod
    def nearest(azimuth, elevation, a, e):
        """On an octahedron the gains are the coordinates of the source."""
        gains = np.clip(ambikit.angles_to_vectors(azimuth, elevation) @ ambikit.angles_to_vectors(a, e), 0, None)
        return np.where(gains < 1e-12, 0, gains)


class TestTheRunner:
    CASE = [case for case in CASES if case.name == "encode/left"]

    def verdict(self, encode, **attributes):
        (result,) = run(SimpleNamespace(encode=encode, **attributes), self.CASE).results
        return result

    def test_what_is_missing_is_not_offered(self):
        assert self.verdict(None).verdict == "not offered"
        report = run(SimpleNamespace())
        assert len(report.names("not offered")) == len(CASES)
        assert not report.conforms  # nothing has been shown

    def test_a_single_refusal(self):
        def refuse(*_):
            raise NotOffered("mono only")

        assert (self.verdict(refuse).verdict, self.verdict(refuse).detail) == ("not offered", "mono only")

    def test_another_program_may_raise_anything(self):
        result = self.verdict(lambda *_: 1 / 0)
        assert (result.verdict, result.detail) == ("error", "ZeroDivisionError: division by zero")

    def test_wrong_shapes_and_nan_fail(self):
        assert self.verdict(lambda s, *_: s).detail == "shape (2,), expected (4, 2)"
        assert self.verdict(lambda s, *_: np.full((4, 2), np.nan)).detail == "not finite"

    def test_the_precision_that_is_claimed(self):
        def encode(*arguments):
            return OURS.encode(*arguments) + 3e-6

        assert self.verdict(encode).verdict == "fail"
        assert self.verdict(encode, precision=1e-5).verdict == "pass"
        assert self.verdict(encode, precision=1e-6).verdict == "fail"

    def test_functions_are_called_by_position(self):
        assert self.verdict(lambda a, b, c, d: OURS.encode(a, b, c, d)).verdict == "pass"

    def test_tables(self):
        console = Console(record=True, width=100, file=open("/dev/null", "w"))  # noqa: SIM115
        report = run(SciPyAsIfOurs())
        console.print(as_table(report))
        for line in as_lines(report):
            console.print(line, soft_wrap=True)
        text = console.export_text()
        assert "SciPy, as if its convention were ours" in text
        assert "encode/left: a source on the left: which channels sound, and with which sign; error 1.0e+00" in text
        assert len(as_lines(report)) == len(failed(report))
        assert len(as_lines(report, every_case=True)) == len(CASES)


MODULE = """
import numpy as np

class Mine:
    name = "mine"

    def encode(self, signal, azimuth, elevation, order):
        y, z, x = np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)
        if order > 1:
            from ambikit.conformance import NotOffered
            raise NotOffered("first order")
        return np.outer([1, {sign} * y, z, x], signal)
"""


class TestCommandLine:
    @pytest.mark.parametrize(("sign", "status"), [("+1", 0), ("-1", 1)])
    def test_an_adapter_of_ones_own(self, sign, status, tmp_path, monkeypatch, capsys):
        (tmp_path / f"own_adapter_{status}.py").write_text(MODULE.format(sign=sign))
        monkeypatch.syspath_prepend(tmp_path)
        assert main(["--adapter", f"own_adapter_{status}:Mine"]) == status
        shown = capsys.readouterr().out
        assert ("encode/left" in shown) == bool(status)
        assert ("4 pass, 2 fail" if status else "6 pass, 0 fail") in shown

    def test_json(self, capsys):
        name = "ambikit.conformance.adapters.scipy_library:SciPy"
        assert main(["--json", "--adapter", name, name]) == 0
        reports = json.loads(capsys.readouterr().out)
        assert [report["conforms"] for report in reports] == [True, True]
        assert {result["verdict"] for result in reports[0]["results"]} == {"pass", "not offered"}

    def test_what_cannot_be_loaded(self, capsys):
        for name in ("nowhere:Mine", "json", "json:nothing", "json:dumps"):
            assert main(["--adapter", name]) == 2
            assert "pass module:object" in capsys.readouterr().err.replace("\n", " ")
        with pytest.raises(AmbikitError, match="offers none of the functions"):
            load_adapter("json:dumps")
