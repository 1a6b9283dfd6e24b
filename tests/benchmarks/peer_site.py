"""A site of the package `django-fingerprint-attendance`, as its quickstart has it, for gunicorn to serve.

`python -m tests.benchmarks.peer_site N SERIAL …` makes its database: people with the PINs 1 to N, and approved devices.
"""

import os
import sys
from collections.abc import Sequence

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import include, path

settings.configure(
    SECRET_KEY="only for benchmarks",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    TIME_ZONE="Asia/Dhaka",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "fingerprint_attendance"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["PEER_DATABASE"]}},
    LOGGING_CONFIG=None,
)
django.setup()
urlpatterns = [path("", include("fingerprint_attendance.urls"))]
application = get_wsgi_application()


def make(people: int, serials: Sequence[str]) -> None:
    from django.contrib.auth.models import User
    from fingerprint_attendance import services
    from fingerprint_attendance.models import Device

    call_command("migrate", verbosity=0)
    for number in range(1, people + 1):
        services.create_enrollee(User.objects.create(username=f"person{number}"), device_pin=str(number))
    for serial in serials:
        services.approve_device(Device.objects.create(serial_number=serial))


if __name__ == "__main__":
    make(int(sys.argv[1]), sys.argv[2:])
