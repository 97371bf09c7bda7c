"""`python -m sandbox`."""

import sys

from sandbox.launcher.command import main

if __name__ == "__main__":
    sys.exit(main())
