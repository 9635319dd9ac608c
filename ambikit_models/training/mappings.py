"""Frozen dataclasses as plain dictionaries and YAML, and back; a word that no field knows is an error."""

import dataclasses
import types
import typing
from pathlib import Path
from typing import Any, Literal

import yaml

from ambikit.errors import AmbikitError

__all__ = ["from_mapping", "load_yaml", "save_yaml", "to_mapping"]


def to_mapping(value: Any) -> Any:
    """A dataclass as plain dictionaries, lists and numbers; a member of a union carries its ``kind``."""
    if dataclasses.is_dataclass(value):
        hints = typing.get_type_hints(type(value))
        mapping = {}
        for f in dataclasses.fields(value):
            inner = to_mapping(getattr(value, f.name))
            if _is_union(hints[f.name]) and isinstance(inner, dict):
                inner = {"kind": type(getattr(value, f.name)).__name__, **inner}
            mapping[f.name] = inner
        return mapping
    if isinstance(value, list | tuple):
        return [to_mapping(v) for v in value]
    return value


def from_mapping(kind: Any, mapping: Any, where: str = "configuration") -> Any:
    """The inverse of :func:`to_mapping`; unknown and missing fields are errors that name their place."""
    if _is_union(kind):
        members = [m for m in typing.get_args(kind) if m is not types.NoneType]
        if mapping is None and len(members) < len(typing.get_args(kind)):
            return None
        if len(members) > 1:
            return _from_kinds({m.__name__: m for m in members}, mapping, where)
        kind = members[0]
    if dataclasses.is_dataclass(kind):
        if not isinstance(mapping, dict):
            raise AmbikitError(f"got {mapping!r} for {where}; expected the fields of {kind.__name__}")
        hints = typing.get_type_hints(kind)
        unknown = sorted(set(mapping) - set(hints))
        if unknown:
            raise AmbikitError(f"got unknown fields {unknown} in {where}; expected some of {sorted(hints)}")
        values = {name: from_mapping(hints[name], v, f"{where}.{name}") for name, v in mapping.items()}
        try:
            return kind(**values)
        except AmbikitError:
            raise
        except (TypeError, ValueError) as error:
            raise AmbikitError(
                f"got an incomplete or unfitting {where}: {error}; expected the fields {sorted(hints)}"
            ) from None
    if typing.get_origin(kind) is tuple:
        members = typing.get_args(kind)
        if not isinstance(mapping, list | tuple) or (Ellipsis not in members and len(mapping) != len(members)):
            expected = "a list" if Ellipsis in members else f"a list of {len(members)}"
            raise AmbikitError(f"got {mapping!r} for {where}; expected {expected}")
        each = members[0] if len(members) == 2 and members[1] is Ellipsis else None
        return tuple(from_mapping(each or members[i], v, f"{where}[{i}]") for i, v in enumerate(mapping))
    if typing.get_origin(kind) is Literal:
        if mapping not in typing.get_args(kind):
            raise AmbikitError(f"got {mapping!r} for {where}; expected one of {typing.get_args(kind)}")
        return mapping
    if kind is float and isinstance(mapping, int | float) and not isinstance(mapping, bool):
        return float(mapping)
    if kind in (int, str, bool) and type(mapping) is not kind:
        raise AmbikitError(f"got {mapping!r} for {where}; expected {kind.__name__}")
    if kind is float:
        raise AmbikitError(f"got {mapping!r} for {where}; expected a number (write 1.0e-4, not 1e-4, in YAML)")
    return mapping


def _from_kinds(kinds: dict[str, Any], mapping: Any, where: str) -> Any:
    """One of several dataclasses, told apart by the entry ``kind``; the first where there is none."""
    if not isinstance(mapping, dict):
        raise AmbikitError(f"got {mapping!r} for {where}; expected the fields of one of {', '.join(kinds)}")
    name = mapping.get("kind", next(iter(kinds)))
    if not isinstance(name, str) or name not in kinds:
        raise AmbikitError(f"got kind {name!r} in {where}; expected one of {', '.join(kinds)}")
    return from_mapping(kinds[name], {k: v for k, v in mapping.items() if k != "kind"}, where)


def save_yaml(config: Any, path: Path) -> None:
    """Write a configuration as YAML."""
    path.write_text(yaml.safe_dump(to_mapping(config), sort_keys=False), encoding="utf-8")


def load_yaml(kind: type, path: Path) -> Any:
    """Read a configuration of the given dataclass from YAML."""
    try:
        mapping = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise AmbikitError(f"could not read the configuration {path}: {error}; expected a YAML file") from None
    return from_mapping(kind, mapping, path.name)


def _is_union(kind: Any) -> bool:
    return typing.get_origin(kind) in (typing.Union, types.UnionType)
