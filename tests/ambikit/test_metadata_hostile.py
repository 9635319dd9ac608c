"""Files that mean harm: every parser answers soon, in little memory, with a result or a FileError."""

import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ambikit
from ambikit.errors import FileError
from ambikit.files.metadata.adm import parse_adm, parse_chna
from ambikit.files.metadata.bounds import LARGEST_PIECE, BoundedFile
from ambikit.files.metadata.safe_xml import parse_xml
from tests import spatial_files as made
from tests.fuzzing.runs import LIMIT, answer
from tests.fuzzing.seeds import PARSERS

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str) -> list[dict]:
    """What a program of ours prints, run without the checks of types that slow down every call under test."""
    done = subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_hostile_files_cost_little():
    results = run("tests.fuzzing.hostile")
    assert len(results) > 15
    for result in results:
        assert result["milliseconds"] < 1000 * LIMIT, result
        assert result["megabytes"] < 64, result


def test_a_walk_without_an_end_is_refused(tmp_path):
    (tmp_path / "a.mp4").write_bytes(made.box(b"ftyp", b"isom") + made.box(b"free") * 20_000)
    with pytest.raises(FileError, match="hostile"):
        ambikit.read_metadata(tmp_path / "a.mp4")


def test_the_budget_of_bytes():
    file = BoundedFile.of(bytes(2 * LARGEST_PIECE))
    with pytest.raises(FileError, match="piece of metadata"):
        file.read(0, LARGEST_PIECE + 1)
    file = BoundedFile.of(bytes(10))
    assert file.read(8, 2**62) == bytes(2)
    assert file.read(-1, 5) == file.read(11, 5) == file.read(0, -1) == b""


def test_xml_is_bounded():
    assert parse_xml(b"<a>" * 10 + b"</a>" * 10) is not None
    assert parse_xml(b"<a>" * 40 + b"</a>" * 40) is None
    assert parse_xml(b"<a>" + b"<b/>" * 9000 + b"</a>") is None
    bomb = b"".join(b"<!ENTITY e%d '%s'>" % (k + 1, b"&e%d;" % k * 10) for k in range(9))
    assert parse_xml(b"<!DOCTYPE a [<!ENTITY e0 'ha'>" + bomb + b"]><a>&e9;</a>") is None
    assert parse_xml(b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>") is None
    assert parse_xml(b"<?xml version='1.0' encoding='nonsense'?><a/>") is None


@pytest.mark.parametrize("guided", [False, True])
def test_a_few_thousand_mutations(guided):
    """And every truncation of every seed."""
    reports = run("tests.fuzzing", "--count", *(["300", "--guided"] if guided else ["2000", "--truncations"]))
    assert [report["parser"] for report in reports] == list(PARSERS)
    for report in reports:
        assert not report["failures"], report["failures"][0]
        assert not report["too_slow"], report
        assert (report["kept"] > 0) == guided


@pytest.mark.long
@pytest.mark.parametrize("name", PARSERS)
def test_a_million_mutations(name):
    (report,) = run("tests.fuzzing", "--count", "1000000", "--seed", "1", "--parser", name)
    assert not report["failures"], report["failures"][0]
    assert not report["too_slow"], report


_SIZES = st.one_of(st.integers(0, 40), st.sampled_from([2**31 - 1, 2**31, 2**32 - 1]))
_NAMES = st.sampled_from(
    [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"mp4a", b"avc1", b"SA3D", b"sv3d", b"proj", b"prhd",
     b"equi", b"dOps", b"uuid", b"hdlr", b"free"]
)  # fmt: skip


def _lying(children: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """A box whose size may lie."""
    honest = st.builds(lambda name, parts: made.box(name, *parts), _NAMES, st.lists(children, max_size=3))
    liar = st.builds(lambda size, box: struct.pack(">I", size) + box[4:], _SIZES, honest)
    return st.one_of(honest, honest, liar)


@settings(max_examples=60)
@given(st.recursive(st.binary(max_size=90), _lying, max_leaves=20))
def test_structures_whose_sizes_lie(content):
    answer("mp4", made.mp4(content))
    answer("mp4", made.mp4(made.track(b"vide", made.picture_entry(content), content)))
    answer("mp4", made.mp4(made.track(b"soun", made.sound_entry(content))))


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from([b"desc", b"uuid", b"chan", b"data"]), st.binary(max_size=60)), max_size=6),
    st.binary(max_size=40),
    st.integers(1, 255),
)
def test_chunks_of_anything(chunks, tail, channels):
    field = np.zeros((channels, 1), np.float32)
    answer("caf", made.caf(field, *chunks) + tail)
    answer("wav", made.wave(field, *[made.chunk(name, content) for name, content in chunks], guid=made.AMB) + tail)
    parse_adm(parse_chna(tail), tail, channels)


@settings(max_examples=60)
@given(st.binary(max_size=80))
def test_headers_of_anything(tail):
    answer("ogg", made.ogg_page(b"OpusHead" + tail, flags=2))
    answer("matroska", made.matroska(made.mkv_sound(b"OpusHead" + tail, 4), made.mkv_picture(tail)))
    answer("mp4", made.mp4(made.track(b"soun", made.sound_entry(made.box(b"dOps", tail)), made.v1_box(tail))))
