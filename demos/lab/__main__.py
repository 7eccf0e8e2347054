"""`python -m demos.lab`: start the lab and open the browser, or write it to a file."""

from __future__ import annotations

import argparse
import os
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m demos.lab",
        description="The gradient lab: turn a knob, and the library computes. Ctrl-C ends it.",
    )
    parser.add_argument("--port", type=_port, default=8765, help="on 127.0.0.1 (default %(default)s)")
    parser.add_argument("--no-browser", action="store_true", help="only say where the page is")
    parser.add_argument("--export", type=Path, metavar="FILE", help="write one file to take home, and stop")
    options = parser.parse_args(arguments)
    for name in THREADS:  # products of 64 × 128 are faster on one; to be said before NumPy is loaded
        os.environ.setdefault(name, "1")
    if options.export is None:
        return _live(options.port, not options.no_browser)
    try:
        return _export(options.export)
    except OSError as error:
        parser.error(f"{options.export} cannot be written: {error.strerror}")


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 65535, not {text}")
    return int(text)


def _live(port: int, browser: bool) -> int:
    from demos.lab.server import serve

    try:
        with serve(port) as lab:
            print(f"The gradient lab is at {lab.url}    (Ctrl-C ends it)", flush=True)
            if browser:
                webbrowser.open(lab.url)
            lab.serve_forever(poll_interval=0.1)
    except KeyboardInterrupt:
        print()
    return 0


def _export(path: Path) -> int:
    from demos.lab.export import LIMIT, export

    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()  # where it cannot be written, say so now and not in a minute
    html = export(lambda text: print(text, end="", file=sys.stderr, flush=True))
    size = len(html.encode())
    path.write_text(html, encoding="utf-8")
    print(f"\nWrote {path}, {size / 1000:.0f} kB")
    return 0 if size <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
