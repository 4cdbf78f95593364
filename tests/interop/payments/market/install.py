"""Installs the packages into a directory that git ignores, once for each set of pinned versions."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent.parent
CACHE = HERE.parent / ".cache" / "payments"
# Under which name cargo builds; the command line says it.
profile = "debug"


def folder(name):
    """Brings one folder's packages here, unless the very same versions are here already."""
    source = HERE / "peers" / name
    python = (source / "requirements.txt").exists()
    pins = ["requirements.txt"] if python else ["package.json", ".npmrc"]
    locked = (source / "package-lock.json").exists()
    pins += ["package-lock.json"] if locked else []
    digest = hashlib.sha256(b"".join((source / pin).read_bytes() for pin in pins)).hexdigest()
    home = CACHE / name
    stamp = home / "installed"
    if not (stamp.exists() and stamp.read_text() == digest):
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        if python:
            run([sys.executable, "-m", "venv", home / "venv"])
            pip = [home / "venv/bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
            run([*pip, "--no-deps", "-r", source / pins[0]])
        else:
            for pin in pins:
                shutil.copy(source / pin, home)
            # The node is one package for each kind of machine, which a lock of one machine does not have.
            how = ["ci"] if locked else ["install", "--no-package-lock"]
            run(["npm", *how, "--silent", "--no-audit", "--no-fund"], cwd=home)
        stamp.write_text(digest)
    # Node looks for packages beside the file that imports them.
    for program in [*source.glob("*.mjs"), HERE / "peers" / "program.mjs"]:
        if not python:
            shutil.copy(program, home)


def command(name, program, *arguments):
    """How to start a program of a folder, and where."""
    home = CACHE / name
    if name == "py":
        return [home / "venv/bin/python", "-B", HERE / "peers" / name / f"{program}.py", *arguments], home
    return ["node", f"{program}.mjs", *arguments], home


def binary(name):
    """A program of this workspace."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return target / profile / name


def anvil():
    return ["node", CACHE / "node" / "node_modules" / "@foundry-rs" / "anvil" / "bin.mjs"]


def run(command, cwd=None):
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        os.write(2, done.stdout)
        raise SystemExit(f"cannot install: {' '.join(str(word) for word in command)}")
