"""Drives the client of a2a-sdk 0.3 by commands on standard input; see ../../README.md."""

import asyncio
import json
import sys

import grpc
import httpx
from a2a.client import A2ACardResolver, ClientConfig, ClientFactory
from a2a.types import (
    GetTaskPushNotificationConfigParams,
    Message,
    MessageSendConfiguration,
    PushNotificationConfig,
    TaskIdParams,
    TaskPushNotificationConfig,
    TaskQueryParams,
)
from a2a.utils.signing import create_signature_verifier
from jwt.api_jwk import PyJWK

WAIT_SECS = 25


class AddMetadata(grpc.aio.UnaryUnaryClientInterceptor, grpc.aio.UnaryStreamClientInterceptor):
    """Sends our metadata: this SDK has no way to for gRPC."""

    def __init__(self, headers):
        self.pairs = [(key.lower(), value) for key, value in headers.items()]

    def added(self, details):
        return details._replace(metadata=[*(details.metadata or ()), *self.pairs])

    async def intercept_unary_unary(self, continuation, details, request):
        return await continuation(self.added(details), request)

    async def intercept_unary_stream(self, continuation, details, request):
        return await continuation(self.added(details), request)


class Driver:
    def __init__(self):
        self.streams = {}
        self.opened = 0

    async def connect(self, command):
        headers = command.get('headers', {})
        self.http = httpx.AsyncClient(timeout=WAIT_SECS, headers=headers)
        metadata = AddMetadata(headers)
        self.card = await A2ACardResolver(self.http, command['url']).get_agent_card()

        def client(streaming, webhooks):
            config = ClientConfig(
                streaming=streaming,
                httpx_client=self.http,
                supported_transports=[command['binding']],
                push_notification_configs=webhooks,
                grpc_channel_factory=lambda url: grpc.aio.insecure_channel(
                    url.removeprefix('http://'), interceptors=[metadata]
                ),
            )
            return ClientFactory(config).create(self.card)

        self.client = client(False, [])
        self.streaming = client(True, [])
        self.pushed = lambda webhook: client(False, [webhook])
        return shown(self.card)

    async def send(self, command):
        client, request = self.client, command['request']
        # This SDK takes a webhook for all messages of a client; one given for a message alone
        # reaches its own REST and gRPC code as a dictionary, which fails.
        if webhook := request['configuration'].pop('pushNotificationConfig', None):
            client = self.pushed(PushNotificationConfig.model_validate(webhook))
        async for event in self.begin(client, request):
            return shown(event[0] if isinstance(event, tuple) else event)

    async def stream(self, command):
        return self.open(self.begin(self.streaming, command['request']))

    def begin(self, client, request):
        message = Message.model_validate(request['message'])
        configuration = MessageSendConfiguration.model_validate(request['configuration'])
        return client.send_message(message, configuration=configuration)

    async def subscribe(self, command):
        return self.open(self.streaming.resubscribe(TaskIdParams(id=command['id'])))

    def open(self, events):
        self.opened += 1
        self.streams[self.opened] = events
        return self.opened

    async def next(self, command):
        # The SDK tells each update beside the task it makes; the update is what came.
        async for event in self.streams[command['stream']]:
            if isinstance(event, tuple):
                return shown(event[1] or event[0])
            return shown(event)
        return None

    async def drop(self, command):
        await self.streams.pop(command['stream']).aclose()

    async def get(self, command):
        request = command['request']
        query = TaskQueryParams(id=request['id'], history_length=request.get('historyLength'))
        return shown(await self.client.get_task(query))

    async def cancel(self, command):
        return shown(await self.client.cancel_task(TaskIdParams(id=command['id'])))

    async def push_create(self, command):
        request = TaskPushNotificationConfig.model_validate(command['request'])
        return shown(await self.client.set_task_callback(request))

    async def push_get(self, command):
        request = command['request']
        named = GetTaskPushNotificationConfigParams(
            id=request['taskId'], push_notification_config_id=request['id']
        )
        return shown(await self.client.get_task_callback(named))

    async def extended(self, command):
        return shown(await self.client.get_card())

    async def verify(self, command):
        keys = {key['kid']: PyJWK(key) for key in command['keys']}
        verifier = create_signature_verifier(
            lambda kid, jku: keys[kid], [key['alg'] for key in command['keys']]
        )
        verifier(await A2ACardResolver(self.http, command['url']).get_agent_card())


def shown(model):
    return model.model_dump(mode='json', by_alias=True, exclude_none=True)


def told(error):
    """What a caller of the SDK sees of an error."""
    seen = {'name': type(error).__name__, 'message': str(error)}
    if hasattr(error, 'status_code'):
        seen['http'] = error.status_code
    inner = getattr(error, 'error', None)
    if hasattr(inner, 'code'):
        seen['code'] = inner.code
    if isinstance(error, grpc.RpcError):
        seen['grpc'] = error.code().name
    return seen


async def main():
    driver = Driver()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command = json.loads(line)
        try:
            work = getattr(driver, command['op'])(command)
            answer = {'ok': await asyncio.wait_for(work, WAIT_SECS)}
        except Exception as error:  # noqa: BLE001 - whatever the SDK raises is the answer
            answer = {'error': told(error)}
        print(json.dumps(answer), flush=True)


asyncio.run(main())
