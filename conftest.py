"""What every test run needs before the first test file is found."""

import sandbox

# pytest names test files by their path from here, and would take the folder `sandbox/` for the package of that name
# unless the package has been imported before.
__all__ = ["sandbox"]

pytest_plugins = ["event_queue.testing.fixtures"]
