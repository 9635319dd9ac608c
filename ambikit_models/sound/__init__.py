"""What the audio encoder hears: the sound of a clip, as heard when looking in some direction."""

from ambikit_models.sound.features import SoundFeatures
from ambikit_models.sound.formats import SoundFormat

__all__ = ["SoundFeatures", "SoundFormat"]
