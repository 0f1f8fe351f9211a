"""The types of array that the whole house speaks of."""

from __future__ import annotations

from typing import Any

import numpy as np

# Spelled without numpy.typing, which costs time at every start.
Array = np.ndarray[tuple[Any, ...], np.dtype[np.float64]]
"""Numbers in float64, of any shape."""
Mask = np.ndarray[tuple[Any, ...], np.dtype[np.bool_]]
"""True or false, of any shape."""
Numbers = np.ndarray[tuple[Any, ...], np.dtype[Any]]
"""Numbers of any type: float64, or objects such as fractions."""
