"""What all tests share: the golden cases' runner is imported as `golden`, here and by the command line's tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
