// A facilitator out of the stock packages, behind HTTP. Arguments: the node's URL.
import { x402Facilitator } from "@x402/core/facilitator";
import { toFacilitatorEvmSigner } from "@x402/evm";
import { BatchSettlementEvmScheme } from "@x402/evm/batch-settlement/facilitator";
import { ExactEvmScheme } from "@x402/evm/exact/facilitator";
import { ExactEvmSchemeV1 } from "@x402/evm/exact/v1/facilitator";
import express from "express";
import { createWalletClient, http, publicActions } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { baseSepolia } from "viem/chains";
import { KEYS, serve } from "./program.mjs";

const [rpc] = process.argv.slice(2);
const account = privateKeyToAccount(KEYS.facilitator);
const chain = createWalletClient({ account, chain: baseSepolia, transport: http(rpc), pollingInterval: 50 }).extend(
  publicActions,
);
const signer = toFacilitatorEvmSigner({
  address: account.address,
  getCode: (of) => chain.getCode(of),
  readContract: (of) => chain.readContract({ ...of, args: of.args ?? [] }),
  sendTransaction: (of) => chain.sendTransaction(of),
  verifyTypedData: (of) => chain.verifyTypedData(of),
  waitForTransactionReceipt: (of) => chain.waitForTransactionReceipt(of),
  writeContract: (of) => chain.writeContract({ ...of, args: of.args ?? [] }),
});

const facilitator = new x402Facilitator()
  .register("eip155:84532", new ExactEvmScheme(signer))
  .register("eip155:84532", new BatchSettlementEvmScheme(signer, privateKeyToAccount(KEYS.authorizer)))
  .registerV1("base-sepolia", new ExactEvmSchemeV1(signer));

const app = express();
app.use(express.json({ limit: "1mb" }));
app.get("/supported", (_, response) => response.json(facilitator.getSupported()));
for (const what of ["verify", "settle"]) {
  app.post(`/${what}`, async (request, response) => {
    const { paymentPayload, paymentRequirements } = request.body;
    try {
      response.json(await facilitator[what](paymentPayload, paymentRequirements));
    } catch (error) {
      console.error(what, error);
      response.status(500).json({ error: String(error) });
    }
  });
}
await serve(app);
