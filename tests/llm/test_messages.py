"""How messages become a prompt and a context: needs none of the libraries."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable

import pytest

from vectorcache import InvalidRequestError
from vectorcache.integrations._messages import (
    Message,
    is_question,
    prompt_and_context,
    text_of,
)
from vectorcache.integrations._openai_messages import read_messages

QUESTION = Message("user", "And in Spain?")


def digest_of(encoded: str) -> str:
    return f"messages-v1:{hashlib.sha256(encoded.encode()).hexdigest()}"


@pytest.mark.parametrize("context", [None, "", "legal"])
def test_a_user_message_alone(context: str | None) -> None:
    """On its own, a user message is the prompt, and the context stays the caller's."""
    assert prompt_and_context([QUESTION], context) == ("And in Spain?", context)


def test_the_digest() -> None:
    """The digest is SHA-256 over JSON of the caller's context and of what else was said."""
    conversation = [Message("system", "Be brief."), Message("assistant", "Olá!", "bot"), QUESTION]
    said = '[["system",null,"Be brief."],["assistant","bot","Ol\\u00e1!"],["user",null,null]]'
    assert prompt_and_context(conversation, None) == (
        "And in Spain?",
        digest_of(f'["messages-v1",null,{said}]'),
    )
    # The caller's own context stays readable.
    assert prompt_and_context(conversation, "legal") == (
        "And in Spain?",
        "legal/" + digest_of(f'["messages-v1","legal",{said}]'),
    )


@pytest.mark.parametrize(
    ("text", "yes"),
    [
        ("And in Spain?", True),
        (" And in Spain?\n", True),
        ("x" * 150, True),
        ("x" * 151, False),
        ("Context: sunny.\nQuestion: And in Spain?", False),
        ("Context: sunny.\u2028Question: And in Spain?", False),
    ],
)
def test_what_is_a_question(text: str, yes: bool) -> None:
    """A line of at most 150 characters is compared by its meaning."""
    assert is_question(text) is yes


def test_a_prompt_that_is_more_than_a_question() -> None:
    """Such a prompt is in the digest, so that only what is repeated to the letter is found."""
    prompt = Message("user", "Context: sunny.\nQuestion: And in Spain?")
    encoded = '[["user",null,"Context: sunny.\\nQuestion: And in Spain?"]]'
    assert prompt_and_context([prompt], "legal") == (
        prompt.text,
        "legal/" + digest_of(f'["messages-v1","legal",{encoded}]'),
    )
    system = Message("system", "Be brief.")
    contexts = {
        prompt_and_context(messages, None)[1]
        for messages in ([prompt], [system, prompt], [prompt, system], [system, QUESTION])
    }
    assert len(contexts) == 4


def test_a_part_that_is_compared() -> None:
    """With the digest of what is around a question, the question itself divides nothing."""
    prompts = [
        Message("user", f"Context: sunny.\nQuestion: {q}") for q in ("In Spain?", "In Italy?")
    ]
    contexts = {prompt_and_context([prompt], "legal", "around")[1] for prompt in prompts}
    assert contexts == {"legal/" + digest_of('["messages-v1","legal","around"]')}


def test_an_empty_context_is_none() -> None:
    """None and an empty context are the same, before a digest as in a query."""
    conversation = [Message("system", "Be brief."), QUESTION]
    assert prompt_and_context(conversation, "") == prompt_and_context(conversation, None)


def test_different_conversations_have_different_contexts() -> None:
    """Whatever differs (roles, texts, names, order, the caller's context) divides the cache."""
    texts = [
        "",
        "a",
        "b",
        "ab",
        "a b",
        " a",
        "A",
        "ä",
        "a\u0308",
        '"',
        '","',
        "null",
        "a\n",
        "\x00",
    ]
    alone = [Message(role, text) for role in ("user", "assistant", "system") for text in texts]
    named = [Message("user", "a", name) for name in ("a", "b", '"')]
    conversations = [
        [QUESTION],
        *([first, QUESTION] for first in (*alone, *named)),
        *([first, second, QUESTION] for first, second in itertools.product(alone[:20], repeat=2)),
        *([QUESTION, last] for last in alone if last.role == "system"),
        [Message("user", "And in Spain?", "jane")],
    ]
    contexts = {
        prompt_and_context(conversation, context)[1]
        for conversation in conversations
        for context in (None, "a", "a/b")
    }
    assert len(contexts) == 3 * len(conversations)


def test_the_prompt_is_not_in_the_digest() -> None:
    """Follow-ups that mean the same are found: only what was said before divides the cache."""
    before = [Message("user", "What is the capital of France?"), Message("assistant", "Paris.")]
    _, one = prompt_and_context([*before, Message("user", "And in Spain?")], None)
    _, other = prompt_and_context([*before, Message("user", "and spain")], None)
    assert one == other


def test_a_system_message_at_the_end() -> None:
    """The last user message is the prompt, though a system message may follow it."""
    last = Message("system", "Answer in one word.")
    assert prompt_and_context([QUESTION, last], None)[0] == "And in Spain?"


def test_developer_is_system() -> None:
    """OpenAI's developer role is the system role under a newer name; an empty name is none."""
    for role in ("system", "developer"):
        assert Message.said("messages[0]", role, "Be brief.", "") == Message("system", "Be brief.")


def test_halves_of_surrogate_pairs() -> None:
    """What is no proper text still has a digest of its own."""
    contexts = {
        prompt_and_context([Message("system", text), QUESTION], None)[1]
        for text in ("\ud800", "\\ud800", "\udc00")
    }
    assert len(contexts) == 3


@pytest.mark.parametrize(
    ("conversation", "says"),
    [
        ([], "no user message"),
        ([Message("system", "Be brief.")], "no user message"),
        ([QUESTION, Message("assistant", "Madrid.")], "ends with the assistant's"),
        (
            [QUESTION, Message("assistant", "Madrid."), Message("system", "Go on.")],
            "ends with the assistant's",
        ),
    ],
)
def test_nothing_to_ask(conversation: list[Message], says: str) -> None:
    """Without a question that is still open, there is nothing to ask."""
    with pytest.raises(InvalidRequestError, match=says):
        prompt_and_context(conversation, None)


def test_a_context_of_another_type() -> None:
    """A context that is no text is refused before it gets into a digest."""
    with pytest.raises(InvalidRequestError, match="context is of type int"):
        prompt_and_context([QUESTION], 7)  # type: ignore[arg-type]  # what a user may well pass


@pytest.mark.parametrize("role", ["tool", "function", "critic", "", None, 7])
def test_other_roles(role: object) -> None:
    """A message from a tool, or from nobody we know, is refused with its place and role."""
    with pytest.raises(InvalidRequestError, match=rf"messages\[3\] has the role {role!r}"):
        Message.said("messages[3]", role, "42")


def test_text_parts() -> None:
    """Text may come in parts, which are joined."""
    parts = ["How ", {"type": "text", "text": "high"}, {"type": "text", "text": "?", "index": 2}]
    assert text_of("messages[0]", parts) == "How high?"
    assert text_of("messages[0]", "as it is \n") == "as it is \n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no content"),
        (7, "content of type int"),
        ({"type": "text", "text": "a"}, "content of type dict"),
        ([{"type": "image_url", "image_url": {"url": "data:..."}}], "'image_url'"),
        ([{"type": "input_audio", "input_audio": {}}], "'input_audio'"),
        ([{"type": "file", "file": {}}], "'file'"),
        ([{"type": "text"}], "'text'"),
        ([{"text": "a"}], "dict"),
        ([b"a"], "bytes"),
    ],
)
def test_other_content(content: object, says: str) -> None:
    """What is no text is refused with its place and kind."""
    with pytest.raises(InvalidRequestError, match=rf"messages\[2\] has .*{says}"):
        text_of("messages[2]", content)


def test_messages_of_openai() -> None:
    """Messages have a role, a content and perhaps a name; what is empty is not there."""
    assert read_messages(
        (
            {"role": "developer", "content": "Be brief."},
            {"role": "assistant", "content": "Hi", "tool_calls": None, "refusal": None},
            {"role": "user", "content": [{"type": "text", "text": "Why?"}], "name": "jane"},
        )
    ) == [
        Message("system", "Be brief."),
        Message("assistant", "Hi"),
        Message("user", "Why?", "jane"),
    ]


@pytest.mark.parametrize(
    ("messages", "says"),
    [
        ("What is a tort?", "messages is of type str"),
        (None, "messages is of type NoneType"),
        ({"role": "user", "content": "a"}, "messages is of type dict"),
        (["What is a tort?"], r"messages\[0\] is of type str"),
        ([{"content": "a"}], r"messages\[0\] has the role None"),
        ([{"role": "user", "content": "a", "name": 7}], "name of type int"),
        ([{"role": "assistant", "content": "a", "tool_calls": [{}]}], "'tool_calls'"),
        ([{"role": "assistant", "content": "a", "audio": {"id": "b"}}], "'audio'"),
        ([{"role": "tool", "content": "a", "tool_call_id": "b"}], "'tool_call_id'"),
        ([{"role": "function", "content": "a"}], "the role 'function'"),
    ],
)
def test_other_messages_of_openai(messages: object, says: str) -> None:
    """Anything else is refused, and nothing of it is left out in silence."""
    with pytest.raises(InvalidRequestError, match=says):
        read_messages(messages)


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (
            lambda: Message.said("messages[0]", "tool", "x"),
            "messages[0] has the role 'tool', and Vectorcache takes 'system', 'developer', 'user' "
            "and 'assistant': for tools, call the LLM directly (nothing was sent)",
        ),
        (
            lambda: text_of("messages[0]", None),
            "messages[0] has no content: pass its text as a str (nothing was sent)",
        ),
        (
            lambda: text_of("messages[0]", [{"type": "image_url"}]),
            "messages[0] has a part that is not text ('image_url'), and Vectorcache answers text "
            "alone: call the LLM directly (nothing was sent)",
        ),
        (
            lambda: prompt_and_context([], None),
            "messages has no user message: there is nothing to ask (nothing was sent)",
        ),
        (
            lambda: prompt_and_context([QUESTION, Message("assistant", "Madrid.")], None),
            "messages ends with the assistant's, which Vectorcache cannot continue: put the "
            "question last, as a user message (nothing was sent)",
        ),
    ],
)
def test_messages_of_errors(attempt: Callable[[], object], message: str) -> None:
    """Each says where it is wrong, what to do, and that nothing was sent."""
    with pytest.raises(InvalidRequestError) as caught:
        attempt()
    assert str(caught.value) == message
