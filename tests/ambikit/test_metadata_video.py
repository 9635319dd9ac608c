"""What MP4, MOV, WebM and MKV say: every box and element, against bytes put together from the specifications."""

import struct

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import ambikit
from ambikit.errors import ConventionError
from ambikit.files.metadata.bounds import BoundedFile
from ambikit.files.metadata.facts import Pose
from ambikit.files.metadata.matroska import parse_matroska
from ambikit.files.metadata.mp4 import parse_mp4
from ambikit.files.metadata.projection import STEREO, st3d_box, sv3d_box
from ambikit.files.metadata.sa3d import sa3d_box
from tests import spatial_files as made
from tests.media_files import add_sa3d, direction_of, source_at, tones, write_media

FROM = (60.0, 30.0)


def said_by_mp4(*tracks):
    return parse_mp4(BoundedFile.of(made.mp4(*tracks)))


def of_sound(*inside, **entry):
    return said_by_mp4(made.track(b"soun", made.sound_entry(*inside, **entry)))


def of_picture(*inside, beside=()):
    return said_by_mp4(made.track(b"vide", made.picture_entry(*inside), *beside))


class TestSa3d:
    @pytest.mark.parametrize("version", [0, 1, 2])
    def test_the_box_is_found_in_every_kind_of_entry(self, version):
        said = of_sound(made.box(b"esds", bytes(20)), made.sa3d(), version=version)
        assert (said.order, said.ordering, said.normalization, said.channels) == (1, "acn", "sn3d", 4)
        assert (said.channel_map, said.origin, said.notes) == ((0, 1, 2, 3), ("SA3D",), ())

    def test_head_locked_stereo(self):
        said = of_sound(made.sa3d(1, range(6), stereo=True), channels=6)
        assert said.head_locked_stereo
        assert said.channel_map == (0, 1, 2, 3, None, None)

    def test_a_map_that_can_be_read_in_two_ways_names_both(self):
        said = of_sound(made.sa3d(1, (0, 2, 3, 1)))
        assert said.channel_map == (0, 2, 3, 1)
        assert "[0, 3, 1, 2]" in said.notes[0]
        assert "[0, 2, 3, 1]" in said.notes[0]
        assert of_sound(made.sa3d(1, (0, 3, 2, 1))).notes == ()  # its own inverse

    @pytest.mark.parametrize(
        ("bad", "why"),
        [
            ({"version": 1}, "not all 0"),
            ({"ordering": 1}, "not all 0"),
            ({"normalization": 1}, "not all 0"),
            ({"order": 2}, "4 channels are not those of order 2"),
            ({"order": 2**32 - 1}, "not those of order"),
            ({"channel_map": (0, 1, 2, 2)}, "no order of 4"),
            ({"channel_map": (0, 1, 2, 4)}, "no order of 4"),
        ],
    )
    def test_what_has_no_meaning_is_a_note(self, bad, why):
        said = of_sound(made.sa3d(**bad))
        assert said.order is None
        assert why in said.notes[0]

    def test_cut_boxes_are_notes(self):
        whole = made.sa3d()[8:]
        for length in range(len(whole)):
            said = of_sound(made.box(b"SA3D", whole[:length]))
            assert said.order is None
            assert "ends" in said.notes[0]

    def test_of_several_tracks_the_one_with_most_channels(self):
        tracks = [made.track(b"soun", made.sound_entry(channels=2)), made.track(b"soun", made.sound_entry(made.sa3d()))]
        assert said_by_mp4(*tracks).order == said_by_mp4(*reversed(tracks)).order == 1
        nine = made.track(b"soun", made.sound_entry(made.sa3d(2, range(9)), channels=9))
        said = said_by_mp4(*tracks, nine)
        assert said.order == 2
        assert "other sound track says" in said.notes[0]

    def test_the_letters_elsewhere_mean_nothing(self):
        assert said_by_mp4(made.track(b"vide", made.picture_entry(made.sa3d()))).origin == ()
        assert parse_mp4(BoundedFile.of(made.mp4() + made.sa3d())).origin == ()

    @pytest.mark.parametrize(("order", "stereo"), [(0, False), (1, False), (1, True), (3, False), (6, True)])
    def test_what_we_write_is_what_the_specification_has(self, order, stereo):
        channels = (order + 1) ** 2 + 2 * stereo
        assert sa3d_box(order, head_locked_stereo=stereo) == made.sa3d(order, range(channels), stereo=stereo)

    def test_the_reference_bytes(self):
        """As the injector of the spatial-media project writes them."""
        reference = "00000024 53413344 00 00 00000001 00 00 00000004 00000000 00000001 00000002 00000003"
        assert sa3d_box(1) == bytes.fromhex(reference)
        with pytest.raises(ConventionError, match="order"):
            sa3d_box(-1)


class TestReading:
    def file(self, tmp_path, signal, channel_map):
        path = write_media(tmp_path / "a.mov", "pcm_s24le", f"{len(signal)} channels", signal, picture=True)
        add_sa3d(path, channel_map)
        return path

    def test_the_identity_is_silent(self, tmp_path, recwarn):
        signal = source_at(*FROM)
        assert_allclose(ambikit.read(self.file(tmp_path, signal, [0, 1, 2, 3]))[0], signal, atol=2**-22)
        assert not [w for w in recwarn if w.category is UserWarning]

    @pytest.mark.parametrize("channel_map", [[0, 3, 1, 2], [0, 3, 2, 1], [3, 2, 1, 0]])
    def test_a_permuted_source_comes_back_to_its_direction(self, tmp_path, channel_map):
        """Track channel k holds component channel_map[k]."""
        signal = source_at(*FROM)
        path = self.file(tmp_path, signal[channel_map], channel_map)
        with pytest.warns(UserWarning, match="SA3D"):
            read, _ = ambikit.read(path)
        assert_allclose(direction_of(read), FROM, atol=0.01)
        assert_allclose(ambikit.read(path, channel_map=None)[0], signal[channel_map], atol=2**-22)

    def test_ffmpeg_takes_our_box_for_what_it_is(self, tmp_path):
        path = self.file(tmp_path, source_at(*FROM), [0, 1, 2, 3])
        assert sa3d_box(1) in path.read_bytes()
        with av.open(str(path)) as file:
            assert file.streams.audio[0].layout.name == "ambisonic 1"

    def test_a_box_for_another_number_of_channels_is_not_used(self, tmp_path):
        path = self.file(tmp_path, tones(4), range(9))
        with pytest.warns(UserWarning, match=r"9 channels|order"):
            assert ambikit.read(path)[0].shape[0] == 4

    def test_a_contradiction_is_named_and_source_is_followed(self, tmp_path):
        w, y, z, x = source_at(*FROM)
        path = self.file(tmp_path, np.stack([w / np.sqrt(2), x, y, z]), [0, 1, 2, 3])
        with pytest.warns(UserWarning, match="source='fuma' contradicts"):
            read, _ = ambikit.read(path, source="fuma")
        assert_allclose(direction_of(read), FROM, atol=0.01)


class TestPictures:
    def test_equirectangular(self):
        said = of_picture(made.st3d(1), made.sv3d())
        assert (said.projection, said.stereo, said.pose, said.bounds) == (
            "equirectangular",
            "top-bottom",
            Pose(),
            (0.0,) * 4,
        )
        assert (said.origin, said.notes) == (("st3d", "sv3d"), ())

    def test_the_order_of_the_two_boxes_does_not_matter(self):
        assert of_picture(made.sv3d(), made.st3d(2)).stereo == "left-right"

    @pytest.mark.parametrize(("name", "word"), [(b"cbmp", "cubemap"), (b"mshp", "mesh")])
    def test_other_projections(self, name, word):
        assert of_picture(made.sv3d(projection=name)).projection == word

    def test_bounds(self):
        assert of_picture(made.sv3d(bounds=(0.25, 0.125, 0.5, 0))).bounds == (0.25, 0.125, 0.5, 0.0)
        assert "leave nothing" in of_picture(made.sv3d(bounds=(0.5, 0.5, 0, 0))).notes[0]

    def test_the_pose_is_in_our_sense(self):
        """Yaw and pitch are counter-clockwise about up and right: pitch up is negative here; roll is clockwise."""
        said = of_picture(made.sv3d(yaw=90, pitch=30, roll=-45))
        assert_allclose([said.pose.yaw, said.pose.pitch, said.pose.roll], np.radians([90, -30, 45]), atol=1e-6)
        assert "outside" in of_picture(made.sv3d(pitch=91)).notes[0]

    @pytest.mark.parametrize(
        ("said", "source", "turned"),
        [
            ({"yaw": 90}, (0, 0), (90, 0)),  # counter-clockwise about up: the front goes to the left
            ({"pitch": 30}, (0, 0), (0, 30)),  # counter-clockwise about right: the front goes up
            ({"roll": 30}, (90, 0), (90, -30)),  # clockwise about forward: the left goes down
        ],
    )
    def test_a_source_is_turned_as_the_file_says(self, said, source, turned):
        """Each angle by the words of the specification, its axis pointing at the reader, on a source on the sphere."""
        pose = of_picture(made.sv3d(**said)).pose
        scene = ambikit.rotate(ambikit.encode(np.ones(8), *source, degrees=True), pose.yaw, pose.pitch, pose.roll)
        assert_allclose(scene, ambikit.encode(np.ones(8), *turned, degrees=True), atol=1e-6)

    def test_version_one(self):
        said = of_picture(beside=(made.v1_box(),))
        assert (said.projection, said.origin, said.bounds) == ("equirectangular", ("Spherical Video V1",), None)
        said = of_picture(beside=(made.v1_box(made.V1 % made.CROP),))
        assert_allclose(said.bounds, (0.1, 0.1, 0.25, 0.0), atol=1e-12)

    def test_version_two_has_the_word(self):
        said = of_picture(made.sv3d(projection=b"cbmp"), beside=(made.v1_box(),))
        assert said.projection == "cubemap"
        assert "contradict" in said.notes[0]

    @pytest.mark.parametrize(
        "xml", [b"", b"no xml", made.V1[:200], b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + made.V1 % b"", made.V1 % b"&b;"]
    )
    def test_xml_that_is_not_trusted_is_a_note(self, xml):
        said = of_picture(beside=(made.v1_box(xml),))
        assert said.projection is None
        assert "no XML" in said.notes[0]

    def test_a_picture_without_any(self):
        assert of_picture() == ambikit.SpatialMetadata()

    @given(
        st.tuples(st.floats(-180, 180), st.floats(-90, 90), st.floats(-180, 180)),
        st.tuples(*[st.floats(0, 0.49)] * 4),
        st.sampled_from(STEREO),
    )
    def test_what_we_write_is_read_back(self, angles, bounds, stereo):
        pose = Pose(*np.radians(angles).tolist())
        said = of_picture(st3d_box(stereo), sv3d_box(pose, bounds))
        read = (said.pose.yaw, said.pose.pitch, said.pose.roll)
        assert_allclose(read, np.radians(angles), atol=np.radians(0.5001 / 65536), rtol=0)
        assert_allclose(said.bounds, bounds, atol=2**-31, rtol=0)
        assert (said.projection, said.stereo, said.notes) == ("equirectangular", stereo, ())

    def test_what_we_write_by_the_specification(self):
        """A second reading of the box, by fixed places."""
        data = sv3d_box(Pose(yaw=np.pi / 2, pitch=-np.pi / 6), (0.25, 0, 0, 0), writer="x")
        assert struct.unpack(">I4s", data[:8]) == (len(data), b"sv3d")
        assert data[8:22] == struct.pack(">I4sI2s", 14, b"svhd", 0, b"x\0")
        assert struct.unpack(">I4s", data[22:30]) == (len(data) - 22, b"proj")
        assert struct.unpack(">I4sI3i", data[30:54]) == (24, b"prhd", 0, 90 * 65536, 30 * 65536, 0)
        assert struct.unpack(">I4sI4I", data[54:]) == (28, b"equi", 0, 2**30, 0, 0, 0)

    def test_what_cannot_be_written(self):
        for wrong in (
            lambda: sv3d_box(Pose(pitch=2.0)),
            lambda: sv3d_box(bounds=(0.5, 0.5, 0, 0)),
            lambda: st3d_box("?"),
        ):
            with pytest.raises(ConventionError, match="expected"):
                wrong()


class TestMatroska:
    def said(self, *tracks, tags=b""):
        return parse_matroska(BoundedFile.of(made.matroska(*tracks, tags=tags)))

    def test_projection_and_eyes(self):
        said = self.said(made.mkv_picture(made.ebml(0x53B8, b"\x03"), made.mkv_projection(pitch=30.0)))
        assert (said.projection, said.stereo, said.bounds) == ("equirectangular", "top-bottom", (0.0,) * 4)
        assert_allclose(said.pose.pitch, -np.pi / 6)
        assert said.pose_certain

    def test_bounds_are_those_of_the_box(self):
        private = bytes(4) + struct.pack(">4I", 2**30, 0, 0, 0)
        assert self.said(made.mkv_picture(made.mkv_projection(private=private))).bounds == (0.25, 0, 0, 0)

    @pytest.mark.parametrize("angles", [{"yaw": 10.0}, {"roll": 10.0}])
    def test_the_angles_that_specifications_dispute_are_uncertain(self, angles):
        said = self.said(made.mkv_picture(made.mkv_projection(**angles)))
        assert not said.pose_certain
        assert "opposite signs" in said.notes[0]

    def test_opus_and_tags(self):
        said = self.said(made.mkv_picture(), made.mkv_sound(made.opus_head(4, 2), 4), tags=made.mkv_tag(made.V1 % b""))
        assert (said.order, said.projection) == (1, "equirectangular")
        assert said.origin == ("Opus family 2", "Spherical Video V1")


def test_files_of_ffmpeg_say_nothing(tmp_path):
    for name, codec in (("a.mp4", "aac"), ("a.mov", "pcm_s16le"), ("a.mkv", "flac")):
        path = write_media(tmp_path / name, codec, "quad", tones(4), picture=True)
        assert ambikit.read_metadata(path) == ambikit.SpatialMetadata()


@pytest.mark.recordings
@pytest.mark.parametrize(
    "name",
    ["containers/testsrc_320x240_h264.mp4", "containers/testsrc_32x24_prores.mov", "video360/redownloaded_from_YT.mp4"],
)
def test_real_containers_take_our_boxes(recordings, tmp_path, name):
    """Put into the picture entry of a real file, the boxes are found, and FFmpeg still decodes the pictures."""
    path = recordings / name
    assert ambikit.read_metadata(path) == ambikit.SpatialMetadata()
    data = bytearray(path.read_bytes())
    boxes = st3d_box("mono") + sv3d_box(Pose(yaw=np.pi / 4))
    handler = data.index(b"vide", data.index(b"moov"))
    chain = [data.rindex(b"moov", 0, handler), data.rindex(b"trak", 0, handler), data.rindex(b"mdia", 0, handler)]
    chain += [data.index(word, handler) for word in (b"minf", b"stbl", b"stsd")]
    entry = chain[-1] + 12
    size = struct.unpack_from(">I", data, entry)[0]
    for place in [c - 4 for c in chain] + [entry]:
        struct.pack_into(">I", data, place, struct.unpack_from(">I", data, place)[0] + len(boxes))
    data[entry + size : entry + size] = boxes
    out = tmp_path / path.name
    out.write_bytes(data)
    said = ambikit.read_metadata(out)
    assert (said.projection, said.stereo) == ("equirectangular", "mono")
    assert_allclose(said.pose.yaw, np.pi / 4, atol=1e-5)
    assert data.rindex(b"moov") > data.index(b"mdat")  # so that the positions of the samples are as they were
    with av.open(str(out)) as file:
        assert next(file.decode(video=0)).to_ndarray(format="rgb24").any()
    assert_array_equal(said.bounds, (0, 0, 0, 0))
