"""Which fix for which pathology: the matrix that an experiment carries, and what it cannot say."""

from __future__ import annotations

from collections.abc import Sequence

from demos.corrections import filled
from demos.perform import Performance

IN_TIME = {  # what the matrix cannot say, as its nets are not recurrent
    "gradient_cliff": (
        "a cliff in time",
        "clipping: {share that arrives, clip 1} % of the starts arrive, without it "
        "{share that arrives, not clipped} %",
    ),
    "latch_task": (
        "vanishing in time",
        "a forget gate that starts open: with σ(b_f)ᵀ above 10⁻³ the worst net reads "
        "{σ(b_f)ᵀ > 0.001: accuracy of the worst} % of the sequences, below 10⁻⁹ the best "
        "{σ(b_f)ᵀ < 1e-09: accuracy of the best} %",
    ),
}


def fixes(performances: Sequence[Performance]) -> str:
    """Return the matrices of this run as HTML, with the answers; empty if there are none."""
    claims = {p.experiment.name: p.result.claims for p in performances}
    answers = [
        f'<b>{pathology}:</b> {html} <a href="#{name}"><code>{name}</code></a>'
        for name, (pathology, answer) in IN_TIME.items()
        if name in claims and (html := filled(answer, claims[name]))
    ]
    matrices = ((p.matrix, p.experiment) for p in performances if p.matrix)
    return "".join(matrix.html(e.lesson, e.name, answers) for matrix, e in matrices)
