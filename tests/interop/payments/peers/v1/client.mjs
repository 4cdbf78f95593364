// A buyer on the first version's `x402-fetch`.
import { createWalletClient, http } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { baseSepolia } from "viem/chains";
import { decodeXPaymentResponse, wrapFetchWithPayment } from "x402-fetch";
import { counted, KEYS, obey } from "./program.mjs";

const wire = counted(fetch);
let pay;

await obey({
  connect: ({ rpc }) => {
    const account = privateKeyToAccount(KEYS.buyer);
    pay = wrapFetchWithPayment(wire, createWalletClient({ account, chain: baseSepolia, transport: http(rpc) }));
  },
  call: async ({ url, text }) => {
    wire.trips = 0;
    const response = await pay(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ text }),
    });
    const receipt = response.headers.get("x-payment-response");
    return {
      status: response.status,
      body: await response.text(),
      trips: wire.trips,
      receipt: receipt ? decodeXPaymentResponse(receipt) : null,
    };
  },
});
