"""What a training step costs, beside the same mathematics written by hand and beside other libraries.

Run by hand, `python -m tests.benchmarks --help` says how. To read, in this order:

    contestants.py         what a workload is, and who takes part
    net.py                 the net of the lectures: with a framework, and by hand
    classifier.py lstm.py normalization.py layers.py       the other workloads, in the same manner
    peers.py               the net and the chain in MyGrad and autograd
    curves.py              growth with depth, batch and time steps
    kernels.py             single expressions that the sources choose, beside the other form
    whole_process.py       import time, peak memory
    measure.py             how a ratio is measured on a machine that does other things too
    catalogue.py child.py  all of these by name, and a process for each number of threads
    table.py saved.py plot.py  what is made of the results

Nothing here asserts a time. `tests/test_benchmarks.py` asserts that all contestants compute the same numbers.
"""
