"""The programs: buyers, sellers, facilitators, each started for one pair."""

import hashlib
import json
import shutil
import socket
import tempfile
import time

from harness.driver import Hung, Program

from . import install
from .node import SELLER, free_port

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


class Ours(Program):
    """`agent` with a configuration of its own, for the chain of the pair."""

    def __init__(self, log, command, file, text):
        self.home = tempfile.mkdtemp(prefix=f"{command}-")
        with open(f"{self.home}/{file}", "w") as config:
            config.write(text)
        super().__init__([install.binary("agent"), command, "--config", file], self.home, log)

    def stop(self):
        self.process.terminate()
        super().stop()
        shutil.rmtree(self.home, ignore_errors=True)


class OurFacilitator(Ours):
    """`agent facilitator`. It lends its authorizer to the seller alone, who has a key for it."""

    def __init__(self, log, _kind, rpc, authorizer):
        text = FACILITATOR.format(chain=CHAIN.format(table="chains.chain", rpc=rpc))
        if authorizer == "lent":
            text = text.replace("key.devnet = 3", "key.devnet = 3\nauthorizer.devnet = 4")
            text += LENDING.format(digest=hashlib.sha256(LENT_TO.encode()).hexdigest(), seller=SELLER)
        super().__init__(log, "facilitator", "facilitator.toml", text)
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


class OurAgent(Ours):
    """`agent run`, whose skills are programs: one says what it is told, one fails."""

    def __init__(self, log, _kind, _scheme, facilitator, _authorizer, rpc):
        port = free_port()
        chain = CHAIN.format(table="payment.chain", rpc=rpc)
        super().__init__(log, "run", "agent.toml", AGENT.format(port=port, facilitator=facilitator, chain=chain))
        self.url = f"http://127.0.0.1:{port}/skills"
        until = time.monotonic() + START_WAIT_SECS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if time.monotonic() > until or self.process.poll() is not None:
                    self.stop()
                    raise Hung("the agent does not open") from None
                time.sleep(0.05)

    def page(self, name):
        return f"{self.url}/{name}"


# The key that the facilitator knows the seller by; `peers/ts/server.mjs` and our seller have it too.
LENT_TO = "the-interop-tests-seller"

FACILITATOR = """
listen = "127.0.0.1:0"
data_dir = "data"

[[chains]]
key.devnet = 3
{chain}
"""

LENDING = """
[auth.schemes.key]
type = "api_key"
in = "header"
name = "x-api-key"
callers.seller.sha256 = "{digest}"

[lends]
"key:seller" = ["{seller}"]
"""

AGENT = """
name = "seller"
listen = "127.0.0.1:{port}"
data_dir = "data"

[payment]
schemes = ["z402", "exact"]
facilitator = "{facilitator}"
key.devnet = 2
{chain}
[commands.paid]
about = "Says what it is told"
price = "0.001 USDC"
run = ["cat"]

[commands.fail]
about = "Does not work"
price = "0.001 USDC"
run = ["false"]
"""

CHAIN = """
[{table}]
rpc_url = "{rpc}"
chain_id = 84532
escrow = "0x2402000000000000000000000000000000002402"
identity_registry = "0x8004A818BFB912233c491871b3d84c89A494BD9e"
reputation_registry = "0x8004B663056A597Dffe9eCcC1965A193B7388713"
poll_millis = 50

[{table}.token]
address = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"
symbol = "USDC"
decimals = 6
name = "USDC"
version = "2"
"""
