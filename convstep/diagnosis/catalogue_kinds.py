"""The order of the mistakes by how often people make them, and which of them exclude each other."""

from __future__ import annotations

from collections.abc import Mapping

COMMON_FIRST = (
    *("ascent", "slope-forgotten", "slope-at-zero", "gradient-rotated", "filter-rotated", "stride-ignored"),
    *("gradient-stride-ignored", "factor-two", "mean-for-sum", "sum-for-mean", "gradient-averaged", "mean-twice"),
    *("bias-gradient-mean", "activation-for-slope", "rate-forgotten", "error-before-activation"),
    *("activation-forgotten", "bias-forgotten", "gradient-from-error", "input-gradient-from-error"),
    *("input-gradient-unrotated", "value-for-slope", "slope-of-output", "upstream-forgotten", "gradient-one-position"),
    *("gradient-replaces", "gradient-accumulated", "update-from-start", "slope-of-error", "slope-of-target"),
    *("slope-inverted", "slope-shortcut", "gradient-transposed", "filter-transposed", "padding-wrong"),
    *("dilation-ignored", "channels-not-summed", "bias-repeated", "error-squared", "error-absolute"),
    *("target-not-activated", "target-activated", "gradient-full", "gradient-same-everywhere"),
    *("gradient-from-output", "gradient-from-filter", "bias-gradient-forgotten", "input-gradient-valid"),
    *("input-gradient-new-filter", "remainder-lost", "rate-twice", "rate-divides", "momentum-forgotten"),
    *("momentum-stale", "decay-forgotten", "adam-bias-correction", "adam-power", "adam-epsilon"),
)
"""Every id, the most common mistakes first; ties are told in this order."""

BIT_OF: Mapping[str, int] = {name: 1 << number for number, name in enumerate(COMMON_FIRST)}

GROUPS = (
    (
        *("slope-forgotten", "slope-at-zero", "activation-for-slope", "value-for-slope", "slope-of-output"),
        *("slope-shortcut", "upstream-forgotten", "slope-of-error", "slope-of-target", "slope-inverted"),
    ),
    (
        *("gradient-from-error", "gradient-from-output", "gradient-from-filter", "gradient-same-everywhere"),
        *("gradient-one-position", "gradient-full", "gradient-stride-ignored"),
    ),
    ("gradient-rotated", "gradient-transposed"),
    ("gradient-transposed", "slope-inverted"),
    ("filter-rotated", "filter-transposed"),
    ("padding-wrong", "stride-ignored", "dilation-ignored"),
    ("bias-forgotten", "bias-repeated"),
    ("activation-forgotten", "error-before-activation"),
    ("target-not-activated", "target-activated"),
    ("error-squared", "error-absolute"),
    ("mean-for-sum", "sum-for-mean", "mean-twice", "gradient-averaged"),
    ("rate-forgotten", "rate-twice", "rate-divides"),
    ("gradient-replaces", "update-from-start"),
    ("momentum-forgotten", "momentum-stale", "adam-bias-correction", "adam-power", "adam-epsilon"),
    (
        *("input-gradient-unrotated", "input-gradient-valid", "input-gradient-new-filter"),
        *("input-gradient-from-error", "remainder-lost"),
    ),
)
"""Of each of these, a set of mistakes holds one at the most: a place has one choice, and no nonsense is told."""


_GROUP_BITS: Mapping[str, int] = {
    name: sum(1 << number for number, group in enumerate(GROUPS) if name in group) for name in COMMON_FIRST
}


def group_bits(name: str) -> int:
    """The groups that a mistake belongs to, a bit each."""
    return _GROUP_BITS[name]
