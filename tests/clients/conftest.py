"""The user of a third-party client, and the programs that are not ours."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from credenza.testing import Callback, UserAgent

HERE = Path(__file__).parent


@pytest.fixture
def the_user(live_server: Any) -> Callable[[str], str]:
    """Lead the user's browser to this address; they sign in and authorize. Returns the address they end at."""
    agent = UserAgent(live_server)

    def go(url: str) -> str:
        seen = agent.through(url)
        assert isinstance(seen, Callback), f"{seen.name} {seen.error}: {seen.text[:500]}"
        return seen.url

    return go


def led_by(the_user: Callable[[str], str], *command: str, cwd: Path | None = None) -> str:
    """Run a program that prints an address and waits for where it ends. Returns the last that it printed.

    One that prints no address first is not answered.
    """
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=cwd, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as program:
        assert program.stdout is not None
        first = program.stdout.readline().strip()
        answer = the_user(first) + "\n" if first.startswith("http") else ""
        printed, errors = program.communicate(answer, timeout=90)
        assert program.returncode == 0, errors
    return printed.strip() or first


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Several test processes fill one cache in turn."""
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def attempt(*arguments: str, cwd: Path | None = None, reason: str) -> None:
    """Run a program that needs somebody else's registry; its failure is the machine's, so the test is skipped."""
    done = subprocess.run(arguments, cwd=cwd, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
        pytest.skip(f"{reason}: {last}")


@pytest.fixture(scope="session")
def node_modules(pytestconfig: pytest.Config) -> Path:
    """A folder in which node finds the packages of package-lock.json."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("openid-client needs node and npm, which are not installed")
    folder = pytestconfig.cache.mkdir("clients-npm")
    wanted = (HERE / "package-lock.json").read_bytes()
    with alone(folder):
        installed = folder / "package-lock.json"
        if not (folder / "node_modules").exists() or not installed.exists() or installed.read_bytes() != wanted:
            for name in ("package.json", "package-lock.json"):
                shutil.copyfile(HERE / name, folder / name)
            arguments = ("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
            attempt(*arguments, cwd=folder, reason="openid-client could not be installed")
        for script in HERE.glob("*.mjs"):
            shutil.copyfile(script, folder / script.name)
    return folder


@pytest.fixture(scope="session")
def apache(pytestconfig: pytest.Config) -> tuple[Path, Path]:
    """Apache's program and the folder of its modules, mod_auth_openidc among them.

    What is not installed is fetched from Debian and unpacked beside the tests; nothing on the machine is changed.
    """
    program, modules = Path("/usr/sbin/apache2"), Path("/usr/lib/apache2/modules")
    if program.exists() and (modules / "mod_auth_openidc.so").exists():
        return program, modules
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")) or os.geteuid() != 0:
        pytest.skip("apache2 with libapache2-mod-auth-openidc is not installed, and only root on Debian can fetch it")
    folder = pytestconfig.cache.mkdir("clients-apache")
    root = folder / "root"
    with alone(folder):
        if not (root / "usr/lib/apache2/modules/mod_auth_openidc.so").exists():
            archives = folder / "archives"
            (archives / "partial").mkdir(parents=True, exist_ok=True)
            packages = ("apache2-bin", "libapache2-mod-auth-openidc")
            cache = f"Dir::Cache::Archives={archives}"
            # One of the two may be installed, and is fetched all the same.
            options = ("--yes", "--download-only", "--reinstall", "--no-install-recommends", "-o", cache)
            attempt("apt-get", "install", *options, *packages, reason="mod_auth_openidc could not be fetched")
            for archive in sorted(archives.glob("*.deb")):
                attempt("dpkg-deb", "--extract", str(archive), str(root), reason="mod_auth_openidc does not unpack")
    return root / "usr/sbin/apache2", root / "usr/lib/apache2/modules"
