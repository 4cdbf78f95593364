// A seller on `@x402/express`. Arguments: the scheme, the facilitator's URL, and whether the seller has an authorizer of
// its own ("own") or borrows the facilitator's ("lent").
import { HTTPFacilitatorClient } from "@x402/core/server";
import { BatchSettlementEvmScheme, InMemoryChannelStorage } from "@x402/evm/batch-settlement/server";
import { ExactEvmScheme } from "@x402/evm/exact/server";
import { paymentMiddleware, setSettlementOverrides, x402ResourceServer } from "@x402/express";
import express from "express";
import { privateKeyToAccount } from "viem/accounts";
import { KEYS, SELLER, serve } from "./program.mjs";

const NETWORK = "eip155:84532";
const [scheme, facilitatorUrl, authorizer] = process.argv.slice(2);

// A storage whose content can be lost.
let inner = new InMemoryChannelStorage();
const storage = new Proxy({}, {
  get: (_, name) => (typeof inner[name] === "function" ? inner[name].bind(inner) : inner[name]),
});
// Whoever lends a key wants to know to whom; `market/cast.py` has the same.
const lent = { "x-api-key": "the-interop-tests-seller" };
const facilitator = new HTTPFacilitatorClient({
  url: facilitatorUrl,
  createAuthHeaders: async () => (authorizer === "lent" ? { verify: lent, settle: lent, supported: lent } : {}),
});
const batch = new BatchSettlementEvmScheme(SELLER, {
  storage,
  withdrawDelay: 900,
  ...(authorizer === "own" ? { receiverAuthorizerSigner: privateKeyToAccount(KEYS.seller) } : {}),
});
const seller = new x402ResourceServer(facilitator).register(NETWORK, new ExactEvmScheme()).register(NETWORK, batch);
const offer = { scheme, network: NETWORK, price: "$0.001", payTo: SELLER, maxTimeoutSeconds: 120 };

const app = express();
app.use(express.json());
app.use(
  paymentMiddleware(
    {
      "/paid": { accepts: offer, description: "costs what it says" },
      "/part": { accepts: offer, description: "costs less than it might" },
      "/fail": { accepts: offer, description: "does not work" },
    },
    seller,
  ),
);
app.all("/paid", (request, response) => response.json({ echo: request.body?.text ?? "" }));
app.all("/part", (request, response) => {
  setSettlementOverrides(response, { amount: "400" });
  response.json({ echo: request.body?.text ?? "" });
});
app.all("/fail", (_, response) => response.status(500).json({ error: "broken" }));

const manager = batch.createChannelManager(facilitator, NETWORK);
await serve(app, {
  claim: async () => (await manager.claim()).length,
  settle: async () => (await manager.settle()).transaction,
  forget: async () => {
    inner = new InMemoryChannelStorage();
  },
});
