"""`python -m tests.benchmarks [word …]`: run the workloads whose name contains one of the words, or all."""

from __future__ import annotations

import itertools
import sys

from tests.benchmarks import layers, mlp, whole_process
from tests.benchmarks.measure import interleaved


def main(words: list[str]) -> None:
    print(f"{'workload':38}{'ours, ms':>10}{'NumPy, ms':>11}{'ratio':>7}{'PyTorch, ms':>13}{'ratio':>7}")
    for name, steps in itertools.chain(mlp.workloads(), layers.workloads()):
        if words and not any(word in name for word in words):
            continue
        seconds = interleaved(steps)
        row = f"{name:38}{seconds['ours'] * 1e3:10.3f}"
        for peer, width in (("NumPy", 11), ("PyTorch", 13)):
            if peer in seconds:
                row += f"{seconds[peer] * 1e3:{width}.3f}{seconds['ours'] / seconds[peer]:7.2f}"
            else:
                row += f"{'–':>{width}}{'':7}"
        print(row, flush=True)
    if not words:
        whole_process.report()


if __name__ == "__main__":
    main(sys.argv[1:])
