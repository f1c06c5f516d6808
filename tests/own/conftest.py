"""Where the models of these tests stand."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
