// What the programs share: the well-known keys of a development chain, and how they talk to the harness.
import { createInterface } from "node:readline";

export const KEYS = {
  buyer: "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
  seller: "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
  facilitator: "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
  authorizer: "0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a",
};
export const SELLER = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";

// Obeys one command a line, each with one answer, until the input ends.
export async function obey(commands) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { op, ...fields } = JSON.parse(line);
    let answer;
    try {
      answer = { ok: (await commands[op](fields)) ?? null };
    } catch (error) {
      console.error(op, error);
      answer = { error: { name: error.name, message: String(error.message).slice(0, 2000) } };
    }
    console.log(JSON.stringify(answer));
  }
  process.exit(0);
}

// Serves, says where in the first line, and obeys.
export async function serve(app, commands = {}) {
  const server = await new Promise((ready) => {
    const listening = app.listen(0, "127.0.0.1", () => ready(listening));
  });
  console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` }));
  await obey(commands);
}

// A fetch that counts.
export function counted(fetch) {
  const counting = async (...of) => {
    counting.trips += 1;
    return fetch(...of);
  };
  counting.trips = 0;
  return counting;
}
