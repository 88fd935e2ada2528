"""`python -m glossator` is the command line."""

import sys

from glossator.cli import main

sys.exit(main())
