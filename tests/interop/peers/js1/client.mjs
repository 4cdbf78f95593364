// Drives the client of @a2a-js/sdk 1.x by commands on standard input; see ../../README.md.

import { createInterface } from "node:readline";
import * as grpc from "@grpc/grpc-js";
import { importJWK } from "jose";
import {
  CancelTaskRequest, DeleteTaskPushNotificationConfigRequest, GetTaskPushNotificationConfigRequest,
  GetTaskRequest, ListTaskPushNotificationConfigsRequest, ListTasksRequest, ListTasksResponse, Message,
  SendMessageRequest, StreamResponse, SubscribeToTaskRequest, Task, TaskPushNotificationConfig, AgentCard,
  verifyAgentCardSignature,
} from "@a2a-js/sdk";
import {
  ClientFactory, DefaultAgentCardResolver, JsonRpcTransportFactory, RestTransportFactory,
} from "@a2a-js/sdk/client";
import { GrpcTransportFactory } from "@a2a-js/sdk/client/grpc";

const WAIT_MS = 25_000;

const streams = new Map();
let client, fetchImpl, opened = 0;

/** Sends our values in place of the SDK's own. */
function replaced(metadata, headers) {
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
}

function fetchWith(extra) {
  return (url, init = {}) => {
    const headers = new Headers(init.headers);
    for (const [name, value] of Object.entries(extra)) headers.set(name, value);
    return fetch(url, { ...init, headers });
  };
}

function interceptorWith(extra) {
  return (options, next) =>
    new grpc.InterceptingCall(next(options), {
      start(metadata, listener, proceed) {
        replaced(metadata, extra);
        proceed(metadata, listener);
      },
    });
}

const commands = {
  async connect({ url, binding, version, headers = {} }) {
    fetchImpl = fetchWith({ "A2A-Version": version, ...headers });
    const legacyCompat = { enabled: version === "0.3" };
    const cardResolver = new DefaultAgentCardResolver({ fetchImpl, legacyCompat });
    const transports = [
      new JsonRpcTransportFactory({ fetchImpl, legacyCompat }),
      new RestTransportFactory({ fetchImpl, legacyCompat }),
      new GrpcTransportFactory({
        legacyCompat,
        grpcChannelCredentials: grpc.credentials.createInsecure(),
        grpcCallOptions: { interceptors: [interceptorWith(headers)] },
      }),
    ];
    const card = await cardResolver.resolve(url);
    card.supportedInterfaces = card.supportedInterfaces.filter(
      (offered) => offered.protocolVersion.startsWith(version) && offered.protocolBinding === binding,
    );
    const factory = new ClientFactory({ transports, preferredTransports: [binding], cardResolver });
    client = await factory.createFromAgentCard(card);
    return AgentCard.toJSON(card);
  },
  async send({ request }) {
    const answer = await client.sendMessage(SendMessageRequest.fromJSON(request));
    return "messageId" in answer ? { message: Message.toJSON(answer) } : { task: Task.toJSON(answer) };
  },
  async stream({ request }) {
    return open(client.sendMessageStream(SendMessageRequest.fromJSON(request)));
  },
  async subscribe({ id }) {
    return open(client.resubscribeTask(SubscribeToTaskRequest.fromJSON({ id })));
  },
  async next({ stream }) {
    const { value, done } = await streams.get(stream).next();
    return done ? null : StreamResponse.toJSON(value);
  },
  async drop({ stream }) {
    await streams.get(stream).return();
    streams.delete(stream);
  },
  async get({ request }) {
    return Task.toJSON(await client.getTask(GetTaskRequest.fromJSON(request)));
  },
  async list({ request }) {
    return ListTasksResponse.toJSON(await client.listTasks(ListTasksRequest.fromJSON(request)));
  },
  async cancel({ id }) {
    return Task.toJSON(await client.cancelTask(CancelTaskRequest.fromJSON({ id })));
  },
  async push_create({ request }) {
    const config = TaskPushNotificationConfig.fromJSON(request);
    return TaskPushNotificationConfig.toJSON(await client.createTaskPushNotificationConfig(config));
  },
  async push_get({ request }) {
    const named = GetTaskPushNotificationConfigRequest.fromJSON(request);
    return TaskPushNotificationConfig.toJSON(await client.getTaskPushNotificationConfig(named));
  },
  async push_list({ request }) {
    const named = ListTaskPushNotificationConfigsRequest.fromJSON(request);
    const listed = await client.listTaskPushNotificationConfig(named);
    return listed.configs.map((config) => TaskPushNotificationConfig.toJSON(config));
  },
  async push_delete({ request }) {
    await client.deleteTaskPushNotificationConfig(DeleteTaskPushNotificationConfigRequest.fromJSON(request));
  },
  async extended() {
    return AgentCard.toJSON(await client.getAgentCard());
  },
  async verify({ url, keys }) {
    const verifier = verifyAgentCardSignature(async (kid) => {
      const key = keys.find((key) => key.kid === kid);
      if (!key) throw new Error(`no key ${kid}`);
      return importJWK(key, key.alg);
    });
    // Of a card that it has parsed this SDK checks everything but `securitySchemes`, which its
    // `fromJSON` does not find in what it made itself. So it is given the card as it came.
    const response = await fetchImpl(new URL("/.well-known/agent-card.json", url));
    await verifier(await response.json());
  },
};

function open(events) {
  opened += 1;
  streams.set(opened, events);
  return opened;
}

/** What a caller of the SDK sees of an error. */
function told(error) {
  const seen = { name: error.name, message: error.message };
  if (error.reason) seen.reason = error.reason;
  // Where it has no class for an error of 0.3, the code is in the words.
  const code = error.envelopeCode ?? /\(Code: (-\d+)\)/.exec(error.message)?.[1];
  if (code !== undefined) seen.code = Number(code);
  if (typeof error.httpStatus === "number") seen.http = error.httpStatus;
  if (typeof error.code === "number" && error.details !== undefined) seen.grpc = grpc.status[error.code];
  return seen;
}

function patient(work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${WAIT_MS} ms`)), WAIT_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  let answer;
  try {
    answer = { ok: (await patient(commands[command.op](command))) ?? null };
  } catch (error) {
    answer = { error: told(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit(0);
