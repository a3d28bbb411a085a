# SPDX-License-Identifier: Apache-2.0
"""What README.md says to type is right: the C program builds and runs, options are there."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NETRON = os.environ.get("NETRON", str(ROOT / ".build/release/netron"))
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", README, re.M | re.S)


def test_the_c_program_builds_and_runs(tmp_path):
    stage = tmp_path / "stage"
    # As a user calls it: without the flags of the make that runs the tests.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    make = ["make", "--no-print-directory", "-s", "-C", ROOT / "packaging"]
    subprocess.run([*make, "install", f"PREFIX={stage}"], check=True, env=plain)
    # The .pc in the build folder shall name the default place again.
    subprocess.run(make, check=True, env=plain)
    (program,) = blocks("c")
    (tmp_path / "hello.c").write_text(program)
    environment = os.environ | {
        "PKG_CONFIG_PATH": str(stage / "lib/pkgconfig"), "LD_LIBRARY_PATH": str(stage / "lib"),
    }
    (line,) = [line for block in blocks("sh") for line in block.splitlines() if "cc hello" in line]
    subprocess.run(line, shell=True, check=True, cwd=tmp_path, env=environment)
    said = subprocess.run(
        ["./hello"], check=True, cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert re.fullmatch(r"netron 000100, node [0-9a-f]{8}\.\.\.\n", said.stdout)


@pytest.mark.skipif(not os.access(NETRON, os.X_OK), reason=f"there is no {NETRON}: `make build`")
def test_options_and_variables_are_those_of_the_command():
    help = subprocess.run([NETRON, "--help"], check=True, capture_output=True, text=True).stdout
    ping = subprocess.run([NETRON, "ping", "--help"], check=True, capture_output=True, text=True)
    known = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", help + ping.stdout))
    variables = set(re.findall(r"\[([A-Z]+);", help)) | {"K3S_URL", "K3S_TOKEN", "ARGS"}
    count = 0
    for block in blocks("sh") + blocks("console"):
        for line in block.splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            if "make" not in words[:1]:
                used = {word.split("=")[0] for word in words if re.match(r"[A-Z0-9_]+=", word)}
                assert used <= variables, line
            if "netron" in words:
                options = words[words.index("netron") :]
                options = options[: options.index("|")] if "|" in options else options
                options = {word.split("=")[0] for word in options if word.startswith("-")}
                assert options <= known, line
                count += len(options)
    assert count > 10
    for word in re.findall(r"`(--[a-z][a-z-]+)", README):
        assert word in known, word


def test_what_it_links_to_is_there():
    links = re.findall(r"\]\(([\w./-]+)\)", README)
    assert len(links) > 5
    missing = [link for link in links if not (ROOT / link).exists()]
    assert not missing


def test_headings_that_are_linked_to_are_there():
    headings = [re.sub(r"[^\w -]", "", h).lower().replace(" ", "-")
                for h in re.findall(r"^#+ (.*)$", README, re.M)]
    for link in re.findall(r"\]\(#([\w-]+)\)", README):
        assert link in headings
