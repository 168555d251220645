"""Flask: an extension that gives each application a client and handles its errors.

Install it with ``pip install 'vectorcache-python[flask]'``.

Examples:
    >>> from flask import Flask, request
    >>> vectorcache = Vectorcache()
    >>> def create_app() -> Flask:
    ...     app = Flask(__name__)
    ...     app.config.from_mapping(VECTORCACHE_MODEL="gpt-4o", VECTORCACHE_DEADLINE=20)
    ...     vectorcache.init_app(app)
    ...     @app.get("/answer")
    ...     def answer():
    ...         return vectorcache.client.query(request.args["question"]).to_dict()
    ...     return app
"""

from __future__ import annotations

from importlib.util import find_spec as _find_spec
from typing import Any

if _find_spec("flask") is None:
    raise ModuleNotFoundError(
        "vectorcache.integrations.flask needs flask, which comes with the extra: "
        "pip install 'vectorcache-python[flask]'",
        name="flask",
    )

from flask import Flask, Response, current_app, request

from .. import VectorcacheClient
from .._secret import hidden
from ..errors import ConfigurationError, VectorcacheError
from ._lazy_client import LazyClient
from ._options import OPTIONS, check_names, make_client, refuse_without_local
from ._problem import MEDIA_TYPE, Problem

__all__ = ["Vectorcache"]

_NAME = "vectorcache"
_PREFIX = "VECTORCACHE_"
_KEY = f"{_PREFIX}API_KEY"
_NAMES = [_PREFIX + option.upper() for option in OPTIONS]


class Vectorcache:
    """The extension, which can serve any number of applications.

    Its settings are the entries of ``app.config`` that begin with ``VECTORCACHE_``: the keyword
    arguments of ``VectorcacheClient``, in capitals, and ``VECTORCACHE_LOCAL``. If that is true, the
    client has an embedded cache and needs neither key nor network. Then ``VECTORCACHE_LLM`` may be
    a function ``llm(prompt, model, context) -> str`` that answers misses, and ``VECTORCACHE_PATH``
    a file that keeps the cache. Keep the key in the environment if you can; a key in ``app.config``
    is hidden there.

    An application's client is made when it is first used, so an application can be set up without
    a key. Its threads share the client, and so do the processes forked from it. The client is
    closed when the interpreter exits, or when the application is garbage-collected before.

    Args:
        app: an application to set up at once; set up others by ``init_app``.

    Raises:
        ConfigurationError: ``init_app`` refuses the application.
    """

    def __init__(self, app: Flask | None = None) -> None:
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Gives an application a client, and handles the errors of its queries.

        A failed query is answered with problem details (RFC 9457), and ``app.logger`` logs the
        error. The application's own error handler for ``VectorcacheError`` replaces this.

        Args:
            app: the application.

        Raises:
            ConfigurationError: a setting is unknown, ``VECTORCACHE_LLM`` or ``VECTORCACHE_PATH`` is
                set without ``VECTORCACHE_LOCAL``, or the application was already set up.
        """
        if _NAME in app.extensions:
            raise ConfigurationError(
                f"Vectorcache was already set up for {app}: call init_app(app) once"
            )
        refuse_without_local(_options(app))
        app.extensions[_NAME] = LazyClient(
            lambda: make_client(VectorcacheClient, _options(app)), VectorcacheClient.close
        )
        app.register_error_handler(VectorcacheError, _answer)

    @property
    def client(self) -> VectorcacheClient:
        """The client of the current application.

        Raises:
            ConfigurationError: a setting is invalid, or ``init_app`` was not called.
            RuntimeError: there is no current application.
        """
        lazy: LazyClient[VectorcacheClient] | None = current_app.extensions.get(_NAME)
        if lazy is None:
            raise ConfigurationError(
                f"Vectorcache was not set up for {current_app}: call init_app(app)"
            )
        return lazy.get()


def _options(app: Flask) -> dict[str, Any]:
    if _KEY in app.config:
        # Applications print their settings, and debug pages show them.
        app.config[_KEY] = hidden(app.config[_KEY])
    options = app.config.get_namespace(_PREFIX)
    check_names((_PREFIX + option.upper() for option in options), _NAMES)
    return options


def _answer(error: VectorcacheError) -> Response:
    problem = Problem.from_error(error)
    problem.log(current_app.logger, request.method, request.path, error)
    return Response(problem.body, problem.status, problem.headers, content_type=MEDIA_TYPE)
