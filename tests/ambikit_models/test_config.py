import math

import pytest

from ambikit.errors import AmbikitError
from ambikit_models.panorama.salient import SalientViewpoints
from ambikit_models.panorama.viewpoints import ObjectViewpoints, RandomViewpoints
from ambikit_models.training.config import TrainingConfig, from_mapping, load_yaml, save_yaml, to_mapping
from tests.ambikit_models.toy import toy_config


@pytest.mark.parametrize(
    "viewpoints",
    [
        RandomViewpoints(views=2),
        ObjectViewpoints(maximum_latitude=math.pi / 4),
        SalientViewpoints(motion=0.5, quarters=True),
    ],
)
def test_yaml_brings_every_field_back(tmp_path, viewpoints):
    config = toy_config(viewpoints=viewpoints, horizontal_flip="joint")
    save_yaml(config, tmp_path / "c.yaml")
    assert load_yaml(TrainingConfig, tmp_path / "c.yaml") == config


def test_unknown_fields_are_named():
    mapping = to_mapping(toy_config())
    mapping["model"]["widht"] = 3
    with pytest.raises(AmbikitError, match=r"unknown fields \['widht'\] in configuration.model"):
        from_mapping(TrainingConfig, mapping)


def test_missing_and_wrong_values_are_named():
    with pytest.raises(AmbikitError, match="phases"):
        from_mapping(TrainingConfig, {})
    mapping = to_mapping(toy_config())
    mapping["phases"][0]["objective"] = "avz"
    with pytest.raises(AmbikitError, match=r"'avz' for configuration.phases\[0\].objective"):
        from_mapping(TrainingConfig, mapping)
    mapping = to_mapping(toy_config())
    mapping["weight_decay"] = "1e-5"
    with pytest.raises(AmbikitError, match="weight_decay"):
        from_mapping(TrainingConfig, mapping)


def test_not_yaml(tmp_path):
    (tmp_path / "x.yaml").write_text("a: [1")
    with pytest.raises(AmbikitError, match="could not read"):
        load_yaml(TrainingConfig, tmp_path / "x.yaml")


def test_encoders_must_agree():
    config = toy_config()
    import dataclasses

    with pytest.raises(AmbikitError, match="width"):
        dataclasses.replace(config.model, audio="conv2d_9").build(config.sound)
