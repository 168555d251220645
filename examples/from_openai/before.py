"""A help desk on OpenAI: ``python before.py "How do I reset my password?"``."""

import sys

import openai
from openai import OpenAI

client = OpenAI(timeout=20)


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
