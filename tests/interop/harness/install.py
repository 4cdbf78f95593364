"""Installs the SDKs into a directory that git ignores, once for each set of pinned versions."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent.parent
CACHE = HERE / ".cache"


def peer(peer):
    """Brings one peer's SDK here, unless the very same versions are here already."""
    source = HERE / "peers" / peer.folder
    pins = ["requirements.txt"] if peer.language == "python" else ["package.json", "package-lock.json"]
    digest = hashlib.sha256(b"".join((source / name).read_bytes() for name in pins)).hexdigest()
    home = home_of(peer)
    stamp = home / "installed"
    if stamp.exists() and stamp.read_text() == digest:
        return
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    if peer.language == "python":
        run([sys.executable, "-m", "venv", home / "venv"])
        pip = [home / "venv/bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        run([*pip, "--no-deps", "-r", source / pins[0]])
    else:
        for name in [*pins, ".npmrc"]:
            shutil.copy(source / name, home)
        run(["npm", "ci", "--silent", "--no-audit", "--no-fund", "--omit=optional"], cwd=home)
    stamp.write_text(digest)


def home_of(peer):
    return CACHE / peer.folder


def command(peer, program):
    """How to start a peer's client or server."""
    source = HERE / "peers" / peer.folder
    if peer.language == "python":
        return [home_of(peer) / "venv/bin/python", "-B", source / f"{program}.py"], source
    # Node looks for packages beside the file that imports them.
    shutil.copy(source / f"{program}.mjs", home_of(peer))
    return ["node", f"{program}.mjs"], home_of(peer)


def run(command, cwd=None):
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        os.write(2, done.stdout)
        raise SystemExit(f"cannot install: {' '.join(str(word) for word in command)}")
