"""The mistakes that people really make, a row each: what was done, why it is wrong, and what to do instead.

What each does with the numbers stands in the modules ``mistakes_…``; the order by frequency in `catalogue_kinds`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Mistake(NamedTuple):
    """A row of the catalogue.

    Attributes:
        id: Its name, everywhere.
        quantity: The quantity in which it is made.
        did: What the learner did, as a sentence.
        why: Why that is not so.
        instead: What to do instead.
    """

    id: str
    quantity: str
    did: str
    why: str
    instead: str


_ROWS = [
    # Forward
    ("filter-rotated", "pre_activation", "You turned the filter by 180° before you laid it on the input.",
     "Whether it is turned is what tells convolution from cross-correlation, and this problem wants the other one.",
     "Lay the filter on each window as the problem's `operation` says, without turning it once more."),
    ("filter-transposed", "pre_activation", "You used the filter transposed.",
     "Rows of the filter meet rows of the window; transposed, they meet columns.",
     "Multiply cell by cell: filter[p,q] with the window's cell in row p and column q."),
    ("channels-not-summed", "pre_activation", "You did not sum over the channels.",
     "A filter has a matrix for every channel, and z is the sum over all of them.",
     "Add the products of all channels into one z."),
    ("bias-forgotten", "pre_activation", "You left out the bias.",
     "z is the sum of the products plus b.", "Add the bias to every z, once."),
    ("bias-repeated", "pre_activation", "You added the bias once for every product.",
     "The bias belongs to the whole sum, not to each of its terms.", "Add the bias once, after the sum."),
    ("padding-wrong", "pre_activation", "You used another padding than the problem's.",
     "The padding decides which windows there are, and so the size of z.",
     "Put as many zeros around the input as `padding` says, and no more."),
    ("stride-ignored", "pre_activation", "You moved the window by one cell.",
     "The stride says how far the window moves: here it is more than 1.", "Move the window by the stride."),
    ("dilation-ignored", "pre_activation", "You laid the filter's taps side by side.",
     "With a dilation the taps lie apart, with cells between them that are not used.",
     "Leave dilation − 1 cells between the taps."),
    ("activation-forgotten", "output", "You took z as the output.",
     "The output is a = f(z).", "Pass every z through the activation."),
    # Loss and error
    ("error-before-activation", "error", "You compared z with the target.",
     "The error is about the output, a − t, and a = f(z) is not z.", "First pass z through the activation."),
    ("error-squared", "error", "You used the square (a − t)² where a − t belongs.",
     "The square is the loss; its derivative, which is sent back, is a − t with its sign.", "Send back a − t."),
    ("error-absolute", "error", "You used |a − t| where a − t belongs.",
     "The sign says in which direction the output has to move; without it half of the errors pull the wrong way.",
     "Keep the sign of a − t."),
    ("target-not-activated", "error", "You compared with the target as it stands.",
     "This problem passes the target through the activation first.", "Compare the output with f(t)."),
    ("target-activated", "error", "You passed the target through the activation.",
     "The target is what the output shall be, so it is compared as it stands.", "Compare the output with t."),
    ("factor-two", "output_gradient", "You are off by a factor of 2: the convention of another squared error.",
     "½Σe² has the derivative e, Σe² has 2e and the mean 2e/n; the loss that the problem names decides.",
     "Use the derivative of the loss that the problem names."),
    ("mean-for-sum", "output_gradient", "You divided by the number of outputs.",
     "This loss is a sum over the outputs, not a mean.", "Leave the division out."),
    ("sum-for-mean", "output_gradient", "You did not divide by the number of outputs.",
     "This loss is a mean over the n outputs, and so its derivative has 1/n.", "Divide by n."),
    ("mean-twice", "output_gradient", "You divided by the number of outputs twice.",
     "The 1/n of the mean comes in once, with the derivative of the loss.", "Divide by n once."),
    # Delta
    ("slope-forgotten", "delta", "You left out the activation's slope.",
     "The error reaches z only through the activation: by the chain rule δ = ∂L/∂a · f′(z).",
     "Multiply by f′(z): with ReLU, keep it where z > 0 and put 0 elsewhere."),
    ("activation-for-slope", "delta", "You applied the activation itself to the error.",
     "Going back, the error is multiplied by the derivative at z; whether the error is positive does not matter.",
     "Look at z, not at the error: δ = ∂L/∂a · f′(z)."),
    ("value-for-slope", "delta", "You multiplied by the value (z or a) in the place of the slope.",
     "What the chain rule wants is how fast a changes with z, f′(z), not how large it is.", "Multiply by f′(z)."),
    ("slope-of-output", "delta", "You took the slope at a in the place of z.",
     "f′ is the derivative by z, so it is taken at z; a has been through f already.", "Take f′ at z."),
    ("slope-shortcut", "delta", "You put z into the shortcut for a.",
     "a(1 − a) and 1 − a² give the slope from the output; with z in them they give another number.",
     "Put the output a into the shortcut, or use f′(z)."),
    ("upstream-forgotten", "delta", "You took the slope alone as δ.",
     "The slope says how much of the incoming gradient passes; it does not replace it.",
     "Multiply the slope with ∂L/∂a."),
    ("slope-of-error", "delta", "You let pass what has a positive error.",
     "Which errors flow back is decided by z, where the output came from, not by the error itself.",
     "Decide by z: δ = ∂L/∂a · f′(z)."),
    ("slope-of-target", "delta", "You let pass what has a positive target.",
     "The target says what the output should be; what flows back is decided by z.", "Decide by z: δ = ∂L/∂a · f′(z)."),
    ("slope-at-zero", "delta", "You took another slope at z = 0.",
     "At exactly 0 the slope is a convention, and this problem's is another one (0 for ReLU, as in PyTorch).",
     "Where z is exactly 0, use the problem's slope."),
    ("slope-inverted", "delta", "You kept what ReLU cuts and cut what it keeps.",
     "Where z > 0 ReLU passes its input on, and so it passes the error back; where z < 0 it passes nothing.",
     "Keep the error where z > 0."),
    # Filter, bias and input gradient
    ("gradient-rotated", "filter_gradient", "You turned δ, or the result, by 180°.",
     "Tap [p,q] met the input shifted by [p,q], so its gradient is the sum of δ times the input shifted by the same: "
     "nothing is turned, unless the layer itself turned the filter.",
     "Slide δ over the input as it stands, as the filter was slid."),
    ("gradient-transposed", "filter_gradient", "You wrote the gradient transposed.",
     "The gradient has a number for each tap, at the tap's own place.", "Write the sum for tap [p,q] at [p,q]."),
    ("gradient-full", "filter_gradient", "You correlated over the whole input and beyond.",
     "A gradient has exactly the shape of what it is the gradient of: one number a tap.",
     "Only shift by as much as the filter has taps."),
    ("gradient-same-everywhere", "filter_gradient", "You used one number for every tap.",
     "Each tap met other inputs, so each has a gradient of its own.",
     "For each tap, sum every δ times the input that the tap met."),
    ("gradient-accumulated", "filter_gradient", "You still have the earlier iterations' gradients in it.",
     "The gradient belongs to the filter of this iteration alone.", "Begin each iteration with a gradient of 0."),
    ("gradient-averaged", "filter_gradient", "You divided by the number of positions.",
     "A weight that is used at many positions collects the sum over them; a mean is in it only if the loss has one.",
     "Leave the division out."),
    ("gradient-from-error", "filter_gradient", "You used the error where δ belongs.",
     "Your δ was there already, with the slope in it; the gradient is made from δ.", "Correlate the input with δ."),
    ("gradient-from-output", "filter_gradient", "You correlated the output with δ.",
     "z is a sum of weight times input: the derivative by the weight is the input that it met.",
     "Correlate the input with δ."),
    ("gradient-from-filter", "filter_gradient", "You correlated the filter with δ.",
     "The filter times δ leads to the input's gradient; the filter's own comes from the input.",
     "Correlate the input with δ."),
    ("gradient-one-position", "filter_gradient", "You used a single window.",
     "The same weight was used at every position, and each use adds its part.", "Sum over all positions."),
    ("gradient-stride-ignored", "filter_gradient", "You laid the cells of δ side by side.",
     "With a stride or a dilation the windows began further apart, so δ[i,j] belongs to the input at [i·s, j·s].",
     "Spread δ by the stride, and the taps by the dilation."),
    ("bias-gradient-mean", "bias_gradient", "You took the mean of δ.",
     "The bias was added at every position, and each use adds its part: a sum.", "Sum δ over all positions."),
    ("bias-gradient-forgotten", "bias_gradient", "You did not train the bias.",
     "The bias is a parameter like the weights: ∂L/∂b = Σδ.", "Update the bias with −η·Σδ."),
    ("input-gradient-unrotated", "input_gradient", "You did not turn the filter on the way back.",
     "x[r,c] met filter[p,q] at output [r−p, c−q]: seen from the input, the filter stands on its head.",
     "Full correlation of δ with the filter turned by 180°, or scatter each δ times the filter."),
    ("input-gradient-valid", "input_gradient", "You slid the filter over δ without going beyond its edges.",
     "Every input cell has a gradient, the corners too, which only one window met.",
     "Put zeros around δ first (full), or scatter each δ times the filter."),
    ("input-gradient-new-filter", "input_gradient", "You used the filter after the update.",
     "All gradients of an iteration belong to the filter that made the output.", "Use the filter before the update."),
    ("input-gradient-from-error", "input_gradient", "You sent the error back through the filter without the slope.",
     "On the way to the input the error passes the activation first.", "Send back δ."),
    ("remainder-lost", "input_gradient", "Your gradient lacks the cells that no window reached.",
     "The gradient has the input's shape; a cell that was not used has the gradient 0.",
     "Add the rows or columns that are missing, with 0 in them."),
    # Update
    ("ascent", "new_filter", "You moved up the gradient.",
     "The gradient points to where the loss grows; to learn is to go the other way.",
     "w′ = w − η·∂L/∂w; with numbers that have the sign of t − a, add them."),
    ("rate-forgotten", "new_filter", "You left out the learning rate.",
     "The rate says how far to go along the gradient.", "w′ = w − η·∂L/∂w."),
    ("rate-twice", "new_filter", "You multiplied by the learning rate twice.",
     "The rate comes in once, in the update.", "w′ = w − η·∂L/∂w."),
    ("rate-divides", "new_filter", "You divided by the learning rate.",
     "A smaller rate makes a smaller step: it multiplies.", "w′ = w − η·∂L/∂w."),
    ("gradient-replaces", "new_filter", "You took the step as the new filter.",
     "The step is added to what was there.", "Start from w: w′ = w − η·∂L/∂w."),
    ("update-from-start", "new_filter", "You started from the first filter again.",
     "Each iteration goes on from the filter that the one before left.", "Start from this iteration's filter."),
    ("momentum-forgotten", "new_filter", "You left out the momentum.",
     "With momentum the step follows the running direction, not this gradient alone.",
     "Use the optimizer's running direction."),
    ("momentum-stale", "new_filter", "You used the momentum of the iteration before.",
     "The momentum is brought up to date with this gradient first, then used.", "Update the momentum, then step."),
    ("decay-forgotten", "new_filter", "You left out the weight decay.",
     "Weight decay adds weight_decay·w to the gradient before anything else.", "Step along ∂L/∂w + weight_decay·w."),
    ("adam-bias-correction", "new_filter", "You left out the correction of the running means.",
     "They start at 0 and are too small at first; m/(1 − β₁ᵏ) and v/(1 − β₂ᵏ) put that right.",
     "Divide both by 1 − βᵏ."),
    ("adam-power", "new_filter", "You did not raise β to the iteration.",
     "The correction fades: it is 1 − βᵏ in iteration k.", "Raise β to the number of the iteration."),
    ("adam-epsilon", "new_filter", "You put ε inside the root.",
     "ε is added after the root: √v̂ + ε.", "Take the root first, then add ε."),
]  # fmt: skip

CATALOGUE: Mapping[str, Mistake] = {row[0]: Mistake(*row) for row in _ROWS}
"""Every mistake by its id, in the order of the calculation."""

CONVENTIONS: Mapping[str, str] = {
    "error-sign": "You write the error as t − a. That is the other sign of ∂L/∂a, harmless as long as it is carried "
    "along: what comes from it points downhill, and is added.",
    "gradient-sign": "You write the way down, −∂L/∂w, for the gradient. That is harmless: it is then added.",
}
"""Conventions that are different, not wrong, by their ids."""
