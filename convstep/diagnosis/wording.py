"""The mistakes of the catalogue in words, where a problem's settings make them something else to do."""

from __future__ import annotations

from convstep.diagnosis.catalogue import CATALOGUE, Mistake
from convstep.diagnosis.rule import Rule
from convstep.diagnosis.setting import Setting
from convstep.diagnosis.updating import goes_by_gradient

ASCENT_INSTEAD = (
    "Take the optimizer's step against the gradient: w′ = w + Δw; with numbers that have the sign of t − a, "
    "take ∂L/∂w with the other sign first."
)
"""What to do instead of going up, where a step is more than the rate times the gradient."""

SLIDE_AND_TURN = "Slide δ over the input as it stands, then turn the result by 180°."
UNDER_CONVOLUTION = {
    ("filter-rotated", "used_filter"): (
        "You laid the filter on the input as it stands.",
        "This layer is a true convolution, which turns the filter by 180° first; without that it is a "
        "cross-correlation.",
        "Turn the filter by 180°, then lay it on each window.",
    ),
    ("gradient-rotated", "turned_gradient"): (
        "You did not turn the sums of δ and the input by 180°.",
        "The layer turned the filter, so tap [p,q] met the input as the opposite tap stands: the sums come out turned.",
        SLIDE_AND_TURN,
    ),
    ("gradient-rotated", "placed_source"): (
        "You turned δ by 180° before it slid over the input.",
        "It is the filter that this layer turns; δ stays where the outputs are, and what is turned is the sums.",
        SLIDE_AND_TURN,
    ),
    ("input-gradient-unrotated", "input_gradient"): (
        "You turned the filter on the way back.",
        "Seen from the input a filter stands on its head; this layer has turned it already, so it stands as it is.",
        "Full correlation of δ with the filter as it is, or scatter each δ times the turned filter.",
    ),
}
"""What was done, why it is wrong and what to do instead, under a true convolution: the opposite of the catalogue's."""

INSTEAD_UNDER_CONVOLUTION = {
    "filter-transposed": "Turn the filter by 180°, then multiply cell by cell: its rows with the window's rows.",
    "input-gradient-valid": "Put zeros around δ first (full), or scatter each δ times the turned filter.",
    "gradient-from-error": SLIDE_AND_TURN,
    "gradient-from-output": SLIDE_AND_TURN,
    "gradient-from-filter": SLIDE_AND_TURN,
}
"""What else is to be done otherwise there."""

SUM_OF_DELTA = "Sum δ over all positions."
"""What to do instead of a bias's gradient from the error."""

WITHOUT_NESTEROV = (
    "You stepped by the new momentum as it is, as without Nesterov.",
    "Nesterov's step looks ahead: the momentum's share of the new v is added to the gradient once more.",
    "Update v, then step along ∂L/∂w + momentum·v.",
)
"""``momentum-stale`` made with the gradient: ∂L/∂w + momentum·(the old v) is the new v."""

OTHER_SQUARES = {
    "mean-for-sum": (
        "You took the mean of the squares, whose derivative is 2e/n.",
        "This loss is half of the sum, ½Σe², and its derivative is e.",
        "Take ½Σe², and send back e; in PyTorch that is nn.MSELoss(reduction='sum')/2.",
    ),
    "sum-for-mean": (
        "You took half of the sum of the squares, whose derivative is e.",
        "This loss is the mean over the n outputs, and its derivative is 2e/n.",
        "Take Σe²/n, and send back 2e/n.",
    ),
}
"""The second way of these: not the 1/n alone, but another loss with another factor as well."""


def words(setting: Setting, rule: Rule) -> Mistake:
    """What a mistake is called in this problem, made in this way."""
    mistake, other = CATALOGUE[rule.id], None
    if setting.rotated:
        other = UNDER_CONVOLUTION.get((rule.id, rule.stage))
    if rule.way == 1 and rule.id == "momentum-stale" and setting.problem.optimizer.name == "sgd":
        other = WITHOUT_NESTEROV
    if rule.way == 1 and rule.stage in ("loss", "output_gradient"):
        other = OTHER_SQUARES.get(rule.id)
    if rule.stage == "bias_source":
        return mistake._replace(instead=SUM_OF_DELTA)
    if setting.rotated and rule.id in INSTEAD_UNDER_CONVOLUTION:
        return mistake._replace(instead=INSTEAD_UNDER_CONVOLUTION[rule.id])
    if rule.id == "ascent" and not goes_by_gradient(setting):
        return mistake._replace(instead=ASCENT_INSTEAD)
    return mistake if other is None else Mistake(mistake.id, mistake.quantity, *other)
