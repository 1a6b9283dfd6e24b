#!/bin/sh
# Installs the servers that the tests need: PostgreSQL, RabbitMQ and Mosquitto. The tests start their own where none answers.
set -eu

missing=''
if command -v postgres >/dev/null || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; then
    echo "PostgreSQL is here already."
else
    missing="$missing postgresql"
fi
if command -v rabbitmq-server >/dev/null || [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]; then
    echo "RabbitMQ is here already."
else
    missing="$missing rabbitmq-server"
fi
if PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v mosquitto >/dev/null; then
    echo "Mosquitto is here already."
else
    missing="$missing mosquitto"
fi
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "Missing:$missing. This is no Debian or Ubuntu: install them with your package manager, or run them in Docker," >&2
    echo "or point MUSTER_TEST_DATABASE_URL and MUSTER_TEST_BUS_URL to servers that the tests may use; Mosquitto they start themselves." >&2
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "Missing:$missing. Only root may install them: sudo make services" >&2
    exit 1
fi
echo "Installing$missing with apt-get."
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086  # the list is meant to be split
apt-get install -y -qq --no-install-recommends $missing >/dev/null
echo "Installed$missing. If they do not run as services here, the tests start private ones."
