"""What the pages of features and of names say exists, exists; and what they say has to change is all that has to."""

import ast
import inspect
import re
from functools import reduce
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import ambikit
from tests.closeness import assert_close

ROOT = Path(__file__).resolve().parents[1]
FEATURES = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
NAMES = (ROOT / "docs" / "names.md").read_text(encoding="utf-8")
CODE = re.compile(r"`([^`]+)`")


def rows(text, columns):
    """The cells of all rows of the tables with these columns, in order."""
    found = []
    for table in text.split(f"\n| {columns} |\n")[1:]:
        for line in table.splitlines()[1:]:
            if not line.startswith("|"):
                break
            found.append([cell.strip() for cell in line.strip().strip("|").split("|")])
    return found


def find(name):
    """What a dotted name of ambikit, or of a module of ambikit_models, stands for."""
    package, *path = name.split(".") if name.startswith("ambikit") else ("ambikit", *name.split("."))
    found = import_module(package)
    for part in path:
        if not hasattr(found, part):
            found = import_module(f"{found.__name__}.{part}")
        else:
            found = getattr(found, part)
    return found


def has_test(reference):
    """Whether a file has the class, function or class::function that is named, by reading it."""
    file, *path = reference.split("::")
    folder = ROOT / "tests" if "/" in file else ROOT / "tests" / "ambikit"
    inside = ast.parse((folder / file).read_text(encoding="utf-8")).body
    for name in path:
        (node,) = [n for n in inside if isinstance(n, ast.ClassDef | ast.FunctionDef) and n.name == name]
        assert name.startswith("Test" if isinstance(node, ast.ClassDef) else "test_")
        inside = node.body
    return path


FEATURE_ROWS = rows(FEATURES, "capability | ambikit | test | best elsewhere | who is ahead")


class TestFeatures:
    def test_the_tables_are_found(self):
        """38 capabilities that libraries for Ambisonics have, and some of ours."""
        assert len(FEATURE_ROWS) >= 38
        assert {len(row) for row in FEATURE_ROWS} == {5}
        assert len({row[0] for row in FEATURE_ROWS}) == len(FEATURE_ROWS)

    @pytest.mark.parametrize("row", FEATURE_ROWS, ids=lambda row: row[0])
    def test_a_row(self, row):
        _, offered, tests, elsewhere, _ = row
        assert elsewhere
        names, references = CODE.findall(offered), CODE.findall(tests)
        if offered.startswith("not yet"):
            assert not references
        else:
            assert names
            assert references
        for name in names:
            if name.endswith("=") or "=" in name:  # a keyword, of the function before it
                assert name.split("=")[0] in inspect.signature(find(names[0])).parameters
            else:
                find(name)
        for reference in references:
            assert has_test(reference), reference

    def test_what_does_not_exist_is_found(self):
        with pytest.raises(ImportError):
            find("decode_quadraphonic")
        with pytest.raises(ValueError, match="unpack"):
            has_test("test_rotation.py::TestNothing")

    def test_the_command_line_has_the_commands(self):
        from ambikit.cli import entry

        source = inspect.getsource(entry)
        (row,) = [row for row in FEATURE_ROWS if row[0] == "command line"]
        for command in re.search("with (.+)", row[1]).group(1).split(", "):
            assert re.search(rf"\b{command}\b", source), command


def name_rows():
    for columns, library in (
        ("spaudiopy | ambikit | what to change", "spaudiopy"),
        ("SAF | ambikit | what to change", "SAF"),
        ("spharpy | ambikit | what to change", "spharpy"),
        ("plug-in | ambikit | what to change", "IEM"),
    ):
        for row in rows(NAMES, columns):
            yield library, row


NAME_ROWS = list(name_rows())
SOURCES = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "ambikit").rglob("*.py"))


def check_call(text):
    """Every function exists and takes these arguments; every word in quotes is known to the sources."""
    for node in ast.walk(ast.parse(text, mode="eval")):
        if isinstance(node, ast.Call):
            path = ast.unparse(node.func)
            if path.endswith(".sum"):
                continue
            positional = [object()] * len(node.args)
            inspect.signature(find(path)).bind(*positional, **{word.arg: object() for word in node.keywords})
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            assert f'"{node.value}"' in SOURCES, node.value


class TestNames:
    def test_the_tables_are_found(self):
        assert {library for library, _ in NAME_ROWS} == {"spaudiopy", "SAF", "spharpy", "IEM"}
        assert len(NAME_ROWS) > 60
        assert {len(row) for _, row in NAME_ROWS} == {3}

    @pytest.mark.parametrize(("library", "row"), NAME_ROWS, ids=[row[0] for _, row in NAME_ROWS])
    def test_our_names(self, library, row):
        calls = CODE.findall(row[1])
        assert calls or row[1] == "none"
        for call in [*calls, *(code for code in CODE.findall(row[2]) if "(" in code)]:
            check_call(call)

    def test_what_does_not_exist_is_found(self):
        for wrong in ("decode_quadraphonic(signal)", "rotate(signal, jaw=1)", "encode()", 'beam_weights("hyper", 1)'):
            with pytest.raises((ImportError, TypeError, AssertionError)):
                check_call(wrong)

    @pytest.mark.filterwarnings("ignore")
    def test_their_names(self):
        spaudiopy = pytest.importorskip("spaudiopy")
        theirs = [name for library, row in NAME_ROWS if library == "spaudiopy" for name in CODE.findall(row[0])]
        assert len(theirs) > 35
        for name in theirs:
            assert callable(reduce(getattr, name.split("."), spaudiopy)), name


@pytest.mark.filterwarnings("ignore")
class TestWhatToChangeFromSpaudiopy:
    """The rows that no other test proves: harmonics, turns, decoders, panning and adaptive beams have theirs."""

    AZIMUTH, ELEVATION = np.array([0.4, -2.0, 1.7]), np.array([0.3, -0.8, 1.2])
    ZENITH = np.pi / 2 - ELEVATION

    @pytest.fixture
    def spaudiopy(self):
        return pytest.importorskip("spaudiopy")

    def test_a_signal_and_its_covariance(self, spaudiopy, rng):
        signal = rng.normal(size=(3, 50))
        theirs = spaudiopy.sph.src_to_sh(signal, self.AZIMUTH, self.ZENITH, 3)
        ours = ambikit.encode(signal, self.AZIMUTH, self.ELEVATION, 3).sum(0)
        assert_close(ambikit.convert(np.sqrt(4 * np.pi) * theirs, "n3d", "ambix"), ours, factor=10)

    def test_first_order_with_a_full_w(self, spaudiopy, rng):
        signal = rng.normal(size=50)
        theirs = spaudiopy.sph.src_to_b(signal, 0.4, np.pi / 2 - 0.3)
        ours = ambikit.convert(ambikit.encode(signal, 0.4, 0.3), "ambix", "fuma")
        assert_close(theirs * np.array([[np.sqrt(0.5)], [1], [1], [1]]), ours, factor=10)

    def test_poses_as_matrices(self, spaudiopy):
        pose = ambikit.interop.pose(0.4, -0.7, 1.1, tool="spaudiopy")
        y, z, x = ambikit.rotation_matrix(rotation=pose)[1:, 1:]
        ours = np.stack([x, y, z])[:, [2, 0, 1]]
        assert_close(spaudiopy.utils.rotation_euler(0.4, -0.7, 1.1), ours, factor=10)

    def test_a_steered_beam(self, spaudiopy, rng):
        signal = ambikit.encode(rng.normal(size=50), 1.0, 0.2, 3)
        theirs = ambikit.convert(signal, "ambix", "n3d") / np.sqrt(4 * np.pi)
        for pattern in ("hypercardioid", "cardioid"):
            weights = spaudiopy.parsa.sh_beamformer_from_pattern(pattern, 3, self.AZIMUTH, self.ZENITH)
            beams = ambikit.beamform(signal, self.AZIMUTH, self.ELEVATION, pattern)
            assert_close(spaudiopy.parsa.sh_beamform(weights, theirs), beams, factor=10)

    def test_binaural_filters(self, spaudiopy, rng):
        signal, filters = rng.normal(size=(9, 60)), rng.normal(size=(2, 9, 16))
        theirs = ambikit.convert(signal, "ambix", "n3d") / np.sqrt(4 * np.pi)
        expected = spaudiopy.decoder.sh2bin(theirs, filters)
        scale = np.sqrt((2 * np.floor(np.sqrt(np.arange(9))) + 1) / (4 * np.pi))
        decoder = ambikit.BinauralFilters(filters * scale[:, None], 48000)
        assert_close(ambikit.decode_binaural(signal, 48000, decoder, tail=True), expected, factor=100)

    def test_stereo(self, spaudiopy, rng):
        signal = rng.normal(size=(4, 50))
        w, y, z, x = signal
        left, right = spaudiopy.process.b_to_stereo(spaudiopy.sig.AmbiBSignal([w, x, y, z], 48000))
        ours = ambikit.beamform(signal, [45, -45], 0, "cardioid", degrees=True)
        assert_close(np.stack([left, right]), 2 * ours, factor=10)

    def test_directions_and_grids(self, spaudiopy):
        x, y, z = spaudiopy.utils.sph2cart(self.AZIMUTH, self.ZENITH)
        assert_close(np.stack([x, y, z], -1), ambikit.angles_to_vectors(self.AZIMUTH, self.ELEVATION))
        theirs = spaudiopy.utils.haversine(self.AZIMUTH[:2], self.ZENITH[:2], self.AZIMUTH[1:], self.ZENITH[1:])
        ours = ambikit.angular_distance(self.AZIMUTH[:2], self.ELEVATION[:2], self.AZIMUTH[1:], self.ELEVATION[1:])
        assert_close(theirs, ours, factor=10)
        azimuth, zenith, weights = spaudiopy.grids.gauss(4)
        field = ambikit.spherical_harmonics(azimuth, np.pi / 2 - zenith, 4)
        assert_close(weights @ field**2, 4 * np.pi / (2 * np.floor(np.sqrt(np.arange(25))) + 1), factor=100)
        assert ambikit.gauss_legendre_grid(4)[2].sum() == pytest.approx(1)
