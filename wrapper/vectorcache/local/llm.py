"""Asks the user's LLM on a miss, and checks its answer."""

from .. import _llm
from .._llm import LLM
from .errors import LLMError
from .question import Question


def refuse_async(llm: LLM | None) -> None:
    """Raises TypeError if the function needs an event loop."""
    if _llm.is_async(llm):
        raise TypeError(
            "llm is an async function, which a synchronous call cannot wait for: pass a plain "
            "function, or use the async client"
        )


def ask(llm: LLM, question: Question) -> str:
    """Returns the answer of the function, called in this thread."""
    try:
        answer = _llm.ask(llm, question.prompt, question.model, question.context)
    except Exception as error:
        raise LLMError(f"llm raised {type(error).__name__}: {error}") from error
    return _checked(answer)


async def aask(llm: LLM, question: Question) -> str:
    """Returns the answer of the function: async on this event loop, plain in a thread."""
    try:
        answer = await _llm.ask_async(llm, question.prompt, question.model, question.context)
    except Exception as error:
        raise LLMError(f"llm raised {type(error).__name__}: {error}") from error
    return _checked(answer)


def _checked(answer: object) -> str:
    fault = _llm.answer_flaw(answer)
    if fault:
        raise LLMError(f"llm must {fault}")
    assert isinstance(answer, str)
    return answer
