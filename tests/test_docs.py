"""The pages say what the code does: every example runs, every public name is listed, every link and picture exists."""

import doctest
import re
from pathlib import Path

import numpy as np
import pytest

import ambikit

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples(page):
    """The ```python blocks with prompts, as one doctest whose line numbers are those of the page."""
    text = page.read_text(encoding="utf-8")
    parser, found = doctest.DocTestParser(), []
    for block in BLOCK.finditer(text):
        line = text[: block.start(1)].count("\n")
        for example in parser.get_examples(block.group(1), str(page)):
            example.lineno += line
            found.append(example)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_examples_of_a_page(page, tmp_path, monkeypatch):
    found = examples(page)
    if not found:
        assert ">>>" not in page.read_text(encoding="utf-8"), f"{page} has examples outside ```python blocks"
        return
    monkeypatch.chdir(tmp_path)  # what an example writes is gone afterwards
    test = doctest.DocTest(found, {"__name__": page.stem}, page.name, str(page), 0, None)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    output = []
    runner.run(test, out=output.append)
    assert runner.failures == 0, "".join(output)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_example_is_missed(page):
    """Every prompt of a page stands in a block that is run."""
    text = page.read_text(encoding="utf-8")
    assert text.count("\n>>> ") == sum(
        block.group(1).count("\n>>> ") + block.group(1).startswith(">>> ") for block in BLOCK.finditer(text)
    )


def test_every_public_name_is_in_the_reference():
    text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    listed = re.findall(r"^(?:   |\.\. py:data:: )([A-Za-z_]\w*)$", text, re.MULTILINE)
    functions = {name for name in ambikit.__all__ if name not in ambikit._NAMESPACES}
    assert functions == set(listed), functions ^ set(listed)
    assert len(listed) == len(set(listed))
    for name in ambikit._NAMESPACES:
        assert f".. automodule:: ambikit.{name}\n" in text


def test_the_table_of_turns():
    """What the conventions page says about a turn by +90° is what happens to a source on the sphere."""
    vectors = {
        "front": [1, 0, 0], "left": [0, 1, 0], "up": [0, 0, 1],
        "back": [-1, 0, 0], "right": [0, -1, 0], "down": [0, 0, -1],
    }  # fmt: skip
    text = (ROOT / "docs" / "conventions.md").read_text(encoding="utf-8")
    table = text.split("| source | after yaw +90°")[1].split("\n\n")[0]
    rows = re.findall(r"^\| (\w+) \| (.+) \| (.+) \| (.+) \|$", table.replace("*", ""), re.MULTILINE)
    assert [row[0] for row in rows] == ["front", "left", "up"]
    for source, *places in rows:
        signal = ambikit.encode(np.ones(1), *ambikit.vectors_to_angles(vectors[source]))
        for turn, place in zip(("yaw", "pitch", "roll"), places):
            y, z, x = ambikit.rotate(signal, **{turn: 90.0}, degrees=True)[1:, 0]
            np.testing.assert_allclose([x, y, z], vectors[place], atol=1e-12, err_msg=f"{source}, {turn}")


@pytest.fixture
def make_pictures(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    import make_pictures

    return make_pictures


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_lead_somewhere(page, make_pictures):
    text = page.read_text(encoding="utf-8")
    for picture in re.findall(r"generated/pictures/([\w.]+)", text):
        assert picture in make_pictures.PICTURES
    for link in re.findall(r"\]\(((?!http)[^)#]+)", text):
        target = page.parent / link
        assert target.exists() or target.with_suffix(".md").exists(), link


def test_the_pictures_can_be_made(tmp_path, make_pictures):
    make_pictures.make_all(tmp_path)
    for name in make_pictures.PICTURES:
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
