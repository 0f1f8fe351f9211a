"""A proposed problem as a file, with comments that say what it tells apart."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from convstep.diagnosis.distinguishing import Proposal
from convstep.render.problem_file import document_yaml
from convstep.render.worksheet import plain_document

COMMENT_WIDTH = 100


def proposal_text(proposal: Proposal) -> str:
    """The problem in YAML, below comments."""
    lines = _comment("Shown, and told apart:", ", ".join(proposal.apart) or "none")
    for group in proposal.together:
        lines += _comment("Shown, and not told apart here:", ", ".join(group))
    lines += _listed("Not shown here: the numbers come out right:", proposal.unseen)
    lines += _listed("Cannot be made in iteration 1 of a problem like this:", proposal.unmade)
    return "\n".join(lines) + "\n" + document_yaml(plain_document(proposal.problem))


def _listed(title: str, names: Sequence[str]) -> list[str]:
    return _comment(title, ", ".join(names)) if names else []


def _comment(title: str, text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(f"{title} {text}", COMMENT_WIDTH - 2, break_on_hyphens=False)]
