// A seller on the first version's `x402-express`. Arguments: the scheme, which is exact, and the facilitator's URL.
import express from "express";
import { paymentMiddleware } from "x402-express";
import { SELLER, serve } from "./program.mjs";

const [, facilitatorUrl] = process.argv.slice(2);
const offer = { price: "$0.001", network: "base-sepolia" };
const app = express();
app.use(express.json());
app.use(paymentMiddleware(SELLER, { "/paid": offer, "/fail": offer }, { url: facilitatorUrl }));
app.all("/paid", (request, response) => response.json({ echo: request.body?.text ?? "" }));
app.all("/fail", (_, response) => response.status(500).json({ error: "broken" }));
await serve(app);
