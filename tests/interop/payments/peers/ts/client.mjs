// A buyer on `@x402/fetch`, or with the argument "axios" on `@x402/axios`.
import { wrapAxiosWithPayment } from "@x402/axios";
import { decodePaymentResponseHeader } from "@x402/core/http";
import { toClientEvmSigner } from "@x402/evm";
import { BatchSettlementEvmScheme } from "@x402/evm/batch-settlement/client";
import { ExactEvmScheme } from "@x402/evm/exact/client";
import { wrapFetchWithPayment, x402Client } from "@x402/fetch";
import axios from "axios";
import { createPublicClient, http } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { baseSepolia } from "viem/chains";
import { counted, KEYS, obey } from "./program.mjs";

const flavour = process.argv[2] ?? "fetch";
const wire = counted(fetch);
let signer, scheme, batch, pay;

function begin() {
  batch = new BatchSettlementEvmScheme(signer);
  const client = new x402Client();
  client.register("eip155:84532", scheme === "exact" ? new ExactEvmScheme(signer) : batch);
  if (flavour === "axios") {
    const instance = axios.create({ validateStatus: (status) => status !== 402 });
    instance.interceptors.request.use((request) => {
      wire.trips += 1;
      return request;
    });
    wrapAxiosWithPayment(instance, client);
    pay = async (url, text) => {
      const response = await instance.post(url, { text });
      const header = (name) => response.headers[name];
      return { status: response.status, body: JSON.stringify(response.data), header };
    };
  } else {
    const paying = wrapFetchWithPayment(wire, client);
    pay = async (url, text) => {
      const response = await paying(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ text }),
      });
      return { status: response.status, body: await response.text(), header: (name) => response.headers.get(name) };
    };
  }
}

await obey({
  connect: ({ rpc, scheme: wanted }) => {
    const chain = createPublicClient({ chain: baseSepolia, transport: http(rpc) });
    signer = toClientEvmSigner(privateKeyToAccount(KEYS.buyer), chain);
    scheme = wanted;
    begin();
  },
  call: async ({ url, text }) => {
    wire.trips = 0;
    const { status, body, header } = await pay(url, text);
    const receipt = header("payment-response");
    const required = header("payment-required");
    return {
      status,
      body,
      trips: wire.trips,
      receipt: receipt ? decodePaymentResponseHeader(receipt) : null,
      required: required ? JSON.parse(Buffer.from(required, "base64").toString()) : null,
    };
  },
  forget: begin,
  refund: ({ url }) => batch.refund(url),
});
