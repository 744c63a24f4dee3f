"""What all tests share: the golden cases' runner is imported as `golden`, the laws' strategies as `strategies`."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "property")]
