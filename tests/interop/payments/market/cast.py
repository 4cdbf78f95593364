"""The programs: buyers, sellers, facilitators, each started for one pair."""

import json
import shutil
import tempfile

from harness.driver import Hung, Program

from . import install

ANSWER_WAIT_SECS = 60
START_WAIT_SECS = 60


class Refused(Exception):
    """The program answered with an error."""


class Player(Program):
    """A program that obeys."""

    def call(self, op, **fields):
        try:
            self.process.stdin.write(json.dumps({"op": op, **fields}).encode() + b"\n")
            self.process.stdin.flush()
        except OSError as error:
            raise Hung(f"the program ended: {error}") from None
        answer = self.line(ANSWER_WAIT_SECS)
        if "error" in answer:
            raise Refused(f"{answer['error'].get('name')}: {answer['error'].get('message')}")
        return answer["ok"]


class Server(Player):
    """A program that says where it is in its first line."""

    def __init__(self, command, cwd, log, env=None):
        super().__init__(command, cwd, log, env)
        try:
            self.about = self.line(START_WAIT_SECS)
        except Hung:
            self.stop()
            raise
        self.url = self.about["url"]

    def page(self, name):
        return f"{self.url}/{name}"

    def command(self, op):
        return self.call(op)


def stock(folder, program, *arguments):
    """How to start a program of the stock packages."""
    return lambda log, kind, *more: kind(*install.command(folder, program, *arguments, *more), log)


def own(name, *arguments):
    """How to start a program of this workspace."""
    return lambda log, kind, *more: kind([install.binary(name), *arguments, *more], install.ROOT, log)


class Nobody:
    """In place of a facilitator, for a seller that is its own."""

    url = "local"

    def __init__(self, *_):
        pass

    def stop(self):
        pass


class OurFacilitator(Program):
    """`agent facilitator`, for the chain of the pair."""

    def __init__(self, log, _kind, rpc):
        self.home = tempfile.mkdtemp(prefix="facilitator-")
        with open(f"{self.home}/facilitator.toml", "w") as file:
            file.write(FACILITATOR.format(home=self.home, rpc=rpc))
        super().__init__([install.binary("agent"), "facilitator", "--config", f"{self.home}/facilitator.toml"], self.home, log)
        try:
            self.url = self.line(START_WAIT_SECS)["url"]
        except Hung:
            self.stop()
            raise

    def _read(self):
        # It says where it is in words, and everything else to people.
        for line in self.process.stdout:
            if line.startswith(b"url "):
                self.lines.put(json.dumps({"url": line[4:].decode().strip()}).encode())
            self.log.write(line)
        self.lines.put(None)

    def stop(self):
        self.process.terminate()
        super().stop()
        shutil.rmtree(self.home, ignore_errors=True)


FACILITATOR = """
listen = "127.0.0.1:0"
data_dir = "{home}/data"

[[chains]]
key.devnet = 3

[chains.chain]
rpc_url = "{rpc}"
chain_id = 84532
escrow = "0x2402000000000000000000000000000000002402"
identity_registry = "0x8004A818BFB912233c491871b3d84c89A494BD9e"
reputation_registry = "0x8004B663056A597Dffe9eCcC1965A193B7388713"
poll_millis = 50

[chains.chain.token]
address = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"
symbol = "USDC"
decimals = 6
name = "USDC"
version = "2"
"""
