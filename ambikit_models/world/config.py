"""The ranges from which the scenes of the world are drawn."""

from dataclasses import dataclass, fields

from ambikit.errors import AmbikitError

__all__ = ["WorldConfig"]

Range = tuple[float, float]


@dataclass(frozen=True)
class WorldConfig:
    """What may happen in the synthetic world; a scene is decided by this, a seed and its index.

    A scene stands in a shoebox room. Around the listener, who is also the camera, hang some balls that sound and
    some that are silent; the colour of a ball and the timbre of its sound belong to its class. All balls drift
    around the listener and pulse in brightness; a sounding ball pulses with its sound, a silent one on its own, so
    that one still picture does not tell which is which. Directions are independent of the class, and azimuths are
    uniform, as is the orientation of the room: turning the sound of a scene gives another sound of the same
    distribution.

    Examples
    --------
    >>> WorldConfig().samples
    8000
    >>> WorldConfig(room_strength=2.0)
    Traceback (most recent call last):
    ambikit.errors.AmbikitError: got room_strength=2.0; expected a number between 0 and 1
    """

    classes: int = 12
    """Number of classes that can sound; colours are spread evenly over the hues, timbres over 2.75 octaves."""
    sounding: tuple[int, int] = (1, 3)
    """Fewest and most sounding objects of a scene (all counts between are equally likely)."""
    silent: tuple[int, int] = (1, 3)
    """Fewest and most silent objects that look like sounding ones."""
    context_fraction: float = 0.0
    """Probability that a sounding object brings a silent companion of a class of its own, elsewhere in the scene
    ("the road with the car"): class ``classes + c`` for class ``c``."""
    radius_degrees: Range = (12.0, 22.0)
    """Angular radius of an object."""
    elevation_degrees: float = 34.0
    """Largest elevation above or below the horizon; uniform between."""
    speed_degrees: Range = (-30.0, 30.0)
    """Speed of an object in azimuth, degrees per second, positive to the left."""
    distance: Range = (1.0, 2.0)
    """Distance of an object in metres; it ends at 80 % of the way to the wall behind it."""
    gain_db: Range = (-6.0, 3.0)
    """Level of the direct sound of an object."""
    fundamental: float = 140.0
    """Fundamental frequency of class 0 in Hz; each class is a quarter of an octave above the one before."""
    pitch_jitter: float = 0.03
    """Largest relative deviation of an object's fundamental from that of its class."""
    harmonics: int = 6
    """Number of harmonics of a sound."""
    pulse_rate: Range = (2.0, 10.0)
    """Slowest and fastest pulse in Hz; every class has its own rate (5 % jitter)."""
    sound_depth: float = 0.9
    """Depth of the pulse of the sound: the amplitude falls to 1 − depth."""
    picture_depth: float = 0.4
    """Depth of the pulse of the brightness."""
    hue_jitter: float = 0.015
    """Largest deviation of an object's hue from that of its class, in turns of the colour circle."""
    room_types: int = 12
    """Number of room types. The look and the acoustics of a type are drawn independently of one another."""
    room_seed: int = 0
    """Decides the room types; the same for all scenes of a world."""
    room_strength: float = 0.5
    """Probability s that the room heard is the room seen; otherwise the room seen is drawn anew. The distribution of
    rooms seen and that of rooms heard are the same at every s, and the sound does not depend on s."""
    t60: Range = (0.15, 0.8)
    """Reverberation times of the room types in seconds; the size of a room multiplies them by 0.7 to 1.3."""
    reverberation: float = 1.0
    """Factor on the amplitude of everything but the direct sound: 1 follows from the room, 0 is anechoic."""
    snr_db: Range | None = (3.0, 14.0)
    """Level of the objects above the ambience, in W, of the room types (jitter 1.5 dB); None: no ambience."""
    ambience_tilt_db: Range = (-6.0, 2.0)
    """Slope of the ambience spectrum of the room types, dB per octave (jitter 0.5)."""
    ambience_peak: Range = (200.0, 5000.0)
    """Centre of the broad peak in the ambience of the room types, Hz."""
    ambience_peak_db: Range = (4.0, 14.0)
    """Height of that peak (jitter 1 dB)."""
    broken_fraction: float = 0.0
    """Probability that the sound is no valid Ambisonics: W and X exchanged, Y silent, or stereo in W and Y."""
    sample_rate: int = 16000
    """Hz."""
    duration: float = 0.5
    """Length of a clip in seconds."""
    lead_in: float = 0.25
    """Seconds for which the sources have been sounding before the clip begins, so that reverberation is under way."""

    def __post_init__(self) -> None:
        for name in ("context_fraction", "room_strength", "broken_fraction", "sound_depth", "picture_depth"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise AmbikitError(f"got {name}={getattr(self, name)}; expected a number between 0 and 1")
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, tuple) and not (len(value) == 2 and value[0] <= value[1]):
                raise AmbikitError(f"got {field.name}={value}; expected (lowest, highest)")
        if self.sounding[0] < 0 or self.silent[0] < 0:
            raise AmbikitError(f"got sounding={self.sounding}, silent={self.silent}; expected counts of at least 0")
        for name in ("classes", "room_types", "harmonics"):
            if getattr(self, name) < 1:
                raise AmbikitError(f"got {name}={getattr(self, name)}; expected at least 1")
        for name in ("sample_rate", "duration", "fundamental"):
            if getattr(self, name) <= 0:
                raise AmbikitError(f"got {name}={getattr(self, name)}; expected a positive number")
        if self.radius_degrees[0] <= 0 or self.distance[0] <= 0 or self.t60[0] <= 0:
            raise AmbikitError("got a radius, distance or t60 that is not positive; expected positive ranges")
        if self.elevation_degrees + self.radius_degrees[1] >= 90.0:
            raise AmbikitError(
                f"got elevation_degrees={self.elevation_degrees} and radius_degrees={self.radius_degrees}; expected "
                "objects that do not cover a pole: largest elevation plus largest radius below 90"
            )
        if self.lead_in < 0 or self.reverberation < 0:
            raise AmbikitError("got a negative lead_in or reverberation; expected 0 or more")

    @property
    def samples(self) -> int:
        """Length of a clip in samples."""
        return round(self.duration * self.sample_rate)

    @property
    def appearances(self) -> int:
        """Number of classes that can be seen: twice those that sound where silent companions exist."""
        return 2 * self.classes if self.context_fraction > 0 else self.classes

    @property
    def objects(self) -> int:
        """Number of object slots of a scene: sounding, silent and, where they exist, companions."""
        companions = self.sounding[1] if self.context_fraction > 0 else 0
        return self.sounding[1] + self.silent[1] + companions

    def frame_times(self, frames: int) -> tuple[float, ...]:
        """The times in seconds of ``frames`` pictures, spread evenly over the clip; one is taken in its middle."""
        return tuple(self.duration * (i + 0.5) / frames for i in range(frames))
