"""The control API: everything about the sandbox that a test or a person can change while it runs, over HTTP."""

from sandbox.control.bodies import GatewayState
from sandbox.control.routes import ControlApi

__all__ = ["ControlApi", "GatewayState"]
