"""What CAF, WAV, BW64, Ogg and FLAC files say and are: a source on the sphere comes back from every one of them."""

import io
import struct
from itertools import pairwise

import numpy as np
import pytest
import soundfile
from numpy.testing import assert_allclose, assert_array_equal

import ambikit
from ambikit.errors import FileError
from ambikit.files.blocks import read_in_blocks
from ambikit.files.metadata.bounds import BoundedFile
from ambikit.files.metadata.caf import parse_caf
from ambikit.files.metadata.ogg import parse_ogg
from ambikit.files.metadata.opus import parse_opus_head, spatial_of_opus
from ambikit.files.metadata.wave import parse_wave
from ambikit.files.ogg_pages import page_checksum
from tests import spatial_files as made
from tests.media_files import RATE, direction_of, source_at, tones, write_media

FROM = (60.0, 30.0)
SIXTEEN_BITS = 1 / 32767


def stored_as_fuma(letters, azimuth=60.0, elevation=30.0):
    """A plane wave in some of the Furse-Malham channels, by their formulas."""
    noise = source_at(azimuth, elevation)[0]
    a, e = np.radians([azimuth, elevation])
    c, s = np.cos(e), np.sin(e)
    gains = {
        "W": np.sqrt(0.5), "X": np.cos(a) * c, "Y": np.sin(a) * c, "Z": s,
        "R": (3 * s**2 - 1) / 2, "S": np.cos(a) * np.sin(2 * e), "T": np.sin(a) * np.sin(2 * e),
        "U": np.cos(2 * a) * c**2, "V": np.sin(2 * a) * c**2,
        "K": s * (5 * s**2 - 3) / 2,
        "L": np.sqrt(135 / 256) * np.cos(a) * c * (5 * s**2 - 1),
        "M": np.sqrt(135 / 256) * np.sin(a) * c * (5 * s**2 - 1),
        "N": np.sqrt(27 / 4) * np.cos(2 * a) * s * c**2, "O": np.sqrt(27 / 4) * np.sin(2 * a) * s * c**2,
        "P": np.cos(3 * a) * c**3, "Q": np.sin(3 * a) * c**3,
    }  # fmt: skip
    return np.float32([gains[letter] * noise for letter in letters])


def plane_wave(order, azimuth=60.0, elevation=30.0):
    noise = source_at(azimuth, elevation)[0]
    gains = ambikit.spherical_harmonics(azimuth, elevation, order, degrees=True)
    return np.float32(np.outer(gains, noise))


def read_both_ways(path, **options):
    """As a whole and in blocks, which must be the same."""
    with pytest.warns(UserWarning, match="its header"):
        whole, _ = ambikit.read(path, **options)
    with pytest.warns(UserWarning, match="its header"):
        blocks = read_in_blocks(path, length=4096, **options)
    assert_array_equal(np.concatenate(list(blocks), axis=1), whole)
    assert (blocks.channels, blocks.frames) == whole.shape
    return whole


class TestAmb:
    @pytest.mark.parametrize(
        ("letters", "order"),
        [("WXYZ", 1), ("WXYZRSTUV", 2), ("WXYZRSTUVKLMNOPQ", 3)],
    )
    def test_full_sets_come_back_as_plane_waves(self, tmp_path, letters, order):
        (tmp_path / "a.amb").write_bytes(made.wave(stored_as_fuma(letters), guid=made.AMB))
        read = read_both_ways(tmp_path / "a.amb")
        assert_allclose(direction_of(read[:4]), FROM, atol=0.05)
        assert_allclose(read, plane_wave(order), atol=3 * SIXTEEN_BITS)

    @pytest.mark.parametrize(
        ("letters", "order"),
        [("WXY", 1), ("WXYUV", 2), ("WXYZUV", 2), ("WXYUVPQ", 3), ("WXYZUVPQ", 3), ("WXYZRSTUVPQ", 3)],
    )
    def test_sets_without_some_of_the_channels(self, tmp_path, letters, order):
        """A horizontal source; the missing channels are silent, whatever they would have held."""
        (tmp_path / "a.amb").write_bytes(made.wave(stored_as_fuma(letters, 60, 0), guid=made.AMB))
        read = read_both_ways(tmp_path / "a.amb")
        assert read.shape[0] == (order + 1) ** 2
        assert_allclose(direction_of(read[:4]), (60, 0), atol=0.05)
        present = [k for k in range(len(read)) if read[k].any()]
        assert_allclose(read[present], plane_wave(order, 60, 0)[present], atol=3 * SIXTEEN_BITS)

    def test_big_endian(self, tmp_path):
        signal = stored_as_fuma("WXYZ")
        (tmp_path / "a.wav").write_bytes(made.wave(signal, guid=made.AMB, form=b"RIFX", order=">"))
        assert ambikit.read_metadata(tmp_path / "a.wav").normalization == "fuma"
        assert_allclose(direction_of(read_both_ways(tmp_path / "a.wav")), FROM, atol=0.05)

    def test_the_word_of_the_caller_agrees_or_goes_first(self, tmp_path, recwarn):
        (tmp_path / "a.amb").write_bytes(made.wave(stored_as_fuma("WXYZ"), guid=made.AMB))
        assert_allclose(direction_of(ambikit.read(tmp_path / "a.amb", source="fuma")[0]), FROM, atol=0.05)
        assert ambikit.read(tmp_path / "a.amb", channel_map=None)[0].shape == (4, RATE // 2)
        assert not recwarn.list
        with pytest.warns(UserWarning, match="source='n3d' contradicts; source is followed"):
            ambikit.read(tmp_path / "a.amb", source="n3d")

    def test_libsndfile_agrees_about_the_samples(self):
        data = made.wave(stored_as_fuma("WXYZ"), guid=made.AMB)
        samples, rate = soundfile.read(io.BytesIO(data), always_2d=True)
        assert rate == RATE
        assert_allclose(samples.T, stored_as_fuma("WXYZ"), atol=2 * SIXTEEN_BITS)

    def test_twelve_channels_are_no_set(self):
        said = parse_wave(BoundedFile.of(made.wave(tones(12), guid=made.AMB)))
        assert said.order is None
        assert "no set" in said.notes[0]


class TestSpeakerMasks:
    def test_four_loudspeakers_warn(self, tmp_path):
        (tmp_path / "a.wav").write_bytes(made.wave(tones(4), mask=0x33))
        with pytest.warns(UserWarning, match=r"loudspeakers \(quad\)"):
            ambikit.read(tmp_path / "a.wav")
        assert ambikit.read_metadata(tmp_path / "a.wav").loudspeakers == "quad"

    def test_no_mask_is_silent(self, tmp_path, recwarn):
        for name, data in (("a.wav", made.wave(tones(4))), ("b.wav", made.wave(tones(4), mask=0))):
            (tmp_path / name).write_bytes(data)
            ambikit.read(tmp_path / name)
            assert ambikit.read_metadata(tmp_path / name) == ambikit.SpatialMetadata()
        assert not recwarn.list

    @pytest.mark.parametrize("target", ["ambix", "n3d", "fuma"])
    def test_what_we_write_has_none(self, tmp_path, target, recwarn):
        ambikit.write(tmp_path / "a.wav", source_at(*FROM), RATE, target=target)
        assert ambikit.read_metadata(tmp_path / "a.wav") == ambikit.SpatialMetadata()
        read, _ = ambikit.read(tmp_path / "a.wav", source=target)
        assert_allclose(direction_of(read), FROM, atol=0.01)
        assert not recwarn.list


class TestAdm:
    FIRST = [(0, 0), (1, -1), (1, 0), (1, 1)]

    def file(self, tmp_path, stored, *chunks, form=b"BW64"):
        path = tmp_path / "a.wav"
        path.write_bytes(made.wave(stored, *chunks, form=form))
        return path

    @pytest.mark.parametrize("form", [b"RIFF", b"RF64", b"BW64"])
    def test_common_definitions_need_no_xml(self, tmp_path, form, recwarn):
        lines = [(k, f"ATU_0000000{k}", f"AT_0004000{k}_01", "AP_00040001") for k in range(1, 5)]
        path = self.file(tmp_path, source_at(*FROM), made.chna(*lines), form=form)
        said = ambikit.read_metadata(path)
        assert (said.order, said.normalization, said.channel_map) == (1, "sn3d", (0, 1, 2, 3))
        assert_allclose(direction_of(ambikit.read(path)[0]), FROM, atol=0.05)
        assert not recwarn.list

    def test_tracks_in_another_order(self, tmp_path):
        lines = [(k, f"ATU_0000000{k}", f"AT_0004000{5 - k}_01", "AP_00040001") for k in range(1, 5)]
        read = read_both_ways(self.file(tmp_path, source_at(*FROM)[::-1], made.chna(*lines)))
        assert_allclose(direction_of(read), FROM, atol=0.05)

    @pytest.mark.parametrize("per_channel", [False, True])
    @pytest.mark.parametrize(("said", "scale"), [("N3D", np.sqrt(3)), ("SN3D", 1), (None, 1)])
    def test_normalisation_of_custom_definitions(self, tmp_path, said, scale, per_channel):
        w, *dipoles = source_at(*FROM) / 2
        chunks = made.adm_of(self.FIRST, said, per_channel=per_channel)
        path = self.file(tmp_path, np.stack([w, *(scale * d for d in dipoles)]), *chunks)
        assert ambikit.read_metadata(path).normalization == (said or "SN3D").lower()
        read = read_both_ways(path) if said == "N3D" else ambikit.read(path)[0]
        assert_allclose(read, source_at(*FROM) / 2, atol=2 * SIXTEEN_BITS)

    def test_furse_malham_in_adm(self, tmp_path):
        w, x, y, z = self.FIRST[0], (1, 1), (1, -1), (1, 0)
        path = self.file(tmp_path, stored_as_fuma("WXYZ"), *made.adm_of([w, x, y, z], "FuMa"))
        assert_allclose(direction_of(read_both_ways(path)), FROM, atol=0.05)

    def test_a_field_beside_other_channels(self, tmp_path):
        tracks, xml = made.adm_of(self.FIRST, "SN3D")
        stored = np.concatenate([source_at(*FROM), tones(2)])
        read = read_both_ways(self.file(tmp_path, stored, tracks, xml))
        assert_allclose(read, source_at(*FROM), atol=2 * SIXTEEN_BITS)

    @pytest.mark.parametrize(
        ("chunks", "why"),
        [
            (made.adm_of([(0, 0), (1, -1), (1, 0)], "SN3D"), "no full sound field"),
            (made.adm_of([(0, 0), (1, -1), (1, 0), (1, 0)], "SN3D"), "no full sound field"),
            (made.adm_of([(0, 0), (1, -1), (1, 0), (1, 2)], "SN3D"), "which component"),
            (made.adm_of(FIRST, "MaxRE"), "unknown"),
            ((made.adm_of(FIRST, "SN3D")[0], made.chunk(b"axml", b"<!DOCTYPE x>")), "no XML"),
            ((made.chna((1, "ATU_00000001", "AT_00040033_01", "AP_00040011")),), "which component"),
        ],
    )
    def test_what_cannot_be_used_is_a_note(self, chunks, why):
        said = parse_wave(BoundedFile.of(made.wave(tones(4), *chunks)))
        assert said.order is None
        assert why in said.notes[0]

    def test_loudspeaker_packs_are_no_field(self):
        chunks = made.chna((1, "ATU_00000001", "AT_00010001_01", "AP_00010003"))
        said = parse_wave(BoundedFile.of(made.wave(tones(4), chunks)))
        assert (said.order, said.origin, said.notes) == (None, ("ADM",), ())


class TestCaf:
    MIXED = np.array([[0.5, 0.5, 0, 0], [0.5, -0.5, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]])

    @pytest.mark.parametrize("early", [False, True])
    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize("after", [False, True])
    def test_the_matrix_is_applied(self, tmp_path, early, order, after):
        """Stored are W + Y, W − Y and Z / 2; and two channels that are none of the field."""
        w, y, z, x = source_at(*FROM)
        stored = np.stack([w + y, w - y, z / 2, x, 0.1 * w, 0.2 * w])
        chunk = made.ambix_uuid(self.MIXED, order, early=early)
        path = tmp_path / "a.caf"
        path.write_bytes(made.caf(stored, after=(chunk,)) if after else made.caf(stored, chunk))
        assert_allclose(read_both_ways(path), source_at(*FROM), atol=1e-6)

    def test_a_matrix_for_a_horizontal_field(self, tmp_path):
        w, y, _, x = source_at(60, 0)
        chunk = made.ambix_uuid(np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 1]]))
        (tmp_path / "a.caf").write_bytes(made.caf(np.stack([w, y, x]), chunk))
        assert_allclose(direction_of(read_both_ways(tmp_path / "a.caf")), (60, 0), atol=0.01)

    @pytest.mark.parametrize("matrix", [np.eye(3), np.zeros((4, 4)), np.eye(9), np.full((4, 4), np.nan)])
    def test_impossible_matrices_are_notes(self, matrix):
        said = parse_caf(BoundedFile.of(made.caf(tones(4), made.ambix_uuid(matrix))))
        assert said.order is None
        assert "not used" in said.notes[0]

    def test_a_matrix_of_signalling_nan(self):
        """Whose conversion to another precision would warn."""
        name, content = made.ambix_uuid(np.eye(4))
        said = parse_caf(BoundedFile.of(made.caf(tones(4), (name, content[:24] + bytes.fromhex("7fa00000") * 16))))
        assert said.order is None
        assert "not of numbers" in said.notes[0]

    def test_names_of_apple(self):
        def said(tag, bitmap=0):
            return parse_caf(BoundedFile.of(made.caf(tones(4), (b"chan", struct.pack(">III", tag, bitmap, 0)))))

        assert (said(190 << 16 | 4).order, said(190 << 16 | 4).normalization) == (1, "sn3d")
        assert said(191 << 16 | 4).normalization == "n3d"
        assert "not used" in said(191 << 16 | 9).notes[0]
        assert said(107 << 16 | 4).ordering == "fuma"
        assert "scale it does not say" in said(107 << 16 | 4).notes[0]
        assert said(108 << 16 | 4).loudspeakers == "quad"
        assert said(1 << 16, 0x3C0000).loudspeakers == "mask 0x3c0000"
        assert said(0) == said(147 << 16 | 4) == ambikit.SpatialMetadata()

    def test_n3d_by_its_name(self, tmp_path):
        w, *dipoles = source_at(*FROM)
        stored = np.stack([w, *(np.sqrt(3) * d for d in dipoles)])
        (tmp_path / "a.caf").write_bytes(made.caf(stored, (b"chan", struct.pack(">III", 191 << 16 | 4, 0, 0))))
        assert_allclose(read_both_ways(tmp_path / "a.caf"), source_at(*FROM), atol=1e-6)

    @pytest.mark.parametrize("order", [1, 3])
    def test_what_we_write_is_extended_ambix(self, tmp_path, order, recwarn):
        signal = plane_wave(order)
        ambikit.write(tmp_path / "a.caf", signal, RATE)
        data = (tmp_path / "a.caf").read_bytes()
        name, content = made.ambix_uuid(np.eye(len(signal)))
        assert data.endswith(name + struct.pack(">q", len(content)) + content)
        said = ambikit.read_metadata(tmp_path / "a.caf")
        assert (said.order, said.origin) == (order, ("ambiX",))
        assert_array_equal(ambikit.read(tmp_path / "a.caf")[0], signal)
        samples, _ = soundfile.read(tmp_path / "a.caf", dtype="float32")
        assert_array_equal(samples.T, signal)
        assert not recwarn.list

    def test_ffmpeg_reads_it(self, tmp_path):
        import av

        ambikit.write(tmp_path / "a.caf", source_at(*FROM), RATE)
        with av.open(str(tmp_path / "a.caf")) as file:
            samples = np.concatenate([f.to_ndarray().reshape(-1, 4) for f in file.decode(audio=0)])
        assert_array_equal(samples.T, source_at(*FROM))

    @pytest.mark.parametrize(("channels", "target"), [(2, "ambix"), (1, "ambix"), (4, "n3d"), (4, "fuma")])
    def test_what_is_not_a_field_in_ambix_says_nothing(self, tmp_path, channels, target):
        ambikit.write(tmp_path / "a.caf", tones(channels), RATE, target=target)
        assert ambikit.read_metadata(tmp_path / "a.caf").origin == ()

    @pytest.mark.recordings
    def test_a_recording_with_a_name_of_loudspeakers(self, recordings):
        path = recordings / "foa" / "AmbixMetronome.caf"
        assert ambikit.read_metadata(path).loudspeakers == "mask 0x3c0000"
        with pytest.warns(UserWarning, match="loudspeakers"):
            assert ambikit.read(path)[0].shape[0] == 4


class TestOpus:
    def test_family_two(self):
        said = spatial_of_opus(parse_opus_head(made.opus_head(11, 2)))
        assert (said.order, said.head_locked_stereo, said.channels) == (2, True, 11)
        assert said.channel_map == (*range(9), None, None)

    def test_mixed_orders_are_a_note(self):
        said = spatial_of_opus(parse_opus_head(made.opus_head(4, 2, streams=3, mapping=[0, 1, 255, 2])))
        assert said.order == 1
        assert "[2]" in said.notes[0]

    def test_family_three_has_its_matrix_by_columns(self):
        matrix = np.random.default_rng(0).uniform(-1, 1, (6, 4))
        head = parse_opus_head(made.opus_head(6, 3, streams=2, coupled=2, matrix=matrix))
        assert_allclose(head.matrix, matrix, atol=0.5001 / 32768)
        assert spatial_of_opus(head).head_locked_stereo

    @pytest.mark.parametrize("channels", [5, 7, 228])
    def test_numbers_that_are_no_field(self, channels):
        said = spatial_of_opus(parse_opus_head(made.opus_head(channels, 2)))
        assert said.order is None
        assert "no sound field" in said.notes[0]

    def test_other_families_say_nothing(self):
        assert spatial_of_opus(parse_opus_head(made.opus_head(2, 0))).origin == ()
        assert spatial_of_opus(parse_opus_head(made.opus_head(4, 1))).origin == ()
        assert spatial_of_opus(parse_opus_head(made.opus_head(4, 255))).origin == ()

    def test_in_ogg_beside_another_stream(self):
        other = made.ogg_page(b"\x80theora", flags=2, serial=2)
        said = parse_ogg(BoundedFile.of(other + made.ogg_page(made.opus_head(4, 2), flags=2)))
        assert said.order == 1

    def test_a_stream_is_read_with_its_direction(self, tmp_path):
        """An encoded stream of single channels, of which only the header is changed to say Ambisonics."""
        path = write_media(tmp_path / "a.ogg", "libopus", "quad", source_at(*FROM))
        plain, _ = ambikit.read(path, channel_map=None)
        data = bytearray(path.read_bytes())
        assert data[28:36] == b"OpusHead"
        data[28 + 18] = 2
        data[22:26] = bytes(4)
        data[22:26] = struct.pack("<I", made.slow_ogg_checksum(bytes(data[: 28 + 19 + 6])))
        path.write_bytes(data)
        assert ambikit.read_metadata(path).origin == ("Opus family 2",)
        read, _ = ambikit.read(path)
        assert_allclose(read, plain, atol=1e-6)
        assert_allclose(direction_of(read), FROM, atol=0.5)


class TestProjectedOpus:
    """Family 3: four streams' worth of channels that are no components, and the matrix that makes them."""

    DEMIXING = np.array([[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, 1, -1], [-1, 1, 1, -1]]) / 2  # orthogonal

    def file(self, tmp_path, demixing, signal):
        """Encoded as loudspeakers by FFmpeg, in two coupled streams; then the header is put in its place."""
        stored = write_media(tmp_path / "a.ogg", "libopus", "quad", signal)
        data = stored.read_bytes()
        content = 27 + data[26]
        end = content + sum(data[27:content])
        streams, coupled, *mapping = data[content + 19 : end]
        assert (streams, coupled, mapping) == (2, 2, [0, 1, 2, 3])
        head = made.opus_head(len(demixing), 3, streams=2, coupled=2, matrix=demixing)
        (tmp_path / "b.ogg").write_bytes(
            made.ogg_page(head, flags=2, serial=struct.unpack_from("<I", data, 14)[0]) + data[end:]
        )
        return tmp_path / "b.ogg"

    def test_a_source_is_demixed_to_its_direction(self, tmp_path, recwarn):
        signal = source_at(*FROM)
        path = self.file(tmp_path, self.DEMIXING, self.DEMIXING.T @ signal)
        assert ambikit.read_metadata(path).origin == ("Opus family 3",)
        read, rate = ambikit.read(path)
        assert (read.shape, rate) == (signal.shape, RATE)
        assert_allclose(direction_of(read), FROM, atol=0.5)
        assert not recwarn.list
        blocks = read_in_blocks(path, length=5000)
        assert_allclose(np.concatenate(list(blocks), axis=1), read, atol=1e-6)

    def test_a_stereo_pair_beside_the_field_is_left_out(self, tmp_path):
        signal = source_at(*FROM)
        demixing = np.concatenate([self.DEMIXING, np.eye(4)[:2] / 2])
        path = self.file(tmp_path, demixing, self.DEMIXING.T @ signal)
        with pytest.warns(UserWarning, match="head-locked stereo"):
            read, _ = ambikit.read(path)
        assert_allclose(direction_of(read), FROM, atol=0.5)
        assert ambikit.read(path, channel_map=None)[0].shape[0] == 6


class TestStreamedFiles:
    def test_flac_without_a_length(self, tmp_path):
        signal = source_at(*FROM)
        path = tmp_path / "a.flac"
        ambikit.write(path, signal, RATE)
        data = bytearray(path.read_bytes())
        data[21] &= 0xF0
        data[22:26] = bytes(4)
        path.write_bytes(data)
        assert_allclose(ambikit.read(path)[0], signal, atol=2**-23)
        path.write_bytes(data[:-3])
        with pytest.raises(FileError, match="whole frame"):
            ambikit.read(path)
        path.write_bytes(data)
        blocks = read_in_blocks(path, length=1000)
        assert blocks.frames == signal.shape[1]
        assert_allclose(np.concatenate(list(blocks), axis=1), signal, atol=2**-23)

    @pytest.mark.parametrize("size", [0x7FFFFFFF, 0xFFFFFFFF])
    def test_wav_without_a_length(self, tmp_path, size):
        data = made.wave(source_at(*FROM))
        place = data.index(b"data") + 4
        (tmp_path / "a.wav").write_bytes(data[:place] + struct.pack("<I", size) + data[place + 4 :])
        assert_allclose(ambikit.read(tmp_path / "a.wav")[0], source_at(*FROM), atol=2 * SIXTEEN_BITS)

    def test_bw64_is_rf64(self, tmp_path):
        for form in (b"RF64", b"BW64"):
            (tmp_path / "a.wav").write_bytes(made.wave(source_at(*FROM), form=form))
            assert_allclose(ambikit.read(tmp_path / "a.wav")[0], source_at(*FROM), atol=2 * SIXTEEN_BITS)
            (tmp_path / "b.wav").write_bytes((tmp_path / "a.wav").read_bytes()[:-1000])
            with pytest.raises(FileError, match="cut off"):
                ambikit.read(tmp_path / "b.wav")


class TestDamagedOgg:
    @pytest.fixture
    def pages(self, tmp_path):
        rng = np.random.default_rng(0)
        soundfile.write(tmp_path / "a.ogg", 0.1 * rng.standard_normal((RATE, 4)), RATE, format="OGG", subtype="VORBIS")
        data = (tmp_path / "a.ogg").read_bytes()
        starts = [k for k in range(len(data)) if data[k : k + 4] == b"OggS"] + [len(data)]
        assert len(starts) > 6
        return [data[a:b] for a, b in pairwise(starts)]

    def read(self, tmp_path, pages):
        (tmp_path / "b.ogg").write_bytes(b"".join(pages))
        return ambikit.read(tmp_path / "b.ogg")[0]

    def test_whole(self, tmp_path, pages, recwarn):
        assert self.read(tmp_path, pages).shape == (4, RATE)
        assert not recwarn.list

    def test_a_missing_page(self, tmp_path, pages):
        with pytest.raises(FileError, match=r"page 5 after page 3 at byte"):
            self.read(tmp_path, pages[:4] + pages[5:])

    def test_a_changed_byte(self, tmp_path, pages):
        changed = bytearray(pages[4])
        changed[100] ^= 1
        with pytest.raises(FileError, match="checksum"):
            self.read(tmp_path, [*pages[:4], bytes(changed), *pages[5:]])

    def test_cut_between_pages(self, tmp_path, pages):
        with pytest.warns(UserWarning, match="without the mark of a last page"):
            assert self.read(tmp_path, pages[:-2]).shape[1] < RATE

    def test_cut_within_a_page(self, tmp_path, pages):
        with pytest.raises(FileError, match="cut off"):
            self.read(tmp_path, [*pages[:-1], pages[-1][:-1]])

    def test_a_chain(self, tmp_path, pages):
        with pytest.raises(FileError, match="another recording begins"):
            self.read(tmp_path, pages + pages)

    def test_strange_bytes_between_pages(self, tmp_path, pages):
        with pytest.raises(FileError, match="belong to no page"):
            self.read(tmp_path, [*pages[:4], b"strange", *pages[4:]])

    def test_a_page_of_a_stream_that_never_began(self, tmp_path, pages):
        with pytest.raises(FileError, match="never began"):
            self.read(tmp_path, [pages[0], made.ogg_page(b"x", serial=77), *pages[1:]])

    def test_checksums_by_the_definition(self, pages):
        rng = np.random.default_rng(1)
        for data in (b"", b"\x01", rng.bytes(1000), pages[0][:22] + bytes(4) + pages[0][26:]):
            assert page_checksum(data) == made.slow_ogg_checksum(data)
        assert struct.pack("<I", made.slow_ogg_checksum(pages[0][:22] + bytes(4) + pages[0][26:])) == pages[0][22:26]

    @pytest.mark.recordings
    def test_real_files_are_whole(self, recordings, recwarn):
        for name in ("foa/BF_rec5_fuma.ogg", "hoa/HOA3_rec1_01-08ch.ogg"):
            ambikit.read(recordings / name, channel_map=None)
        assert not recwarn.list
