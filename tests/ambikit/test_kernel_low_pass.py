"""The energies below 4 kHz: the compiled loop against SciPy's filter and against the closed form of its response."""

import numpy as np
import pytest
import torch
from scipy.signal import butter, lfilter, sosfilt

from ambikit import check_foa
from ambikit.analysis import block_statistics
from ambikit.analysis.block_statistics import BlockStatistics
from ambikit.kernels import low_pass
from tests.closeness import assert_close

RATE = 48000


def products_by_scipy(signal, rate):
    """The whole signal at once, in double precision, with nothing of ours."""
    signal = np.asarray(signal, np.float64)
    if rate > 8000:
        signal = sosfilt(butter(8, 4000, fs=rate, output="sos"), signal, axis=-1)
    return np.einsum("it,jt->ij", signal, signal)


def measured(signal, rate=RATE):
    found = BlockStatistics(rate, len(signal))
    found.add(signal)
    return found


def products(signal, rate=RATE):
    """At the level that the signal has."""
    found = measured(signal, rate)
    return np.ldexp(found.low_passed, -2 * found.exponent)


@pytest.fixture
def taken(monkeypatch):
    """How many samples of each block the loop took."""
    seen, original = [], block_statistics._LowPass.add_by_loop

    def counting(self, block, factor):
        seen.append(original(self, block, factor))
        return seen[-1]

    monkeypatch.setattr(block_statistics._LowPass, "add_by_loop", counting)
    return seen


class TestProducts:
    @pytest.mark.parametrize("rate", [8001.0, 8500.0, 16000.0, 44100.0, 48000.0, 96000.0])
    @pytest.mark.parametrize("time", [1, 1151, 17000, 60000])
    def test_against_scipy(self, rng, dtype, rate, time):
        signal = rng.normal(size=(4, time)).astype(dtype)
        assert_close(products(signal, rate), products_by_scipy(signal, rate))

    def test_the_loop_takes_what_it_can(self, rng, taken):
        for time in (60000, 5000):
            measured(rng.normal(size=(4, time)))
        measured(rng.normal(size=(4, 60000)), 8001.0)  # a filter that rings for longer than any segment
        assert taken == [60000 // 1152 * 1152, 0, 0]

    def test_against_another_form_of_the_filter(self, rng):
        """One recursion of order 8 in place of four sections."""
        signal = rng.normal(size=(4, 60000))
        filtered = lfilter(*butter(8, 4000, fs=RATE), signal, axis=-1)
        assert_close(products(signal), filtered @ filtered.T, factor=100)  # that form is ill-conditioned

    @pytest.mark.parametrize("frequency", [100.0, 3000.0, 4000.0, 4500.0, 6000.0])
    def test_against_the_closed_form_of_the_response(self, taken, frequency):
        """|H|² = 1 / (1 + (tan(π f / f_s) / tan(π 4000 / f_s))^16): one half at 4 kHz."""
        time = np.arange(10 * RATE) / RATE
        fading = np.sin(np.pi * time / 10) ** 4
        signal = np.stack([np.sin(2 * np.pi * 1000 * time), np.sin(2 * np.pi * frequency * time)] * 2) * fading
        ratio = (np.tan(np.pi * frequency / RATE) / np.tan(np.pi * 4000 / RATE)) ** 16
        expected = 1 / (1 + ratio) * (1 + (np.tan(np.pi / 48) / np.tan(np.pi / 12)) ** 16)
        energies = np.diag(measured(signal).low_passed)
        assert abs(energies[1] / energies[0] / expected - 1) < 1e-5
        assert signal.shape[-1] - sum(taken) < 1152

    def test_nothing_is_lost_or_heard_twice_where_segments_meet(self, taken):
        """Clicks just before, at and after the borders ring on into the next segment."""
        time = 20 * 1152
        length = time // low_pass.SEGMENTS
        for place in (0, length - 2, length - 1, length, 7 * length - 1, 7 * length, time - 1):
            signal = np.zeros((4, time))
            signal[:, place] = [1, 0.5, -0.25, 2]
            assert_close(products(signal), products_by_scipy(signal, RATE))
        assert set(taken) == {time}

    def test_a_loud_segment_before_a_faint_one(self, rng):
        """What is left of the loud one where the loop forgets it is fainter than single precision can be."""
        signal = rng.normal(size=(4, 60000))
        signal[:, 30000:] *= 1e-7
        signal[1:, :30000] = 0
        assert_close(products(signal)[1:, 1:], products_by_scipy(signal, RATE)[1:, 1:])

    @pytest.mark.parametrize("block", [768, 23000, 25000, 1 << 19])
    def test_block_by_block_is_the_whole(self, monkeypatch, rng, taken, block):
        monkeypatch.setattr(block_statistics, "BLOCK", block)
        signal = rng.normal(size=(4, 60000))
        assert_close(products(signal), products_by_scipy(signal, RATE))
        assert any(taken) == (block > 768)

    @pytest.mark.parametrize("exponent", [-990, -300, 300, 990])
    def test_scaled_by_powers_of_two(self, rng, exponent):
        signal = rng.normal(size=(4, 20000))
        here, there = measured(signal), measured(signal * 2.0**-exponent)
        assert there.exponent == here.exponent + exponent
        assert (there.low_passed == here.low_passed).all()
        assert (there.total, there.direct) == (here.total, here.direct)

    @pytest.mark.parametrize("level", [1e300, 1e-300, 1e-310])
    def test_at_the_ends_of_the_range_nothing_overflows_or_vanishes(self, rng, level):
        signal = rng.normal(size=(4, 20000))
        expected = check_foa(signal, RATE).energy_ratio
        assert abs(check_foa(signal * level, RATE).energy_ratio / expected - 1) < 1e-9


class TestLevelsThatRise:
    """What was added up before a louder sample came counts as if its level had been known from the start."""

    @pytest.mark.parametrize("rate", [8000.0, 48000.0])
    @pytest.mark.parametrize("rise", [2.0**9, 2.0**300])
    def test_sums(self, rng, rate, rise):
        signal = np.concatenate([rng.normal(size=(4, 30000)), rise * rng.normal(size=(4, 30000))], axis=-1) + 0.1
        found = BlockStatistics(rate, 4)
        for block in np.split(signal, [20000, 30000, 30001, 50000], axis=-1):
            found.add(block)
        scaled = signal / 2.0**-found.exponent
        assert 0.5 <= np.abs(scaled).max() < 1
        assert found.samples == 60000
        assert_close(found.low_passed, products_by_scipy(scaled, rate))
        assert found.total == pytest.approx((scaled**2).sum(), rel=1e-12)
        assert found.direct == pytest.approx((scaled.sum(-1) ** 2).sum() / 60000, rel=1e-12)

    def test_runs_at_what_turns_out_to_be_no_peak(self):
        rows = np.array([[1, 1, 1, 1, 2, 2, 2], [0, 0, 0, 0, 0, 0, 0], [3, 3, 3, 1, 1, 1, 1], [1, 2, 1, 2, 4, 4, 1]])
        for lengths in ([7], [4, 3], [1] * 7, [5, 1, 1]):
            found = BlockStatistics(48000, 4)
            for block in np.split(rows.astype(float), np.cumsum(lengths)[:-1], axis=-1):
                found.add(block)
            assert found.in_runs_at_peak == 1 + 0 + 1 + 0


class TestBelowTwiceTheLimit:
    @pytest.mark.parametrize("rate", [1.0, 4000.0, 7999.0, 8000.0])
    def test_there_is_nothing_to_filter_off(self, rng, dtype, rate, taken):
        """4 kHz is the highest frequency, or above it: every sample counts as it is."""
        signal = rng.normal(size=(4, 30000)).astype(dtype)
        exact = signal.astype(np.float64)
        assert_close(products(signal, rate), exact @ exact.T)
        report = check_foa(signal, rate)
        expected = (exact[1:] ** 2).sum() / (exact[0] ** 2).sum()
        assert abs(report.energy_ratio / expected - 1) < 1e-12
        assert report.figures["share_below_4_khz"] == pytest.approx(1, rel=1e-12)
        assert taken == [0, 0]

    def test_the_ratio_does_not_jump_there(self, rng):
        time = np.arange(30000) / 8000
        signal = np.stack([np.sin(2 * np.pi * f * time) for f in (300.0, 1000.0, 2500.0, 3500.0)]) * np.hanning(30000)
        below, above = (check_foa(signal, rate).energy_ratio for rate in (8000.0, 8000.001))
        assert abs(above / below - 1) < 1e-6


class TestLooks:
    @pytest.mark.parametrize("bad", [np.nan, -np.nan, np.inf, -np.inf])
    def test_largest_magnitude(self, rng, dtype, bad):
        values = (rng.normal(size=1001) * 10.0 ** rng.integers(-30, 30, 1001)).astype(dtype)
        for row in (values, -values, np.zeros(3, dtype), np.array([-0.0], dtype), np.array([-1e-44, 0], dtype)):
            peaks = measured(row[None]).peaks
            assert peaks[0] == np.abs(row).max()
            assert not np.signbit(peaks[0])
        values[700] = bad
        found = measured(values[None])
        assert found.bad_samples == 1
        assert found.first_bad[:2] == (0, 700)

    def test_runs_at_the_peak_by_hand(self):
        row = np.array([1, 1, 1, 0, -1, 1, -1, 1, 0.5, 1, 1], np.float32)
        assert low_pass.survey(row, 2.0, 1.0, 0) == (4 * 9.25, 2 * 5.5, 3, 2)
        assert low_pass.survey(row, 1.0, 1.0, 2)[2:] == (5, 2)
        assert low_pass.survey(0 * row, 1.0, 0.0, 0)[2:] == (0, 0)

    def test_runs_across_the_parts_it_looks_at(self, rng):
        row = rng.uniform(-0.5, 0.5, 10000)
        for start, stop in ((2040, 2060), (4095, 4096), (6142, 6146), (9990, 10000)):
            row[start:stop] = 1
        assert low_pass.survey(row, 1.0, 1.0, 0)[2:] == (18 + 2 + 8, 10)


class TestMemory:
    """Whatever its memory looks like, a signal gets the same energies."""

    @pytest.mark.parametrize(
        "laid_out",
        [
            lambda x: np.asfortranarray(x),
            lambda x: np.repeat(x, 2, axis=-1)[:, ::2],
            lambda x: np.concatenate([x, x])[:4],
            lambda x: np.concatenate([x, x], axis=-1)[:, : x.shape[-1]],
            lambda x: x[:, ::-1].copy()[:, ::-1],
            lambda x: x.astype(x.dtype.newbyteorder(">")),
            lambda x: torch.from_numpy(x),
            lambda x: torch.from_numpy(x).requires_grad_(),
            lambda x: torch.from_numpy(x.T.copy()).T,
            lambda x: torch._neg_view(torch.from_numpy(-x)),
        ],
    )
    def test_layouts(self, rng, dtype, laid_out):
        signal = rng.normal(size=(4, 20000)).astype(dtype)
        assert_close(products(laid_out(signal)), products_by_scipy(signal, RATE))

    def test_read_only_and_mapped(self, rng, tmp_path):
        signal = rng.normal(size=(4, 20000))
        np.save(tmp_path / "signal.npy", signal)
        mapped = np.load(tmp_path / "signal.npy", mmap_mode="r")
        assert_close(products(mapped), products_by_scipy(signal, RATE))
