"""The whole rebalancer as three processes against a sandbox in the test's own event loop.

Knows the services by their command lines, environment variables, log lines and HTTP alone. Needs `httpx` and `stamina`,
which the sandbox itself does not.
"""

from sandbox.testing.system.followers import Follower
from sandbox.testing.system.management import Event, Management, eventually
from sandbox.testing.system.run import Leg, Run
from sandbox.testing.system.service import Service
from sandbox.testing.system.settings import Stores
from sandbox.testing.system.system import System, running_system

__all__ = [
    "Event",
    "Follower",
    "Leg",
    "Management",
    "Run",
    "Service",
    "Stores",
    "System",
    "eventually",
    "running_system",
]
