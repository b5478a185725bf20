import signal
import socket
import threading
import urllib.request

from backend.jobs import serve
from backend.jobs import submit as jobs
from backend.jobs.workers import workers
from backend.records import JobState, Workers
from tests.jobs.conftest import job, until


def answers(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2) as reply:
            return reply.status == 200
    except OSError:
        return False


def test_a_taken_port_is_left_alone():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        assert serve.free_port("127.0.0.1", taken) > taken


def test_everything_starts_does_the_demo_and_stops_at_ctrl_c(python, monkeypatch):
    monkeypatch.setenv("RESITU_HANDLERS", "demo=tests.jobs.toys:count")  # a stand-in that never ends by itself
    monkeypatch.setattr(serve, "DEMO", {"steps": 10**6})
    port = serve.free_port("127.0.0.1", 18501)
    monkeypatch.setenv("RESITU_PORT", str(port))
    code = f"from backend.jobs import serve; serve.DEMO = {serve.DEMO}; raise SystemExit(serve.main())"
    served = python("-c", code)
    until(lambda: answers(port))
    demo = jobs.submit("demo", serve.DEMO).id
    until(lambda: job(demo).step > 1)
    assert workers().alive
    served.send_signal(signal.SIGINT)
    assert served.wait(30) == 0
    assert job(demo).state is JobState.QUEUED
    assert job(demo).deaths == 0
    assert not workers().alive
    assert not answers(port)


def test_workers_of_a_server_that_was_just_stopped_are_replaced_when_they_end(monkeypatch):
    """The one that found others at work ended; the others end a moment later, and nobody would be left."""

    class Ended:
        returncode = serve.ALREADY_RUNNING

        def poll(self):
            return self.returncode

    began, ended, one = [], threading.Event(), Ended()
    ended.set()  # no waiting
    monkeypatch.setattr(serve, "start", lambda *arguments: began.append(arguments))
    monkeypatch.setattr(serve, "workers", lambda: Workers(alive=True))
    assert serve.kept_alive(one, ended) is one
    monkeypatch.setattr(serve, "workers", lambda: Workers(alive=False))
    serve.kept_alive(one, ended)
    assert began == [("-m", "backend.jobs.dispatcher")]
