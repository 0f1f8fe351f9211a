"""``convstep samples``: the problems that come with convstep."""

from __future__ import annotations

import click

from convstep import sample_files


def _complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in sample_files.names() if name.startswith(incomplete)]


@click.command("samples")
@click.argument("name", required=False, shell_complete=_complete)
def command(name: str | None) -> None:
    """List the built-in problems, or print one.

    \b
      convstep samples                           a line each
      convstep samples question > problem.yaml   a file to edit
      convstep run --sample question             one in place of a FILE
    """
    if name is not None:
        click.echo(sample_files.text_of(name), nl=False)
        return
    width = max(len(sample) for sample in sample_files.names())
    for sample in sample_files.names():
        click.echo(f"{sample.ljust(width)}  {sample_files.title_of(sample)}")
