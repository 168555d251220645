"""A server whose answers say who asked."""

from __future__ import annotations

from servers import HIT, ScriptedServer, Step, answer


class EchoServer(ScriptedServer):
    """Answers with the prompt, where its script does not say otherwise."""

    @property
    def default(self) -> Step:
        return answer({**HIT, "response": self.requests[-1].json()["prompt"]})

    @default.setter
    def default(self, step: Step) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        """There is no other."""
