"""`python -m event_broker`."""

import os
import sys
from pathlib import Path

from event_broker.main import serve
from service_runtime.lifecycle import run_service

if __name__ == "__main__":
    sys.exit(run_service("event-broker", serve, environ=os.environ, working_directory=Path.cwd()))
