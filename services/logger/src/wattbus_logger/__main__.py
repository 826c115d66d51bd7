"""Lets `python -m wattbus_logger` be the `wattbus-logger` command."""

import sys

from wattbus_logger.main import main

sys.exit(main())
