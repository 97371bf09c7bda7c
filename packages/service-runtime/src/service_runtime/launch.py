"""The first moments of a process. Nothing that takes time is imported here."""

import signal
import sys
from importlib import import_module
from types import FrameType
from typing import NoReturn


def launch(module: str) -> NoReturn:
    """Load the module of a service and end the process with what its `main` returns.

    Loading takes about a second. A stop that comes before the service listens for it ends the process with 0 as any
    other does: nothing has been touched by then. As the first process of a container it would not even be heard.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    sys.exit(import_module(module).main())


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)
