"""The settings; VECTORCACHE_API_KEY is in the environment, and DJANGO_SECRET_KEY as well."""

import os

SECRET_KEY = os.environ["DJANGO_SECRET_KEY"]
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
ROOT_URLCONF = "django_app.urls"

INSTALLED_APPS = ["vectorcache.integrations.django"]
MIDDLEWARE = ["vectorcache.integrations.django.VectorcacheMiddleware"]
VECTORCACHE = {"MODEL": "gpt-4o", "DEADLINE": 20}

# Else Django's own log shows nothing of a request's errors where DEBUG is off.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
