"""The cases are sound, the runner judges rightly, and what is right passes."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from rich.console import Console

from ambikit.conformance import NotOffered, as_lines, as_table, load_adapter, load_cases, run
from ambikit.conformance.__main__ import main
from ambikit.conformance.adapter import FUNCTIONS
from ambikit.conformance.adapters.ours import AmbikitNumPy, AmbikitTorch
from ambikit.conformance.adapters.scipy_library import SciPy, SciPyAsIfOurs
from ambikit.conformance.figures import FIGURES
from ambikit.errors import AmbikitError
from tests.conformance_cases.files import DATA, write

CASES = load_cases()
OURS = AmbikitNumPy()


class TestTheCases:
    def test_the_files_are_what_the_independent_sources_say(self, tmp_path):
        write(tmp_path)
        for made in tmp_path.iterdir():
            stored = DATA / made.name
            found, expected = (json.loads(file.read_text(encoding="utf-8"))["cases"] for file in (stored, made))
            assert len(found) == len(expected)
            for one, other in zip(found, expected):
                assert same(one, other), one["name"]
        assert {file.name for file in tmp_path.iterdir()} == {f.name for f in DATA.iterdir()}

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
