"""Answers questions over HTTP, with FastAPI.

    uvicorn main:app --workers 4

VECTORCACHE_API_KEY is in the environment.
"""

from fastapi import FastAPI
from pydantic import BaseModel

from vectorcache import VectorcacheResponse
from vectorcache.integrations.fastapi import (
    PROBLEM_RESPONSES,
    VectorcacheDep,
    add_error_handler,
    vectorcache_lifespan,
)

# Nothing is made before the application starts, and all of it is closed when it ends.
app = FastAPI(lifespan=vectorcache_lifespan(model="gpt-4o", deadline=20))
add_error_handler(app)


class Question(BaseModel):
    prompt: str


@app.post("/query", responses=PROBLEM_RESPONSES)
async def query(question: Question, client: VectorcacheDep) -> VectorcacheResponse:
    return await client.query(question.prompt)
