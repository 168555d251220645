"""The commands of the program, and how it reports what ended them."""

from __future__ import annotations

import sys
import traceback
from contextvars import copy_context
from typing import Final

from cyclopts import (
    App,
    CycloptsError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)

from .._version import __version__
from ..errors import VectorcacheError
from .api_key import refuse_key_option
from .exit_codes import ExitCode, FileError, UsageError, exit_code_of
from .output import Output
from .streams import discard_broken_output, prepare_streams, write

# The module of a command is imported when the command is called.
COMMANDS: Final = {
    "query": "Ask one question.",
    "chat": "Ask one question after the other, with running totals.",
    "batch": "Ask every prompt of a file, and go on where it was stopped.",
    "tune": "Find the threshold for your prompts.",
    "stats": "Sum up a file of results.",
    "doctor": "Check key, network, clock and installation, and say what to fix.",
    "serve": "Run the embedded service, for any client on this machine.",
    "completion": "Print the script that completes these commands in your shell.",
}

_EPILOGUE: Final = """\
The API key is read from VECTORCACHE_API_KEY, or asked for where there is a terminal; there is no \
option for it. Results go to standard output, messages to standard error.

Exit status: 0 fine, 1 the service or the network failed, 2 wrong usage or input, 3 finished but \
some prompts failed, 4 the key is missing or was refused, 130 Ctrl-C.

With any command, --traceback shows where in the program an error came from."""


def make_app(asked_for: str | None = None) -> App:
    """Returns the commands without importing them, except the description of ``asked_for``."""
    app = App(
        name="vectorcache",
        help="The semantic cache for LLM answers.",
        help_format="markdown",
        help_epilogue=_EPILOGUE,
        version=f"vectorcache {__version__}",
        version_format="plaintext",
        result_action="return_value",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
    )
    for name, summary in COMMANDS.items():
        app.command(
            f"{__package__}.{name}:{name}",
            name=name,
            help=None if name == asked_for else summary,
            help_epilogue="",
        )
    return app


def run(arguments: list[str]) -> ExitCode:
    """Runs a command, and reports an error in one message."""
    return copy_context().run(_run, arguments)


def _run(arguments: list[str]) -> ExitCode:
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    output = Output(as_json="--json" in options)
    shows_traceback = "--traceback" in options
    if shows_traceback:
        arguments = [*arguments]
        arguments.remove("--traceback")
    prepare_streams()
    try:
        refuse_key_option(options)
        code = make_app(next(iter(arguments), None))(arguments)
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:
        if shows_traceback:
            write(sys.stderr, traceback.format_exc())
        return _end(error, output)
    return ExitCode.OK if code is None else ExitCode(code)


def _end(error: BaseException, output: Output) -> ExitCode:
    if isinstance(error, OSError) and not isinstance(error, VectorcacheError):
        discard_broken_output()
    match error:
        case BrokenPipeError():
            pass
        case KeyboardInterrupt():
            sys.stderr.write("\n")
        case CycloptsError():
            output.failure(error, _usage(error))
            return ExitCode.USAGE
        case VectorcacheError() | UsageError() | FileError():
            output.failure(error)
        case OSError(strerror=str(reason)):
            output.failure(error, f"{reason}: {error.filename or 'standard output'}")
        case _:
            output.failure(
                error,
                f"unforeseen {type(error).__name__}: {error} (a fault of this program: "
                "--traceback shows where)",
            )
    return exit_code_of(error)


def _usage(error: CycloptsError) -> str:
    command = " ".join(["vectorcache", *(error.command_chain or ())])
    match error:
        case UnknownCommandError(unused_tokens=[name, *_]):
            # The message of cyclopts would load all commands, to find one with a similar name.
            message = f"there is no command {name!r}: there are {', '.join(COMMANDS)}."
        case UnusedCliTokensError(unused_tokens=[*tokens]):
            message = (
                f"there is no place for {', '.join(map(repr, tokens))}: put quotes around what "
                "holds spaces."
            )
        case UnknownOptionError():
            message = f"{error} Text that begins with a dash and is not an option comes after --."
        case _:
            message = str(error)
    return f"{message} See: {command} --help"
