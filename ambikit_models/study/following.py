"""Does a network that tells left from right say where a sound comes from, and look there? Figures and pictures."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

import ambikit
from ambikit_models.correspondence import CorrespondenceNetwork
from ambikit_models.downstream.localization.attention_maps import (
    attention_figures,
    attention_maps,
    horizontal_centroids,
)
from ambikit_models.downstream.localization.heard_places import (
    HeardPlaces,
    as_two_channels,
    heard_places,
    intensity_azimuths,
    level_differences,
    place_figures,
)
from ambikit_models.downstream.probing.engine import Figure
from ambikit_models.downstream.probing.guides import features_of_ears
from ambikit_models.downstream.two_channels.clips import TwoChannelClips
from ambikit_models.panorama.viewpoints import Viewpoints
from ambikit_models.training.config import TrainingConfig
from ambikit_models.training.sampling import generator_for
from ambikit_models.world.clips import WorldClips
from ambikit_models.world.config import WorldConfig

__all__ = ["Followed", "filmed_to_follow", "follow", "scenes_to_follow"]

_FIELD, _SECONDS, _BLOCK = math.pi / 2, 3.0, 8


@dataclass(frozen=True)
class Followed:
    """Held-out clips, cut into pieces as long as what the network sees and hears at once.

    Attributes
    ----------
    video
        ``(clips, pieces, 3, frames, height, width)``.
    audio
        Features, ``(clips, pieces, channels, rows, time)``.
    heard
        What the signals say at each picture, ``(clips, pieces · frames)``: dB by which the right channel is louder, or
        with ``around`` the azimuth of the intensity, radians.
    around
        Whether these are azimuths.
    truth
        Where the sounding object is, radians to the left of the view, ``(clips, pieces · frames)``; None where nobody
        knows.
    """

    video: Float[Tensor, "clips pieces 3 frames height width"]
    audio: Float[Tensor, "clips pieces channels rows time"]
    heard: Float[np.ndarray, "clips moments"]
    around: bool
    truth: Float[np.ndarray, "clips moments"] | None = None


def scenes_to_follow(
    recipe: TrainingConfig, scenes: int, *, world: WorldConfig | None = None, seed: int = 0, workers: int = 2
) -> tuple[Followed, WorldClips, Float[np.ndarray, "scenes"]]:
    """Scenes of the world of about three seconds, in which one object sounds and passes a view that stands still.

    Parameters
    ----------
    recipe
        What the network sees and hears at once.
    scenes
        How many; no training has seen them.
    world
        What else there is in them, by default what is usual; how long they last, how many objects sound and how fast
        they move is decided here.
    seed
        Of the scenes, and of where the views look.
    workers
        Processes that render.

    Returns
    -------
    What is seen and heard, the scenes, and the azimuths of the views.
    """
    duration, frames = recipe.clip.duration, recipe.clip.frames
    pieces = max(1, round(_SECONDS / duration))
    world = replace(
        world or WorldConfig(),
        sample_rate=recipe.sound.sample_rate,
        duration=pieces * duration,
        sounding=(1, 1),
        speed_degrees=(-10.0, 10.0),
    )
    indices = range(40_000_000, 40_000_000 + scenes)
    shown = {"size": recipe.clip.size, "frames": frames, "duration": duration}
    clips = WorldClips.render(world, seed, indices, recipe.sound, workers=workers, **shown)
    objects, rows = clips.scenes.objects, np.arange(scenes)
    slot = objects.sounding.argmax(-1)
    azimuth, speed = objects.azimuth[rows, slot], objects.speed[rows, slot]
    looked = azimuth + generator_for(seed, 29).uniform(-0.35, 0.35, scenes) * _FIELD
    angles = torch.from_numpy(looked)[:, None].expand(-1, pieces)
    views = Viewpoints(angles, torch.zeros_like(angles), torch.full_like(angles, _FIELD))
    when = torch.linspace(0, 1, pieces).double().expand(scenes, -1) if pieces > 1 else None
    batch = clips.batch(rows, views, moments=when)
    around = recipe.sound.format.startswith(("foa", "salsa"))
    heard = []
    for block in np.array_split(rows, -(-scenes // _BLOCK)):
        scene = clips.signals(block).cpu()
        turned = ambikit.align(scene, torch.from_numpy(looked[block]).to(scene), 0.0)
        if around:
            heard.append(intensity_azimuths(turned, pieces * frames))
        else:
            two = as_two_channels(recipe.sound, turned)
            heard.append(level_differences(two, recipe.sound.sample_rate, pieces * frames))
    times = (np.arange(pieces * frames) + 0.5) * duration / frames
    truth = (azimuth - looked)[:, None] + speed[:, None] * (times - world.duration / 2)
    return Followed(batch.video, batch.audio, np.concatenate(heard), around, truth), clips, looked


def filmed_to_follow(recipe: TrainingConfig, clips: TwoChannelClips) -> Followed:
    """Recorded clips with two channels: one piece of each."""
    found = [clips.read(rows) for rows in np.array_split(np.arange(len(clips)), -(-len(clips) // _BLOCK))]
    video, sound = (torch.cat(side) for side in zip(*found, strict=True))
    audio = features_of_ears(recipe.sound, sound)
    heard = level_differences(sound, recipe.sound.sample_rate, video.shape[2])
    return Followed(video[:, None], audio[:, None], heard, around=False)


def follow(name: str, network: CorrespondenceNetwork, followed: Followed) -> tuple[list[Figure], HeardPlaces]:
    """How the components of the embeddings, and the visual attention, correlate with where the sound comes from."""
    device, frames = next(network.parameters()).device, followed.video.shape[3]
    video, audio = followed.video.flatten(0, 1), followed.audio.flatten(0, 1)
    heard, pooled, placed = [], [], []
    for start in range(0, len(video), 4 * _BLOCK):
        pictures, sound = (x[start : start + 4 * _BLOCK].to(device) for x in (video, audio))
        with torch.no_grad():
            heard.append(network.hear(sound, frames).transpose(1, 2).cpu())
        for maps, found in ((True, pooled), (False, placed)):
            found.append(horizontal_centroids(attention_maps(network, pictures, sound, pooled=maps)))
    shape = followed.heard.shape
    embeddings = torch.cat(heard).reshape(*shape, -1)
    places = heard_places(embeddings, followed.heard, around=followed.around)
    figures = place_figures(name, places)
    # as a level to the right, for stereo; as an angle, for scenes
    true: Any = None if followed.truth is None else followed.truth if followed.around else -followed.truth
    if true is not None:
        figures += place_figures(name, heard_places(embeddings, true, around=followed.around), "true azimuth")
    right = -followed.heard if followed.around else followed.heard
    if followed.around:  # only what may be in the picture has a place in it
        right = np.where(np.abs(right) < _FIELD / 2, right, np.nan)
    words = "azimuth of the intensity" if followed.around else "difference of log-energy"
    for way, found in (("GradCAM", pooled), ("HiResCAM", placed)):
        centroids = np.concatenate(found).reshape(shape)
        figures += attention_figures(name, centroids, right, way, reference=words)
        if followed.truth is not None:
            figures += attention_figures(name, centroids, -followed.truth, way, reference="true azimuth")[:1]
    return figures, places
