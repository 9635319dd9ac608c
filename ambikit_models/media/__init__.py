"""Frames of a video at given times, and the sound that belongs to them."""

from ambikit_models.media.containers import VideoFacts, media_duration, video_facts
from ambikit_models.media.frames import each_frame, read_frames
from ambikit_models.media.sound import read_sound

__all__ = ["VideoFacts", "each_frame", "media_duration", "read_frames", "read_sound", "video_facts"]
