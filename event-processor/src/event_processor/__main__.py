"""`python -m event_processor`."""

import sys

from event_processor.main import main

sys.exit(main())
