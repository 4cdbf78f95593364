// An agent on the server of @a2a-js/sdk 1.x, over all its bindings; see ../../README.md.
// With the argument `0.3` it serves that version too, as the SDK does for old clients.

import { once } from "node:events";
import express from "express";
import * as grpc from "@grpc/grpc-js";
import { exportJWK, generateKeyPair } from "jose";
import {
  AgentCard, Message, Part, Task, TaskArtifactUpdateEvent, TaskStatusUpdateEvent, generateAgentCardSignature,
} from "@a2a-js/sdk";
import {
  AgentEvent, DefaultRequestHandler, InMemoryPushNotificationStore,
  InMemoryTaskStore, STATE_HEADERS_KEY,
} from "@a2a-js/sdk/server";
import { UserBuilder, agentCardHandler, jsonRpcHandler, restHandler } from "@a2a-js/sdk/server/express";
import { A2AService, UserBuilder as GrpcUserBuilder, grpcService } from "@a2a-js/sdk/server/grpc";
import { createLegacyAwarePushNotificationSender } from "@a2a-js/sdk/compat/v0_3/server";
import { LegacyA2AService, legacyGrpcService } from "@a2a-js/sdk/compat/v0_3/server/grpc";
import { UnsupportedOperationError } from "@a2a-js/sdk/errors";

const BEARER = "Bearer extended-card-token";
const GATE_WAIT_MS = 60_000;
const OLD_TOO = process.argv.includes("0.3");

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
  const texts = message.parts.filter((part) => part.content?.$case === "text");
  return texts.map((part) => part.content.value).join("\n");
}

function described(part) {
  const told = Part.toJSON(part);
  if (part.content?.$case === "raw") told.raw = Buffer.from(part.content.value).toString();
  return told;
}

class Executor {
  first = new Map();
  answers = new Map();
  holding = new Map();

  async execute(context, bus) {
    const { taskId, contextId, userMessage, task } = context;
    const now = () => new Date().toISOString();
    if (textOf(userMessage).startsWith("say ")) {
      const parts = [{ text: textOf(userMessage).slice(4) }];
      const message = { messageId: crypto.randomUUID(), role: "ROLE_AGENT", contextId, parts };
      bus.publish(AgentEvent.message(Message.fromJSON(message)));
      return;
    }
    const status = (state, text) => {
      const message = text && {
        messageId: crypto.randomUUID(), role: "ROLE_AGENT", taskId, contextId, parts: [{ text }],
      };
      const event = { taskId, contextId, status: { state: `TASK_STATE_${state}`, timestamp: now(), message } };
      bus.publish(AgentEvent.statusUpdate(TaskStatusUpdateEvent.fromJSON(event)));
    };
    const artifact = (artifactId, parts, append = false, lastChunk = true) => {
      const event = { taskId, contextId, artifact: { artifactId, parts }, append, lastChunk };
      bus.publish(AgentEvent.artifactUpdate(TaskArtifactUpdateEvent.fromJSON(event)));
    };
    if (task) {
      bus.publish(AgentEvent.task(task));
      this.answers.get(taskId).push(textOf(userMessage));
    } else {
      const made = { id: taskId, contextId, status: { state: "TASK_STATE_SUBMITTED", timestamp: now() } };
      const started = Task.fromJSON(made);
      started.history = [userMessage];
      bus.publish(AgentEvent.task(started));
      this.first.set(taskId, textOf(userMessage).split("\n")[0]);
      this.answers.set(taskId, []);
    }
    const [verb, ...words] = this.first.get(taskId).split(" ");
    const rest = words.join(" ");
    await this.act(verb, rest, { taskId, userMessage, status, artifact });
  }

  async act(verb, rest, { taskId, userMessage, status, artifact }) {
    const piece = (number, last) => artifact("pieces", [{ text: `${number} ` }], number > 1, last);
    let said = rest;
    if (verb === "parts") {
      artifact("result", [{ data: { parts: userMessage.parts.map(described) } }]);
      return status("COMPLETED");
    } else if (verb === "files") {
      artifact("files", [
        { raw: "aGVsbG8=", filename: "hello.txt", mediaType: "text/plain" },
        { url: "https://example.com/a.json", filename: "a.json", mediaType: "application/json" },
      ]);
    } else if (verb === "count") {
      status("WORKING");
      for (let number = 1; number <= Number(rest); number += 1) piece(number, number === Number(rest));
    } else if (verb === "steps") {
      status("WORKING");
      for (let number = 1; number <= 3; number += 1) {
        if (number > 1) await passGate(rest);
        piece(number, number === 3);
      }
    } else if (verb === "open") {
      openGate(rest);
    } else if (verb === "ask") {
      const answers = this.answers.get(taskId);
      if (answers.length < Number(rest)) {
        return status("INPUT_REQUIRED", `question ${answers.length + 1}`);
      }
      said = answers.join(", ");
    } else if (verb === "hold") {
      status("WORKING");
      await new Promise((resolve) => this.holding.set(taskId, resolve));
      return status("CANCELED");
    } else if (verb === "fail") {
      return status("FAILED", "as asked");
    } else if (verb === "reject") {
      return status("REJECTED", "as asked");
    }
    artifact("result", [{ text: said }]);
    return status("COMPLETED");
  }

  async cancelTask(taskId, bus) {
    const stop = this.holding.get(taskId);
    if (stop) return stop();
    // Nothing runs: the task waits for an answer.
    const event = { taskId, contextId: "", status: { state: "TASK_STATE_CANCELED", timestamp: new Date().toISOString() } };
    bus.publish(AgentEvent.statusUpdate(TaskStatusUpdateEvent.fromJSON(event)));
  }
}

function cardOf(url, grpcAddress) {
  const offered = (protocolVersion) => [
    { protocolVersion, protocolBinding: "JSONRPC", url: `${url}/rpc`, tenant: "" },
    { protocolVersion, protocolBinding: "HTTP+JSON", url: `${url}/rest`, tenant: "" },
    { protocolVersion, protocolBinding: "GRPC", url: grpcAddress, tenant: "" },
  ];
  return AgentCard.fromJSON({
    name: "js",
    description: "For the interoperability tests",
    version: "1",
    supportedInterfaces: [...offered("1.0"), ...(OLD_TOO ? offered("0.3") : [])],
    capabilities: { streaming: true, pushNotifications: true, extendedAgentCard: true },
    defaultInputModes: ["text/plain", "application/json"],
    defaultOutputModes: ["text/plain", "application/json"],
    skills: [{ id: "interoperate", name: "Interoperate", description: "Does it", tags: ["test"] }],
  });
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

const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
const sign = generateAgentCardSignature(privateKey, { alg: "ES256", kid: "js", typ: "JOSE" });
const card = cardOf(url, `127.0.0.1:${grpcPort}`);
const extended = async (context) => {
  if (context.state.get(STATE_HEADERS_KEY)?.authorization !== BEARER) {
    throw new UnsupportedOperationError("the extended card is for those who show the token");
  }
  return { ...card, description: "For the trusted" };
};
const configs = new InMemoryPushNotificationStore();
const requestHandler = new DefaultRequestHandler(
  card, new InMemoryTaskStore(), new Executor(), undefined, configs,
  createLegacyAwarePushNotificationSender(configs), extended, sign,
);
const userBuilder = UserBuilder.noAuthentication;
const legacyCompat = { enabled: OLD_TOO };
app.use("/.well-known/agent-card.json", agentCardHandler({ agentCardProvider: requestHandler, legacyCompat }));
app.use("/rpc", jsonRpcHandler({ requestHandler, userBuilder, legacyCompat }));
app.use("/rest", restHandler({ requestHandler, userBuilder, legacyCompat }));
const called = { requestHandler, userBuilder: GrpcUserBuilder.noAuthentication };
rpc.addService(A2AService, grpcService(called));
if (OLD_TOO) rpc.addService(LegacyA2AService, legacyGrpcService(called));

const key = { ...(await exportJWK(publicKey)), kid: "js", alg: "ES256" };
process.stdout.write(`${JSON.stringify({ url, keys: [key], trusted: { Authorization: BEARER } })}\n`);
process.stdin.resume();
await once(process.stdin, "end");
process.exit(0);
