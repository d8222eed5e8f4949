"""`python -m eval` is `rag eval`."""

from __future__ import annotations

import sys

from eval.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
