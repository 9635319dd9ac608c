"""Boxes put into MP4 and MOV: read back by our reader, by FFmpeg and by a slow reader, and nothing else has changed."""

import struct
import tracemalloc
from io import BytesIO

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import ambikit
from ambikit import Pose, SpatialMetadata
from ambikit.errors import ConventionError, FileError
from ambikit.files.metadata import writing
from ambikit.files.metadata.bounds import BoundedFile
from ambikit.files.metadata.box_tree import top_boxes
from ambikit.files.metadata.projection import STEREO
from tests import slow_mp4
from tests import spatial_files as made
from tests.media_files import RATE, source_at, tones, write_media

SOUND = SpatialMetadata(order=1, ordering="acn", normalization="sn3d")
PICTURES = SpatialMetadata(
    projection="equirectangular", bounds=(0.125, 0.0, 0.0, 0.25), stereo="top-bottom", pose=Pose(0.5, -0.25, 0.125)
)
BOTH = SpatialMetadata(
    order=1, ordering="acn", normalization="sn3d", projection="equirectangular", stereo="mono", pose=Pose(yaw=-1.0)
)
FRAGMENTS = "frag_keyframe+empty_moov"
FILES = {
    "MP4": ("a.mp4", "aac", {}),
    "MP4, index first": ("a.mp4", "aac", {"movflags": "faststart"}),
    "MOV": ("a.mov", "pcm_s24le", {}),
    "MOV, index first": ("a.mov", "pcm_s16le", {"movflags": "faststart"}),
    "MOV with AAC": ("a.mov", "aac", {"movflags": "faststart"}),
    "MP4 with FLAC": ("a.mp4", "flac", {"movflags": "faststart"}),
    "MP4 with room kept for the index": ("a.mp4", "aac", {"moov_size": "20000"}),
    "fragments that name their base": ("a.mp4", "aac", {"movflags": FRAGMENTS}),
    "fragments that count from themselves": ("a.mp4", "aac", {"movflags": FRAGMENTS + "+default_base_moof"}),
    "fragments with a common index": ("a.mp4", "aac", {"movflags": "dash+global_sidx", "frag_duration": "200000"}),
}
NEW = (b"SA3D", b"st3d", b"sv3d")


@pytest.fixture(params=FILES)
def file(request, tmp_path):
    name, codec, options = FILES[request.param]
    return write_media(tmp_path / name, codec, "4.0", source_at(60, 30), picture=True, options=options)


def packets_and_frames(path):
    """All that FFmpeg gives: packets by their bytes and times, pictures and samples as decoded."""
    with av.open(str(path)) as file:
        packets = [(p.stream_index, p.pts, p.duration, bytes(p)) for p in file.demux() if p.size]
    with av.open(str(path)) as file:
        frames = [
            (f.pts, f.to_ndarray(**({"format": "rgb48le"} if isinstance(f, av.VideoFrame) else {})).tobytes())
            for f in file.decode(*file.streams)
        ]
    assert packets
    assert frames
    return packets, frames


def assert_says(path, metadata, precision=1e-6):
    said = ambikit.read_metadata(path)
    assert not said.notes
    assert (said.order, said.ordering) == (metadata.order, metadata.ordering)
    assert (said.normalization, said.head_locked_stereo) == (metadata.normalization, metadata.head_locked_stereo)
    assert (said.projection, said.stereo) == (metadata.projection, metadata.stereo)
    if metadata.projection:
        pose = metadata.pose or Pose()
        assert_allclose((said.pose.yaw, said.pose.pitch, said.pose.roll), (pose.yaw, pose.pitch, pose.roll), atol=2e-7)
        assert_allclose(said.bounds, metadata.bounds or (0, 0, 0, 0), atol=precision)


class TestWhatStays:
    @pytest.mark.parametrize("metadata", [SOUND, PICTURES, BOTH], ids=["sound", "pictures", "both"])
    def test_everything_else(self, file, tmp_path, metadata):
        """Samples, frames, packets, times, and every box that was not spoken of."""
        out = tmp_path / f"out{file.suffix}"
        before = file.read_bytes()
        ambikit.write_metadata(file, out, metadata, version_1=metadata is not SOUND and metadata is not PICTURES)
        assert file.read_bytes() == before
        assert_says(out, metadata)
        after = out.read_bytes()
        assert packets_and_frames(out) == packets_and_frames(file)
        assert slow_mp4.others(after, (*NEW, b"uuid")) == slow_mp4.others(before, ())
        assert slow_mp4.of_name(after, b"mdat") == slow_mp4.of_name(before, b"mdat")
        if not slow_mp4.of_name(before, b"moof"):
            assert slow_mp4.samples(after) == slow_mp4.samples(before)

    def test_positions_of_fragments_point_where_they_did(self, file, tmp_path):
        out = tmp_path / f"out{file.suffix}"
        ambikit.write_metadata(file, out, BOTH)
        data = out.read_bytes()
        found = slow_mp4.boxes(data)
        starts = {start for names, start, *_ in found if names == (b"moof",)}
        bases = {struct.unpack(">Q", c[8:16])[0] for c in slow_mp4.of_name(data, b"moof", b"traf", b"tfhd") if c[3] & 1}
        assert bases <= starts
        for content in slow_mp4.of_name(data, b"mfra", b"tfra"):
            wide = content[0] == 1
            for k in range(struct.unpack(">I", content[12:16])[0]):
                entry = content[16 + k * (19 if wide else 11) :]
                assert struct.unpack(">8xQ" if wide else ">4xI", entry[: 16 if wide else 8])[0] in starts

    def test_the_fragments_are_of_the_kinds_that_they_are_meant_to_be(self, tmp_path):
        """Or the test above would prove nothing."""
        kinds = {}
        for kind in [kind for kind in FILES if "fragments" in kind]:
            name, codec, options = FILES[kind]
            path = write_media(tmp_path / name, codec, "4.0", tones(4), picture=True, options=options)
            data = path.read_bytes()
            heads = slow_mp4.of_name(data, b"moof", b"traf", b"tfhd")
            kinds[kind] = {head[3] & 1 for head in heads}, len(slow_mp4.of_name(data, b"tfra"))
        assert kinds["fragments that name their base"] == ({1}, 2)
        assert kinds["fragments that count from themselves"][0] == {0}
        assert kinds["fragments with a common index"][0] == {0}

    def test_the_sound_is_read_as_the_same_field(self, file, tmp_path, recwarn):
        out = tmp_path / f"out{file.suffix}"
        ambikit.write_metadata(file, out, BOTH)
        assert np.array_equal(ambikit.read(out)[0], ambikit.read(file)[0])
        assert not [w for w in recwarn if w.category is UserWarning]

    def test_there_and_back(self, file, tmp_path):
        """What was put in can be taken out: the first file, byte for byte."""
        ambikit.write_metadata(file, tmp_path / "b", BOTH, version_1=True)
        ambikit.write_metadata(tmp_path / "b", tmp_path / "c", SpatialMetadata(), keep=False)
        assert (tmp_path / "c").read_bytes() == file.read_bytes()
        ambikit.write_metadata(tmp_path / "b", tmp_path / "d", BOTH, version_1=True)
        assert (tmp_path / "d").read_bytes() == (tmp_path / "b").read_bytes()

    def test_long_files_take_little_memory(self, tmp_path):
        path = write_media(tmp_path / "a.mp4", "aac", "4.0", tones(4), options={"movflags": "faststart"})
        data = path.read_bytes()
        with path.open("ab") as whole:
            whole.write(struct.pack(">I4sQ", 1, b"mdat", 16 + 2**26))
            whole.truncate(len(data) + 16 + 2**26)
        tracemalloc.start()
        ambikit.write_metadata(path, tmp_path / "b.mp4", SOUND)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2**23
        assert (tmp_path / "b.mp4").stat().st_size == path.stat().st_size + 36


class TestWhatIsSaid:
    def test_ffmpeg_sees_the_sphere_and_the_eyes(self, file, tmp_path):
        """AVSphericalMapping: projection, yaw, pitch, roll in 16.16 degrees; bounds; AVStereo3D: its type."""
        out = tmp_path / f"out{file.suffix}"
        ambikit.write_metadata(file, out, PICTURES)
        with av.open(str(out)) as video:
            side = {data.type.name: bytes(data) for data in next(video.decode(video=0)).side_data}
        projection, *angles = struct.unpack("=4i", side["SPHERICAL"][:16])
        left, top, right, bottom = (value / 2**32 for value in struct.unpack("=4I", side["SPHERICAL"][16:32]))
        assert projection == 2  # AV_SPHERICAL_EQUIRECTANGULAR_TILE, as the sphere is cut
        assert_allclose(np.array(angles) / 65536, np.degrees([0.5, 0.25, -0.125]), atol=1e-5)
        assert_allclose((top, bottom, left, right), PICTURES.bounds, atol=1e-9)
        assert struct.unpack("=i", side["STEREO3D"][:4]) == (2,)  # AV_STEREO3D_TOPBOTTOM

    @pytest.mark.parametrize("kind", ["MOV", "MOV, index first"])
    def test_ffmpeg_sees_the_sound_field(self, tmp_path, kind):
        name, codec, options = FILES[kind]
        path = write_media(tmp_path / name, codec, "4 channels", tones(4), options=options)
        ambikit.write_metadata(path, path, SOUND)
        with av.open(str(path)) as sound:
            assert sound.streams.audio[0].layout.name == "ambisonic 1"

    def test_the_slow_reader_sees_the_bytes_of_the_specifications(self, file, tmp_path):
        out = tmp_path / f"out{file.suffix}"
        ambikit.write_metadata(file, out, BOTH, version_1=True)
        data = out.read_bytes()
        if file.suffix == ".mp4":
            entry = b"fLaC" if b"fLaC" in data else b"mp4a"
            assert slow_mp4.of_name(data, b"stbl", b"stsd", entry, b"SA3D") == [made.sa3d()[8:]]
        assert slow_mp4.of_name(data, b"stbl", b"stsd", b"mp4v", b"st3d") == [made.st3d(0)[8:]]
        (pose,) = slow_mp4.of_name(data, b"mp4v", b"sv3d", b"proj", b"prhd")
        assert pose == struct.pack(">I3i", 0, round(-np.degrees(1.0) * 65536), 0, 0)
        assert slow_mp4.of_name(data, b"mp4v", b"sv3d", b"proj", b"equi") == [bytes(20)]
        (xml,) = slow_mp4.of_name(data, b"moov", b"trak", b"uuid")
        assert b"<GSpherical:ProjectionType>equirectangular<" in xml
        assert b"<GSpherical:StereoMode>mono<" in xml

    @given(
        st.tuples(st.floats(-3.14, 3.14), st.floats(-1.57, 1.57), st.floats(-3.14, 3.14)),
        st.tuples(*[st.floats(0, 0.49)] * 4),
        st.sampled_from(STEREO),
        st.integers(0, 6),
        st.booleans(),
        st.booleans(),
    )
    def test_what_is_written_is_read(self, tmp_path_factory, angles, bounds, stereo, order, pair, first):
        channels = (order + 1) ** 2 + 2 * pair
        tracks = [
            made.track(b"soun", made.sound_entry(channels=channels)),
            made.track(b"vide", made.picture_entry(made.sv3d(), made.sv3d())),
        ]
        path = tmp_path_factory.mktemp("any") / "a.mp4"
        movie = made.box(b"moov", *(tracks if first else tracks[::-1]))
        path.write_bytes(made.box(b"ftyp", b"isom") + movie + made.box(b"mdat", bytes(9)))
        said = SpatialMetadata(
            order=order, ordering="acn", normalization="sn3d", head_locked_stereo=pair,
            projection="equirectangular", bounds=bounds, stereo=stereo, pose=Pose(*angles),
        )  # fmt: skip
        ambikit.write_metadata(path, path, said)
        assert_says(path, said)
        assert ambikit.read_metadata(path).channels == channels

    @pytest.mark.parametrize("version", [0, 1, 2])
    def test_every_kind_of_sound_entry(self, tmp_path, version):
        """QuickTime's versions, with other boxes before and zeros behind, as Apple ends entries."""
        entry = made.sound_entry(made.box(b"chan", bytes(12)), made.sa3d(0, (0,)), bytes(4), version=version)
        path = tmp_path / "a.mov"
        path.write_bytes(made.mp4(made.track(b"soun", entry)))
        ambikit.write_metadata(path, path, SOUND)
        kept = made.sound_entry(made.box(b"chan", bytes(12)), made.sa3d(), bytes(4), version=version)
        assert path.read_bytes() == made.mp4(made.track(b"soun", kept))

    def test_every_entry_of_a_track(self, tmp_path):
        entry, said = made.sound_entry(), made.sound_entry(made.sa3d())
        several = [
            made.mp4(made.track(b"soun", two).replace(struct.pack(">II", 0, 1), struct.pack(">II", 0, 2), 1))
            for two in (entry + entry, said + said)
        ]
        (tmp_path / "a.mp4").write_bytes(several[0])
        ambikit.write_metadata(tmp_path / "a.mp4", tmp_path / "b.mp4", SOUND)
        assert (tmp_path / "b.mp4").read_bytes() == several[1]

    def test_of_several_sounds_the_one_that_is_read(self, tmp_path):
        path = write_media(tmp_path / "a.mov", "pcm_s16le", "stereo", tones(2), tones(4), tones(4))
        ambikit.write_metadata(path, path, SOUND)
        entries = slow_mp4.of_name(path.read_bytes(), b"stbl", b"stsd")
        assert [b"SA3D" in entry for entry in entries] == [False, True, False]

    def test_the_channels_are_those_of_the_stream_and_not_of_its_entry(self, tmp_path):
        """Of AAC most entries say two."""
        path = write_media(tmp_path / "a.mp4", "aac", "4.0", tones(4))
        data = path.read_bytes()
        place = data.index(b"mp4a", data.index(b"stsd")) + 20
        assert data[place : place + 2] == b"\0\4"
        path.write_bytes(data[:place] + b"\0\2" + data[place + 2 :])
        ambikit.write_metadata(path, path, SOUND)
        assert ambikit.read_metadata(path).channel_map == (0, 1, 2, 3)

    def test_aac_of_any_layout(self, tmp_path):
        for layout, channels in [("mono", 1), ("quad", 4), ("5.1", 6), ("7.1(wide)", 8)]:
            path = write_media(tmp_path / f"{channels}.mp4", "aac", layout, tones(channels, 0.1))
            with pytest.raises(ConventionError, match=f"for a sound track of {channels}"):
                ambikit.write_metadata(path, path, SpatialMetadata(order=8, ordering="acn", normalization="sn3d"))


class TestKeeping:
    def path(self, tmp_path, *inside, beside=(), sound=()):
        path = tmp_path / "a.mp4"
        entry = made.sound_entry(*sound)
        path.write_bytes(
            made.mp4(made.track(b"soun", entry), made.track(b"vide", made.picture_entry(*inside), *beside))
        )
        return path

    def test_what_is_not_spoken_of(self, tmp_path):
        path = self.path(tmp_path, made.st3d(2), made.sv3d(yaw=10), sound=[made.sa3d()])
        ambikit.write_metadata(path, path, SpatialMetadata(pose=Pose(pitch=0.5)))
        assert_says(
            path,
            SpatialMetadata(1, "acn", "sn3d", projection="equirectangular", stereo="left-right", pose=Pose(0, 0.5)),
        )
        ambikit.write_metadata(path, path, SpatialMetadata(stereo="mono"), keep=False)
        assert_says(path, SpatialMetadata(stereo="mono"))

    def test_a_projection_that_is_not_written_here_stays(self, tmp_path):
        path = self.path(tmp_path, made.sv3d(yaw=30, projection=b"cbmp"))
        ambikit.write_metadata(path, path, SpatialMetadata(stereo="top-bottom"))
        said = ambikit.read_metadata(path)
        assert (said.projection, said.stereo) == ("cubemap", "top-bottom")
        with pytest.raises(ConventionError, match="projection='cubemap'"):
            ambikit.write_metadata(path, path, SpatialMetadata(pose=Pose(1.0)))
        ambikit.write_metadata(path, path, ambikit.read_metadata(path))

    def test_the_older_xml_is_taken_up_and_out(self, tmp_path):
        path = self.path(tmp_path, beside=[made.v1_box(made.V1 % made.CROP)])
        ambikit.write_metadata(path, path, SpatialMetadata(stereo="mono"))
        said = ambikit.read_metadata(path)
        assert said.origin == ("st3d", "sv3d")
        assert_allclose(said.bounds, (0.1, 0.1, 0.25, 0.0), atol=1e-9)

    def test_a_map_that_is_there_stays_if_nothing_else_is_said(self, tmp_path):
        path = self.path(tmp_path, sound=[made.sa3d(1, (0, 3, 2, 1))])
        before = path.read_bytes()
        with pytest.raises(ConventionError, match="own order"):
            ambikit.write_metadata(path, path, ambikit.read_metadata(path))
        assert path.read_bytes() == before
        ambikit.write_metadata(path, path, SOUND)
        assert ambikit.read_metadata(path).channel_map == (0, 1, 2, 3)

    def test_a_crop_in_xml(self, tmp_path):
        size = struct.pack(">HH", 750, 400)
        path = self.path(tmp_path)
        path.write_bytes(
            path.read_bytes().replace(made.picture_entry()[8:86], made.picture_entry()[8:32] + size + bytes(50))
        )
        said = SpatialMetadata(projection="equirectangular", bounds=(0.1, 0.1, 0.25, 0.0))
        ambikit.write_metadata(path, path, said, version_1=True)
        (xml,) = slow_mp4.of_name(path.read_bytes(), b"trak", b"uuid")
        for word in made.CROP.split(b"><"):
            assert word.strip(b"<>") in xml
        assert not ambikit.read_metadata(path).notes

    def test_a_box_that_is_not_of_the_eight_is_not_touched(self, tmp_path):
        other = made.box(b"uuid", bytes(16), b"something else")
        path = self.path(tmp_path, beside=[other])
        ambikit.write_metadata(path, path, PICTURES)
        assert other in path.read_bytes()


class TestPositions:
    """Files put together by hand, in which each number that counts from the start is known."""

    @pytest.mark.parametrize("wide", [False, True])
    @pytest.mark.parametrize("open_ended", [False, True])
    def test_of_chunks_and_of_what_lies_beside_them(self, tmp_path, wide, open_ended):
        letters = bytes(range(65, 91))

        def file(start, *inside):
            form, name = (">Q", b"co64") if wide else (">I", b"stco")
            places = b"".join(struct.pack(form, start + 8 + k) for k in (0, 7, 25)) + struct.pack(form, 2**31)
            table = made.box(name, struct.pack(">II", 0, 4), places)
            beside = made.box(b"saio", struct.pack(">4sI", bytes([wide, 0, 0, 1]), 0x63656E63), bytes(4))
            beside += struct.pack(">I", 1) + struct.pack(form, start + 8 + 3)
            beside = struct.pack(">I", len(beside)) + beside[4:]
            entry = struct.pack(">II", 0, 1) + made.sound_entry(*inside)
            tables = made.box(b"stbl", made.box(b"stsd", entry), table, beside)
            handler = made.box(b"hdlr", bytes(8), b"soun", bytes(13))
            track = made.box(b"trak", made.box(b"mdia", handler, made.box(b"minf", tables)))
            movie = made.box(b"moov", made.box(b"mvhd", bytes(100)), track)
            if wide:
                movie = struct.pack(">I4sQ", 1, b"moov", len(movie) + 8) + movie[8:]
            size = 0 if open_ended else 8 + len(letters)
            return made.box(b"ftyp", b"qt  ") + movie, struct.pack(">I4s", size, b"mdat") + letters

        def placed(*inside):
            start = len(file(0, *inside)[0])
            return b"".join(file(start, *inside))

        path = tmp_path / "a.mov"
        path.write_bytes(placed())
        ambikit.write_metadata(path, path, SOUND)
        assert path.read_bytes() == placed(made.sa3d())

    def test_of_still_pictures_are_refused(self, tmp_path):
        items = made.box(b"meta", bytes(4), made.box(b"iloc", bytes(8)))
        movie = made.box(b"moov", made.track(b"soun", made.sound_entry()))
        for data in (movie + items, made.box(b"moov", made.track(b"soun", made.sound_entry(), items)) + bytes(8)):
            with pytest.raises(FileError, match="still pictures"):
                self.said_of(tmp_path, made.box(b"ftyp", b"isom") + data)
        self.said_of(tmp_path, made.box(b"ftyp", b"isom") + items + movie)  # nothing moves

    def test_of_an_index_that_reaches_over_the_movie_are_refused(self, tmp_path):
        movie = made.box(b"moov", made.track(b"soun", made.sound_entry()))
        with pytest.raises(FileError, match="sidx"):
            self.said_of(tmp_path, made.box(b"ftyp", b"isom") + made.box(b"sidx", bytes(24)) + movie + bytes(8))

    def test_that_32_bits_cannot_say_are_refused(self, tmp_path):
        table = made.box(b"stbl", made.box(b"stsd", struct.pack(">II", 0, 1), made.sound_entry()),
                         made.box(b"stco", struct.pack(">3I", 0, 1, 2**32 - 20)))  # fmt: skip
        handler = made.box(b"hdlr", bytes(8), b"soun", bytes(13))
        movie = made.box(b"moov", made.box(b"trak", made.box(b"mdia", handler, made.box(b"minf", table))))
        path = tmp_path / "a.mp4"
        path.write_bytes(made.box(b"ftyp", b"isom") + movie + struct.pack(">I4s", 0, b"mdat"))
        with path.open("ab") as sparse:
            sparse.truncate(2**32)
        with pytest.raises(FileError, match="32-bit positions"):
            ambikit.write_metadata(path, tmp_path / "b.mp4", SOUND)
        assert not (tmp_path / "b.mp4").exists()

    def said_of(self, tmp_path, data):
        path = tmp_path / "a.mp4"
        path.write_bytes(data)
        ambikit.write_metadata(path, tmp_path / "b.mp4", SOUND)


class TestErrors:
    def refused(self, path, metadata, error, match, **how):
        before = path.read_bytes()
        folder = path.parent / "out"
        folder.mkdir(exist_ok=True)
        with pytest.raises(error, match=match):
            ambikit.write_metadata(path, folder / "b.mp4", metadata, **how)
        with pytest.raises(error, match=match):
            ambikit.write_metadata(path, path, metadata, **how)
        assert path.read_bytes() == before
        assert not list(folder.iterdir())

    @pytest.mark.parametrize(
        ("metadata", "match"),
        [
            (SpatialMetadata(), "say nothing"),
            (SpatialMetadata(order=1), "'acn' and 'sn3d'"),
            (SpatialMetadata(order=1, ordering="acn", normalization="n3d"), "convert the sound"),
            (SpatialMetadata(order=1, ordering="fuma", normalization="fuma"), "convert the sound"),
            (SpatialMetadata(1, "acn", "sn3d", 4, matrix=((1.0,) * 4,) * 4), "matrix"),
            (SpatialMetadata(2, "acn", "sn3d"), "9 channels, for a sound track of 4"),
            (SpatialMetadata(1, "acn", "sn3d", head_locked_stereo=True), "6 channels, for a sound track of 4"),
            (SpatialMetadata(1, "acn", "sn3d", 9), "channels=9"),
            (SpatialMetadata(1, "acn", "sn3d", 4, (0, 2, 3, 1)), "own order"),
            (SpatialMetadata(101, "acn", "sn3d"), "order 101"),
            (SpatialMetadata(projection="mesh"), "projection='mesh'"),
            (SpatialMetadata(pose=Pose(1.0)), "without a projection"),
            (SpatialMetadata(projection="equirectangular", pose=Pose(pitch=2.0)), "within"),
            (SpatialMetadata(projection="equirectangular", bounds=(0.5, 0.5, 0, 0)), "leave some"),
            (SpatialMetadata(projection="equirectangular", stereo="bottom-top"), "st3d knows no other"),
        ],
    )
    def test_what_no_box_can_say(self, tmp_path, metadata, match):
        path = write_media(tmp_path / "a.mp4", "aac", "4.0", tones(4), picture=True)
        self.refused(path, metadata, ConventionError, match)

    @pytest.mark.parametrize(
        ("fields", "match"),
        [({"stereo": "right-left"}, "knows no others"), ({"stereo": "left-right", "bounds": (0.1, 0, 0, 0)}, "crop")],
    )
    def test_what_the_older_xml_cannot_say(self, tmp_path, fields, match):
        path = write_media(tmp_path / "a.mp4", "aac", "4.0", tones(4), picture=True)
        said = SpatialMetadata(projection="equirectangular", **fields)
        self.refused(path, said, ConventionError, match, version_1=True)

    def test_a_track_that_is_not_there(self, tmp_path):
        path = write_media(tmp_path / "a.m4a", "aac", "4.0", tones(4))
        self.refused(path, PICTURES, FileError, "without pictures")
        path = write_media(tmp_path / "b.mp4", "aac", "4.0", picture=True)
        self.refused(path, SOUND, FileError, "without sound")

    def test_other_containers(self, tmp_path):
        ambikit.write(tmp_path / "a.wav", tones(4), RATE)
        self.refused(tmp_path / "a.wav", SOUND, FileError, "a wav file; expected MP4")
        path = write_media(tmp_path / "a.mkv", "flac", "4.0", tones(4))
        self.refused(path, SOUND, FileError, "a matroska file; expected MP4")

    def test_files_that_are_cut_or_damaged(self, tmp_path):
        path = write_media(tmp_path / "a.mp4", "aac", "4.0", tones(4), options={"movflags": "faststart"})
        data = path.read_bytes()
        path.write_bytes(data[:-10])
        self.refused(path, SOUND, FileError, "cut off")
        path.write_bytes(data[: data.index(b"moov") - 4] + made.box(b"mdat", bytes(9)))
        self.refused(path, SOUND, FileError, "indices")
        for name in (b"mdia", b"stbl", b"stsd"):
            place = data.index(name) - 4
            path.write_bytes(data[:place] + b"\0\xff\xff\xff" + data[place + 4 :])
            self.refused(path, SOUND, FileError, "no box that fits")
        place = data.index(b"stco") + 8
        path.write_bytes(data[:place] + b"\xff" + data[place + 1 :])
        self.refused(path, SOUND, FileError, "more than its box holds")

    def test_a_folder_that_is_not_there(self, tmp_path):
        path = write_media(tmp_path / "a.mp4", "aac", "4.0", tones(4))
        with pytest.raises(FileError, match="to exist"):
            ambikit.write_metadata(path, tmp_path / "none" / "b.mp4", SOUND)

    def test_a_full_disk_leaves_nothing(self, tmp_path, monkeypatch):
        def full(source, target, *rest):
            target.write(b"half")
            raise OSError(28, "No space left on device")

        path = write_media(tmp_path / "a.mp4", "aac", "4.0", tones(4))
        monkeypatch.setattr(writing, "copy_edited", full)
        self.refused(path, SOUND, FileError, "No space left")

    def test_who_may_read_it(self, tmp_path):
        path = write_media(tmp_path / "a.mp4", "aac", "4.0", tones(4))
        path.chmod(0o600)
        ambikit.write_metadata(path, path, SOUND)
        assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.recordings
@pytest.mark.parametrize(
    "name",
    ["containers/testsrc_320x240_h264.mp4", "containers/testsrc_32x24_prores.mov", "video360/redownloaded_from_YT.mp4"],
)
def test_real_files(recordings, tmp_path, name):
    """Whatever wrote them: what is said is read, by us and by FFmpeg, and all else is as it was."""
    path, out = recordings / name, tmp_path / "out.mp4"
    ambikit.write_metadata(path, out, PICTURES, version_1=False)
    assert_says(out, PICTURES)
    assert packets_and_frames(out) == packets_and_frames(path)
    with av.open(str(out)) as video:
        assert {data.type.name for data in next(video.decode(video=0)).side_data} >= {"SPHERICAL", "STEREO3D"}
    if "YT" in name:
        with pytest.raises(ConventionError, match="4 channels, for a sound track of 6"):
            ambikit.write_metadata(path, out, SOUND)
    ambikit.write_metadata(out, out, SpatialMetadata(), keep=False)
    assert out.read_bytes() == path.read_bytes()


def test_a_long_walk_is_granted_to_a_long_file():
    """The budget of a walk through all fragments grows with the file, and is the ordinary one for a short file."""
    assert BoundedFile.of(bytes(100)).read(0, 4) == bytes(4)
    fragments = made.box(b"free") * 6000
    long = made.box(b"mdat", bytes(100_000)) + fragments
    assert len(top_boxes(BoundedFile(BytesIO(long), len(long), of_all_pieces=True))) == 6001
    with pytest.raises(FileError, match="hostile"):
        top_boxes(BoundedFile(BytesIO(fragments), len(fragments), of_all_pieces=True))
