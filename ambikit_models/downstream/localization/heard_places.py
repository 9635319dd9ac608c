"""Where the embedding of a sound says that it comes from, step by step, without having been told any place.

Yang2020, section 5.1 and 6: the first principal component of the embeddings beside the difference of log-energy of the
two channels, or the first two, as an angle, beside the azimuth of the intensity of a first-order scene.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

import ambikit
from ambikit_models.alignment import AlignmentModel
from ambikit_models.correspondence import CorrespondenceNetwork
from ambikit_models.datasets.sounding_faces import level_difference_db
from ambikit_models.downstream.localization.sound_components import (
    PrincipalComponents,
    circular_correlation,
    correlation,
    onto_circle,
)
from ambikit_models.downstream.probing.engine import Figure
from ambikit_models.downstream.probing.guides import features_of_ears
from ambikit_models.downstream.probing.statistics import bootstrap
from ambikit_models.sound import SoundFeatures

__all__ = [
    "HeardPlaces",
    "as_two_channels",
    "frame_embeddings",
    "heard_places",
    "intensity_azimuths",
    "level_differences",
    "place_figures",
]


@dataclass(frozen=True)
class HeardPlaces:
    """What embeddings say of places, and what the signals say, ``(clips, frames)`` each.

    Attributes
    ----------
    found
        From the embeddings: the first component in standard deviations, higher to the right, or an azimuth in radians.
        The sense (and for azimuths the zero) is the one that agrees better with ``heard``: one bit (and one angle) that
        the network did not give.
    heard
        From the signals: dB by which the right channel is louder, or an azimuth in radians; NaN where nothing is heard.
    around
        Whether these are azimuths.
    r
        Pearson's or circular correlation over all frames. It is at least 0, as the sign of a component means nothing.
    share
        The part of the variance of the embeddings that the components hold.
    """

    found: Float[np.ndarray, "clips frames"]
    heard: Float[np.ndarray, "clips frames"]
    around: bool
    r: float
    share: float


def heard_places(
    embeddings: Float[Tensor, "clips frames width"], heard: Float[np.ndarray, "clips frames"], *, around: bool
) -> HeardPlaces:
    """Compare the principal components of embeddings with places.

    Parameters
    ----------
    embeddings
        Of sounds that the network was not trained on.
    heard
        From :func:`level_differences`, or with ``around`` from :func:`intensity_azimuths`.
    around
        Take two components as the two coordinates of an angle.
    """
    components = PrincipalComponents.fit(embeddings, 2 if around else 1)
    along = components(embeddings).numpy()
    known = np.isfinite(heard)
    if around:
        found = np.arctan2(along[..., 1], along[..., 0])
        found[known] = onto_circle(found[known], heard[known])
        r = circular_correlation(found[known], heard[known])
    else:
        r = correlation(along[..., 0][known], heard[known])
        found = along[..., 0] * (-1.0 if r < 0 else 1.0)
        r = abs(r)
    return HeardPlaces(found, heard, around, r, components.share)


def place_figures(name: str, places: HeardPlaces, reference: str | None = None, *, draws: int = 200) -> list[Figure]:
    """R with its interval over clips; the components, and their sense, are those of all clips together.

    Parameters
    ----------
    name
        Of the system.
    places
        Its places.
    reference
        What they were compared with, in words.
    draws
        Of the bootstrap.
    """
    kind = circular_correlation if places.around else correlation

    def statistic(rows: np.ndarray) -> float:
        found, heard = places.found[rows].ravel(), places.heard[rows].ravel()
        there = np.isfinite(heard)
        return kind(found[there], heard[there])

    interval = bootstrap(statistic, len(places.heard), draws=draws)
    known = "azimuth of the intensity" if places.around else "difference of log-energy"
    return [Figure(name, "audio", "components", f"R, {reference or known}", "1", (interval.value,), interval)]


@torch.no_grad()
def frame_embeddings(
    model: CorrespondenceNetwork | AlignmentModel,
    sound: SoundFeatures,
    signals: Float[Tensor, "clips channels time"],
    frames: int,
    *,
    block: int = 16,
) -> Float[Tensor, "clips frames width"]:
    """Embed sounds in ``frames`` stretches of equal length each.

    Parameters
    ----------
    model
        In evaluation mode.
    sound
        The features that it hears.
    signals
        First-order scenes, or two channels.
    frames
        How many.
    block
        Clips at a time.
    """
    found = []
    device = next(model.parameters()).device
    for part in signals.split(block):
        front = torch.zeros((), dtype=part.dtype)
        two = part.shape[1] == 2
        features = features_of_ears(sound, part) if two else sound.view(sound.prepare(part), front, front)
        features = features.to(device)
        if isinstance(model, CorrespondenceNetwork):
            steps = model.hear(features, frames)
        else:
            every = model.embed_audio_frames(features[:, None])[:, 0]
            steps = nn.functional.adaptive_avg_pool1d(every.transpose(1, 2), frames)
        found.append(steps.transpose(1, 2).cpu())
    return torch.cat(found)


def level_differences(
    sounds: Float[Tensor, "clips 2 time"], sample_rate: float, frames: int
) -> Float[np.ndarray, "clips frames"]:
    """By how many dB the right channel is louder than the left one in each of so many equal stretches.

    Of one source this rises from left to right for ears and for cardioid beams. Of hypercardioid beams to the sides it
    does so only within 19.5° of the middle, where one of the two has its null, and falls beyond.

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal(60)
    >>> for pattern in ("cardioid", "hypercardioid"):
    ...     scenes = np.stack([ambikit.encode(noise, np.radians(azimuth), 0.0) for azimuth in (-15, -40)])
    ...     beams = ambikit.decode_stereo(scenes, pattern=pattern)
    ...     level_differences(torch.from_numpy(beams), 60, 1).round(1).ravel().tolist()
    [4.6, 13.3]
    [18.0, 10.0]
    """
    seconds = sounds.shape[-1] / sample_rate
    times = (np.arange(frames) + 0.5) * seconds / frames
    return np.stack(
        [
            level_difference_db(sound, sample_rate, times, window_seconds=seconds / frames)
            for sound in sounds.numpy(force=True).astype(np.float32)
        ]
    )


def intensity_azimuths(sounds: Float[Tensor, "clips 4 time"], frames: int) -> Float[np.ndarray, "clips frames"]:
    r"""The azimuth of the mean active intensity of all frequencies in each of so many equal stretches, radians.

    .. math:: \varphi = \operatorname{atan2}\Big(\sum_t W Y, \sum_t W X\Big)

    NaN where that is silent, or points nowhere.

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal(60)
    >>> scene = torch.from_numpy(ambikit.encode(noise, np.radians(70.0), 0.0))
    >>> np.degrees(intensity_azimuths(scene[None], 3)).round(6).tolist()
    [[70.0, 70.0, 70.0]]
    """
    omni, left, _, front = sounds.double().cpu().numpy().swapaxes(0, 1)
    edges = np.linspace(0, sounds.shape[-1], frames + 1).round().astype(int)
    sums = np.stack([np.add.reduceat(omni * dipole, edges[:-1], axis=-1) for dipole in (left, front)])
    return np.where((sums == 0).all(0), np.nan, np.arctan2(*sums))


def as_two_channels(sound: SoundFeatures, scenes: Float[Tensor, "clips 4 time"]) -> Float[Tensor, "clips 2 time"]:
    """The left and the right channel of scenes, as features hear them: two ears, or two beams."""
    if sound.format.startswith("binaural"):
        return ambikit.decode_binaural(scenes, sound.sample_rate)
    return ambikit.decode_stereo(scenes, pattern=sound.pattern)
