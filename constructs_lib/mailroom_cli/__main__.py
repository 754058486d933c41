"""``python -m mailroom_cli`` is the ``mailroom`` command."""

import sys

from mailroom_cli.main import main

sys.exit(main())
