"""The example of a simulator of one's own: its tests pass where it is installed."""

from __future__ import annotations

import shutil

from plugins import EXAMPLE, install_example, run


def test_the_example_passes_its_own_tests(tmp_path):
    install_example(tmp_path)
    shutil.copytree(EXAMPLE / "tests", tmp_path / "tests")
    done = run(["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"], tmp_path, EXAMPLE / "src", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "failed" not in done.stdout
