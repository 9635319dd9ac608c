import numpy as np
import pytest
import torch

from ambikit import Layout
from ambikit.errors import AmbikitError, ShapeError
from tests.oracles import real_spherical_harmonics

#: BS.2051-3, tables 1 and 2: azimuth and elevation by hand, None for LFE
PUBLISHED = {
    "stereo": [(30, 0), (-30, 0)],
    "5.1": [(30, 0), (-30, 0), (0, 0), None, (110, 0), (-110, 0)],
    "7.1": [(30, 0), (-30, 0), (0, 0), None, (90, 0), (-90, 0), (135, 0), (-135, 0)],
    "5.1.4": [(30, 0), (-30, 0), (0, 0), None, (110, 0), (-110, 0), (30, 30), (-30, 30), (110, 30), (-110, 30)],
    "22.2": [
        (60, 0), (-60, 0), (0, 0), None, (135, 0), (-135, 0), (30, 0), (-30, 0), (180, 0), None, (90, 0), (-90, 0),
        (45, 30), (-45, 30), (0, 30), (0, 90), (135, 30), (-135, 30), (90, 30), (-90, 30), (180, 30),
        (0, -30), (45, -30), (-45, -30),
    ],
}  # fmt: skip


class TestStandard:
    @pytest.mark.parametrize("name", PUBLISHED)
    def test_published_directions(self, name):
        layout = Layout.named(name)
        assert len(layout) == len(PUBLISHED[name])
        for place, label, azimuth, elevation, sounding in zip(
            PUBLISHED[name], layout.labels, layout.azimuth, layout.elevation, layout.sounding
        ):
            assert sounding == (place is not None) == (not label.startswith("LFE"))
            if place:
                assert (np.degrees(azimuth), np.degrees(elevation)) == pytest.approx(place)

    @pytest.mark.parametrize("name", Layout.names())
    def test_counts_say_what_the_name_says(self, name):
        layout = Layout.named(name)
        numbers = {"stereo": 2, "quad": 4, "tetrahedron": 4, "octahedron": 6, "cube": 8, "icosahedron": 12,
                   "dodecahedron": 20, "snub_cube": 24}  # fmt: skip
        count = numbers[name] if name in numbers else sum(map(int, name.split(".")))
        assert len(layout) == count
        assert layout.name == name
        assert np.linalg.norm(layout.vectors, axis=1) == pytest.approx(1.0)
        assert layout.is_horizontal == (name in ("stereo", "quad", "5.0", "5.1", "7.0", "7.1"))

    @pytest.mark.parametrize(
        ("name", "strength"),
        [("tetrahedron", 2), ("octahedron", 3), ("cube", 3), ("icosahedron", 5), ("dodecahedron", 5), ("snub_cube", 7)],
    )
    def test_solids_are_spherical_designs(self, name, strength):
        """The mean of every harmonic up to the strength is 0, and of the next that can be it is not."""
        layout = Layout.named(name)
        means = np.abs(real_spherical_harmonics(layout.azimuth, layout.elevation, 8).mean(axis=0))
        assert means[1 : (strength + 1) ** 2].max() < 1e-14
        assert means[(strength + 1) ** 2 :].max() > 0.1

    @pytest.mark.parametrize("name", Layout.names())
    def test_left_and_right(self, name):
        layout = Layout.named(name)
        partners = layout.left_right_partners
        if name in ("tetrahedron", "snub_cube"):
            assert partners is None
            return
        for one, other in enumerate(partners):
            assert partners[other] == one
            assert layout.vectors[other] == pytest.approx(layout.vectors[one] * [1, -1, 1], abs=1e-12)
            if layout.labels[one][0] in "MUB":
                assert layout.labels[one].translate(str.maketrans("+-", "-+")) == layout.labels[other] or one == other


class TestOwn:
    def test_polygon(self):
        layout = Layout.polygon(6, np.pi / 6)
        assert layout.is_horizontal
        assert np.degrees(layout.azimuth) == pytest.approx([30, 90, 150, -150, -90, -30])

    def test_fibonacci(self):
        assert len(Layout.fibonacci(30)) == 30
        assert np.abs(Layout.fibonacci(30).vectors.mean(axis=0)).max() < 0.02

    def test_lists_arrays_and_tensors(self):
        by_list = Layout([30, -30], degrees=True)
        assert by_list == Layout(np.radians([30.0, -30.0]), 0.0)
        assert by_list == Layout(torch.deg2rad(torch.tensor([30.0, -30.0], dtype=torch.float64)), torch.zeros(2))
        assert by_list.labels == ("1", "2")
        assert hash(by_list) == hash(Layout(np.radians([30.0, -30.0])))

    def test_an_asymmetric_layout_has_no_partners(self):
        assert Layout([30, -31], degrees=True).left_right_partners is None

    def test_a_silent_channel_may_stand_anywhere(self):
        layout = Layout([0, 90, 0], degrees=True, labels=["C", "L", "sub"], silent=["sub"])
        assert layout.sounding.tolist() == [True, True, False]


@pytest.mark.usefixtures("no_shape_hook")
class TestErrors:
    def test_counts(self):
        with pytest.raises(ShapeError, match="one of each per loudspeaker"):
            Layout([0, 1], [0, 1, 2])
        with pytest.raises(ShapeError, match="3 labels"):
            Layout([0, 1], labels=["a", "b", "c"])
        with pytest.raises(ShapeError):
            Layout(0.0)
        with pytest.raises(ShapeError):
            Layout([])

    def test_values(self):
        with pytest.raises(AmbikitError, match="'2' and '3' in the same direction"):
            Layout([0, 90, 450], degrees=True)
        with pytest.raises(AmbikitError, match="not finite"):
            Layout([0, np.nan])
        with pytest.raises(AmbikitError, match="different labels"):
            Layout([0, 1], labels=["a", "a"])
        with pytest.raises(AmbikitError, match="silent"):
            Layout([0, 1], silent=["LFE"])
        with pytest.raises(AmbikitError, match="no sounding loudspeaker"):
            Layout([0], labels=["LFE"], silent=["LFE"])

    def test_names(self):
        with pytest.raises(AmbikitError, match="'5.1.4'"):
            Layout.named("6.1")
        with pytest.raises(AmbikitError, match="count=1"):
            Layout.polygon(1)
