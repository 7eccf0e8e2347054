"""`python -m demos.exercises [NAME ...]`: check these, or all; exit code 1 while something is left to do."""

import sys
from importlib import import_module

from demos.exercises import NAMES
from demos.exercises.checking import examine
from demos.options import nearest
from demos.terminal import prepare

prepare()
for name in sys.argv[1:]:
    if name not in NAMES:
        print(f"There is no exercise {name!r}: {nearest(name, NAMES, ', '.join(NAMES))}", file=sys.stderr)
        sys.exit(2)
names = sys.argv[1:] or NAMES
done = [examine(name, vars(import_module(f"demos.exercises.{name}"))) for name in names]
print(f"{sum(done)} of {len(done)} exercises are done.")
sys.exit(not all(done))
