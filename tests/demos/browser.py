"""A headless browser, where one is installed: lays out a page and answers a question about it."""

import html
import json
import re
import shutil
import subprocess

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no chromium is installed to lay the page out")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --hide-scrollbars "
    "--disable-component-update --disable-sync --force-prefers-reduced-motion --virtual-time-budget=3000"
)


def ask(page, question, directory, width, height):
    """What this JavaScript, the body of a function, returns in a window of this size."""
    answer = f"textContent: JSON.stringify((() => {{{question}}})())"
    element = f"Object.assign(document.createElement('pre'), {{id: 'probe', {answer}}})"
    probe = f"<script>addEventListener('load', () => document.body.append({element}))</script></body>"
    file = directory / "asked.html"
    file.write_text(page.replace("</body>", probe), encoding="utf-8")
    command = [
        BROWSER,
        *FLAGS.split(),
        f"--user-data-dir={directory}/user",
        f"--window-size={width},{height + 143}",
    ]
    done = subprocess.run(
        [*command, "--dump-dom", file.as_uri()], capture_output=True, check=True, timeout=120
    )
    answer = re.search('<pre id="probe">(.*?)</pre>', done.stdout.decode(), re.DOTALL)
    return json.loads(html.unescape(answer[1]))
