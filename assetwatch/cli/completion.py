"""How does the shell complete our commands and options?"""

from __future__ import annotations

import click


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> None:
    """Print the completion script for a shell.

    \b
    Examples:
      assetwatch completion bash > /etc/bash_completion.d/assetwatch
      assetwatch completion zsh > "${fpath[1]}/_assetwatch"
    """
    from click.shell_completion import get_completion_class

    from assetwatch.cli.main import cli

    made = get_completion_class(shell)
    assert made is not None
    script = made(cli, {}, "assetwatch", "_ASSETWATCH_COMPLETE")
    # Bash's script asks for the shell's version, which is the shell's business and not ours.
    click.echo(script.source_template % script.source_vars())
