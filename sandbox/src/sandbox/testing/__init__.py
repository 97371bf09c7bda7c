"""Help for tests against the sandbox: a running one, and clients to talk to it.

Needs the clients `ib_async` and `ibapi`, which the sandbox itself does not.
"""

from sandbox.testing.official_client import OfficialClient, connect_official
from sandbox.testing.running import RunningSandbox, running_sandbox
from sandbox.testing.settled import until_status, until_trade

__all__ = ["OfficialClient", "RunningSandbox", "connect_official", "running_sandbox", "until_status", "until_trade"]
