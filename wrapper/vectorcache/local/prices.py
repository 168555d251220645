"""What an LLM call costs, in US dollars: an estimate from a price list on disk."""

# Tokens are not counted but estimated: English text and code come out between 0.95 and 1.25 times
# the count of OpenAI's o200k vocabulary, which is as near as this project's own tokenizer gets.
_CHARACTERS_PER_TOKEN = 4


def provider_of(model: str) -> str:
    """``openai``, ``anthropic`` or ``google``, by the model's name; else ``local-llm``."""
    name = _bare(model).lower()
    for provider, prefixes in (
        ("openai", ("gpt-", "chatgpt-", "o1", "o3", "o4")),
        ("anthropic", ("claude-",)),
        ("google", ("gemini-",)),
    ):
        if name.startswith(prefixes):
            return provider
    return "local-llm"


def call_cost(model: str, prompt: str, response: str) -> float:
    """US dollars that answering the prompt costs at list price; 0.0 for unknown models.

    Counts the prompt and the answer only, at four characters a token. The list comes with the
    installed ``genai-prices`` and is never updated over the network.
    """
    # Loaded at the first stored answer: 0.2 s that exact repeats and imports need not pay.
    from genai_prices import Usage, calc_price

    usage = Usage(input_tokens=_tokens(prompt), output_tokens=_tokens(response))
    try:
        return float(calc_price(usage, _bare(model)).total_price)
    except LookupError:
        return 0.0


def _tokens(text: str) -> int:
    return -(-len(text) // _CHARACTERS_PER_TOKEN)


def _bare(model: str) -> str:
    # Gateways write "openai/gpt-4o".
    return model.rpartition("/")[2]
