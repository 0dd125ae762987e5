import os
import subprocess
import sys
from pathlib import Path


def test_without_posix_all_modules_import_and_files_go_round(tmp_path):
    script = Path(__file__).with_name("as_on_windows.py")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    (tmp_path / "folder").mkdir()
    subprocess.run(
        [sys.executable, script, tmp_path / "folder"],
        env=os.environ | {"TMPDIR": str(temporary)}, check=True,
    )  # fmt: skip
    # a lock's file stays; what was uploaded does not
    assert all(path.suffix == ".lock" for path in temporary.iterdir())
