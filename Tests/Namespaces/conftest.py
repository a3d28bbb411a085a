# SPDX-License-Identifier: Apache-2.0
"""What every test has: a lab of its own, and a token of a network that is new."""

import os
import subprocess

import pytest

from dht_lab import Internet
from lab import Lab
from node import NETRON, environment

LOG_BYTES_SHOWN = 6000


def pytest_sessionstart(session):
    if os.geteuid() != 0:
        pytest.exit("these tests make network namespaces: run them as root", returncode=1)
    if not os.access(NETRON, os.X_OK):
        pytest.exit(f"there is no {NETRON}: run `make build`, or set NETRON", returncode=1)


@pytest.fixture
def lab():
    made = Lab()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def internet(lab):
    return Internet(lab)


def new_token():
    done = subprocess.run(
        [NETRON, "-g", "-b"], env=environment(), capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def token():
    return new_token()


@pytest.fixture
def other_token():
    return new_token()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Shows the end of each node's log where a test fails."""
    report = (yield).get_result()
    lab = getattr(item, "funcargs", {}).get("lab")
    if report.failed and lab:
        for node in lab.nodes:
            report.sections.append((f"log of {node.name}", node.said()[-LOG_BYTES_SHOWN:]))
