"""`python -m demos`"""

import sys

try:
    from demos.cli import main

    code = main()
except KeyboardInterrupt:  # while it was still being imported
    code = 130
sys.exit(code)
