"""One process under measurement: started with a Runtime API of its own, natively or in valgrind, and stopped afterwards.

Nothing is measured from inside: times are those of the Runtime API, CPU time is the kernel's, instructions are valgrind's.
"""

import contextlib
import os
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from runtime_api import Failed, RuntimeApi

TICKS = os.sysconf("SC_CLK_TCK")
# Counts what a process executes outside of the kernel, on one simulated core.
VALGRIND = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]


class Subject:
    """A program that speaks the Runtime API."""

    def __init__(self, name, command, environment):
        self.name = name
        self.command = [str(word) for word in command]
        self.environment = environment

    @contextlib.contextmanager
    def running(self, api, before=()):
        """The process and when it was started. What it says is shown where it fails."""
        environment = {**self.environment, "PATH": os.environ["PATH"], "AWS_LAMBDA_RUNTIME_API": api.address}
        with tempfile.TemporaryFile() as log:
            begun = time.perf_counter()
            process = subprocess.Popen([*before, *self.command], env=environment, stdout=log, stderr=log)
            try:
                yield process, begun
            except Failed as failed:
                log.seek(0)
                said = log.read().decode(errors="replace")[-2000:]
                raise Failed("%s: %s\n%s" % (self.name, failed, said)) from None
            finally:
                process.terminate()
                process.wait()

    def run(self, workload, count):
        """Answers so many events, and no more."""
        with RuntimeApi(workload, count) as api, self.running(api) as (process, _):
            api.wait(process)
        return workload

    def first_poll(self, times):
        """Milliseconds from the start of the process to its first poll, the median of so many starts."""
        return statistics.median(self._first_poll() for _ in range(times))

    def _first_poll(self):
        with RuntimeApi(None, 0) as api, self.running(api) as (process, begun):
            api.wait(process)
        return (api.first_poll - begun) * 1000

    def cpu(self, workload, warm, count):
        """Milliseconds of CPU time for a warm request, user and system; the first request's time; the most memory in MB."""
        with RuntimeApi(workload, warm) as api, self.running(api) as (process, _):
            api.wait(process)
            before = cpu_time(process.pid)
            api.more(count)
            api.wait(process)
            spent = cpu_time(process.pid) - before
            return spent * 1000 / count, api.millis[0], peak_memory(process.pid)

    def instructions(self, workload, few, many):
        """Instructions for a warm request: what the requests beyond the first few add."""
        return (self._instructions(workload, many) - self._instructions(workload, few)) / (many - few)

    def _instructions(self, workload, count):
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder, "log")
            with RuntimeApi(workload, count) as api:
                with self.running(api, [*VALGRIND, "--log-file=%s" % log]) as (process, _):
                    api.wait(process)
            counted = re.search(r"I\s+refs:\s+([\d,]+)", log.read_text())
            if not counted:
                raise Failed("%s: valgrind counted nothing:\n%s" % (self.name, log.read_text()[-2000:]))
            return int(counted[1].replace(",", ""))


def cpu_time(pid):
    """Seconds that a process and its threads have computed, in the kernel too."""
    fields = Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_memory(pid):
    status = Path("/proc/%d/status" % pid).read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024
