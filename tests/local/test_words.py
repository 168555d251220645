"""Acronyms, prices and public names: small tables."""

import subprocess
import sys

import pytest

import vectorcache.local
from vectorcache.local.acronyms import expand_acronyms
from vectorcache.local.prices import call_cost, provider_of


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("What is ML?", "What is machine learning?"),
        ("what is ml?", "what is machine learning?"),
        ("AI and NLP", "artificial intelligence and natural language processing"),
        ("LLMs", "large language models"),
        ("set up 2FA", "set up two-factor authentication"),
        ("CI/CD", "continuous integration and continuous delivery"),
        ("take 5 ml", "take 5 ml"),
        ("a rag to clean with", "a rag to clean with"),
        ("html and email", "html and email"),
        ("open ai.py", "open ai.py"),
        ("It is AI.", "It is artificial intelligence."),
    ],
)
def test_acronyms(text: str, expanded: str) -> None:
    """Acronyms of the list are written out as words; units, file names and words stay."""
    assert expand_acronyms(text) == expanded


@pytest.mark.parametrize(
    ("model", "provider", "priced"),
    [
        ("gpt-4o", "openai", True),
        ("o1", "openai", True),
        ("o3-mini", "openai", True),
        ("o4-mini", "openai", True),
        ("chatgpt-unheard-of", "openai", False),
        ("openai/gpt-4o", "openai", True),
        ("claude-3-5-sonnet-20241022", "anthropic", True),
        ("gemini-1.5-pro", "google", True),
        ("llama3", "local-llm", False),
        ("gpt-99-unheard-of", "openai", False),
    ],
)
def test_provider_and_price(model: str, provider: str, priced: bool) -> None:
    """Known models have a provider and a price in US dollars; an unknown model costs 0.0."""
    assert provider_of(model) == provider
    cost = call_cost(model, "p" * 4000, "r" * 2000)
    assert isinstance(cost, float)
    assert (cost > 0) is priced


def test_price_grows_with_the_text() -> None:
    """A thousand tokens in and five hundred out of gpt-4o cost 0.75 cents."""
    assert call_cost("gpt-4o", "p" * 4000, "r" * 2000) == pytest.approx(0.0075)
    assert call_cost("gpt-4o", "p" * 8000, "r" * 4000) == pytest.approx(0.015)


def test_a_part_of_a_token_counts_as_one() -> None:
    """Every four characters are a token, and so are those that are left over."""
    assert call_cost("gpt-4o", "p", "r") == call_cost("gpt-4o", "pppp", "rrrr")
    assert call_cost("gpt-4o", "ppppp", "r") == call_cost("gpt-4o", "pppppppp", "r")


def test_public_names() -> None:
    """These names are public, and no others."""
    assert sorted(vectorcache.local.__all__) == [
        "Answer",
        "CacheFileError",
        "Debug",
        "Embedder",
        "EmbedderError",
        "Engine",
        "EngineClosedError",
        "LLM",
        "LLMError",
        "LocalCacheError",
        "LocalTransport",
        "MiniLM",
        "app",
    ]
    assert all(hasattr(vectorcache.local, name) for name in vectorcache.local.__all__)


def test_import_is_light(child_environment: dict[str, str]) -> None:
    """Importing the module loads neither the model's runtime, nor prices, nor a web framework."""
    code = (
        "import sys, vectorcache.local; "
        "heavy = {'onnxruntime', 'tokenizers', 'genai_prices', 'starlette'}; "
        "sys.exit(', '.join(heavy & set(sys.modules)) or None)"
    )
    subprocess.run([sys.executable, "-c", code], env=child_environment, check=True)
