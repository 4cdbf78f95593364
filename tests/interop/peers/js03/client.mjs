// Drives the client of @a2a-js/sdk 0.3 by commands on standard input; see ../../README.md.

import { createInterface } from "node:readline";
import * as grpc from "@grpc/grpc-js";
import {
  ClientFactory, DefaultAgentCardResolver, JsonRpcTransportFactory, RestTransportFactory,
} from "@a2a-js/sdk/client";
import { GrpcTransportFactory } from "@a2a-js/sdk/client/grpc";

const WAIT_MS = 25_000;

const streams = new Map();
let client, opened = 0;

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
        for (const [name, value] of Object.entries(extra)) metadata.set(name, value);
        proceed(metadata, listener);
      },
    });
}

const commands = {
  async connect({ url, binding, headers = {} }) {
    const fetchImpl = fetchWith(headers);
    const cardResolver = new DefaultAgentCardResolver({ fetchImpl });
    const transports = [
      new JsonRpcTransportFactory({ fetchImpl }),
      new RestTransportFactory({ fetchImpl }),
      new GrpcTransportFactory({
        grpcChannelCredentials: grpc.credentials.createInsecure(),
        grpcCallOptions: { interceptors: [interceptorWith(headers)] },
      }),
    ].filter((transport) => transport.protocolName === binding);
    const card = await cardResolver.resolve(url);
    client = await new ClientFactory({ transports, cardResolver }).createFromAgentCard(card);
    return card;
  },
  send: ({ request }) => client.sendMessage(request),
  stream: async ({ request }) => open(client.sendMessageStream(request)),
  subscribe: async ({ id }) => open(client.resubscribeTask({ id })),
  async next({ stream }) {
    const { value, done } = await streams.get(stream).next();
    return done ? null : value;
  },
  async drop({ stream }) {
    await streams.get(stream).return();
    streams.delete(stream);
  },
  get: ({ request }) => client.getTask(request),
  cancel: ({ id }) => client.cancelTask({ id }),
  push_create: ({ request }) => client.setTaskPushNotificationConfig(request),
  push_get: ({ request: { taskId, id } }) =>
    client.getTaskPushNotificationConfig({ id: taskId, pushNotificationConfigId: id }),
  push_list: ({ request: { taskId } }) => client.listTaskPushNotificationConfig({ id: taskId }),
  push_delete: ({ request: { taskId, id } }) =>
    client.deleteTaskPushNotificationConfig({ id: taskId, pushNotificationConfigId: id }),
  extended: () => client.getAgentCard(),
};

function open(events) {
  opened += 1;
  streams.set(opened, events);
  return opened;
}

/** What a caller of the SDK sees of an error. */
function told(error) {
  const name = error.name === "Error" ? error.constructor.name : error.name;
  const seen = { name, message: error.message };
  // Where this SDK has no class for an error, its code is in the words.
  const code = error.errorResponse?.error?.code ?? /\(Code: (-\d+)\)/.exec(error.message)?.[1];
  if (code !== undefined) seen.code = Number(code);
  const status = /^GRPC error for \w+! (\d+) /.exec(error.message)?.[1];
  if (status !== undefined) seen.grpc = grpc.status[Number(status)];
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
