"""An imitation of IB Gateway on the TWS socket protocol, server versions 157 to 178.

Example::

async with GatewayServer(world) as gateway:
    await IB().connectAsync("127.0.0.1", gateway.port, clientId=1)
    gateway.freeze()                  # reads but answers nothing
    gateway.thaw()
    gateway.broadcast(1100)           # connectivity lost; then 1101 or 1102
    await gateway.drop_connections()  # cut, but still listening
    await gateway.go_down()           # refuses connections
    await gateway.come_up()           # on the same port
"""

from sandbox.gateway.server import GatewayServer

__all__ = ["GatewayServer"]
