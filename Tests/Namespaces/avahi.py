# SPDX-License-Identifier: Apache-2.0
"""avahi - the daemon of multicast DNS that most hosts have, with a bus of its own on each host."""

from lab import until

CONFIG = """
[server]
use-ipv4=yes
use-ipv6=yes
{more}
[rlimits]
"""


def start_avahi(host, more=""):
    """Starts it; `more` are lines of its section [server]."""
    config = host.lab.file(f"avahi-{host.name}.conf", CONFIG.format(more=more))
    log = host.lab.file(f"avahi-{host.name}.log").open("w")
    host.run(["sh", "-c", "mkdir -p /run/dbus && dbus-uuidgen --ensure"])
    host.spawn(["dbus-daemon", "--system", "--nofork", "--nopidfile"], stdout=log, stderr=log)
    until(lambda: not host.run(["test", "-S", "/run/dbus/system_bus_socket"], check=False)
          .returncode, "the bus of avahi")
    host.spawn(
        ["avahi-daemon", "--no-drop-root", "--no-chroot", "--no-rlimits", "-f", config],
        stdout=log, stderr=log,
    )
    log.close()
    until(lambda: not host.run(["avahi-daemon", "--check"], check=False).returncode,
          "the start of avahi")
