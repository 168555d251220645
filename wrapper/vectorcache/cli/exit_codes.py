"""The exit status of the program."""

from __future__ import annotations

from enum import IntEnum

from ..errors import (
    AuthenticationError,
    ConfigurationError,
    InvalidRequestError,
    PermissionDeniedError,
)
from .api_key import APIKeyError


class ExitCode(IntEnum):
    """The program's exit status."""

    OK = 0
    FAILED = 1
    """The service or the network failed; or the program did."""
    USAGE = 2
    """Wrong usage or input."""
    SOME_FAILED = 3
    """Finished, but some of the prompts failed."""
    KEY = 4
    """The API key is missing or was refused."""
    INTERRUPTED = 130
    """Ctrl-C; shells have it so: 128 and the signal's number."""
    READER_GONE = 141
    """The reader of the output has ended, as with ``| head``: 128 plus the number of the signal."""


class UsageError(ValueError):
    """The arguments of the program make no sense, or a file that it was given is invalid."""


class FileError(Exception):
    """A file of the program itself cannot be written or read; the message says what to do."""


def exit_code_of(error: BaseException) -> ExitCode:
    """Returns the exit status for the exception that ended a command."""
    match error:
        case KeyboardInterrupt():
            return ExitCode.INTERRUPTED
        case BrokenPipeError():
            return ExitCode.READER_GONE
        case APIKeyError() | AuthenticationError() | PermissionDeniedError():
            return ExitCode.KEY
        case ConfigurationError() | InvalidRequestError() | UsageError():
            return ExitCode.USAGE
        case OSError() if error.filename is not None:  # A file that the user named cannot be read.
            return ExitCode.USAGE
    return ExitCode.FAILED
