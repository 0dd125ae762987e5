"""Run import-linter on the source tree.

It cannot read modules through the finder of meson-python's editable install, so that is set aside.
"""

import sys
from pathlib import Path

from importlinter.cli import lint_imports_command

sys.meta_path[:] = [f for f in sys.meta_path if not type(f).__name__.startswith("MesonpyMeta")]
sys.path.insert(0, str(Path(__file__).parents[1]))
lint_imports_command()
