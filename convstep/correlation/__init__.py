"""The arithmetic of a convolution layer: the definition, and faster equals for floats.

`definition` is the oracle. Small problems are computed in its order, by `windows`; large ones by matrix products
(`patches`, `band`) or Fourier transforms (`fourier`), whose sums come in another order and with fused multiply-add:
`reordered` puts right whatever that could change. `choice` picks by the sizes.
"""

from convstep.correlation.choice import has_table, make_correlation
from convstep.correlation.definition import correlate, filter_gradient, input_gradient, pad
from convstep.correlation.in_order import input_gradients, sum_rows, sum_squares
from convstep.correlation.windows import Windows

__all__ = [
    "Windows",
    "correlate",
    "filter_gradient",
    "has_table",
    "input_gradient",
    "input_gradients",
    "make_correlation",
    "pad",
    "sum_rows",
    "sum_squares",
]
