"""``python -m mailroom_local`` is the ``mailroom`` command."""

import sys

from mailroom_local.cli import main

sys.exit(main())
