"""``convstep distinguish``: a problem whose numbers tell mistakes apart."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from convstep import sample_files
from convstep.cli.opening import ProblemRequest
from convstep.cli.options import complete_sample
from convstep.cli.running import Interruption, SignOfLife
from convstep.errors import UsageError

if TYPE_CHECKING:
    from convstep.diagnosis.distinguishing import Proposal


def _complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    from convstep.diagnosis.catalogue import CATALOGUE

    return [name for name in CATALOGUE if name.startswith(incomplete)]


@click.command("distinguish")
@click.argument("words", nargs=-1, metavar="[ID…] [FILE]", shell_complete=_complete)
@click.option("--sample", metavar="NAME", shell_complete=complete_sample, help="A problem like this built-in one.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change any key of the problem file.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, metavar="N", help="Of the numbers drawn.")
def command(words: tuple[str, ...], sample: str | None, settings: tuple[str, ...], seed: int) -> int:
    """Propose a problem like FILE, with small whole numbers, in which different mistakes come to different answers.

    For those who set exercises. With no ID it tells as many mistakes apart as it can. What it prints is a problem file;
    its comments say which mistakes it cannot show. convstep check --mistakes lists the ids.

    \b
      convstep distinguish ascent rate-forgotten problem.yaml > exercise.yaml
      convstep distinguish --sample question
    """
    from convstep.diagnosis.catalogue import CATALOGUE
    from convstep.diagnosis.distinguishing import TRIES, proposal
    from convstep.render.distinguish import proposal_text

    ids, file = _sorted_out(words)
    opened = ProblemRequest(file, sample, settings).open()
    if not opened.problem.learns:
        raise UsageError(
            f"{opened.name}: a problem that learns nothing shows few mistakes; give it a target and a rate"
        )
    with SignOfLife("trying problems") as life, Interruption() as interruption:

        def tick(tries: int) -> bool:
            life.say(f"{tries} of {TRIES} problems tried; Ctrl-C takes the best so far")
            return interruption.signal_number is None

        found: Proposal = proposal(opened.problem, ids or list(CATALOGUE), seed, tick)
    sys.stdout.write(proposal_text(found))
    return 0


def _sorted_out(words: tuple[str, ...]) -> tuple[list[str], str | None]:
    """The ids and the file among the words."""
    from convstep.diagnosis.catalogue import CATALOGUE
    from convstep.words import nearest, visible

    files = [word for word in words if word not in CATALOGUE]
    if len(files) > 1 and all(each == "-" or os.path.exists(each) for each in files):
        raise UsageError(f"{visible(files[1])}: a second FILE; give one problem")
    if len(files) > 1 or (files and files[0] != "-" and not os.path.exists(files[0])):
        name = next((each for each in files if not os.path.exists(each)), files[-1])
        near = nearest(name.replace("_", "-"), CATALOGUE)
        hint = f"did you mean {near}?" if near else "convstep check --mistakes lists the ids"
        if name in sample_files.names():
            hint = f"the built-in problem of this name is --sample {name}"
        raise UsageError(f"{visible(name)}: neither a mistake nor a file; {hint}")
    return list(dict.fromkeys(word for word in words if word in CATALOGUE)), files[0] if files else None
