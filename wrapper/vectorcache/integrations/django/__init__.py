"""Django: clients for sync and async views, configured by ``settings.VECTORCACHE``.

Install it with ``pip install 'vectorcache-python[django]'``, and in the settings:

    INSTALLED_APPS = [..., "vectorcache.integrations.django"]
    MIDDLEWARE = [..., "vectorcache.integrations.django.VectorcacheMiddleware"]
    VECTORCACHE = {"MODEL": "gpt-4o", "DEADLINE": 20}
"""

from importlib.util import find_spec as _find_spec

if _find_spec("django") is None:
    raise ModuleNotFoundError(
        "vectorcache.integrations.django needs django, which comes with the extra: "
        "pip install 'vectorcache-python[django]'",
        name="django",
    )

from .clients import get_async_client, get_client
from .middleware import VectorcacheMiddleware

__all__ = ["VectorcacheMiddleware", "get_async_client", "get_client"]
