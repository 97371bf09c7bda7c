"""The whole rebalancer as three processes against a sandbox in the test's own event loop.

Knows the services by their command lines, environment variables, log lines and HTTP alone. Needs `httpx` and `stamina`,
which the sandbox itself does not.
"""

from running_system.followers import Follower
from running_system.management import Event, Management, eventually
from running_system.run import Leg, Run
from running_system.service import Launch, Running, Service
from running_system.settings import Stores
from running_system.system import System, running_system

__all__ = [
    "Event",
    "Follower",
    "Launch",
    "Leg",
    "Management",
    "Run",
    "Running",
    "Service",
    "Stores",
    "System",
    "eventually",
    "running_system",
]
