"""Who is tried with whom, and what is known to fail."""

import dataclasses
import json
import secrets

from . import checks, dialect, install
from .driver import Driver, Hung, Refused, Server
from .webhook import Webhook

BINDINGS = ["JSONRPC", "HTTP+JSON", "GRPC"]
LOGS = install.CACHE / "logs"
ROOT = install.HERE.parent.parent


@dataclasses.dataclass(frozen=True)
class Peer:
    """An SDK of one version."""

    name: str
    folder: str
    language: str
    dialect: object
    # The checks that its client or its server has nothing for.
    client_lacks: tuple = ()
    server_lacks: tuple = ()
    # Whether its server's subscriptions begin with the task as it is, which 0.3 leaves open.
    begins_with_task: bool = True
    # What its server is told.
    arguments: tuple = ()


PEERS = [
    Peer("python-1.3.0", "py1", "python", dialect.Current()),
    # Its client neither lists webhooks nor deletes one.
    Peer("python-0.3.26", "py03", "python", dialect.Old(), ("push_configs",), (), False),
    Peer("js-1.3.0", "js1", "js", dialect.Current()),
    # It knows no signatures.
    Peer("js-0.3.14", "js03", "js", dialect.Old(), ("signed",), ("signed",)),
]


OLD_TOO = ("0.3",)
PEERS += [
    # The same SDKs speaking 0.3, which their users meet as long as somebody else does.
    Peer("python-1.3.0-in-0.3", "py1", "python", dialect.Current("0.3"), arguments=OLD_TOO),
    Peer("js-1.3.0-in-0.3", "js1", "js", dialect.Current("0.3"), arguments=OLD_TOO),
]


@dataclasses.dataclass(frozen=True)
class PairName:
    peer: Peer
    # Which side the SDK is on.
    direction: str
    binding: str


@dataclasses.dataclass
class Cell:
    pair: PairName
    check: str
    # None if it passed, else what went wrong.
    fault: str | None
    verdict: str = ""
    why: str = ""

    def row(self):
        return {
            "peer": self.pair.peer.name,
            "direction": self.pair.direction,
            "binding": self.pair.binding,
            "check": self.check,
            "result": self.verdict,
            "why": self.why,
        }


def pairs(peers):
    return [
        PairName(peer, direction, binding)
        for peer in peers
        for direction in ("their client", "their server")
        for binding in BINDINGS
        # Our client speaks 0.3 over JSON-RPC and HTTP+JSON.
        if (peer.dialect.version, direction, binding) != ("0.3", "their server", "GRPC")
    ]


webhook = Webhook()


def run(name, given):
    """All checks of one pair, each pair with processes of its own."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{name.peer.name} {name.direction} {name.binding.replace('+', '')}.txt"
    log.write_bytes(b"")
    theirs = name.direction == "their client"
    lacks = name.peer.client_lacks if theirs else (*name.peer.server_lacks, *checks.OF_CLIENTS)
    begins_with_task = theirs or name.peer.begins_with_task
    chosen = [
        check
        for check, version in checks.CHECKS
        if version in (None, name.peer.dialect.version)
        and check.__name__ not in lacks
        and given.check in (None, check.__name__)
    ]
    server = driver = None
    cells = []
    try:
        for check in chosen:
            fault = None
            try:
                if server is None:
                    server = start_server(name, given.profile, log)
                if driver is None:
                    driver = start_driver(name, given.profile, log)
                    pair = checks.Pair(
                        driver, server.about, name.binding, webhook, begins_with_task
                    )
                    pair.connect()
                check(pair)
            except Refused as refused:
                fault = str(refused)
            except AssertionError as failed:
                fault = str(failed)
            except (KeyError, ValueError, TypeError, AttributeError, IndexError) as odd:
                fault = f"{type(odd).__name__}: {odd}"
            except Hung as hung:
                fault = str(hung)
                if driver is not None:
                    driver.stop()
                    driver = None
            cells.append(Cell(name, check.__name__, fault))
    finally:
        for program in (driver, server):
            if program is not None:
                program.stop()
    return cells


def start_server(name, profile, log):
    if name.direction == "their server":
        command, home = install.command(name.peer, "server")
        return Server([*command, *name.peer.arguments], home, log)
    env = {"INTEROP_CARD_KEY": secrets.token_hex(32)}
    return Server([ROOT / "target" / profile / "interop_agent"], ROOT, log, env)


def start_driver(name, profile, log):
    if name.direction == "their client":
        command, home = install.command(name.peer, "client")
        return Driver(command, home, log, name.peer.dialect)
    # Ours speaks 1.0 to its caller whatever it speaks to the agent.
    ours = dialect.Current(name.peer.dialect.version)
    return Driver([ROOT / "target" / profile / "interop_client"], ROOT, log, ours)


def known():
    return json.loads((install.HERE / "known.json").read_text())


def covers(entry, cell):
    row = cell.row()
    return all(
        entry[column] == "*" or row[column] in entry[column].split(" or ")
        for column in ("peer", "direction", "binding", "check")
    )


def judge(cells, entries, given):
    """Compares with the baseline, both ways; returns what differs."""
    wrong = []
    for cell in cells:
        reasons = [entry["why"] for entry in entries if covers(entry, cell)]
        cell.why = reasons[0] if reasons else ""
        where = " | ".join(list(cell.row().values())[:4])
        if cell.fault is None and not reasons:
            cell.verdict = "ok"
        elif cell.fault is not None and reasons:
            cell.verdict = "known"
        elif cell.fault is None:
            cell.verdict = "PASSES"
            wrong.append(f"passes, though known.json says it fails: {where}")
        else:
            cell.verdict = "FAILS"
            cell.why = cell.fault[:400]
            wrong.append(f"fails: {where}: {cell.fault[:2000]}")
    idle = [entry for entry in entries if not any(covers(entry, cell) for cell in cells)]
    if given.only is None and given.check is None:
        wrong += [f"in known.json, but of no check: {entry}" for entry in idle]
    return wrong
