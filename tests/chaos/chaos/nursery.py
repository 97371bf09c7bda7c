"""`python -m chaos.nursery FD MODULE...`: imports the product once, and forks a process for whoever is to be started.

A fork is a process of its own in every respect that matters here (pid, memory, sockets, death), and starts in
milliseconds where an import takes a second. Requests come as one line of JSON with the descriptor of the child's
output; the answers tell each child's pid and, later, how it ended. When the driver is gone, so are all children.
"""

import importlib
import json
import os
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Mapping
from typing import Any

_LONGEST_REQUEST = 1 << 20
_FAILED = 70


class Nursery:
    """Serves one driver."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._children: set[int] = set()
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)

    def serve(self) -> None:
        """Fork on request until the driver closes its end."""
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if self._woken in ready:
                    self._reap()
                if self._control in ready and not self._take_request():
                    break
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)

    def _take_request(self) -> bool:
        try:
            line, descriptors, _, _ = socket.recv_fds(self._control, _LONGEST_REQUEST, 1)
        except ConnectionResetError:
            return False
        if not line:
            return False
        while not line.endswith(b"\n"):
            line += self._control.recv(_LONGEST_REQUEST)
        request: Mapping[str, Any] = json.loads(line)
        pid = os.fork()
        if pid == 0:
            self._live(request, descriptors[0])
        os.close(descriptors[0])
        self._children.add(pid)
        self._tell(request=request["id"], pid=pid)
        return True

    def _reap(self) -> None:
        self._woken.recv(_LONGEST_REQUEST)
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._children.discard(pid)
            self._tell(ended=pid, code=os.waitstatus_to_exitcode(status))

    def _tell(self, **answer: int) -> None:
        self._control.sendall(json.dumps(answer).encode() + b"\n")

    def _live(self, request: Mapping[str, Any], output: int) -> None:
        """The child's whole life."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for descriptor in (self._control, self._woken, self._waker):
            descriptor.close()
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        try:
            code = _run(request)
        except BaseException:  # noqa: BLE001 - the end of a process: told to whoever reads its output
            traceback.print_exc()
            code = _FAILED
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _run(request: Mapping[str, Any]) -> int:
    if request["directory"] is not None:
        os.chdir(request["directory"])
    if request["environ"] is not None:
        os.environ.clear()
        os.environ.update(request["environ"])
    module, _, name = request["role"].partition(":")
    return int(getattr(importlib.import_module(module), name)(request["args"]) or 0)


if __name__ == "__main__":
    for wanted in sys.argv[2:]:
        importlib.import_module(wanted)
    Nursery(socket.socket(fileno=int(sys.argv[1]))).serve()
