"""Single fields of a configuration changed from the command line: ``phases.1.candidates=own_views``."""

from typing import Any

import yaml

from ambikit.errors import AmbikitError
from ambikit_models.training.config import from_mapping, to_mapping

__all__ = ["override"]


def override(config: Any, settings: tuple[str, ...] | list[str]) -> Any:
    """Change fields of a configuration and check the outcome as if it had been read from a file.

    Parameters
    ----------
    config
        A dataclass, such as :class:`~ambikit_models.training.config.TrainingConfig`.
    settings
        ``KEY=VALUE`` each, applied in order. A key is a path of field names and numbers of entries, separated by
        points, where −1 is the last entry; a value is YAML: ``4``, ``1.0e-4``, ``[0.4, 1.5]``, ``{kind: …}``. The value
        ``null`` for an entry of a list takes it out.

    Returns
    -------
    A new configuration.

    Raises
    ------
    AmbikitError
        If a key does not exist, or a value is none that a file could have; it names the place.

    Examples
    --------
    >>> from ambikit_models.training.phases import Phase
    >>> override(Phase("avsa", steps=10, clips=4, views=4), ["candidates=own_views", "views=8"]).views
    8
    """
    mapping = to_mapping(config)
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key:
            raise AmbikitError(f"got --set {setting!r}; expected KEY=VALUE, e.g. phases.1.candidates=own_views")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            raise AmbikitError(f"got {text!r} for {key}; expected a value as in YAML: 4, 1.0e-4, [0.4, 1.5]") from None
        _put(mapping, key, value)
    return from_mapping(type(config), mapping)


def _put(mapping: Any, key: str, value: Any) -> None:
    *path, last = key.split(".")
    place = mapping
    for count, name in enumerate(path):
        place = place[_entry(place, name, key, ".".join(path[:count]))]
    where = ".".join(path)
    if isinstance(place, list):
        index = _entry(place, last, key, where)
        if value is None:
            del place[index]
        else:
            place[index] = value
    elif isinstance(place, dict):
        # a member of a union may have fields that the one it takes the place of has not
        if last not in place and "kind" not in place:
            _entry(place, last, key, where)
        place[last] = value
    else:
        raise AmbikitError(f"got the key {key}, but {where} is {place!r} and has no fields; expected a shorter key")


def _entry(place: Any, name: str, key: str, where: str) -> Any:
    """The entry of a list or a mapping that a part of a key means."""
    if isinstance(place, dict):
        if name not in place:
            raise AmbikitError(f"got the key {key}; expected for {name!r} one of {', '.join(place)}")
        return name
    if not isinstance(place, list):
        raise AmbikitError(f"got the key {key}, but {where} is {place!r} and has no fields; expected a shorter key")
    numbers = range(-len(place), len(place))
    if not name.lstrip("-").isdecimal() or int(name) not in numbers:
        raise AmbikitError(
            f"got the key {key}; expected for {name!r} a number from 0 to {len(place) - 1}, or -1: the last"
        )
    return int(name)
