import dataclasses
import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

import ambikit
from ambikit.errors import AmbikitError
from ambikit_models.sound import SoundFeatures
from ambikit_models.sound.correlations import correlations, lags_of

#: the channels of each format, and how many of them are levels
FORMATS = {
    "omni": (1, 1),
    "mono": (1, 1),
    "stereo": (2, 2),
    "stereo_icf": (5, 2),
    "stereo_gcc": (5, 2),
    "binaural": (2, 2),
    "binaural_gcc": (5, 2),
    "foa_log_mel": (4, 4),
    "foa_intensity": (7, 4),
    "salsa_mel": (7, 4),
    "salsa": (7, 4),
}
#: every format and, where there is one, its magnitude form and its cardioid form
RECIPES = [
    *({"format": name} for name in FORMATS),
    *({"format": name, "spectrum": "magnitude"} for name in FORMATS if not name.startswith("salsa")),
    *({"format": name, "pattern": "cardioid"} for name in ("mono", "stereo", "stereo_icf", "stereo_gcc")),
]
KEYWORDS = {"window": 0.064, "hop": 0.04}


def sound(**recipe):
    return SoundFeatures(**{"sample_rate": 16000, "bands": 32, **KEYWORDS, **recipe})


def name_of(recipe):
    return "-".join(recipe.values())


def sources(rng, count=3):
    """Noises that begin one after the other, ``(sources, time)``, and their directions as unit vectors."""
    time = rng.normal(size=(count, 8000)) * (np.arange(8000) > 1500 * np.arange(count)[:, None])
    return time, ambikit.angles_to_vectors(rng.uniform(-math.pi, math.pi, count), rng.uniform(-1, 1, count))


def field(time, vectors):
    """Their sound field, written out: W, Y, Z, X."""
    gains = np.stack([np.ones(len(vectors)), vectors[:, 1], vectors[:, 2], vectors[:, 0]])
    return torch.from_numpy(gains @ time)


def heard_from(vectors, azimuth, elevation):
    """Directions as seen by someone who looks at (azimuth, elevation)."""
    return Rotation.from_euler("ZYX", [azimuth, -elevation, 0]).inv().apply(vectors)


def slow_correlations(pair):
    """GCC-PHAT at lags of ±0.5, ±1.5, … samples, frequency by frequency, averaged over 1, 5 and 25 frames."""
    spectra = ambikit.stft(pair, frame_length=1024, hop_length=640).numpy()[..., :13]
    cross, maps = spectra[0].conj() * spectra[1], []
    lags, bins = np.arange(32) - 15.5, np.arange(513)
    for reach in (0, 2, 12):
        mean = np.stack([cross[:, max(0, t - reach) : t + reach + 1].mean(1) for t in range(13)], 1)
        phase = np.divide(mean, abs(mean), out=np.zeros_like(mean), where=mean != 0)
        weight = np.where((bins == 0) | (bins == 512), 1, 2)  # the negative frequencies
        waves = weight * np.exp(2j * np.pi * np.outer(lags, bins) / 1024)
        # at half samples the highest frequency, of which only the real part is there, has no phase to be shifted by
        maps.append((waves @ phase).real / 1024)
    return torch.from_numpy(np.stack(maps))


def features_of(recipe, time, vectors):
    """The slow way: the features of sources at known directions, with beams formed source by source."""
    sound_field, pattern = field(time, vectors), recipe.get("pattern", "hypercardioid")
    omni, dipole = {"hypercardioid": (0.25, 0.75), "cardioid": (0.5, 0.5)}[pattern]
    level = {**KEYWORDS, "bands": 32, "power": 1.0 if recipe.get("spectrum") == "magnitude" else 2.0}
    left, right = (torch.from_numpy((omni + side * dipole * vectors[:, 1]) @ time) for side in (1, -1))
    front = torch.from_numpy((omni + dipole * vectors[:, 0]) @ time)
    salsa = {**KEYWORDS, "compressed_above": None}
    pair = torch.stack([left, right])
    ears = ambikit.decode_binaural(sound_field, 16000)
    return {
        "omni": lambda: ambikit.log_mel(sound_field[:1], 16000, **level),
        "mono": lambda: ambikit.log_mel(front[None], 16000, **level),
        "stereo": lambda: ambikit.log_mel(torch.stack([left, right]), 16000, **level),
        "stereo_icf": lambda: ambikit.stereo_features(torch.stack([left, right]), 16000, **level),
        "stereo_gcc": lambda: torch.cat([ambikit.log_mel(pair, 16000, **level), slow_correlations(pair)]),
        "binaural": lambda: ambikit.log_mel(ears, 16000, **level),
        "binaural_gcc": lambda: torch.cat([ambikit.log_mel(ears, 16000, **level), slow_correlations(ears)]),
        "foa_log_mel": lambda: ambikit.log_mel(sound_field, 16000, **level),
        "foa_intensity": lambda: ambikit.foa_features(sound_field, 16000, **level),
        "salsa": lambda: ambikit.salsa(sound_field, 16000, **KEYWORDS),
        "salsa_mel": lambda: torch.cat(
            [
                ambikit.log_mel(sound_field, 16000, **level),
                ambikit.mel_average(
                    ambikit.salsa(sound_field, 16000, **salsa)[4:], ambikit.mel_filterbank(16000, 1024, 32)[:, 1:]
                ),
            ]
        ),
    }[recipe["format"]]()


@pytest.mark.parametrize("recipe", RECIPES, ids=name_of)
def test_shape(recipe, rng):
    features = sound(**recipe)
    channels, levels = FORMATS[recipe["format"]]
    assert (features.channels, features.layout.levels) == (channels, levels)
    assert features.rows == (512 if recipe["format"] == "salsa" else 32)
    signal = field(*sources(rng)).float()
    views = features.view(features.prepare(signal)[None, None], torch.zeros(3, 2), torch.zeros(3, 2))
    assert views.shape == (3, 2, channels, features.rows, 13)
    assert views.dtype == torch.float32


@pytest.mark.parametrize(("azimuth", "elevation"), [(0.0, 0.0), (1.1, 0.4), (-2.5, -0.9)])
@pytest.mark.parametrize("recipe", RECIPES, ids=name_of)
def test_it_hears_placed_sources_where_they_are_seen_from_the_viewpoint(recipe, azimuth, elevation, rng):
    time, vectors = sources(rng)
    expected = features_of(recipe, time, heard_from(vectors, azimuth, elevation))
    features = sound(**recipe)
    prepared = features.prepare(field(time, vectors))
    actual = features.view(prepared, torch.tensor(azimuth), torch.tensor(elevation))
    # the power of a single bin 100 dB below its neighbours is a difference of products, in double precision too
    atol = 2e-4 if recipe["format"] == "salsa" else 1e-5
    torch.testing.assert_close(actual, expected, rtol=1e-7, atol=atol)


@pytest.mark.parametrize("recipe", RECIPES, ids=name_of)
def test_many_viewpoints_of_many_clips_are_each_as_one(recipe, rng):
    features = sound(**recipe)
    signals = torch.stack([field(*sources(rng)) for _ in range(2)]).float()
    azimuth, elevation = torch.tensor([[0.3, -2.0, 1.0], [2.2, 0.0, -0.4]]), torch.tensor([[0.1, 0.9, -0.5]] * 2)
    together = features.view(features.prepare(signals)[:, None], azimuth, elevation)
    for clip in range(2):
        for view in range(3):
            alone = features.view(features.prepare(signals[clip]), azimuth[clip, view], elevation[clip, view])
            # single precision: the level of a beam that hears next to nothing, about 60 dB down, is rounding
            torch.testing.assert_close(together[clip, view], alone, rtol=1e-4, atol=2e-3)


@pytest.mark.parametrize("recipe", RECIPES, ids=name_of)
def test_a_mirrored_scene_gives_mirrored_features(recipe, rng):
    time, vectors = sources(rng)
    features = sound(**recipe)
    seen = [features.view(features.prepare(field(time, vectors * [1, side, 1])), side * 0.8, 0.3) for side in (1, -1)]
    torch.testing.assert_close(features.layout.mirror(seen[0]), seen[1], rtol=1e-7, atol=1e-5)
    torch.testing.assert_close(features.layout.mirror(features.layout.mirror(seen[0])), seen[0], rtol=0, atol=0)


@pytest.mark.parametrize("recipe", RECIPES, ids=name_of)
def test_a_louder_scene_has_higher_levels_and_the_same_cues(recipe, rng):
    time, vectors = sources(rng)
    features = sound(**recipe)
    one, two = (features.view(features.prepare(field(gain * time, vectors)), 0.8, 0.3) for gain in (1.0, 2.0))
    levels = features.layout.levels
    torch.testing.assert_close(two[:levels], one[:levels] + 20 * math.log10(2))
    torch.testing.assert_close(two[levels:], one[levels:])


def test_a_source_at_the_viewpoint_is_in_front(rng):
    signal = ambikit.encode(torch.from_numpy(rng.normal(size=8000)), math.radians(120), math.radians(45))
    for name in ("foa_intensity", "salsa", "salsa_mel"):
        features = sound(format=name)
        seen = features.view(features.prepare(signal), math.radians(120), math.radians(45))[4:]
        heard = seen[:, (seen**2).sum(0) > 1e-3]  # the tests of SALSA leave some bins without direction
        assert heard.shape[1] > 100
        np.testing.assert_allclose(
            heard / heard.norm(dim=0), torch.tensor([[1.0], [0], [0]]).expand_as(heard), atol=1e-6
        )


@pytest.mark.parametrize("pattern", ["hypercardioid", "cardioid"])
def test_level_and_phase_of_the_ears_by_hand(pattern, rng):
    # 60° to the left, seen from 20°: 40° to the left of the viewpoint
    signal = ambikit.encode(torch.from_numpy(rng.normal(size=8000)), math.radians(60), 0.0)
    features = sound(format="stereo_icf", pattern=pattern)
    left, right, difference, cosine, sine = features.view(features.prepare(signal), math.radians(20), 0.0)
    omni, dipole = {"hypercardioid": (0.25, 0.75), "cardioid": (0.5, 0.5)}[pattern]
    near, far = omni + dipole * math.sin(math.radians(40)), omni - dipole * math.sin(math.radians(40))
    assert near > abs(far) > 0
    ratio = 20 * math.log10(near / abs(far))
    torch.testing.assert_close(left - right, torch.full_like(left, ratio))
    torch.testing.assert_close(difference, torch.full_like(left, ratio))
    # the hypercardioid hears what is far on the other side in its rear lobe, with opposite sign
    torch.testing.assert_close(cosine, torch.full_like(left, math.copysign(1, far)))
    torch.testing.assert_close(sine, torch.zeros_like(left), rtol=0, atol=1e-9)


def test_the_sine_of_the_phase_tells_which_ear_is_first(rng):
    # two sources with one sound, the right one later by a quarter of a period: the left ear is first
    time = np.arange(8000) / 16000
    tone = np.stack([np.sin(2 * np.pi * 507 * time), np.sin(2 * np.pi * 507 * time - np.pi / 2)])
    features = sound(format="stereo_icf", pattern="cardioid")
    band = int(np.argmax(ambikit.mel_filterbank(16000, 1024, 32)[:, 32]))  # around 500 Hz
    for side, expected in ((1, 1.0), (-1, -1.0)):
        vectors = np.array([[0.0, side, 0.0], [0.0, -side, 0.0]])
        seen = features.view(features.prepare(field(tone, vectors)), 0.0, 0.0)
        np.testing.assert_allclose(seen[4, band, 2:-2], expected, atol=0.01)
        np.testing.assert_allclose(seen[2, band, 2:-2], 0.0, atol=0.1)


def test_magnitudes_are_summed_before_the_logarithm(rng):
    # one frame by hand: |X| summed with the weights of the bank, and its decibels
    signal = field(*sources(rng, 1))
    frame = signal[0, 3 * 640 - 512 : 3 * 640 + 512] * torch.hann_window(1024, periodic=True, dtype=torch.float64)
    bank = torch.from_numpy(ambikit.mel_filterbank(16000, 1024, 32))
    features = sound(format="foa_log_mel", spectrum="magnitude")
    expected = 20 * torch.log10(bank @ torch.fft.rfft(frame).abs())
    torch.testing.assert_close(features.view(features.prepare(signal), 0.0, 0.0)[0, :, 3], expected)


@pytest.mark.parametrize("recipe", [r for r in RECIPES if r["format"] != "omni"], ids=name_of)
def test_the_floor_lies_below_the_loudest_of_the_clip(recipe):
    signal = torch.zeros(4, 8000, dtype=torch.float64)
    signal[:, :4000] = torch.from_numpy(np.random.default_rng(0).normal(size=4000)) * torch.tensor(
        [[1.0], [0], [0], [1]]
    )
    for floor in (60.0, 120.0):
        features = sound(**recipe, dynamic_range_db=floor)
        levels = features.view(features.prepare(signal), 0.0, 0.0)[: features.layout.levels]
        assert levels.amax() - levels.amin() == pytest.approx(floor)


def test_turning_about_the_vertical_leaves_omni_exactly_alone(rng):
    for spectrum in ("power", "magnitude"):
        features = sound(format="omni", spectrum=spectrum)
        prepared = features.prepare(field(*sources(rng)).float())
        yaw = torch.linspace(-3, 3, 7)
        views = features.view(prepared[None], yaw, torch.zeros(7))
        assert torch.equal(views, views[:1].expand_as(views))


def test_what_is_kept_serves_other_features_or_not():
    features = sound(format="foa_intensity")
    assert features.keeps == "covariance"
    assert features.keeps_the_same_as(sound(format="stereo", pattern="cardioid", dynamic_range_db=80.0))
    assert not features.keeps_the_same_as(sound(format="stereo_icf"))
    assert not features.keeps_the_same_as(sound(format="salsa_mel"))
    assert not features.keeps_the_same_as(dataclasses.replace(features, bands=64))
    magnitude = dataclasses.replace(features, spectrum="magnitude")
    assert magnitude.keeps == "signal"
    assert magnitude.keeps_the_same_as(sound(format="stereo_icf", bands=64))
    assert not magnitude.keeps_the_same_as(dataclasses.replace(magnitude, sample_rate=24000))


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ({"format": "salsa", "spectrum": "magnitude"}, "power spectrum"),
        ({"dynamic_range_db": 0.0}, "decibels above 0"),
    ],
)
def test_senseless_declarations_are_refused(recipe, words):
    with pytest.raises(AmbikitError, match=words):
        sound(**recipe)


class TestTwoEars:
    """A source to the left of where somebody looks is louder at the left ear and reaches it first."""

    @staticmethod
    def heard(side, format, bands=32, **recipe):
        noise = torch.randn(8000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        scene = ambikit.encode(noise, 30 + 50 * side, 0, degrees=True)
        features = sound(format=format, bands=bands, **recipe)
        return features.view(features.prepare(scene), torch.tensor(math.radians(30)), torch.tensor(0.0))

    @pytest.mark.parametrize("format", ["stereo", "stereo_gcc", "binaural", "binaural_gcc"])
    def test_levels(self, format):
        difference = self.heard(1, format)[0] - self.heard(1, format)[1]
        assert difference.mean() > 3
        torch.testing.assert_close(difference, self.heard(-1, format)[1] - self.heard(-1, format)[0], rtol=0, atol=1e-5)
        front = self.heard(0, format)
        torch.testing.assert_close(front[0], front[1], rtol=0, atol=1e-5)

    @pytest.mark.parametrize("bands", [16, 32, 33, 64, 128])
    def test_lags(self, bands):
        lags = lags_of(16000, bands)
        # 1 ms on either side, where there are rows for it
        assert 14 < lags[-1] <= 16 if bands > 16 else lags[-1] == 7.5
        torch.testing.assert_close(lags, -lags.flip(0))
        noise = torch.randn(8000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        for delay in (6, -6):
            pair = torch.stack([noise, noise.roll(delay)])
            maps = correlations(pair, 16000, bands=bands, **KEYWORDS).mean(-1)
            nearest = (lags - delay).abs().min()
            assert ((lags[maps.argmax(-1)] - delay).abs() <= nearest + 1e-6).all()

    @pytest.mark.parametrize("bands", [32, 64])
    def test_the_nearer_ear_is_ahead(self, bands):
        """First order blurs the delay (Woodworth: 0.42 ms at 50°, 6.7 samples), but not its sign."""
        lags = lags_of(16000, bands)
        weight = lags.sign().double() * ((lags.abs() > 1) & (lags.abs() < 11))
        for side in (1, 0, -1):
            maps = self.heard(side, "binaural_gcc", bands)[2:].mean(-1)
            ahead = (maps * weight[:, None].mT).sum(-1) / maps.abs().sum(-1)
            if side:
                assert (side * ahead > 0.2).all(), ahead
            else:
                torch.testing.assert_close(ahead, torch.zeros_like(ahead), rtol=0, atol=1e-4)

    def test_at_first_order_the_peak_is_no_time_difference(self):
        """What a source at the left of a rigid sphere is ahead by, of the sphere itself and of its first order."""
        noise = np.random.default_rng(0).standard_normal(16000)
        sphere = ambikit.spherical_head_hrirs([90.0], [0.0], 16000, degrees=True).responses[0]
        ears = {
            "sphere": np.stack([np.convolve(noise, response)[: len(noise)] for response in sphere]),
            "first order": ambikit.decode_binaural(ambikit.encode(noise, 90, 0, degrees=True), 16000),
        }
        expected = {  # milliseconds, below each frequency; Woodworth's formula for high ones: 0.66
            "sphere": {8001: 0.67, 1500: 0.70, 700: 0.75},
            "first order": {8001: 0.01, 1500: 0.39, 700: 0.61},
        }
        for name, pair in ears.items():
            spectrum = ambikit.stft(pair, frame_length=1024, hop_length=512)
            for limit, milliseconds in expected[name].items():
                below = spectrum * (np.arange(513) * 16000 / 1024 < limit)[:, None]
                found = ambikit.itd(below, 16000, frames=None)
                assert 1000 * found.item() == pytest.approx(milliseconds, abs=0.02), (name, limit)
        maps = correlations(torch.from_numpy(ears["first order"]), 16000, bands=65, window=0.064, hop=0.04).mean(-1)
        assert (lags_of(16000, 65)[maps.argmax(-1)].abs() <= 0.5).all()

    def test_beams_of_one_place_have_no_delay(self):
        maps = self.heard(1, "stereo_gcc", 33, pattern="cardioid")[2:].mean(-1)
        assert torch.equal(lags_of(16000, 33)[maps.argmax(-1)], torch.zeros(3))

    def test_which_formats_have_sides(self):
        sides = {name for name in FORMATS if sound(format=name).layout.has_sides}
        assert sides == set(FORMATS) - {"omni", "mono", "foa_log_mel"}
