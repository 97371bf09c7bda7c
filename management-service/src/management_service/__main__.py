"""`python -m management_service`."""

import os
import sys
from pathlib import Path

from management_service.main import serve
from service_runtime.lifecycle import run_service

if __name__ == "__main__":
    sys.exit(run_service("management-service", serve, environ=os.environ, working_directory=Path.cwd()))
