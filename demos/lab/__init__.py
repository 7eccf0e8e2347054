"""The gradient lab: turn a knob, and the library computes.

    python -m demos.lab                     live, in the browser, on the loopback address
    python -m demos.lab --export lab.html   one file to take home, over recorded runs

    state.py      what can be turned, what a screen is, and the address that reproduces a setting
    flow.py …     one screen a file: its knobs, the lines of Python that a setting is, its answer
    net.py, verdict.py     the net of Flow, and what to make of a diagnosis
    screens.py    all of them
    wire.py       how numbers travel: valid JSON, also for ∞ and NaN
    server.py     who may ask, and that a newer setting cancels an older one
    export.py     the same page over a recorded grid
    page_files.py, page/   HTML, CSS and JavaScript, one file a screen; it draws, and computes nothing

The lines of Python that the page shows for a setting are the very lines that are run for it (`state.run`).
"""
