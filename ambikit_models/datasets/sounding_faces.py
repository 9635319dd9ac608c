"""Faces as a detector finds them, and whether the sound moves with them: labels for tracking faces by ear."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Float32

from ambikit.errors import AmbikitError
from ambikit_models.datasets.stereo_clips import StereoClip
from ambikit_models.panorama.detection import Detector

__all__ = ["FaceTrack", "follows_sound", "level_difference_db", "moves_with", "track_faces"]

_LARGEST_DB = 40.0


@dataclass(frozen=True, eq=False)
class FaceTrack:
    """The surest face of each picture, in fractions of the picture; NaN where there is none.

    Examples
    --------
    >>> x = np.array([0.25, np.nan])
    >>> FaceTrack(np.array([0.0, 1.0]), x, x, x, x, np.array([0.9, 0.0])).found.tolist()
    [True, False]
    """

    times_seconds: Float[np.ndarray, "pictures"]
    x: Float[np.ndarray, "pictures"]
    """Centre, from 0 at the left edge of the picture to 1 at the right one."""
    y: Float[np.ndarray, "pictures"]
    """Centre, from 0 at the upper edge to 1 at the lower one."""
    width: Float[np.ndarray, "pictures"]
    height: Float[np.ndarray, "pictures"]
    score: Float[np.ndarray, "pictures"]
    """The detector's confidence, 0 where there is no face."""

    @property
    def found(self) -> np.ndarray:
        """Which pictures show a face."""
        return np.isfinite(self.x)


def track_faces(
    clip: StereoClip, detector: Detector, times_seconds: Any, *, label: str | None = "face", score: float = 0.0
) -> FaceTrack:
    """Look for the face on some pictures of a clip.

    Any :class:`~ambikit_models.panorama.detection.Detector` will do that was made for ordinary pictures. A detector
    speaks of directions on a panorama; here its boxes are read back as parts of the picture, which is exact.

    Parameters
    ----------
    clip
        Whose pictures.
    detector
        Finds faces. The paper used RetinaFace.
    times_seconds
        When to look, shape ``(pictures,)``.
    label
        Only objects that the detector calls so; None takes all.
    score
        Only objects of at least this confidence.

    References
    ----------
    K. Yang, B. Russell, J. Salamon, "Telling Left from Right", CVPR 2020, section 5.1.
    """
    times = np.atleast_1d(np.asarray(times_seconds, dtype=np.float64))
    rows = []
    for found in detector.detect(clip.frames(times)):
        kept = found[(found.score >= score) & ((found.label == label) if label is not None else True)]
        if not len(kept):
            rows.append((np.nan, np.nan, np.nan, np.nan, 0.0))
            continue
        best = kept[[int(np.argmax(kept.score))]]
        x, y = 0.5 - best.azimuth[0] / (2 * np.pi), 0.5 - best.elevation[0] / np.pi
        rows.append((x, y, best.width[0] / (2 * np.pi), best.height[0] / np.pi, best.score[0]))
    return FaceTrack(times, *np.array(rows, dtype=np.float64).reshape(-1, 5).T)


def level_difference_db(
    signal: Float32[np.ndarray, "2 time"], sample_rate: float, times_seconds: Any, *, window_seconds: float = 1.0
) -> Float[np.ndarray, "moments"]:
    r"""How much louder the right channel is than the left one around some times, in dB.

    .. math:: 10 \log_{10} \frac{\sum R^2}{\sum L^2}

    At most 40 dB either way, and 0 where both are silent.

    Examples
    --------
    >>> level_difference_db(np.float32([[0.1] * 8, [0.2] * 8]), 8, [0.5]).round(2).tolist()
    [6.02]
    """
    if not window_seconds > 0:
        raise AmbikitError(f"got window_seconds={window_seconds}; expected a positive number")
    found = []
    for time in np.atleast_1d(np.asarray(times_seconds, dtype=np.float64)):
        begin = max(round((time - window_seconds / 2) * sample_rate), 0)
        end = max(round((time + window_seconds / 2) * sample_rate), begin)
        left, right = np.sum(signal[:, begin:end].astype(np.float64) ** 2, axis=-1)
        with np.errstate(divide="ignore"):
            found.append(0.0 if left == right else 10 * (np.log10(right) - np.log10(left)))
    return np.clip(np.array(found), -_LARGEST_DB, _LARGEST_DB)


def follows_sound(
    track: FaceTrack,
    clip: StereoClip,
    *,
    shift: float = 0.2,
    correlation: float = 0.5,
    window_seconds: float = 1.0,
) -> bool:
    """Whether a face moves far to the left or right, and the sound with it: the rule of the subset of moving faces.

    The paper keeps test clips with large shifts of the face to the left or right that correlate with changes in the
    difference of log-energy between the channels, without saying how large and how much: both numbers here are
    ours. Pictures without a face do not count; with fewer than three faces the answer is no.

    Parameters
    ----------
    track
        From :func:`track_faces`.
    clip
        Whose sound.
    shift
        How far apart the leftmost and the rightmost face are at least, in widths of the picture.
    correlation
        Least correlation (Pearson's) of the face's place with :func:`level_difference_db`, -1 to 1.
    window_seconds
        How much sound is heard around each picture.

    References
    ----------
    K. Yang, B. Russell, J. Salamon, "Telling Left from Right", CVPR 2020, section 5.1.
    """
    times, x = track.times_seconds[track.found], track.x[track.found]
    if len(x) < 3 or np.ptp(x) < shift:
        return False
    signal, rate = clip.sound()
    louder = level_difference_db(signal, rate, times, window_seconds=window_seconds)
    return moves_with(x, louder, shift=shift, correlation=correlation)


def moves_with(
    x: Float[np.ndarray, "moments"],
    louder: Float[np.ndarray, "moments"],
    *,
    shift: float = 0.2,
    correlation: float = 0.5,
) -> bool:
    """Whether places spread over at least ``shift`` and correlate at least so much with how much louder the right is.

    Examples
    --------
    >>> moves_with(np.array([0.2, 0.5, 0.8]), np.array([-6.0, 1.0, 5.0]))
    True
    >>> moves_with(np.array([0.2, 0.5, 0.8]), np.array([6.0, 1.0, -5.0]))  # the sound goes the other way
    False
    """
    if len(x) < 3 or np.ptp(x) < shift or np.ptp(louder) == 0 or np.ptp(x) == 0:
        return False
    return bool(np.corrcoef(x, louder)[0, 1] >= correlation)
