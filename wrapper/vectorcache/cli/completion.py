"""``vectorcache completion``."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

from cyclopts import Parameter

from .output import Output


def completion(
    shell: Literal["bash", "zsh", "fish"],
    /,
    *,
    install: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    output: Output = Output(),  # noqa: B008 - it is frozen
) -> None:
    """Print the script that completes these commands in your shell.

    Try it with `source <(vectorcache completion bash)`; --install keeps it.

    Args:
        shell: Your shell.
        install: Write the script where the shell looks for it, and a line into its startup file
            (.bashrc, .zshrc) that loads it; then start a new shell.
    """
    from .app import make_app

    app = make_app()
    if install:
        path = app.install_completion(shell=shell)  # nosec B604
        output.result({"shell": shell, "path": str(path)}, str(path))
        output.note("installed; it is there in a new shell")
        return
    script = app.generate_completion(shell=shell)  # nosec B604
    if output.as_json:
        output.result({"shell": shell, "script": script}, "")
    else:
        sys.stdout.write(script)
