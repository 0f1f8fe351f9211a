"""``python -m convstep``, and the console script."""

from __future__ import annotations

import gc

# Seldom: while modules are loaded there is no garbage, and looking for it takes a tenth of the time at start.
gc.set_threshold(50_000, 20, 20)

from convstep.cli.main import main  # noqa: E402

__all__ = ["main"]

if __name__ == "__main__":
    main()
