"""The rules of the house that no other test sees: layers, sizes, names, and what an import may cost."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ambikit

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("ambikit", "ambikit_models")
FILES = sorted(p for package in PACKAGES for p in (ROOT / package).rglob("*.py"))

#: A module imports only from its own layer or from one that stands earlier in this list.
LAYERS = {
    "ambikit": [
        ("errors",),
        ("_arrays",),
        ("_checks",),
        ("kernels",),
        ("geometry",),
        ("interop",),
        ("operators",),
        ("analysis",),
        ("stream",),
        ("nn",),
        ("files",),
        ("conformance",),
        ("_panorama_axes",),
        ("_layout_axes",),
        ("_encoding_axes",),
        ("_signal_axes",),
        ("_energy_axes",),
        ("_direction_axes",),
        ("plot",),
        ("cli",),
        ("__main__",),
    ],
    "ambikit_models": [
        ("sound",),
        ("panorama",),
        ("batch",),
        ("media",),
        ("preparation",),
        ("encoders",),
        ("alignment", "correspondence"),
        ("objectives",),
        ("world",),
        ("seld",),
        ("presets", "pretrained"),
        ("training",),
        ("datasets",),
        ("downstream",),
        ("study",),
        ("hub",),
        ("published",),
        ("cli",),
        ("__main__",),
    ],
}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path) -> set[str]:
    """Every module of ours that a file imports, inside functions too, but not for type checkers alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    ours = {module_name(p) for p in FILES}
    found = set()
    skipped = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.dump(block.test)
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            found |= {
                f"{node.module}.{a.name}" if f"{node.module}.{a.name}" in ours else node.module for a in node.names
            }
    return {name for name in found if name.split(".")[0] in PACKAGES}


def layer(name: str) -> int | None:
    package, *rest = name.split(".")
    if not rest:
        return None
    for number, members in enumerate(LAYERS[package]):
        if rest[0] in members:
            return number
    raise AssertionError(f"{name} stands in no layer; add it to the list and to the design")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_layers(path):
    name = module_name(path)
    for target in imported(path):
        if name.startswith("ambikit.") or name == "ambikit":
            assert not target.startswith("ambikit_models"), f"{name} imports {target}: never from below"
        if target.split(".")[0] != name.split(".")[0] or target.split(".")[0] == target or layer(name) is None:
            continue  # the other package's public face, or our own table of contents
        assert layer(target) <= layer(name), f"{name} imports {target}, which stands in a later layer"


def test_no_cycles():
    graph = {module_name(p): imported(p) for p in FILES}
    state: dict[str, int] = {}

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if state.get(name) == 2 or name not in graph or name in PACKAGES:
            return
        assert state.get(name) != 1, f"cycle: {' → '.join((*trail, name))}"
        state[name] = 1
        for target in graph[name]:
            visit(target, (*trail, name))
        state[name] = 2

    for name in graph:
        visit(name, ())


def test_what_all_tasks_stand_on_knows_none_of_them():
    for path in (ROOT / "ambikit_models" / "downstream" / "probing").glob("*.py"):
        tasks = {name for name in imported(path) if name.startswith("ambikit_models.downstream.")}
        assert {name.split(".")[2] for name in tasks} <= {"probing"}, path


def test_kernels_import_nothing_of_ours_but_each_other():
    for path in (ROOT / "ambikit" / "kernels").glob("*.py"):
        assert imported(path) <= {"ambikit.kernels.compiling"}, path


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_are_small_and_say_what_they_are(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 350
    assert ast.get_docstring(ast.parse(text)), "a module begins with a sentence about itself"
    assert path.stem not in {"util", "utils", "misc", "helper", "helpers", "common"}


def test_torch_is_imported_where_it_is_announced():
    for path in (ROOT / "ambikit").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        top = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
        names = {a.name.split(".")[0] for n in top if isinstance(n, ast.Import) for a in n.names}
        names |= {n.module.split(".")[0] for n in top if isinstance(n, ast.ImportFrom) and n.module}
        allowed = {"torch"} if "nn" in path.parts else set()
        heavy = {"torch", "scipy", "numba", "soundfile", "av", "matplotlib"} - allowed
        if "kernels" in path.parts:
            heavy -= {"numba"}
        assert not names & heavy, f"{path} imports {names & heavy} at the top"


def test_importing_ambikit_imports_nothing_heavy():
    code = (
        "import sys, ambikit; ambikit.rotate; ambikit.foa_features; ambikit.convert; "
        "heavy = {'torch', 'numba', 'scipy.signal', 'scipy.special', 'soundfile', 'av', 'matplotlib'}; "
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


class TestTableOfContents:
    def test_every_name_exists_and_is_documented(self):
        for name in ambikit.__all__:
            assert getattr(ambikit, name).__doc__, name

    def test_type_checkers_see_the_same_names(self):
        tree = ast.parse((ROOT / "ambikit" / "__init__.py").read_text(encoding="utf-8"))
        block = next(n for n in tree.body if isinstance(n, ast.If))
        seen = {alias.name for node in block.body for alias in node.names}
        assert seen == set(ambikit.__all__)

    def test_every_name_is_in_the_reference(self):
        reference = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
        missing = [name for name in ambikit.__all__ if name not in reference]
        assert not missing, missing

    def test_an_unknown_name_is_an_attribute_error(self):
        with pytest.raises(AttributeError, match="no attribute 'rotat'"):
            ambikit.rotat  # noqa: B018
