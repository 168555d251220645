"""Where the views are."""

from django.urls import path
from django.views.decorators.http import require_POST

from . import views

urlpatterns = [
    path("query", require_POST(views.query)),
    path("query/sync", require_POST(views.query_in_a_thread)),
]
