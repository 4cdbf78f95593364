"""A chain with the project's contracts: anvil from npm, or the runtime's own development chain."""

import json
import pathlib
import socket
import subprocess
import threading
import time
import urllib.request

from . import install

CHAIN_ID = 84532
USDC = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"
BATCH_SETTLEMENT = "0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003"
PLACED = {
    USDC: "TestUSDC",
    BATCH_SETTLEMENT: "X402BatchSettlement",
    "0x4020806089470a89826cB9fB1f4059150b550004": "ERC3009DepositCollector",
    "0x4020425FAf3B746C082C2f942b4E5159887B0005": "Permit2DepositCollector",
    "0x000000000022D473030F116dDEE9F6B43aC78BA3": "Permit2SignatureTransfer",
    "0x402085c248EeA27D92E8b30b2C58ed07f9E20001": "X402ExactPermit2Proxy",
    "0x4020A4f3b7b90ccA423B9fabCc0CE57C6C240002": "X402UptoPermit2Proxy",
    "0xcA11bde05977b3631167028862bE2a173976CA11": "Multicall3",
    "0x2402000000000000000000000000000000002402": "Z402Escrow",
}
BUYER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
SELLER = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
PURSE = 1_000_000_000
START_WAIT_SECS = 30

# First bytes of what the contracts are asked.
MINT, BALANCE_OF = "0x40c10f19", "0x70a08231"


class Node:
    """A chain of its own for each pair, so that nobody's money or nonces matter to anybody else."""

    def __init__(self, kind, log):
        self.log = open(log, "ab")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        if kind == "anvil":
            command = [*install.anvil(), "--port", str(port), "--chain-id", str(CHAIN_ID), "--silent"]
        else:
            command = [install.binary("agent"), "devnet", "--listen", f"127.0.0.1:{port}"]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        try:
            self._wait()
            if kind == "anvil":
                self._furnish()
        except BaseException:
            self.stop()
            raise

    def _wait(self):
        until = time.monotonic() + START_WAIT_SECS
        while True:
            try:
                if int(self.rpc("eth_chainId"), 16) != CHAIN_ID:
                    raise RuntimeError("the node is another chain")
                return
            except OSError as error:
                if time.monotonic() > until or self.process.poll() is not None:
                    raise RuntimeError(f"the node does not start: {error}") from None
                time.sleep(0.05)

    def _furnish(self):
        for address, artifact in PLACED.items():
            file = install.ROOT / "contracts" / "artifacts" / f"{artifact}.json"
            self.rpc("anvil_setCode", address, json.loads(file.read_text())["deployedBytecode"])
        mint = MINT + word(BUYER) + f"{PURSE:064x}"
        sent = self.rpc("eth_sendTransaction", {"from": BUYER, "to": USDC, "data": mint})
        while self.rpc("eth_getTransactionReceipt", sent) is None:
            time.sleep(0.01)

    def rpc(self, method, *params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(self.url, body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            said = json.load(answer)
        if "error" in said:
            raise RuntimeError(f"{method}: {said['error']}")
        return said["result"]

    def has(self, owner):
        """How much of the token somebody has."""
        call = {"to": USDC, "data": BALANCE_OF + word(owner)}
        return int(self.rpc("eth_call", call, "latest"), 16)

    def transactions(self):
        """How many blocks there are: every transaction makes one."""
        return int(self.rpc("eth_blockNumber"), 16)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def word(address):
    return address[2:].lower().rjust(64, "0")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
