"""The figures of binaural decoding on a measured dummy head, and that the page on it prints them."""

import re
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from ambikit import angular_distance, binaural_decoder, decode_binaural, encode, read_hrirs
from tests.oracles import real_spherical_harmonics

pytest.importorskip("sofar")
pytestmark = pytest.mark.recordings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "binaural.md"
LENGTH, RATE, ORDERS = 4096, 44100, (1, 2, 3, 5, 7)
frequency = np.fft.rfftfreq(LENGTH, 1 / RATE)
WAVES, SHADOWS = (100, 1500), (1500, 16000)  # Hz: where the phase of the waves counts, and where the levels do


@pytest.fixture(scope="module")
def dummy_head(request):
    return read_hrirs(request.getfixturevalue("recordings") / "hrir" / "mit_kemar_normal_pinna.sofa")


@lru_cache(maxsize=16)
def design(hrirs, order, method):
    return binaural_decoder(hrirs, order, method=method)


@lru_cache(maxsize=16)
def decoded(hrirs, order, method):
    """The spectra ``(directions, 2, freq)`` at the ears of a click from every direction, and those measured."""
    decoder = design(hrirs, order, method)
    filters = np.fft.rfft(decoder.filters, LENGTH) * np.exp(2j * np.pi * frequency * decoder.delay / RATE)
    harmonics = real_spherical_harmonics(hrirs.azimuth, hrirs.elevation, order)
    got = harmonics @ filters.reshape(2, len(harmonics[0]), -1)
    return np.moveaxis(got, 1, 0), np.fft.rfft(hrirs.responses, LENGTH)


def heard(hrirs, order, method, azimuth):
    """The spectra ``(2, freq)`` at the ears of a click from the side, through the whole chain."""
    click = np.eye(1, LENGTH // 2, 512)[0]
    field = encode(click, azimuth, 0, order, degrees=True)
    ears = decode_binaural(field, RATE, design(hrirs, order, method), tail=True)
    return np.fft.rfft(ears[:, 256 : 256 + LENGTH], LENGTH)


def band(low, high):
    return (frequency >= low) & (frequency < high)


def error_db(hrirs, order, method, limits, *, magnitudes):
    got, wanted = (spectra[..., band(*limits)] for spectra in decoded(hrirs, order, method))
    difference = abs(got) - abs(wanted) if magnitudes else got - wanted
    weights = hrirs.sphere_weights()[:, None, None]
    return 10 * np.log10((weights * abs(difference) ** 2).sum() / (weights * abs(wanted) ** 2).sum())


def level_difference(ears):
    left, right = (abs(ears[:, band(*SHADOWS)]) ** 2).sum(-1)
    return 10 * np.log10(left / right)


def time_difference(ears):
    """In µs: the peak of the cross-correlation of the waves below 1.5 kHz."""
    product = np.where(band(*WAVES), ears[0].conj() * ears[1], 0)
    lags = np.arange(-1000, 1001) * 1e-6
    correlation = (product * np.exp(2j * np.pi * frequency * lags[:, None])).real.sum(-1)
    return 1e6 * lags[correlation.argmax()]


def at(hrirs, azimuth):
    return int(angular_distance(hrirs.azimuth, hrirs.elevation, np.radians(azimuth), 0).argmin())


def figures(hrirs, order):
    """A row of the table on the page."""
    ears = heard(hrirs, order, "magls", 90)
    return [
        error_db(hrirs, order, "magls", (100, 600), magnitudes=False),
        error_db(hrirs, order, "least_squares", SHADOWS, magnitudes=True),
        error_db(hrirs, order, "magls", SHADOWS, magnitudes=True),
        level_difference(heard(hrirs, order, "least_squares", 90)),
        level_difference(ears),
        time_difference(ears),
    ]


def test_the_table_of_the_page(dummy_head):
    rows = re.findall(r"^\| (\d) \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [int(order) for order, _ in rows] == list(ORDERS)
    for order, row in rows:
        printed = [float(cell.replace("−", "-")) for cell in row.split(" | ")]
        measured = figures(dummy_head, int(order))
        np.testing.assert_allclose(printed[:-1], measured[:-1], atol=0.051)
        assert printed[-1] == pytest.approx(measured[-1], abs=1)


def test_the_measured_head_of_the_page(dummy_head):
    """What the decoders are compared with: level and time differences of the responses themselves."""
    said = re.search(r"itself:\s+(\d+\.\d) dB\s+and\s+(\d+) µs", PAGE.read_text(encoding="utf-8"))
    ears = np.fft.rfft(dummy_head.responses[at(dummy_head, 90)], LENGTH)
    assert float(said[1]) == pytest.approx(level_difference(ears), abs=0.051)
    assert float(said[2]) == pytest.approx(time_difference(ears), abs=1)


@pytest.mark.parametrize("order", ORDERS)
def test_magnitudes_above_the_cut_are_nearer_than_those_of_least_squares(dummy_head, order):
    for limits in ((1500, 3000), (3000, 6000), (6000, 12000), (12000, 16000)):
        least, magnitude = (
            error_db(dummy_head, order, method, limits, magnitudes=True) for method in ("least_squares", "magls")
        )
        assert magnitude < least - 2.5, limits


@pytest.mark.parametrize("azimuth", [90, -90])
@pytest.mark.parametrize(("order", "level", "time"), [(2, 1.0, 150), (3, 1.0, 15), (5, 1.5, 20), (7, 1.5, 15)])
def test_level_and_time_differences_of_a_source_at_the_side(dummy_head, azimuth, order, level, time):
    """Within 1.5 dB and 20 µs of the measured responses from third order on; second order is 100 µs short."""
    got = heard(dummy_head, order, "magls", azimuth)
    wanted = np.fft.rfft(dummy_head.responses[at(dummy_head, azimuth)], LENGTH)
    assert np.sign(level_difference(got)) == np.sign(azimuth) == np.sign(time_difference(got))
    assert level_difference(got) == pytest.approx(level_difference(wanted), abs=level)
    assert time_difference(got) == pytest.approx(time_difference(wanted), abs=time)


@pytest.mark.filterwarnings("ignore:`scipy.special.sph_harm`:DeprecationWarning")
def test_third_order_is_no_worse_than_the_decoder_of_another_library(dummy_head):
    """spaudiopy's MagLS with its own phase continuation, on the same set: magnitudes above 3 kHz."""
    spaudiopy = pytest.importorskip("spaudiopy")
    left, right = dummy_head.responses[:, 0], dummy_head.responses[:, 1]
    zenith = np.pi / 2 - dummy_head.elevation
    theirs = spaudiopy.decoder.magls_bin(spaudiopy.sig.HRIRs(left, right, dummy_head.azimuth, zenith, RATE), 3)
    harmonics = spaudiopy.sph.sh_matrix(3, dummy_head.azimuth, zenith, "real")
    got = np.moveaxis(np.einsum("dc,ecf->edf", harmonics, np.fft.rfft(theirs, LENGTH)), 0, 1)
    limits = band(3000, 16000)
    wanted = abs(np.fft.rfft(dummy_head.responses, LENGTH)[..., limits])
    weights = dummy_head.sphere_weights()[:, None, None]
    their_error = 10 * np.log10((weights * (abs(got[..., limits]) - wanted) ** 2).sum() / (weights * wanted**2).sum())
    assert error_db(dummy_head, 3, "magls", (3000, 16000), magnitudes=True) <= their_error + 0.1
