"""``python -m convstep``, and the console script."""

from __future__ import annotations

from convstep.cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
