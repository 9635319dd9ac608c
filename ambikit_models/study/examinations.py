"""Tasks by their names, in a folder or on the world: what every command that examines systems asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ambikit.errors import AmbikitError
from ambikit_models.downstream.alignment.alignment_bins import alignment_figures, alignment_folds
from ambikit_models.downstream.directions.azimuths import EventDirections, ObjectDirections
from ambikit_models.downstream.directions.sound_events import RecordedEvents, SimulatedEvents
from ambikit_models.downstream.probing.engine import Figure, Task, Tell
from ambikit_models.downstream.probing.scenes import WorldScenes
from ambikit_models.downstream.probing.subjects import System
from ambikit_models.downstream.recognition.acoustic_scenes import AcousticScenes, RoomsHeard
from ambikit_models.downstream.recognition.actions import Actions, ObjectClasses
from ambikit_models.downstream.recognition.audio_visual_scenes import RoomsSeenAndHeard, UrbanPlaces
from ambikit_models.downstream.segmentation.task import recorded_views, world_views
from ambikit_models.downstream.segmentation.views import SegmentedViews, ViewConfig
from ambikit_models.study.videos import open_videos

__all__ = ["Place", "alignment_at", "segmentation_at", "task_at"]


@dataclass(frozen=True)
class Place:
    """Where a task is asked: of a folder, or of the world.

    Attributes
    ----------
    source
        A folder of the data set as it lies on disk, or scenes.
    lists
        For alignment and segmentation in a folder: two lists of ids, to learn from and to be tested on.
    folds
        Those to be tested, of data sets that have folds; all by default.
    """

    source: Path | WorldScenes
    lists: tuple[str, ...] = ()
    folds: tuple[int, ...] = ()


def task_at(name: str, place: Place) -> Task:
    """A task of the engine by its name."""
    source, folds = place.source, {"folds": place.folds} if place.folds else {}
    if isinstance(source, WorldScenes):
        return {
            "actions": lambda: ObjectClasses(source),
            "acoustic-scenes": lambda: RoomsHeard(source),
            "audio-visual-scenes": lambda: RoomsSeenAndHeard(source),
            "directions": lambda: ObjectDirections(source, **folds),
            "sound-events": lambda: SimulatedEvents(source.scenes),
        }[name]()
    return {
        "actions": lambda: Actions(source),
        "acoustic-scenes": lambda: AcousticScenes(source, **folds),
        "audio-visual-scenes": lambda: UrbanPlaces(source),
        "directions": lambda: EventDirections(source, **folds),
        "sound-events": lambda: RecordedEvents(source),
    }[name]()


def alignment_at(
    system: System, place: Place, *, seeds: Sequence[int] = (0,), tell: Tell | None = None
) -> list[Figure]:
    """AVC-Bin and AVSA-Bin, translated too where the translations are trained."""
    if isinstance(place.source, WorldScenes):
        head, test = (place.source.clips(system, part) for part in ("head", "test"))
        folds = [(head, np.arange(len(head)), test, np.arange(len(test)))]
    elif place.lists:
        if len(place.lists) != 2:
            raise AmbikitError(f"got --lists {' '.join(place.lists)}; expected two, to train heads on and to test")
        sides = [open_videos(place.source, system.recipe, split=name) for name in place.lists]
        folds = [tuple(part for clips in sides for part in (clips, clips.readable()))]
    else:
        clips = open_videos(place.source, system.recipe)
        folds = alignment_folds(clips.subset(clips.readable()), 2)
    trained = any(phase.predicts for phase in system.recipe.phases)
    translated = trained and "untrained" not in system.name
    return alignment_figures(system, folds, translated=translated, seeds=seeds, tell=tell)


def segmentation_at(system: System, place: Place, config: ViewConfig) -> list[tuple[SegmentedViews, SegmentedViews]]:
    """Views whose pixels are known, to learn from and to be tested on."""
    if isinstance(place.source, WorldScenes):
        return world_views(place.source, system, config)
    return recorded_views(place.source, system, config, place.lists)
