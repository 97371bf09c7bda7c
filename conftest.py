"""What every test run needs before the first test file is found."""

import pytest
import structlog

import sandbox

# pytest names test files by their path from here, and would take the folder `sandbox/` for the package of that name
# unless the package has been imported before.
__all__ = ["sandbox"]

pytest_plugins = ["event_queue.testing.fixtures"]


@pytest.fixture(autouse=True)
def plain_tracebacks() -> None:
    """Log errors without the variables of every frame, which structlog draws unless told otherwise.

    That takes seconds on a busy machine, in which the loop stands still and leases end.
    """
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.stdlib.add_log_level, plain])
