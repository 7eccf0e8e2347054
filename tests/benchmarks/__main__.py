"""`python -m tests.benchmarks [word …]`: run the workloads whose name contains one of the words, or all."""

from __future__ import annotations

import sys

from tests.benchmarks import mlp
from tests.benchmarks.measure import interleaved


def main(words: list[str]) -> None:
    print(f"{'workload':34}{'ours, ms':>10}{'NumPy, ms':>11}{'ratio':>7}{'PyTorch, ms':>13}{'ratio':>7}")
    for name, steps in mlp.workloads():
        if words and not any(word in name for word in words):
            continue
        seconds = interleaved(steps)
        ours = seconds["ours"]
        row = f"{name:34}{ours * 1e3:10.3f}"
        for peer, width in (("NumPy", 11), ("PyTorch", 13)):
            known = peer in seconds
            row += f"{seconds[peer] * 1e3:{width}.3f}{ours / seconds[peer]:7.2f}" if known else f"{'not here':>{width}}{'':7}"
        print(row, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
