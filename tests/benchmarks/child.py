"""Measure in a process of its own, with its own number of threads; a line of JSON for each record.

BLAS reads the number of its threads once, when NumPy is imported: so a new process for each.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import numpy as np

from tests.benchmarks.catalogue import Record, chosen
from tests.benchmarks.contestants import PEERS, installed

THREADS = "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"


def records_with(threads: int, task: dict[str, Any]) -> Iterator[Record]:
    """Start a child with so many threads, and pass on its records as they come; the first is the machine."""
    environment = {**os.environ, **dict.fromkeys(THREADS, str(threads))}
    command = [sys.executable, "-m", "tests.benchmarks.child", json.dumps(task)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout or ():
            yield {**json.loads(line), "threads": threads}
    if child.returncode:
        raise SystemExit(f"the measurement with {threads} threads has failed")


def machine() -> Record:
    """What the figures are measured on."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "section": "machine",
        "on": {
            "Python": platform.python_version(),
            "NumPy": np.__version__,
            **{name: version(module) for name, module in PEERS.items() if installed(name)},
            "BLAS": f"{blas['name']} {blas['version']}",
            "processor": platform.machine(),
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        },
        "missing": [name for name in PEERS if not installed(name)],
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else "unknown",
    }


def main(task: dict[str, Any]) -> None:
    print(json.dumps(machine()), flush=True)
    for entry in chosen(task["words"], task["sections"]):
        for record in entry.measure(task["seconds"], task["rounds"]):
            print(json.dumps({"section": entry.section, "name": entry.name, **record}), flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
