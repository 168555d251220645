"""Messages become a prompt and a context; these tests need none of the libraries."""

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
    text_from_content,
)
from vectorcache.integrations._openai_messages import read_messages

QUESTION = Message("user", "And in Spain?")


def digest_of_json(encoded: str) -> str:
    return f"messages-v1:{hashlib.sha256(encoded.encode()).hexdigest()}"


@pytest.mark.parametrize("context", [None, "", "legal"])
def test_a_user_message_alone(context: str | None) -> None:
    """A single user message is the prompt, and the context is the caller's."""
    assert prompt_and_context([QUESTION], context) == ("And in Spain?", context)


def test_the_digest() -> None:
    """The digest is the SHA-256 of JSON with the caller's context and all messages."""
    conversation = [Message("system", "Be brief."), Message("assistant", "Olá!", "bot"), QUESTION]
    encoded = '[["system",null,"Be brief."],["assistant","bot","Ol\\u00e1!"],["user",null,null]]'
    assert prompt_and_context(conversation, None) == (
        "And in Spain?",
        digest_of_json(f'["messages-v1",null,{encoded}]'),
    )
    # The caller's own context stays readable.
    assert prompt_and_context(conversation, "legal") == (
        "And in Spain?",
        "legal/" + digest_of_json(f'["messages-v1","legal",{encoded}]'),
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
def test_questions(text: str, yes: bool) -> None:
    """One line of at most 150 characters counts as a question."""
    assert is_question(text) is yes


def test_a_prompt_that_is_more_than_a_question() -> None:
    """A longer prompt is part of the digest, so that only an exact repeat is found."""
    prompt = Message("user", "Context: sunny.\nQuestion: And in Spain?")
    encoded = '[["user",null,"Context: sunny.\\nQuestion: And in Spain?"]]'
    assert prompt_and_context([prompt], "legal") == (
        prompt.text,
        "legal/" + digest_of_json(f'["messages-v1","legal",{encoded}]'),
    )
    system = Message("system", "Be brief.")
    contexts = {
        prompt_and_context(messages, None)[1]
        for messages in ([prompt], [system, prompt], [prompt, system], [system, QUESTION])
    }
    assert len(contexts) == 4


def test_a_part_that_is_compared() -> None:
    """With the digest of the surrounding messages, different questions have the same context."""
    prompts = [
        Message("user", f"Context: sunny.\nQuestion: {q}") for q in ("In Spain?", "In Italy?")
    ]
    contexts = {prompt_and_context([prompt], "legal", "around")[1] for prompt in prompts}
    assert contexts == {"legal/" + digest_of_json('["messages-v1","legal","around"]')}


def test_an_empty_context() -> None:
    """None and an empty context are the same, with and without a digest."""
    conversation = [Message("system", "Be brief."), QUESTION]
    assert prompt_and_context(conversation, "") == prompt_and_context(conversation, None)


def test_different_conversations_have_different_contexts() -> None:
    """Any difference in roles, texts, names, order or context leads to another context."""
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
    """Follow-ups with the same meaning share a context if the messages before them are equal."""
    before = [Message("user", "What is the capital of France?"), Message("assistant", "Paris.")]
    _, one = prompt_and_context([*before, Message("user", "And in Spain?")], None)
    _, other = prompt_and_context([*before, Message("user", "and spain")], None)
    assert one == other


def test_a_system_message_at_the_end() -> None:
    """The last user message is the prompt, even if a system message follows it."""
    last = Message("system", "Answer in one word.")
    assert prompt_and_context([QUESTION, last], None)[0] == "And in Spain?"


def test_developer_is_system() -> None:
    """OpenAI's developer role counts as the system role, and an empty name as no name."""
    for role in ("system", "developer"):
        assert Message.checked("messages[0]", role, "Be brief.", "") == Message(
            "system", "Be brief."
        )


def test_halves_of_surrogate_pairs() -> None:
    """Texts with lone surrogates have different digests."""
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
        ([QUESTION, Message("assistant", "Madrid.")], "ends with a message of the assistant"),
        (
            [QUESTION, Message("assistant", "Madrid."), Message("system", "Go on.")],
            "ends with a message of the assistant",
        ),
    ],
)
def test_nothing_to_ask(conversation: list[Message], says: str) -> None:
    """A conversation without an unanswered user message is refused."""
    with pytest.raises(InvalidRequestError, match=says):
        prompt_and_context(conversation, None)


def test_a_context_of_another_type() -> None:
    """A context that is not a text is refused."""
    with pytest.raises(InvalidRequestError, match="context is of type int"):
        prompt_and_context([QUESTION], 7)  # type: ignore[arg-type]  # a likely mistake


@pytest.mark.parametrize("role", ["tool", "function", "critic", "", None, 7])
def test_other_roles(role: object) -> None:
    """A message with another role is refused, with its place and role."""
    with pytest.raises(InvalidRequestError, match=rf"messages\[3\] has the role {role!r}"):
        Message.checked("messages[3]", role, "42")


def test_text_parts() -> None:
    """A text may have several parts, which are joined."""
    parts = ["How ", {"type": "text", "text": "high"}, {"type": "text", "text": "?", "index": 2}]
    assert text_from_content("messages[0]", parts) == "How high?"
    assert text_from_content("messages[0]", "unchanged \n") == "unchanged \n"


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
    """Content other than text is refused, with its place and type."""
    with pytest.raises(InvalidRequestError, match=rf"messages\[2\] has .*{says}"):
        text_from_content("messages[2]", content)


def test_messages_of_openai() -> None:
    """Messages have a role, a content and an optional name; other fields may be empty."""
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
    """Other messages are refused, and no field is silently dropped."""
    with pytest.raises(InvalidRequestError, match=says):
        read_messages(messages)


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (
            lambda: Message.checked("messages[0]", "tool", "x"),
            "messages[0] has the role 'tool', and Vectorcache supports only 'system', 'developer', "
            "'user' and 'assistant': for tools, call the LLM directly (nothing was sent)",
        ),
        (
            lambda: text_from_content("messages[0]", None),
            "messages[0] has no content: pass its text as a str (nothing was sent)",
        ),
        (
            lambda: text_from_content("messages[0]", [{"type": "image_url"}]),
            "messages[0] has a part that is not text ('image_url'), and Vectorcache answers only "
            "text: call the LLM directly (nothing was sent)",
        ),
        (
            lambda: prompt_and_context([], None),
            "messages has no user message: add one with the question (nothing was sent)",
        ),
        (
            lambda: prompt_and_context([QUESTION, Message("assistant", "Madrid.")], None),
            "messages ends with a message of the assistant, which Vectorcache cannot continue: put "
            "the question last, as a user message (nothing was sent)",
        ),
    ],
)
def test_messages_of_errors(attempt: Callable[[], object], message: str) -> None:
    """Each message says what is wrong, what to do, and that nothing was sent."""
    with pytest.raises(InvalidRequestError) as caught:
        attempt()
    assert str(caught.value) == message
