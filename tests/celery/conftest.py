"""Real brokers, and schedulers and workers as in production, on the tests' own database and queue."""

import os
import subprocess
import sys
import uuid
from contextlib import suppress

import pytest
from celery import Celery
from kombu import Connection

from scheduler_site.environment import broker_options
from tests.faults.conftest import (
    ROOT,
    SchedulerUnderTest,
    database_url,
    environment,
    processes_of,
    tricks,
    wait_until,
)
from tests.services import RABBITMQ, REDIS, need

__all__ = ["tricks"]

PORTS = {"redis": ("Redis", 6379), "rabbitmq": ("RabbitMQ", 5672)}


class Broker:
    """A broker with one queue that nobody else uses."""

    def __init__(self, kind):
        self.kind, self.port = kind, PORTS[kind][1]
        # Redis: a database of its own, since that is where Celery's own keys lie too.
        self.url = RABBITMQ if kind == "rabbitmq" else f"{REDIS}/{8 + os.getpid() % 8}"
        self.queue = f"carillon-test-{uuid.uuid4().hex}"
        self.app = Celery(broker=self.url)
        self.app.conf.task_queue_max_priority = 10
        self.app.conf.broker_transport_options = broker_options(self.url)

    def send(self, *args):
        """Send what a scheduler would send."""
        self.app.send_task("carillon.execute", args=args, queue=self.queue)

    def waiting(self):
        """Return how many messages wait in the queue."""
        with Connection(self.url, transport_options=broker_options(self.url)) as connection:
            return self._declared(connection).message_count

    def purge(self):
        """Lose every message that waits, and return how many these were."""
        with Connection(self.url, transport_options=broker_options(self.url)) as connection:
            self._declared(connection)
            return connection.default_channel.queue_purge(self.queue)

    def remove(self):
        """Leave nothing behind."""
        with Connection(self.url, transport_options=broker_options(self.url)) as connection:
            if self.kind == "redis":
                connection.default_channel.client.flushdb()
            else:
                connection.default_channel.queue_delete(self.queue)
        self.app.close()

    def _declared(self, connection):
        return self.app.amqp.queues[self.queue].bind(connection.default_channel).queue_declare()


class WorkerUnderTest(SchedulerUnderTest):
    """One worker with its log in a file."""

    def __init__(self, log, queue, name, *options):
        self.log = log
        command = [sys.executable, "-m", "celery", "-A", "scheduler_site", "worker", "-Q", queue]
        command += ["--hostname", f"{name}@{queue}", "--without-mingle", "--without-gossip", *options]
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**environment(), "LOG_LEVEL": "INFO"},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.pid = self.process.pid

    def wait_until_started(self):
        wait_until(lambda: " ready." in self.text() or self.process.poll() is not None, within=30)
        assert self.process.poll() is None, self.text()


@pytest.fixture(params=["redis", "rabbitmq"])
def any_broker(request, monkeypatch):
    """Both brokers, one after the other."""
    yield from _broker(request.param, monkeypatch)


@pytest.fixture
def redis(monkeypatch):
    """Redis alone, for what does not depend on the broker."""
    yield from _broker("redis", monkeypatch)


def _broker(kind, monkeypatch):
    need(*PORTS[kind])
    broker = Broker(kind)
    monkeypatch.setenv("CELERY_BROKER_URL", broker.url)
    yield broker
    broker.remove()


@pytest.fixture
def start(transactional_db, tmp_path):
    """Return a function that starts processes and waits for all of them; nothing of them is left at the end.

    `start("scheduler", …)` and `start("worker", queue)` say which; further words are options.
    """
    started = []

    def begin(*wanted):
        new = []
        for kind, *options in wanted:
            log = tmp_path / f"{kind}-{len(started)}.log"
            if kind == "worker":
                new.append(WorkerUnderTest(log, options[0], f"worker{len(started)}", *options[1:]))
            else:
                new.append(
                    SchedulerUnderTest(log, "--dispatcher", "celery", *options, program="tests/celery/impatient.py")
                )
            started.append(new[-1])
        for one in new:
            one.wait_until_started()
        return new

    yield begin
    for one in started:
        with suppress(ProcessLookupError):
            one.kill()
    wait_until(lambda: processes_of(database_url()) == [], within=15)
    assert "Traceback" not in "".join(one.text() for one in started)
