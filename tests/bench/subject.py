"""One process under measurement: started with its own Runtime API, natively or in valgrind, and stopped afterwards.

Nothing is measured from inside the process. Times come from the Runtime API, CPU time from the kernel, and instructions
from valgrind."""

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
# Counts the instructions of a process outside of the kernel, on one simulated core.
VALGRIND = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]


class Subject:
    """A program that speaks the Runtime API."""

    def __init__(self, name, command, environment):
        self.name = name
        self.command = [str(word) for word in command]
        self.environment = environment

    @contextlib.contextmanager
    def running(self, api, before=()):
        """Yields the process and its start time. A failure shows the output of the process."""
        environment = {**self.environment, "PATH": os.environ["PATH"], "AWS_LAMBDA_RUNTIME_API": api.address}
        with tempfile.TemporaryFile() as log:
            begun = time.perf_counter()
            process = subprocess.Popen([*before, *self.command], env=environment, stdout=log, stderr=log)
            try:
                yield process, begun
            except Failed as failed:
                log.seek(0)
                output = log.read().decode(errors="replace")[-2000:]
                raise Failed(f"{self.name}: {failed}\n{output}") from None
            finally:
                process.terminate()
                process.wait()

    def run(self, workload, count):
        """Lets the program answer `count` events."""
        with RuntimeApi(workload, count) as api, self.running(api) as (process, _):
            api.wait(process)
        return workload

    def first_poll(self, times):
        """Returns the milliseconds from the start of the process to its first poll, the median of `times` starts."""
        return statistics.median(self._first_poll() for _ in range(times))

    def _first_poll(self):
        with RuntimeApi(None, 0) as api, self.running(api) as (process, begun):
            api.wait(process)
        return (api.first_poll - begun) * 1000

    def cpu(self, workload, warm, count):
        """Returns CPU milliseconds of a warm request, milliseconds of the first request, and peak memory in MB."""
        with RuntimeApi(workload, warm) as api, self.running(api) as (process, _):
            api.wait(process)
            before = cpu_time(process.pid)
            api.more(count)
            api.wait(process)
            spent = cpu_time(process.pid) - before
            return spent * 1000 / count, api.millis[0], peak_memory(process.pid)

    def instructions(self, workload, few, many):
        """Returns the instructions of a warm request: the difference of two runs for each additional request."""
        return (self._instructions(workload, many) - self._instructions(workload, few)) / (many - few)

    def _instructions(self, workload, count):
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder, "log")
            with RuntimeApi(workload, count) as api:
                with self.running(api, [*VALGRIND, f"--log-file={log}"]) as (process, _):
                    api.wait(process)
            counted = re.search(r"I\s+refs:\s+([\d,]+)", log.read_text())
            if not counted:
                raise Failed(f"{self.name}: valgrind counted nothing:\n{log.read_text()[-2000:]}")
            return int(counted[1].replace(",", ""))


def cpu_time(pid):
    """Returns the CPU seconds of a process and its threads, user and system."""
    fields = Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_memory(pid):
    status = Path("/proc/%d/status" % pid).read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024
