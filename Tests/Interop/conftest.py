"""Fixtures: brokers as real processes, and names of topics that are used only once."""

import itertools
import re
import signal

import pytest

from server import BINARY, Server

numbers = itertools.count(1)

# What a shell starts in the background ignores SIGINT, and so would the programs that are started and interrupted here.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header():
    return f"broker: {BINARY}"


def serve(tmp_path_factory, node, settings):
    server = Server(tmp_path_factory.mktemp("broker") / "data", **settings)
    # Found again by the report of a failure.
    node.stash.setdefault(SERVERS, []).append(server)
    server.start()
    return server


SERVERS = pytest.StashKey()


@pytest.fixture(scope="module")
def broker(request, tmp_path_factory):
    """A broker that the tests of a module share. A module's BROKER_SETTINGS are its settings."""
    server = serve(tmp_path_factory, request.node, getattr(request.module, "BROKER_SETTINGS", {}))
    yield server
    server.stop()


@pytest.fixture
def start_broker(request, tmp_path_factory):
    """Starts brokers for one test: start_broker(num_partitions=4)."""
    started = []

    def start(**settings):
        started.append(serve(tmp_path_factory, request.node, settings))
        return started[-1]

    yield start
    running = [server for server in started if server.is_running()]
    for server in running:
        server.stop()
    for server in set(started) - set(running):
        assert server.process.returncode == 0, "a broker ended by itself"


FIGURES: list[str] = []


@pytest.fixture
def figures(request):
    """Takes what a test measured: figures("connections", 5000). Printed at the end of the run."""
    measured = []
    yield lambda name, value: measured.append(f"{name} {value}")
    if measured:
        FIGURES.append(f"{request.node.name}: {', '.join(measured)}")


def pytest_terminal_summary(terminalreporter):
    if FIGURES:
        terminalreporter.section("measured")
        for line in FIGURES:
            terminalreporter.line(line)


@pytest.fixture
def topic(request):
    """A name that no other test uses."""
    return f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', request.node.name)[:100]}.{next(numbers)}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Shows what the brokers of a failed test said."""
    report = yield
    if report.failed:
        for node in (item, item.getparent(pytest.Module)):
            for server in node.stash.get(SERVERS, []):
                report.sections.append((f"broker's stderr ({server.stderr_path})", server.stderr()[-4000:]))
    return report
