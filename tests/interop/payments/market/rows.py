"""Who pays whom, and what is known to fail."""

import dataclasses
import json
import subprocess

from harness.driver import Hung

from . import cast, install, steps
from .node import BUYER, SELLER, Node

LOGS = install.CACHE / "logs"
NOT_TRIED = "not tried"


@dataclasses.dataclass(frozen=True)
class Program:
    """One side of a pair."""

    name: str
    # Whose packages it needs.
    folder: str
    # How it is started; its log and further arguments are added.
    start: object
    # What binaries of this workspace it needs.
    builds: tuple = ()


BUYERS = {
    "@x402/fetch 2.27.0": Program("@x402/fetch 2.27.0", "ts", cast.stock("ts", "client")),
    "@x402/axios 2.11.0": Program("@x402/axios 2.11.0", "ts", cast.stock("ts", "client", "axios")),
    "x402 (PyPI) 2.25.0": Program("x402 (PyPI) 2.25.0", "py", cast.stock("py", "client")),
    "x402-fetch 1.2.0": Program("x402-fetch 1.2.0", "v1", cast.stock("v1", "client")),
    "agent": Program("agent", "node", cast.own("pay_client"), ("pay_client",)),
}
SELLERS = {
    "@x402/express 2.27.0": Program("@x402/express 2.27.0", "ts", cast.stock("ts", "server")),
    "x402-express 1.2.0": Program("x402-express 1.2.0", "v1", cast.stock("v1", "server")),
    "agent run": Program("agent run", "node", cast.OurAgent, ("agent",)),
    "agent, a skill": Program("agent, a skill", "node", cast.own("interop_seller", "skills"), ("interop_seller",)),
    "agent, a route": Program("agent, a route", "node", cast.own("interop_seller", "routes"), ("interop_seller",)),
}
FACILITATORS = {
    "@x402/core 2.27.0": Program("@x402/core 2.27.0", "ts", cast.stock("ts", "facilitator")),
    "agent facilitator": Program("agent facilitator", "node", cast.OurFacilitator, ("agent",)),
    "the seller": Program("the seller", "node", cast.Nobody),
}

EXACT, BATCH = "exact", "batch-settlement"


@dataclasses.dataclass(frozen=True)
class Pair:
    buyer: str
    seller: str
    facilitator: str
    scheme: str
    # Whose key claims: the seller's "own", or the facilitator's, "lent".
    authorizer: str = "own"
    node: str = "anvil"

    @property
    def name(self):
        lent = ", authorizer lent" if self.authorizer == "lent" else ""
        return f"{self.buyer} → {self.seller} ({self.facilitator}) {self.scheme}{lent} on {self.node}"

    def programs(self):
        return [BUYERS[self.buyer], SELLERS[self.seller], FACILITATORS[self.facilitator]]


STOCK, STOCK_V1 = "@x402/express 2.27.0", "x402-express 1.2.0"
CORE, OURS, NONE = "@x402/core 2.27.0", "agent facilitator", "the seller"
AGENT, SKILL, ROUTE = "agent run", "agent, a skill", "agent, a route"

# Stock peers among themselves: what they agree on is what our stand-in contracts must do.
PAIRS = [
    Pair("@x402/fetch 2.27.0", STOCK, CORE, EXACT),
    Pair("@x402/fetch 2.27.0", STOCK, CORE, BATCH),
    Pair("@x402/fetch 2.27.0", STOCK, CORE, BATCH, "lent"),
    Pair("@x402/axios 2.11.0", STOCK, CORE, EXACT),
    Pair("x402 (PyPI) 2.25.0", STOCK, CORE, EXACT),
    Pair("x402 (PyPI) 2.25.0", STOCK, CORE, BATCH),
    Pair("x402-fetch 1.2.0", STOCK_V1, CORE, EXACT),
    # Our buyer.
    Pair("agent", STOCK, CORE, EXACT),
    Pair("agent", STOCK, CORE, BATCH),
    Pair("agent", STOCK, CORE, BATCH, "lent"),
    Pair("agent", STOCK_V1, CORE, EXACT),
    # Our facilitator.
    Pair("@x402/fetch 2.27.0", STOCK, OURS, EXACT),
    Pair("@x402/fetch 2.27.0", STOCK, OURS, BATCH),
    Pair("@x402/fetch 2.27.0", STOCK, OURS, BATCH, "lent"),
    Pair("x402 (PyPI) 2.25.0", STOCK, OURS, EXACT),
    Pair("x402 (PyPI) 2.25.0", STOCK, OURS, BATCH),
    Pair("x402-fetch 1.2.0", STOCK_V1, OURS, EXACT),
    # Our seller.
    Pair("@x402/fetch 2.27.0", AGENT, NONE, EXACT),
    Pair("@x402/fetch 2.27.0", SKILL, NONE, EXACT),
    Pair("@x402/fetch 2.27.0", ROUTE, NONE, EXACT),
    Pair("@x402/fetch 2.27.0", ROUTE, OURS, BATCH),
    Pair("@x402/fetch 2.27.0", ROUTE, CORE, BATCH, "lent"),
    Pair("@x402/axios 2.11.0", SKILL, CORE, EXACT),
    Pair("x402 (PyPI) 2.25.0", AGENT, OURS, EXACT),
    Pair("x402 (PyPI) 2.25.0", SKILL, NONE, EXACT),
    Pair("x402 (PyPI) 2.25.0", ROUTE, NONE, EXACT),
    Pair("x402 (PyPI) 2.25.0", ROUTE, OURS, BATCH),
    Pair("x402-fetch 1.2.0", AGENT, NONE, EXACT),
    Pair("x402-fetch 1.2.0", SKILL, NONE, EXACT),
    Pair("x402-fetch 1.2.0", ROUTE, NONE, EXACT),
    Pair("agent", SKILL, NONE, EXACT),
    Pair("agent", ROUTE, OURS, EXACT),
    Pair("agent", ROUTE, OURS, BATCH, "lent"),
]


@dataclasses.dataclass
class Cell:
    pair: Pair
    step: str
    # None if it passed, else what went wrong.
    fault: str | None
    verdict: str = ""
    why: str = ""

    def row(self):
        return {
            "buyer": self.pair.buyer,
            "seller": self.pair.seller,
            "facilitator": self.pair.facilitator,
            "scheme": self.pair.scheme,
            "authorizer": self.pair.authorizer,
            "node": self.pair.node,
            "step": self.step,
            "result": self.verdict,
            "why": self.why,
        }


def pairs(nodes):
    return [dataclasses.replace(pair, node=node) for node in nodes for pair in PAIRS]


def folders(chosen):
    return sorted({program.folder for pair in chosen for program in pair.programs()} | {"node"})


def build(chosen):
    """Builds what of this workspace the pairs need."""
    wanted = {name for pair in chosen for program in pair.programs() for name in program.builds}
    if any(pair.node == "devnet" for pair in chosen):
        wanted.add("agent")
    if not wanted:
        return
    command = ["cargo", "build", "--locked", "-q", *(f"--bin={name}" for name in sorted(wanted))]
    command += [] if install.profile == "debug" else ["--profile", install.profile]
    subprocess.run(command, cwd=install.ROOT, check=True)


def run(pair):
    """All steps of one pair, with programs and a chain of its own."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / (pair.name.replace("/", "-") + ".txt")
    log.write_bytes(b"")
    started = []
    cells = []

    def start(make, *arguments):
        started.append(make(*arguments))
        return started[-1]

    fault = None
    deal = None
    try:
        buyer, seller, facilitator = pair.programs()
        chain = start(Node, pair.node, log)
        lender = start(facilitator.start, log, cast.Server, chain.url, pair.authorizer)
        shop = start(seller.start, log, cast.Server, pair.scheme, lender.url, pair.authorizer, chain.url)
        customer = start(buyer.start, log, cast.Player)
        customer.call("connect", rpc=chain.url, scheme=pair.scheme)
        deal = steps.Deal(chain, customer, shop, {who: chain.has(who) for who in (BUYER, SELLER)})
    except (cast.Refused, Hung, RuntimeError, OSError, KeyError) as odd:
        fault = f"before the first step: {type(odd).__name__}: {odd}"
    try:
        for step in steps.STEPS[pair.scheme]:
            if fault is None:
                fault = attempt(step, deal)
                cells.append(Cell(pair, step.__name__, fault))
                if fault is not None:
                    fault = f"{NOT_TRIED}: {step.__name__} failed"
            else:
                cells.append(Cell(pair, step.__name__, fault))
    finally:
        for program in reversed(started):
            program.stop()
    return cells


def attempt(step, deal):
    try:
        step(deal)
    except (cast.Refused, Hung, AssertionError) as failed:
        return str(failed)
    except (RuntimeError, OSError, KeyError, ValueError, TypeError) as odd:
        return f"{type(odd).__name__}: {odd}"
    return None


def known():
    return json.loads((install.HERE / "known.json").read_text())


def covers(entry, cell):
    row = cell.row()
    return all(value == "*" or row[column] in value.split(" or ") for column, value in entry.items() if column != "why")


def judge(cells, whole):
    """Compares with what is known, both ways; returns what differs."""
    wrong = []
    entries = known()
    for cell in cells:
        reasons = [entry["why"] for entry in entries if covers(entry, cell)]
        cell.why = reasons[0] if reasons else ""
        if cell.fault is None and not reasons:
            cell.verdict = "ok"
        elif cell.fault is not None and reasons:
            cell.verdict = "known"
        elif cell.fault is None:
            cell.verdict = "PASSES"
            wrong.append(f"passes, though known.json says it fails: {cell.pair.name}: {cell.step}")
        else:
            cell.verdict = "FAILS"
            cell.why = cell.fault[:400]
            # One line for a pair says it; its further steps were not tried.
            if not cell.fault.startswith(NOT_TRIED):
                wrong.append(f"fails: {cell.pair.name}: {cell.step}: {cell.fault[:2000]}")
    idle = [entry for entry in entries if not any(covers(entry, cell) for cell in cells)]
    if whole:
        wrong += [f"in known.json, but of no step: {entry}" for entry in idle]
    return wrong
