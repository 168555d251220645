"""Estimates what an LLM call costs, in US dollars, from a price list on disk."""

# Tokens are estimated, not counted. For English text and code, the estimate is 0.95 to 1.25 times
# the count of OpenAI's o200k vocabulary; the tokenizer of the embedding model is not closer.
_CHARACTERS_PER_TOKEN = 4


def provider_of(model: str) -> str:
    """Returns ``openai``, ``anthropic`` or ``google`` by a model's name, or ``local-llm``."""
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
    """Returns the list price of an answer in US dollars; 0.0 for unknown models.

    Only the prompt and the answer count, at four characters for each token. The list is that of
    the installed ``genai-prices``, and is never updated over the network.
    """
    # It takes 0.2 s to load, so it is loaded at the first stored answer.
    from genai_prices import Usage, calc_price

    usage = Usage(input_tokens=_tokens(prompt), output_tokens=_tokens(response))
    try:
        return float(calc_price(usage, _bare(model)).total_price)
    except LookupError:
        return 0.0


def _tokens(text: str) -> int:
    return -(-len(text) // _CHARACTERS_PER_TOKEN)


def _bare(model: str) -> str:
    # Gateways write names such as "openai/gpt-4o".
    return model.rpartition("/")[2]
