"""The tests that do not run on Windows or macOS, each with its reason.

``tests/conftest.py`` skips them there. A key names a folder or a file in ``tests``, or one test of
a file. Tests that need a program, such as a Redis server or a shell, look for it themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_FORK: Final = "needs os.fork, which Windows does not have"
_GUNICORN: Final = "needs gunicorn, which does not run on Windows"
_TERMINAL: Final = "needs a pseudo-terminal, which Windows does not have"
_SIGNAL: Final = "sends a process SIGINT, SIGTERM or SIGKILL, which Windows does not have"
_SHELL: Final = "needs a POSIX shell, which Windows does not have"
_RIGHTS: Final = "needs the owner and mode of a file, which Windows does not have"
_PROC: Final = "reads how much memory a process uses from /proc, which only Linux has"

_WINDOWS: Final = {
    "batches/test_threads.py::test_ctrl_c": _SIGNAL,
    "cli/test_batch.py::test_progress_in_a_terminal": _TERMINAL,
    "cli/test_batch_interrupts.py": _SIGNAL,
    "cli/test_batch_journal.py::test_a_full_disk": _SHELL,
    "cli/test_chat.py::test_ctrl_c_in_a_terminal": _TERMINAL,
    "cli/test_chat.py::test_in_a_terminal": _TERMINAL,
    "cli/test_completion.py::test_in_bash": _SHELL,
    "cli/test_completion.py::test_installing_it": _SHELL,
    "cli/test_exit_codes.py::test_ctrl_c": _SIGNAL,
    "cli/test_keys.py::test_a_typed_key": _TERMINAL,
    "cli/test_keys.py::test_doctor_asks_for_it_once": _TERMINAL,
    "cli/test_keys.py::test_nothing_is_typed": _TERMINAL,
    "cli/test_private_files.py": _RIGHTS,
    "cli/test_serve.py": _SIGNAL,
    "cli/test_streams.py::test_a_reader_that_goes": _SHELL,
    "cli/test_streams.py::test_closed_input_has_no_prompt": _SHELL,
    "cli/test_streams.py::test_closed_streams": _SHELL,
    "cli/test_streams.py::test_control_characters": _TERMINAL,
    "cli/test_streams.py::test_the_order_of_characters": _TERMINAL,
    "cli/test_tune.py::test_ctrl_c": _TERMINAL,
    "cli/test_tune.py::test_the_question": _TERMINAL,
    "integrations/test_django.py::test_forks_of_a_process_that_has_asked": _FORK,
    "integrations/test_flask.py::test_forks_of_a_process_that_has_asked": _FORK,
    "lifetimes/test_exit.py::test_ctrl_c_in_a_call": _SIGNAL,
    "lifetimes/test_forks.py": _FORK,
    "lifetimes/test_gunicorn.py": _GUNICORN,
    "lifetimes/test_interrupts.py": _SIGNAL,
    "local/test_store.py::test_kill_9_loses_no_answer": _SIGNAL,
    "local/test_store.py::test_use_after_fork": _FORK,
    "call/test_coalesce.py::test_after_a_fork_the_child_asks_for_itself": _FORK,
    "transport/test_size_memory.py": _PROC,
}
_MACOS: Final = {
    "transport/test_size_memory.py": _PROC,
}

NOT_ON: Final[Mapping[str, Mapping[str, str]]] = {"win32": _WINDOWS, "darwin": _MACOS}


def reason_to_skip(platform: str, test: str) -> str | None:
    """Why a test does not run on a platform; None if it does.

    Args:
        platform: as ``sys.platform`` names it.
        test: pytest's name of the test, with the folder ``tests``.
    """
    name = test.partition("[")[0].removeprefix("tests/")
    for place, reason in NOT_ON.get(platform, {}).items():
        if name == place or name.startswith((f"{place}/", f"{place}::")):
            return reason
    return None
