"""The FastAPI application of the service's guide, as written there, on the package's client."""

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
import os

from vectorcache import VectorcacheClient

app = FastAPI()
client = VectorcacheClient(api_key=os.environ["VECTORCACHE_API_KEY"])


class QueryRequest(BaseModel):
    prompt: str
    model: str = "gpt-4o"
    similarity_threshold: float = 0.85


@app.post("/query")
async def query_cache(request: QueryRequest):
    try:
        result = client.query(
            prompt=request.prompt,
            model=request.model,
            similarity_threshold=request.similarity_threshold,
        )
        return result
    except Exception as e:
        raise HTTPException(status_code=500, detail=str(e))
