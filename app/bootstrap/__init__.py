"""The composition root of everything but the window: the only place that knows every concrete class below it."""

from app.bootstrap.core import Core, build_core

__all__ = ["Core", "build_core"]
