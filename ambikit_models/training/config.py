"""The one declaration of a training run: frozen dataclasses, a docstring per field."""

from dataclasses import dataclass, field
from typing import Literal

from ambikit.errors import AmbikitError
from ambikit_models.alignment import AlignmentModel
from ambikit_models.correspondence import CorrespondenceNetwork
from ambikit_models.encoders.audio import Conv2dAudioEncoder, SmallAudioEncoder, Standardize
from ambikit_models.encoders.published import PublishedVideoEncoder
from ambikit_models.encoders.translation import TranslationKind
from ambikit_models.encoders.video import R2Plus1DVideoEncoder, SmallVideoEncoder
from ambikit_models.panorama.salient import SalientViewpoints
from ambikit_models.panorama.viewpoints import ObjectViewpoints, RandomViewpoints
from ambikit_models.preparation.selection import Selection
from ambikit_models.sound import SoundFeatures
from ambikit_models.training.augmentation import HorizontalFlip
from ambikit_models.training.colours import ColourJitter
from ambikit_models.training.correspondence_config import CorrespondenceConfig
from ambikit_models.training.execution import Execution
from ambikit_models.training.mappings import from_mapping, load_yaml, save_yaml, to_mapping
from ambikit_models.training.phases import Phase

__all__ = [
    "ClipConfig",
    "CorrespondenceConfig",
    "ModelConfig",
    "Phase",
    "TrainingConfig",
    "from_mapping",
    "load_yaml",
    "save_yaml",
    "to_mapping",
]


@dataclass(frozen=True)
class ClipConfig:
    """How much of a clip the encoders see and hear at once."""

    size: int = 112
    """Width and height of a view in pixels."""
    frames: int = 8
    """Pictures."""
    frame_rate: float = 16.0
    """Pictures per second."""
    duration: float = 1.0
    """Seconds of sound; the pictures lie within them."""
    selection: Selection = "all"
    """Which clips, by the energy test of their sound: all, passing, as many failing (drawn by the seed), or valid."""

    def __post_init__(self) -> None:
        if self.size < 1 or self.frames < 1 or not self.frame_rate > 0 or not self.duration > 0:
            raise AmbikitError(f"got {self}; expected positive numbers")


@dataclass(frozen=True)
class ModelConfig:
    """The networks."""

    video: Literal["small", "r2plus1d_18", "r2plus1d_18_published"] = "small"
    """Video encoder: four convolutions for small crops, the papers' R(2+1)D-18 as torchvision has it, or as the
    published code has it, with as many channels within blocks as between them."""
    video_weights: str | None = None
    """Weights of torchvision to begin with, for r2plus1d_18: KINETICS400_V1; downloaded by torchvision."""
    audio: Literal["small", "conv2d_9"] = "small"
    """Audio encoder: four convolutions, or the 9-layer network of the papers."""
    width: int = 128
    """Size of the embeddings of the small encoders; the papers' encoders have 512."""
    projection: int = 128
    """Size of the vectors that are compared."""
    translation_depth: int = 2
    """Blocks of each feature translation; 0 predicts directly."""
    translation: TranslationKind = "transformer"
    """A transformer combines the views of a clip; an mlp of the same size translates each by itself."""
    translation_relu: bool = False
    """End each block of the translations in a ReLU, as the published code does; the paper does not."""
    translation_dropout: float = 0.0
    """Dropout in the translations; 0.1 in the published code, none in the paper."""
    shared_statistics: bool = False
    """Standardise all levels of the sound with one mean and one deviation per band, as the published code of
    morgado2020 does, and not each channel with its own."""
    regression: bool = False
    """Have a head that predicts how far the sound was turned; the objective regression needs it."""

    def build(self, sound: SoundFeatures) -> AlignmentModel:
        """Make the model with random weights for the given sound features."""
        if self.video_weights is not None and self.video != "r2plus1d_18":
            raise AmbikitError(
                f"got video_weights={self.video_weights!r} for the video encoder {self.video!r}; expected r2plus1d_18, "
                "the only one that torchvision has weights for; set model.video"
            )
        if self.video == "small":
            video = SmallVideoEncoder(self.width)
        else:
            published = self.video == "r2plus1d_18_published"
            video = PublishedVideoEncoder() if published else self._torchvision()
        small_audio = self.audio == "small"
        audio = (
            SmallAudioEncoder(sound.channels, sound.rows, self.width)
            if small_audio
            else Conv2dAudioEncoder(sound.channels)
        )
        if video.width != audio.width:
            raise AmbikitError(
                f"got a video encoder {self.video!r} of width {video.width} and an audio encoder {self.audio!r} of "
                f"width {audio.width}; expected the same width; set model.width to {max(video.width, audio.width)}"
            )
        return AlignmentModel(
            video,
            audio,
            Standardize(sound.channels, sound.rows, shared=sound.layout.levels if self.shared_statistics else 0),
            projection=self.projection,
            depth=self.translation_depth,
            translation=self.translation,
            final_relu=self.translation_relu,
            dropout=self.translation_dropout,
            regression=self.regression,
        )

    def _torchvision(self) -> R2Plus1DVideoEncoder:
        try:
            return R2Plus1DVideoEncoder(self.video_weights)
        except (KeyError, ValueError, OSError, RuntimeError) as error:  # no such weights, or no way to get them
            raise AmbikitError(
                f"got video_weights={self.video_weights!r}, which torchvision could not load ({error}); expected the "
                "name of weights of its r2plus1d_18, KINETICS400_V1; without a network put the file into the folder "
                "checkpoints of torch.hub.get_dir()"
            ) from None


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides a trained model, apart from the clips themselves."""

    phases: tuple[Phase, ...]
    """The curriculum, in order."""
    sound: SoundFeatures = field(default_factory=SoundFeatures)
    """What the audio encoder hears."""
    model: ModelConfig | CorrespondenceConfig = field(default_factory=ModelConfig)
    """The networks; those that tell left from right are another kind."""
    viewpoints: RandomViewpoints | ObjectViewpoints | SalientViewpoints = field(default_factory=RandomViewpoints)
    """How viewpoints are chosen; each phase sets its own number of views."""
    clip: ClipConfig = field(default_factory=ClipConfig)
    """How much of a clip is seen and heard."""
    seed: int = 0
    """Decides the initial weights, the order of clips and the viewpoints."""
    start: str | None = None
    """Output of an earlier training of the same networks, say on easier clips, or its checkpoint: begin with its
    weights, in place of random ones."""
    optimizer: Literal["adam", "adamw", "sgd"] = "adamw"
    """AdamW, or the papers' Adam or SGD, whose weight decay is added to the gradient."""
    momentum: float = 0.9
    """Of SGD."""
    weight_decay: float = 1e-5
    """Weight decay."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Momentum parameters of Adam."""
    clip_gradient: float = 1.0
    """Largest norm of the gradient; 0 switches clipping off."""
    horizontal_flip: HorizontalFlip = "none"
    """``joint`` mirrors picture and sound together for half of the clips; ``visual`` the pictures alone of half of the
    crops, as the published code of morgado2020 does, so that left and right mean nothing."""
    colour_jitter: ColourJitter = field(default_factory=ColourJitter)
    """Random changes of the colours of each crop."""
    volume_jitter: float = 0.0
    """The sound of each clip is made louder or softer by up to this part; 0.1 in the published code, which also clips
    it at ±1."""
    checkpoint_every: int = 200
    """Steps between checkpoints; the end of a phase is always saved."""
    log_every: int = 10
    """Steps between lines of the metrics file."""
    execution: Execution = field(default_factory=Execution)
    """How the steps are carried out: chunks, compilation, determinism."""

    def __post_init__(self) -> None:
        if not self.phases:
            raise AmbikitError("got no phases; expected at least one; give a preset or a list of phases")
        self._check_networks()
        if not 0 <= self.momentum < 1:
            raise AmbikitError(f"got momentum={self.momentum}; expected a number below 1, e.g. 0.9")
        if not 0 <= self.volume_jitter < 1:
            raise AmbikitError(f"got volume_jitter={self.volume_jitter}; expected a part below 1, e.g. 0.1")
        if self.seed < 0 or self.checkpoint_every < 1 or self.log_every < 1:
            raise AmbikitError(
                f"got seed={self.seed}, checkpoint_every={self.checkpoint_every}, log_every={self.log_every}; expected "
                "a seed of at least 0 and intervals of at least 1 step"
            )

    def build_model(self) -> AlignmentModel | CorrespondenceNetwork:
        """Make the networks with random weights."""
        if isinstance(self.model, CorrespondenceConfig):
            return self.model.build(self.sound, self.clip.frames / self.clip.duration)
        return self.model.build(self.sound)

    def _check_networks(self) -> None:
        """Whether the phases suit the networks and the sound."""
        answers = isinstance(self.model, CorrespondenceConfig)
        for phase in self.phases:
            if answers != (phase.pretext is not None):
                expected = "CorrespondenceConfig" if phase.pretext else "ModelConfig"
                raise AmbikitError(
                    f"got a phase of {phase.objective} for a model of kind {type(self.model).__name__}; expected "
                    f"{expected}; set model.kind, or another objective"
                )
            if phase.objective == "flip" and not self.sound.layout.has_sides:
                raise AmbikitError(
                    f"got a phase of flip for sound in the format {self.sound.format!r}, in which nothing has a side; "
                    "expected e.g. stereo, binaural or foa_intensity; set sound.format"
                )
            if phase.one_sided > 1 and self.sound.layout.levels != 2:
                raise AmbikitError(
                    f"got one_sided={phase.one_sided} for sound in the format {self.sound.format!r}; expected one with "
                    "the levels of a left and a right channel, e.g. stereo or binaural; set sound.format"
                )
        regresses = isinstance(self.model, ModelConfig) and self.model.regression
        if any(phase.turns for phase in self.phases) and not regresses:
            raise AmbikitError(
                "got a phase of regression for a model without a head for it; expected model.regression: true; set it"
            )

    @property
    def steps(self) -> int:
        """Total number of steps."""
        return sum(phase.steps for phase in self.phases)
