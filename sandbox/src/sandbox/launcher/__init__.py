"""Starts every part of the sandbox from one specification, in this process or as one of its own."""

from sandbox.launcher.endpoints import Endpoints
from sandbox.launcher.sandbox import Sandbox
from sandbox.launcher.spec import SandboxSpec

__all__ = ["Endpoints", "Sandbox", "SandboxSpec"]
