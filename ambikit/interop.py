"""Poses of other tools: :func:`pose` reads their yaw, pitch and roll, :func:`to_tool` writes them."""

from ambikit.geometry.interop import TOOLS, pose, to_tool

__all__ = ["TOOLS", "pose", "to_tool"]
