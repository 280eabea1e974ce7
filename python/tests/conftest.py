"""The tests find `vectors.py` beside them, and the specifications of the project."""

import sys
from pathlib import Path

for folder in (Path(__file__).parent, Path(__file__).parents[2] / "tests"):
    sys.path.insert(0, str(folder))
