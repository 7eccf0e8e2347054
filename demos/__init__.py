"""The lecture: what makes gradients vanish or explode, and what keeps them stable, measured.

`python -m demos` runs the lecture, which is the experiments named below, prints what each one claims and
whether it came true, and draws its figure; with `--all` it runs those that stand beside the lecture as well.
One experiment is one file, named for what it shows, in the folder of its subject: `numerics`,
`initialization`, `dynamics`, `normalization`, `residual`, `recurrence`, `clipping`.

    docstring      its first line is the lesson, the rest is the theory
    SOURCE         the papers
    Setup          the knobs, with their defaults; FAST turns some of them down for the tests, and FULL,
                   where there is more to see, some of them up for `--full`
    run(setup)     measures, and returns claims and what the figure needs
    draw(setup, …) the figure

It is a notebook as well: `# %%` begins a cell, for Jupyter (with jupytext) and for editors that know cells.
The last one runs the experiment and shows its figure, as does `python -m demos.normalization.bn_explodes`.

What they share stands apart: `experiment.py` says what a claim is and when it holds, `notebook.py` performs
an experiment where its cells are run, `style.py` makes figures look alike, `digits.py`, with `idx.py`, and
`training.py` are the data and the training loop.

    arc.py           the story: six acts, their questions and their answers, told by all that follow
    page.py          the page; `exhibit.py` is an experiment on it, `source.py` its code, complete
    slides.py        the slides; `handout.py` is for the printer, `ipynb.py` for Jupyter
    document.py      the HTML around them, with the styles and scripts of `web/`
    chapters.py      its texts; `corrections.py` what is often taught, `fixes.py`, `matrix.py` what cures
    prose.py         words and numbers as HTML; `mathml.py` formulas, `inline_svg.py` figures
    cli.py           the command; `options.py` what it may say, `report.py` and `terminal.py` what it prints,
                     `perform.py` runs experiments in several processes, `outputs.py` and `files.py` write

What is left to do is in `exercises/`."""

from demos.arc import LECTURE

SECTIONS = ("numerics", "initialization", "dynamics", "normalization", "residual", "recurrence", "clipping")
