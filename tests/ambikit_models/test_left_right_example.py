"""The example that learns to tell left from right, in its smallest form."""

import runpy
from pathlib import Path

import numpy as np
import pytest
import soundfile
from matplotlib import image

from ambikit_models.training.checkpoints import load_correspondence

EXAMPLE = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "tell_left_from_right.py"))


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    folder = tmp_path_factory.mktemp("left-right")
    EXAMPLE["main"](EXAMPLE["Arguments"](preset="smoke", output=folder, workers=1))
    return folder


def test_a_table_with_controls(output):
    lines = (output / "table.md").read_text().splitlines()
    right = {words.strip(): value.strip() for _, words, value, _, _ in (line.split("|") for line in lines)}
    assert len(lines) == 2 + 5
    assert right["silence"] == right["the same in both channels"] == "50.0 ±0.0"


def test_two_sound_files_with_exchanged_channels(output):
    """What goes to the right in the first film becomes louder there; exchanged it goes the other way."""
    sounds = [soundfile.read(output / f"{name}.wav", always_2d=True) for name in ("as_it_is", "exchanged")]
    (sound, rate), (exchanged, _) = sounds
    assert rate == 16000
    assert sound.shape == (3 * rate, 2)
    np.testing.assert_array_equal(exchanged, sound[:, ::-1])
    assert np.abs(sound).max() == pytest.approx(0.5, abs=1e-3)
    left, right = (np.square(part).sum(0) for part in (sound[:rate], sound[-rate:]))
    assert right[1] / right[0] > 1.2 * left[1] / left[0]


def test_a_picture(output):
    picture = image.imread(output / "where_it_is_heard.png")
    assert picture.shape[1] > 1000
    assert picture[..., :3].std() > 0.1


def test_the_network_can_be_opened(output):
    network, recipe = load_correspondence(output)
    assert not network.training
    assert recipe.phases[0].objective == "flip"


def test_films_are_chosen_by_where_the_object_is():
    truth = np.radians([[0.0, 5.0], [30.0, -30.0], [-20.0, 25.0], [20.0, -15.0], [10.0, -10.0]])
    assert EXAMPLE["passing"](truth).tolist() == [1, 2, 3]  # to the right, to the left, to the right
    assert EXAMPLE["passing"](truth[1:2]).tolist() == [0]
