"""The whole answer to "why?"."""

from __future__ import annotations

from convstep.problem.model import Problem
from convstep.reasons.facts import all_facts
from convstep.reasons.history import watch
from convstep.reasons.model import Fact, Reasons
from convstep.reasons.trials import advise
from convstep.verdict import judge


def why(problem: Problem) -> Reasons:
    """Why a run of the problem ends as it does, and what helps.

    Every piece of advice has been tried: its run is part of the answer. Of an exact problem the run is exact; what is
    said beyond how it ended, and the advice, is worked out in floats.

    >>> import convstep
    >>> reasons = convstep.why(convstep.load({"input": [[2]], "filter": [[1]], "target": [[-1]], "learning_rate": 0.1}))
    >>> reasons.status, [fact.id for fact in reasons.facts]
    ('stationary', ['outcome', 'rate-below-limit', 'out-of-reach'])
    """
    history = watch(problem)
    reason = judge(problem, history.outcome, history.first, history.last).reason
    values = {"iterations": history.outcome.iterations, "loss": history.outcome.loss}
    problem, history = problem.in_floats, history.in_floats
    facts = (Fact("outcome", reason, values), *all_facts(problem, history))
    return Reasons(history.outcome.status, history.outcome.iterations, facts, advise(problem, history.outcome))
