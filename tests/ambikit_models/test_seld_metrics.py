from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ambikit.errors import AmbikitError
from ambikit_models.seld.labels import Events
from ambikit_models.seld.metrics import score_events

SCORES = ("error_rate", "f_score", "localization_error_degrees", "localization_recall")


def events(*rows):
    """Rows (frame, class, source, azimuth, elevation) in degrees; a range of frames makes a row of each."""
    expanded = []
    for frame, kind, source, azimuth, elevation in rows:
        for f in frame if isinstance(frame, range) else [frame]:
            expanded.append((f, kind, source, np.radians(azimuth), np.radians(elevation)))
    return Events.of(expanded)


def check(labels, predictions, expected, *, classes=2, average="macro"):
    """ER, F, LE in degrees and LR of one recording."""
    scores = score_events([(labels, predictions)], classes, average=average)
    assert [getattr(scores, name) for name in SCORES] == pytest.approx(expected, abs=1e-9)
    error_rate, f_score, error, recall = expected
    assert scores.seld_score == pytest.approx((error_rate + 1 - f_score + error / 180 + 1 - recall) / 4)


TWO_SECONDS = range(20)
LABELS = events((TWO_SECONDS, 0, 0, 40, 10), (TWO_SECONDS, 1, 1, -100, 0))


@pytest.mark.parametrize("average", ["macro", "micro"])
class TestByHand:
    def test_perfect(self, average):
        check(LABELS, LABELS, (0, 1, 0, 1), average=average)

    def test_all_beside_by_30_degrees(self, average):
        """Every source is found but wrong: an error for each, nothing right, and the angle says how far."""
        labels = events((TWO_SECONDS, 0, 0, 40, 0), (TWO_SECONDS, 1, 1, -100, 0))
        answer = events((TWO_SECONDS, 0, 0, 70, 0), (TWO_SECONDS, 1, 1, -100, 30))
        check(labels, answer, (1, 0, 30, 1), average=average)

    def test_beside_by_19_and_by_21_degrees(self, average):
        labels = events((TWO_SECONDS, 0, 0, 40, 0), (TWO_SECONDS, 1, 1, -100, 0))
        answer = events((TWO_SECONDS, 0, 0, 59, 0), (TWO_SECONDS, 1, 1, -121, 0))
        check(labels, answer, (0.5, 0.5, 20, 1), average=average)

    def test_one_missed(self, average):
        """Class 1 is not heard: F 1 and 0 by class, 2 / (2 + 2 / 2) together; LE 180° for the class never found."""
        expected = (0.5, 0.5, 90, 0.5) if average == "macro" else (0.5, 2 / 3, 0, 0.5)
        check(LABELS, LABELS[LABELS.class_index == 0], expected, average=average)

    def test_one_spurious(self, average):
        """Class 1 is heard and is not there."""
        labels = LABELS[LABELS.class_index == 0]
        expected = (1, 0.5, 90, 0.5) if average == "macro" else (1, 2 / 3, 0, 1)
        check(labels, LABELS, expected, average=average)

    def test_swapped_classes(self, average):
        """In the right places at the right time, under the wrong names: they meet, and nobody is who he should be."""
        answer = Events(LABELS.frame, 1 - LABELS.class_index, LABELS.source, LABELS.azimuth, LABELS.elevation)
        check(LABELS, answer, (1, 0, float(np.degrees(np.arccos(_cosine(40, 10, -100, 0)))), 1), average=average)

    def test_one_name_for_another(self, average):
        """One source, called by the wrong name: one substitution, not a miss and a spurious source."""
        labels, answer = events((TWO_SECONDS, 0, 0, 40, 10)), events((TWO_SECONDS, 1, 0, 40, 10))
        check(labels, answer, (1, 0, 180, 0), average=average)

    def test_two_of_one_class_crossed(self, average):
        """The predictions have the other's number; the Hungarian method gives each source its neighbour."""
        labels = events((TWO_SECONDS, 0, 0, 40, 0), (TWO_SECONDS, 0, 1, -80, 0))
        answer = events((TWO_SECONDS, 0, 0, -85, 0), (TWO_SECONDS, 0, 1, 50, 0))
        check(labels, answer, (0, 1, 7.5, 1), classes=1, average=average)

    def test_the_pairing_has_the_smallest_sum(self, average):
        """0 and 30 against 25 and 60: 25 + 30 is less than 60 + 5, though 30 and 25 are nearest."""
        labels = events((0, 0, 0, 0, 0), (0, 0, 1, 30, 0))
        answer = events((0, 0, 0, 25, 0), (0, 0, 1, 60, 0))
        check(labels, answer, (1, 0, 27.5, 1), classes=1, average=average)

    def test_one_of_two_of_a_class(self, average):
        labels = events((TWO_SECONDS, 0, 0, 40, 0), (TWO_SECONDS, 0, 1, -80, 0))
        check(labels, labels[labels.source == 1], (0.5, 2 / 3, 0, 0.5), classes=1, average=average)

    def test_nothing_said(self, average):
        check(LABELS, events(), (1, 0, 180, 0), average=average)


def _cosine(azimuth1, elevation1, azimuth2, elevation2):
    a1, e1, a2, e2 = np.radians([azimuth1, elevation1, azimuth2, elevation2])
    return np.sin(e1) * np.sin(e2) + np.cos(e1) * np.cos(e2) * np.cos(a1 - a2)


class TestRules:
    def test_a_segment_is_a_second_and_its_angle_a_mean(self):
        """10° and 40° beside in one second are 25° (wrong); 10° and 20° in the next are 15° (right)."""
        labels = events((range(8, 12), 0, 0, 0, 0))
        answer = events((8, 0, 0, 10, 0), (9, 0, 0, 40, 0), (10, 0, 0, 10, 0), (11, 0, 0, 20, 0))
        check(labels, answer, (0.5, 0.5, 20, 1), classes=1)

    def test_one_frame_in_common_is_enough(self):
        check(events((range(10), 0, 0, 0, 0)), events((3, 0, 0, 0, 0)), (0, 1, 0, 1), classes=1)

    def test_they_miss_each_other_within_a_second(self):
        check(events((2, 0, 0, 0, 0)), events((3, 0, 0, 0, 0)), (1, 0, 180, 0), classes=1)

    def test_after_the_last_label(self):
        check(events((2, 0, 0, 0, 0)), events((2, 0, 0, 0, 0), (25, 0, 0, 0, 0)), (1, 2 / 3, 0, 1), classes=1)

    def test_substitutions_do_not_cross_seconds(self):
        """Missed in one second and spurious in the next are two mistakes."""
        check(events((2, 0, 0, 0, 0)), events((12, 1, 0, 0, 0)), (2, 0, 180, 0))

    def test_classes_that_occur_nowhere_are_left_out(self):
        check(LABELS, LABELS, (0, 1, 0, 1), classes=7)
        scores = score_events([(LABELS, LABELS)], 3)
        assert scores.per_class["f_score"][:2].tolist() == [1, 1]
        assert all(np.isnan(rates[2]) for rates in scores.per_class.values())

    def test_recordings_are_counted_together(self):
        """A missed and a spurious source of two recordings are no substitution."""
        one, other = events((0, 0, 0, 0, 0)), events((0, 1, 0, 0, 0))
        scores = score_events([(one, events()), (one, one), (one, Events.of([*_rows(one), *_rows(other)]))], 2)
        assert scores.error_rate == pytest.approx(2 / 3)

    def test_errors(self):
        with pytest.raises(AmbikitError, match="no labels in any recording"):
            score_events([(events(), LABELS)], 2)
        with pytest.raises(AmbikitError, match="classes from 0 to 0"):
            score_events([(LABELS, LABELS)], 1)
        with pytest.raises(AmbikitError, match="'macro' or 'micro'"):
            score_events([(LABELS, LABELS)], 2, average="weighted")
        for wrong in ({"segment": 0}, {"threshold": 20}):
            with pytest.raises(AmbikitError, match=f"got {next(iter(wrong))}="):
                score_events([(LABELS, LABELS)], 2, **wrong)


def _rows(table):
    return list(zip(table.frame, table.class_index, table.source, table.azimuth, table.elevation, strict=True))


def slow_scores(recordings, classes, average):
    """A second implementation, from the rules alone: sets of rows, all permutations, one class at a time."""
    tally = {kind: dict.fromkeys(("tp", "far", "fp", "fn", "de", "found"), 0.0) for kind in range(classes)}
    mistakes = references = 0
    for labels, predictions in recordings:
        rows, guesses = _rows(labels), _rows(predictions)
        last = max(row[0] for row in rows + guesses)
        for begin in range(0, last + 1, 10):
            insertions = deletions = 0
            for kind in range(classes):
                at = lambda table, frame: [r[3:] for r in table if r[0] == frame and r[1] == kind]  # noqa: B023, E731
                frames = range(begin, begin + 10)
                count = max(len(at(rows, f)) for f in frames)
                guessed = max(len(at(guesses, f)) for f in frames)
                references += count
                distances = {}
                for f in frames:
                    here, there = at(rows, f), at(guesses, f)
                    if not here or not there:
                        continue
                    size = max(len(here), len(there))
                    best = min(
                        permutations(range(size)),
                        key=lambda p: sum(
                            _angle(here[i], there[p[i]]) for i in range(size) if i < len(here) and p[i] < len(there)
                        ),
                    )
                    for i, j in enumerate(best):
                        if i < len(here) and j < len(there):
                            distances.setdefault(i, []).append(_angle(here[i], there[j]))
                mine = tally[kind]
                if count and guessed and not distances:
                    mine["fn"] += guessed
                    deletions += guessed
                    continue
                for values in distances.values():
                    mine["found"] += 1
                    mine["de"] += np.mean(values)
                    near = np.mean(values) <= np.radians(20)
                    mine["tp" if near else "far"] += 1
                    insertions += not near
                mine["fp"] += max(guessed - count, 0)
                mine["fn"] += max(count - guessed, 0)
                insertions += max(guessed - count, 0)
                deletions += max(count - guessed, 0)
            substitutions = min(insertions, deletions)
            mistakes += substitutions + abs(insertions - deletions)
    if average == "micro":
        tally = {0: {name: sum(t[name] for t in tally.values()) for name in tally[0]}}
    f_scores, errors, recalls = [], [], []
    for t in tally.values():
        if t["tp"] + t["far"] + t["fp"] + t["fn"] == 0:
            continue
        f_scores.append(2 * t["tp"] / (2 * t["tp"] + 2 * t["far"] + t["fp"] + t["fn"]))
        errors.append(np.degrees(t["de"] / t["found"]) if t["found"] else 180.0)
        recalls.append(t["found"] / (t["found"] + t["fn"]) if t["found"] else 0.0)
    return mistakes / references, np.mean(f_scores), np.mean(errors), np.mean(recalls)


def _angle(one, other):
    return np.arccos(np.clip(_cosine(*np.degrees(one), *np.degrees(other)), -1, 1))


ROWS = st.lists(
    st.tuples(st.integers(0, 24), st.integers(0, 2), st.just(0), st.floats(-180, 180), st.floats(-90, 90)),
    min_size=1,
    max_size=30,
)


class TestAgainstTheSlowOne:
    @settings(max_examples=40)
    @given(labels=ROWS, answer=ROWS, average=st.sampled_from(["macro", "micro"]))
    def test_on_any_rows(self, labels, answer, average):
        recordings = [(_few(labels), _few(answer)), (_few(labels[::2]), _few(labels[1::2] or labels))]
        scores = score_events(recordings, 3, average=average)
        expected = slow_scores(recordings, 3, average)
        assert [getattr(scores, name) for name in SCORES] == pytest.approx(expected, abs=1e-5)

    @pytest.mark.parametrize("average", ["macro", "micro"])
    def test_near_the_threshold_with_overlaps(self, rng, average):
        """Answers scattered by some 20° around two sources of each class, some missing and some more."""
        recordings = []
        for _ in range(5):
            rows = [(f, k, s, 90.0 * s + 40 * k, 10 * k) for f in range(30) for k in range(3) for s in range(2)]
            labels = [row for row in rows if rng.random() < 0.7]
            answer = [(*row[:3], row[3] + rng.normal(0, 20), row[4]) for row in rows if rng.random() < 0.7]
            recordings.append((events(*labels), events(*answer)))
        scores = score_events(recordings, 3, average=average)
        expected = slow_scores(recordings, 3, average)
        assert 0.1 < expected[1] < 0.9
        assert [getattr(scores, name) for name in SCORES] == pytest.approx(expected, abs=1e-6)


def _few(rows):
    """At most three sources of a class in a frame, so that all permutations can be tried."""
    kept = [row for n, row in enumerate(rows) if sum(r[:2] == row[:2] for r in rows[:n]) < 3]
    return events(*kept)
