"""A buyer on the `x402` of PyPI with httpx."""

import asyncio
import base64
import json
import sys
import traceback

import httpx
from eth_account import Account
from x402 import x402Client
from x402.http.clients.httpx import x402AsyncTransport
from x402.mechanisms.evm.batch_settlement.client import BatchSettlementEvmScheme
from x402.mechanisms.evm.exact import ExactEvmClientScheme
from x402.mechanisms.evm.signers import EthAccountSignerWithRPC

BUYER = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"


class Counting(httpx.AsyncHTTPTransport):
    trips = 0

    async def handle_async_request(self, request):
        self.trips += 1
        return await super().handle_async_request(request)


class Buyer:
    def connect(self, rpc, scheme):
        self.signer = EthAccountSignerWithRPC(Account.from_key(BUYER), rpc)
        self.scheme = scheme
        self.forget()

    def forget(self):
        self.batch = BatchSettlementEvmScheme(self.signer)
        self.client = x402Client()
        exact = ExactEvmClientScheme(self.signer)
        self.client.register("eip155:84532", exact if self.scheme == "exact" else self.batch)

    def call(self, url, text):
        return asyncio.run(self._call(url, text))

    async def _call(self, url, text):
        wire = Counting()
        async with httpx.AsyncClient(transport=x402AsyncTransport(self.client, wire), timeout=30) as http:
            response = await http.post(url, json={"text": text})
        return {
            "status": response.status_code,
            "body": response.text,
            "trips": wire.trips,
            "receipt": decoded(response.headers.get("payment-response")),
            "required": decoded(response.headers.get("payment-required")),
        }

    def refund(self, url):
        return self.batch.refund(url).model_dump(by_alias=True)


def decoded(header):
    return json.loads(base64.b64decode(header)) if header else None


def main():
    buyer = Buyer()
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = {"ok": getattr(buyer, command.pop("op"))(**command)}
        except Exception as error:  # noqa: BLE001 (whatever the SDK raises is the answer)
            traceback.print_exc()
            answer = {"error": {"name": type(error).__name__, "message": str(error)[:2000]}}
        print(json.dumps(answer), flush=True)


main()
