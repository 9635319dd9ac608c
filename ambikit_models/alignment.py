"""The model that every system of the family shares: two encoders, two translations, four linear heads."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from ambikit_models.encoders.audio import Standardize
from ambikit_models.encoders.translation import Translation, TranslationKind

__all__ = ["AlignmentModel"]


class AlignmentModel(nn.Module):
    """Embeds crops and sounds, translates between them, and projects both to where they are compared.

    The projections follow wang2022, section III-B and III-C: for correspondence (AVC) the video head predicts
    audio and the audio head predicts video; for spatial alignment (AVSA) the predictions come from the
    translated features through two heads of their own.

    Parameters
    ----------
    video_encoder, audio_encoder
        Networks with an attribute ``width``, the same for both.
    standardize
        Statistics of the sound features, applied before the audio encoder.
    projection
        Size of the compared vectors (128 in the papers).
    depth
        Depth of the translations; 0 means direct prediction, without translation.
    translation, final_relu, dropout
        Kind and details of the translations, see :class:`~ambikit_models.encoders.translation.Translation`.
    regression
        Whether there is a head that predicts by how much the sound was turned (two layers, from the features of a view
        and its sound to a vector in the plane).
    """

    def __init__(
        self,
        video_encoder: nn.Module,
        audio_encoder: nn.Module,
        standardize: Standardize,
        *,
        projection: int = 128,
        depth: int = 2,
        translation: TranslationKind = "transformer",
        final_relu: bool = False,
        dropout: float = 0.0,
        regression: bool = False,
    ):
        super().__init__()
        width = video_encoder.width
        self.video_encoder = video_encoder
        self.audio_encoder = audio_encoder
        self.standardize = standardize
        settings = {"kind": translation, "final_relu": final_relu, "dropout": dropout}
        self.audio_to_video = Translation(width, depth, **settings)
        self.video_to_audio = Translation(width, depth, **settings)
        self.video_head = nn.Linear(width, projection)
        self.audio_head = nn.Linear(width, projection)
        self.predicted_video_head = nn.Linear(width, projection)
        self.predicted_audio_head = nn.Linear(width, projection)
        self.rotation_head = (
            nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 2)) if regression else None
        )

    def embed_video(
        self, video: Float[Tensor, "clips views 3 frames height width"]
    ) -> Float[Tensor, "clips views embedding"]:
        """Embed every crop: equation 2 of morgado2020."""
        return self.video_encoder(video.flatten(0, 1)).unflatten(0, video.shape[:2])

    def embed_audio(
        self, audio: Float[Tensor, "clips views channels mel time"]
    ) -> Float[Tensor, "clips views embedding"]:
        """Embed the sound as heard from every viewpoint: equation 2 of morgado2020."""
        features = self.standardize(audio)
        return self.audio_encoder(features.flatten(0, 1)).unflatten(0, audio.shape[:2])

    def embed_audio_frames(
        self, audio: Float[Tensor, "clips views channels mel time"]
    ) -> Float[Tensor, "clips views steps embedding"]:
        """Embed every step of the sound as heard from every viewpoint, several per second.

        The audio encoder says which stretch of the features a step hears, and how its embedding is related to that of
        the clip; the networks are the same, so that a trained model needs no more training for it.
        """
        features = self.standardize(audio)
        return self.audio_encoder.frames(features.flatten(0, 1)).unflatten(0, audio.shape[:2])

    def match(
        self,
        video: Float[Tensor, "clips views embedding"],
        audio: Float[Tensor, "clips views embedding"],
        *,
        translated: bool = True,
    ) -> Float[Tensor, "clips views"]:
        """How well sounds fit pictures, view by view: a cosine, 1 at best.

        Parameters
        ----------
        video, audio
            What :meth:`embed_video` and :meth:`embed_audio` gave.
        translated
            Compare each with what the translation predicts from the views of the other (the mean of both directions),
            as a model trained to align does; else compare the two directly, as one trained on correspondence alone.
        """
        if not translated:
            return functional.cosine_similarity(self.video_head(video), self.audio_head(audio), dim=-1)
        heard = self.predicted_audio_head(self.video_to_audio(video)), self.audio_head(audio)
        seen = self.predicted_video_head(self.audio_to_video(audio)), self.video_head(video)
        return (functional.cosine_similarity(*heard, dim=-1) + functional.cosine_similarity(*seen, dim=-1)) / 2

    def start_alignment(self) -> None:
        """Begin to predict: the prediction heads start as copies of the correspondence heads."""
        self.predicted_video_head.load_state_dict(self.audio_head.state_dict())
        self.predicted_audio_head.load_state_dict(self.video_head.state_dict())
