"""`python -m tests.benchmarks`: measure, print tables, draw the curves, compare with an earlier run."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks import saved, table
from tests.benchmarks.catalogue import Record, chosen
from tests.benchmarks.child import records_with

SECTIONS = {
    "step": "training steps and layers, beside NumPy by hand and other libraries",
    "curve": "cost against depth, batch and time steps",
    "kernel": "expressions that the sources choose, beside the other form",
    "look": "a probe, beside the forward and backward pass that it contains",
    "import": "a fresh Python that imports the library",
    "memory": "the most that a step holds",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the command line asks for."""
    parser = _parser()
    options = parser.parse_args(arguments)
    entries = chosen(options.words, list(SECTIONS))
    if not entries:
        parser.error(f"nothing has {' or '.join(options.words)} in its name: --list shows all names")
    if options.plot and not any(entry.section == "curve" for entry in entries):
        parser.error("--plot draws curves, and none is chosen: add the word curve")
    if options.compare and not options.compare.is_file():
        parser.error(f"there is no file {options.compare}: a run with --save writes one")
    if options.list:
        print("\n".join(f"{entry.section:8}{entry.name}" for entry in entries))
    else:
        _measure(options)


def _measure(options: argparse.Namespace) -> None:
    before = saved.load(options.compare) if options.compare else []
    records: list[Record] = []
    for k, threads in enumerate(options.threads):
        sections = ["step"] if k else list(SECTIONS)
        if chosen(options.words, sections):
            task = {name: vars(options)[name] for name in ("words", "seconds", "rounds")}
            records += table.show(records_with(threads, {**task, "sections": sections}))
    if options.save:
        saved.save(options.save, records)
    if before:
        print("\n" + saved.comparison(before, records))
    if options.plot:
        from tests.benchmarks.plot import plot

        plot(records, options.plot)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=DESCRIPTION,
        epilog=EXAMPLES,
    )
    add = parser.add_argument
    add("words", nargs="*", metavar="WORD", help="only what has one of these words in its section or name")
    add("--list", action="store_true", help="show sections and names, and measure nothing")
    add("--threads", nargs="+", type=_at_least_1, default=[1, 2], metavar="N", help=THREADS)
    add("--seconds", type=float, default=1.0, metavar="S", help="how long to time each contestant (1)")
    add("--rounds", type=_at_least_1, default=15, metavar="N", help="in how many rounds, taking turns (15)")
    add("--plot", type=Path, metavar="FILE", help="draw the curves; the ending names the format")
    add("--save", type=Path, metavar="FILE", help="keep the results as JSON")
    add("--compare", type=Path, metavar="FILE", help="set the results beside those kept before")
    return parser


def _at_least_1(text: str) -> int:
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return int(text)


DESCRIPTION = """\
Time training steps with this library, beside the same mathematics written by hand in NumPy and beside those
of PyTorch, MyGrad and autograd that are installed. Contestants take turns in one process; a table shows the
median time of a step and our time relative to each other's, as the median over the rounds ± half of the
distance between its quartiles. Below 1 is faster than they are.

sections:
""" + "".join(f"  {name:8}{what}\n" for name, what in SECTIONS.items())

THREADS = "BLAS threads, a process for each number; with all but the first of them only steps (1 2)"

EXAMPLES = """\
examples:
  python -m tests.benchmarks "10 x 50" --threads 1        the net of the lectures
  python -m tests.benchmarks lstm norm --seconds 0.3      a quick look at some
  python -m tests.benchmarks curve --plot curves.png      how cost grows
  python -m tests.benchmarks step --save before.json      then change something, and
  python -m tests.benchmarks step --compare before.json   see what it did

Run it on a machine that does nothing else. With wide quartiles it did something else.
"""

if __name__ == "__main__":
    main()
