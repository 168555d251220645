"""The same help desk on the cache, and on OpenAI where the cache cannot answer."""

import sys

import openai

from vectorcache.integrations.openai import OpenAI

direct = openai.OpenAI(timeout=20)


def ask_openai(prompt: str, model: str, context: str | None) -> str:
    completion = direct.chat.completions.create(
        model=model, messages=[{"role": "user", "content": prompt}], temperature=0
    )
    return completion.choices[0].message.content or ""


client = OpenAI(timeout=20, fallback=ask_openai, ignore=["temperature"])


def reply(question: str) -> str:
    try:
        completion = client.chat.completions.create(
            model="gpt-4o",
            messages=[{"role": "user", "content": question}],
            temperature=0,
        )
    except openai.RateLimitError:
        return "Too many questions at the moment: ask again in a minute."
    except openai.APIError as error:
        return f"No answer: {error.message}"
    return completion.choices[0].message.content or ""


if __name__ == "__main__":
    print(reply(sys.argv[1]))
