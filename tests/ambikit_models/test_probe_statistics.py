"""Intervals over seeds and paired tests, against SciPy and against counting."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from ambikit.errors import ShapeError
from ambikit_models.downstream.probing.statistics import (
    bootstrap,
    chance_probability,
    mean_over_scenes,
    over_seeds,
    paired_difference,
    sign_test,
    wilcoxon,
)


class TestOverSeeds:
    def test_against_scipy(self):
        values = np.array([0.61, 0.66, 0.64, 0.59])
        low, high = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
        estimate = over_seeds(values)
        assert (estimate.value, estimate.low, estimate.high) == pytest.approx((values.mean(), low, high))

    def test_one_seed_says_nothing(self):
        estimate = over_seeds(np.array([0.5]))
        assert (estimate.value, estimate.low, estimate.high) == (0.5, -np.inf, np.inf)

    def test_it_covers_as_often_as_it_says(self):
        rng = np.random.default_rng(0)
        inside = [e.low <= 0 <= e.high for e in (over_seeds(rng.normal(size=3)) for _ in range(600))]
        assert 0.93 < np.mean(inside) < 0.97


class TestWilcoxon:
    @pytest.mark.parametrize("units", [5, 20, 60])
    def test_without_ties_against_scipy(self, units):
        rng = np.random.default_rng(units)
        for shift in (0.0, 0.2, 0.6):
            first, second = rng.normal(shift, 1, units), rng.normal(size=units)
            assert wilcoxon(first, second) == pytest.approx(stats.wilcoxon(first, second, mode="exact").pvalue)

    def test_with_ties_against_every_choice_of_signs(self):
        rng = np.random.default_rng(0)
        for _ in range(20):
            difference = rng.integers(-3, 4, 9).astype(float)
            kept = difference[difference != 0]
            ranks = stats.rankdata(np.abs(kept))
            observed = ranks[kept > 0].sum()
            middle = ranks.sum() / 2
            sums = [np.dot(signs, ranks) for signs in product((0, 1), repeat=len(kept))]
            expected = np.mean([abs(s - middle) >= abs(observed - middle) for s in sums])
            assert wilcoxon(difference, np.zeros(9)) == pytest.approx(expected)

    def test_many_units_against_scipy(self):
        rng = np.random.default_rng(1)
        difference = rng.integers(-4, 6, 500).astype(float)
        expected = stats.wilcoxon(difference, zero_method="wilcox", correction=False, mode="approx").pvalue
        assert wilcoxon(difference, np.zeros(500)) == pytest.approx(expected)

    def test_where_exact_ends_the_two_agree(self):
        rng = np.random.default_rng(2)
        difference = rng.normal(0.2, 1, 100)
        approximate = stats.wilcoxon(difference, correction=False, mode="approx").pvalue
        assert wilcoxon(difference, np.zeros(100)) == pytest.approx(approximate, rel=0.05)

    def test_it_is_right_about_chance(self):
        rng = np.random.default_rng(3)
        rejected = [wilcoxon(*rng.normal(size=(2, 15))) <= 0.05 for _ in range(1000)]
        assert 0.03 < np.mean(rejected) < 0.065

    def test_equal_units_are_no_evidence(self):
        assert wilcoxon(np.ones(4), np.ones(4)) == 1.0


class TestSignTest:
    def test_mcnemar_on_a_table_by_hand(self):
        """Both right 40, only the first 9, only the second 2, both wrong 5."""
        first = np.repeat([1.0, 1, 0, 0], [40, 9, 2, 5])
        second = np.repeat([1.0, 0, 1, 0], [40, 9, 2, 5])
        assert sign_test(first, second) == pytest.approx(stats.binomtest(9, 11, 0.5).pvalue)
        assert sign_test(second, first) == sign_test(first, second)
        assert sign_test(first, first) == 1.0

    def test_chance_is_counted(self):
        assert chance_probability(9, 11) == pytest.approx(2 * (1 + 11 + 55) / 2**11)


class TestPairedDifference:
    def test_pairing_removes_what_is_common(self):
        rng = np.random.default_rng(0)
        common = rng.normal(size=200)
        first, second = common + 0.1 + 0.05 * rng.normal(size=200), common + 0.05 * rng.normal(size=200)
        paired = paired_difference(first, second)
        exact = mean_over_scenes(first - second)
        assert paired.value == pytest.approx(exact.value)
        assert paired.high - paired.low == pytest.approx(exact.high - exact.low, rel=0.1)
        alone = bootstrap(lambda rows: float(first[rows].mean()), 200)
        assert paired.high - paired.low < (alone.high - alone.low) / 5

    def test_other_units_are_an_error(self):
        for test in (paired_difference, sign_test, wilcoxon):
            with pytest.raises(ShapeError, match="one score per unit in both"):
                test(np.zeros(3), np.zeros(4))
