"""What people install: one wheel for every platform, with the front end inside, that needs no Node."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

import nbautograd

ROOT = Path(__file__).parents[2]
FRONT_END = ROOT / "nbautograd" / "notebook" / "static" / "widget.js"
SHARED = ".data/data/share/jupyter/labextensions/nbautograd"

needs_front_end = pytest.mark.skipif(not FRONT_END.exists(), reason="needs the front end built: make .venv/.dev")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    environment = os.environ | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    subprocess.run([*pip, "--wheel-dir", target, ROOT], env=environment, check=True)
    (wheel,) = target.iterdir()
    return wheel


@needs_front_end
@pytest.mark.slow
def test_the_wheel_runs_on_every_platform(wheel: Path) -> None:
    assert wheel.name.endswith("-py3-none-any.whl")


@needs_front_end
@pytest.mark.slow
def test_the_wheel_holds_the_package_the_widget_and_the_labextension_and_no_more(wheel: Path) -> None:
    names = ZipFile(wheel).namelist()
    version = wheel.name.split("-")[1]
    shared = [name.removeprefix(f"nbautograd-{version}{SHARED}/") for name in names if SHARED in name]

    assert "nbautograd/notebook/static/widget.js" in names
    assert {"package.json", "install.json"} <= set(shared)
    assert any(re.fullmatch(r"static/remoteEntry\.\w+\.js", name) for name in shared)
    assert {name.split("/")[0] for name in names} == {
        "nbautograd",
        f"nbautograd-{version}.data",
        f"nbautograd-{version}.dist-info",
    }
    assert not [name for name in names if name.endswith(".ts") or name.startswith("nbautograd/labextension")]


@needs_front_end
@pytest.mark.slow
def test_the_wheel_alone_works_in_a_fresh_environment_without_node(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path, with_pip=True)
    environment = os.environ | {"PATH": str(tmp_path / "bin")}
    python = tmp_path / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", wheel], env=environment, check=True)

    code = "import nbautograd; from nbautograd.notebook.widget import TraceView; TraceView()"
    subprocess.run([python, "-W", "error", "-c", code], env=environment, cwd=tmp_path, check=True)

    assert (tmp_path / "share" / "jupyter" / "labextensions" / "nbautograd" / "install.json").exists()


def test_python_and_front_end_have_one_version() -> None:
    assert json.loads((ROOT / "labextension" / "package.json").read_text())["version"] == nbautograd.__version__


def test_the_lock_file_installs_from_any_mirror() -> None:
    packages = json.loads((ROOT / "labextension" / "package-lock.json").read_text())["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []
