"""The Flask application of the service's guide, as written there, on the package's client."""

from flask import Flask, request, jsonify
import os

from vectorcache import VectorcacheClient

app = Flask(__name__)
client = VectorcacheClient(api_key=os.environ["VECTORCACHE_API_KEY"])


@app.route("/query", methods=["POST"])
def query():
    try:
        data = request.json
        result = client.query(
            prompt=data["prompt"],
            model=data.get("model", "gpt-4o"),
            similarity_threshold=data.get("similarity_threshold", 0.85),
        )
        return jsonify(
            {
                "cache_hit": result.cache_hit,
                "response": result.response,
                "cost_saved": result.cost_saved,
            }
        )
    except Exception as e:
        return jsonify({"error": str(e)}), 500
