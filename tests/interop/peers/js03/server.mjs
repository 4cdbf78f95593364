// An agent on the server of @a2a-js/sdk 0.3, over all its bindings; see ../../README.md.

import { once } from "node:events";
import express from "express";
import * as grpc from "@grpc/grpc-js";
import {
  A2AError, DefaultPushNotificationSender, DefaultRequestHandler, InMemoryPushNotificationStore,
  InMemoryTaskStore,
} from "@a2a-js/sdk/server";
import { agentCardHandler, jsonRpcHandler, restHandler } from "@a2a-js/sdk/server/express";
import { A2AService, grpcService } from "@a2a-js/sdk/server/grpc";

const BEARER = "Bearer extended-card-token";
const GATE_WAIT_MS = 60_000;

/** Gates that tasks wait at; one may be opened before anybody waits. */
const gates = new Map();
function gate(key) {
  if (!gates.has(key)) gates.set(key, { open: 0, waiting: [] });
  return gates.get(key);
}
function openGate(key) {
  const { waiting } = gate(key);
  if (waiting.length > 0) waiting.shift()();
  else gate(key).open += 1;
}
function passGate(key) {
  const place = gate(key);
  if (place.open > 0) {
    place.open -= 1;
    return Promise.resolve();
  }
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("nobody opened the gate")), GATE_WAIT_MS);
    place.waiting.push(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function textOf(message) {
  return message.parts.filter((part) => part.kind === "text").map((part) => part.text).join("\n");
}

/** A part as it came, with the names of 1.0, which the checks compare. */
function described(part) {
  if (part.kind === "text") return { text: part.text };
  if (part.kind === "data") return { data: part.data };
  const { bytes, uri, name: filename, mimeType: mediaType } = part.file;
  const content = bytes === undefined ? { url: uri } : { raw: Buffer.from(bytes, "base64").toString() };
  return { ...content, filename, mediaType };
}

const text = (words) => ({ kind: "text", text: words });

class Executor {
  first = new Map();
  answers = new Map();
  holding = new Map();

  async execute(context, bus) {
    const { taskId, contextId, userMessage, task } = context;
    const now = () => new Date().toISOString();
    if (textOf(userMessage).startsWith("say ")) {
      const parts = [text(textOf(userMessage).slice(4))];
      bus.publish({ kind: "message", messageId: crypto.randomUUID(), role: "agent", contextId, parts });
      return bus.finished();
    }
    const status = (state, said) => {
      const message = said && {
        kind: "message", messageId: crypto.randomUUID(), role: "agent", taskId, contextId, parts: [text(said)],
      };
      const final = state !== "working";
      bus.publish({ kind: "status-update", taskId, contextId, final, status: { state, timestamp: now(), message } });
    };
    const artifact = (artifactId, parts, append = false, lastChunk = true) => {
      bus.publish({ kind: "artifact-update", taskId, contextId, artifact: { artifactId, parts }, append, lastChunk });
    };
    if (task) {
      this.answers.get(taskId).push(textOf(userMessage));
    } else {
      const status = { state: "submitted", timestamp: now() };
      bus.publish({ kind: "task", id: taskId, contextId, status, history: [userMessage] });
      this.first.set(taskId, textOf(userMessage).split("\n")[0]);
      this.answers.set(taskId, []);
    }
    const [verb, ...words] = this.first.get(taskId).split(" ");
    await this.act(verb, words.join(" "), { taskId, userMessage, status, artifact });
    bus.finished();
  }

  async act(verb, rest, { taskId, userMessage, status, artifact }) {
    const piece = (number, last) => artifact("pieces", [text(`${number} `)], number > 1, last);
    let said = rest;
    if (verb === "parts") {
      artifact("result", [{ kind: "data", data: { parts: userMessage.parts.map(described) } }]);
      return status("completed");
    } else if (verb === "files") {
      const file = { bytes: "aGVsbG8=", name: "hello.txt", mimeType: "text/plain" };
      const place = { uri: "https://example.com/a.json", name: "a.json", mimeType: "application/json" };
      artifact("files", [file, place].map((file) => ({ kind: "file", file })));
    } else if (verb === "count") {
      status("working");
      for (let number = 1; number <= Number(rest); number += 1) piece(number, number === Number(rest));
    } else if (verb === "steps") {
      status("working");
      for (let number = 1; number <= 3; number += 1) {
        if (number > 1) await passGate(rest);
        piece(number, number === 3);
      }
    } else if (verb === "open") {
      openGate(rest);
    } else if (verb === "ask") {
      const answers = this.answers.get(taskId);
      if (answers.length < Number(rest)) {
        return status("input-required", `question ${answers.length + 1}`);
      }
      said = answers.join(", ");
    } else if (verb === "hold") {
      status("working");
      await new Promise((resolve) => this.holding.set(taskId, resolve));
      return status("canceled");
    } else if (verb === "fail") {
      return status("failed", "as asked");
    } else if (verb === "reject") {
      return status("rejected", "as asked");
    }
    artifact("result", [text(said)]);
    return status("completed");
  }

  async cancelTask(taskId) {
    this.holding.get(taskId)?.();
  }
}

function cardOf(url, grpcAddress) {
  return {
    name: "js",
    description: "For the interoperability tests",
    version: "1",
    protocolVersion: "0.3.0",
    url: `${url}/rpc`,
    preferredTransport: "JSONRPC",
    additionalInterfaces: [
      { transport: "JSONRPC", url: `${url}/rpc` },
      { transport: "HTTP+JSON", url: `${url}/rest` },
      { transport: "GRPC", url: grpcAddress },
    ],
    capabilities: { streaming: true, pushNotifications: true },
    supportsAuthenticatedExtendedCard: true,
    defaultInputModes: ["text/plain", "application/json"],
    defaultOutputModes: ["text/plain", "application/json"],
    skills: [{ id: "interoperate", name: "Interoperate", description: "Does it", tags: ["test"] }],
  };
}

class Shown {
  constructor(authorization) {
    this.isAuthenticated = authorization === BEARER;
    this.userName = "caller";
  }
}

const app = express();
const http = app.listen(0, "127.0.0.1");
await once(http, "listening");
const url = `http://127.0.0.1:${http.address().port}`;
const rpc = new grpc.Server();
const grpcPort = await new Promise((resolve, reject) => {
  const credentials = grpc.ServerCredentials.createInsecure();
  rpc.bindAsync("127.0.0.1:0", credentials, (error, port) => (error ? reject(error) : resolve(port)));
});

const card = cardOf(url, `127.0.0.1:${grpcPort}`);
const extended = async (context) => {
  if (!context.user.isAuthenticated) {
    throw A2AError.unsupportedOperation("the extended card is for those who show the token");
  }
  return { ...card, description: "For the trusted" };
};
const configs = new InMemoryPushNotificationStore();
const requestHandler = new DefaultRequestHandler(
  card, new InMemoryTaskStore(), new Executor(), undefined, configs,
  new DefaultPushNotificationSender(configs), extended,
);
const userBuilder = async (request) => new Shown(request.headers.authorization);
app.use("/.well-known/agent-card.json", agentCardHandler({ agentCardProvider: requestHandler }));
app.use("/rpc", jsonRpcHandler({ requestHandler, userBuilder }));
app.use("/rest", restHandler({ requestHandler, userBuilder }));
const grpcUserBuilder = async (call) => new Shown(call.metadata.get("authorization")[0]);
rpc.addService(A2AService, grpcService({ requestHandler, userBuilder: grpcUserBuilder }));

process.stdout.write(`${JSON.stringify({ url, keys: [], trusted: { Authorization: BEARER } })}\n`);
process.stdin.resume();
await once(process.stdin, "end");
process.exit(0);
