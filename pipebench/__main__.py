"""`python -m pipebench`."""

import sys

from pipebench.cli import main

sys.exit(main())
