"""`python -m benchmarks [options of benchmarks.peers]`: speed, then agreement."""

from __future__ import annotations

import sys

from benchmarks import agreement, peers


def main() -> int:
    """Both pages; 1 where a bound of the agreement is broken."""
    asked = peers.parse()
    peers.run(asked)
    return agreement.run(asked.out)


sys.exit(main())
