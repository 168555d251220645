"""Answers questions over HTTP, with Flask.

    gunicorn --preload --workers 2 --threads 8 'app:create_app()'

VECTORCACHE_API_KEY is in the environment.
"""

from typing import Any

from flask import Flask, abort, request

from vectorcache.integrations.flask import Vectorcache

vectorcache = Vectorcache()


def create_app() -> Flask:
    app = Flask(__name__)
    # Below the 30 s after which gunicorn takes a worker for dead.
    app.config.from_mapping(VECTORCACHE_MODEL="gpt-4o", VECTORCACHE_DEADLINE=20)
    app.config.from_prefixed_env()  # FLASK_VECTORCACHE_MODEL and the like.
    vectorcache.init_app(app)
    app.add_url_rule("/query", view_func=query, methods=["POST"])
    return app


def query() -> dict[str, Any]:
    question = request.get_json()
    if not isinstance(question, dict):
        abort(400)
    return vectorcache.client.query(question.get("prompt", "")).to_dict()
