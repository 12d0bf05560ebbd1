"""Hosts of a network of their own: network namespaces, each with a link to a router that can be cut.

A host's processes have process numbers of their own as well, as in containers, so that no two of them take each
other for neighbours who share memory. Whoever is not root gets a user namespace in which they are.
"""
import os
import subprocess

from cluster import Process, die_with_parent

AS_ROOT = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
AS_THAT_ROOT = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]


class Unavailable(Exception):
    """This machine lets nobody, or not us, make networks."""


class Namespace:
    """Lives as long as the process that holds it."""

    def __init__(self, *enter):
        self.holder = subprocess.Popen([*enter, "unshare", *([] if enter else AS_ROOT), "--net", "sh", "-c",
                                        "ip link set lo up && echo up && exec sleep infinity"],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, preexec_fn=die_with_parent)
        if self.holder.stdout.readline() != b"up\n":
            raise Unavailable("network namespaces take root, or user namespaces")
        self.enter = ["nsenter", "--target", str(self.holder.pid), *AS_THAT_ROOT, "--net", "--"]

    def run(self, *lines):
        done = subprocess.run([*self.enter, "sh", "-e", "-c", "\n".join(lines)], text=True, timeout=30,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            raise Unavailable(done.stdout)

    def close(self):
        self.holder.kill()
        self.holder.communicate()


class Host(Namespace):
    def __init__(self, router, number):
        super().__init__(*router.enter)
        self.address, self.processes = f"10.9.{number}.2", []
        self.router, self.port = router, f"port{number}"
        router.run(f"ip link add {self.port} type veth peer name eth0 netns {self.holder.pid}",
                   f"ip address add 10.9.{number}.1/24 dev {self.port}", f"ip link set {self.port} up")
        self.run(f"ip address add {self.address}/24 dev eth0", "ip link set eth0 up",
                 f"ip route add default via 10.9.{number}.1")

    def start(self, *words):
        """A process on this host, which dies with what it has started when it is stopped."""
        process = Process(*self.enter, "unshare", "--pid", "--kill-child", "--", *words)
        self.processes.append(process)
        return process

    def cut(self):
        """What is under way is lost, and nobody is told."""
        self.router.run(f"ip link set {self.port} down")

    def mend(self):
        self.router.run(f"ip link set {self.port} up")

    def close(self):
        for process in self.processes:
            process.stop()
        super().close()


class Network:
    """Raises Unavailable where none can be made, by this or by the first host that is added."""

    def __init__(self):
        self.router, self.hosts = Namespace(), []
        self.router.run("echo 1 > /proc/sys/net/ipv4/ip_forward")

    def add_host(self):
        self.hosts.append(Host(self.router, len(self.hosts) + 1))
        return self.hosts[-1]

    def close(self):
        for host in self.hosts:
            host.close()
        self.router.close()
