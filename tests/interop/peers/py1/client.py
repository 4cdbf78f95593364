"""Drives the client of a2a-sdk 1.x by commands on standard input; see ../../README.md."""

import asyncio
import json
import sys

import grpc
import httpx
from a2a.client import A2ACardResolver, ClientCallContext, ClientConfig, ClientFactory
from a2a.types import (
    CancelTaskRequest,
    DeleteTaskPushNotificationConfigRequest,
    GetExtendedAgentCardRequest,
    GetTaskPushNotificationConfigRequest,
    GetTaskRequest,
    ListTaskPushNotificationConfigsRequest,
    ListTasksRequest,
    SendMessageRequest,
    SubscribeToTaskRequest,
    TaskPushNotificationConfig,
)
from a2a.utils.signing import create_signature_verifier
from google.protobuf.json_format import MessageToDict, ParseDict
from jwt.api_jwk import PyJWK

WAIT_SECS = 25


class ReplaceMetadata(
    grpc.aio.UnaryUnaryClientInterceptor, grpc.aio.UnaryStreamClientInterceptor
):
    """Sends our values in place of the SDK's own, as its HTTP client does with headers."""

    def __init__(self, headers):
        self.headers = {key.lower(): value for key, value in headers.items()}

    def replaced(self, details):
        kept = [pair for pair in details.metadata or () if pair[0] not in self.headers]
        return details._replace(metadata=[*kept, *self.headers.items()])

    async def intercept_unary_unary(self, continuation, details, request):
        return await continuation(self.replaced(details), request)

    async def intercept_unary_stream(self, continuation, details, request):
        return await continuation(self.replaced(details), request)


class Driver:
    def __init__(self):
        self.streams = {}
        self.opened = 0

    async def connect(self, command):
        headers = command.get('headers', {})
        self.http = httpx.AsyncClient(timeout=WAIT_SECS, headers=headers)
        metadata = ReplaceMetadata(headers)
        resolver = A2ACardResolver(self.http, command['url'])
        self.card = await resolver.get_agent_card()
        version = command['version']
        interfaces = [
            interface
            for interface in self.card.supported_interfaces
            if interface.protocol_version.startswith(version)
        ]
        del self.card.supported_interfaces[:]
        self.card.supported_interfaces.extend(interfaces)
        # The version is the client's to say, unless the command says otherwise.
        self.http.headers.setdefault('A2A-Version', version)
        for streaming in (True, False):
            config = ClientConfig(
                streaming=streaming,
                httpx_client=self.http,
                supported_protocol_bindings=[command['binding']],
                grpc_channel_factory=lambda url: grpc.aio.insecure_channel(
                    url.removeprefix('http://'), interceptors=[metadata]
                ),
            )
            client = ClientFactory(config).create(self.card)
            if streaming:
                self.streaming = client
            else:
                self.client = client
        self.context = ClientCallContext(service_parameters=dict(headers))
        return MessageToDict(self.card)

    async def send(self, command):
        request = ParseDict(command['request'], SendMessageRequest())
        async for event in self.client.send_message(request, context=self.context):
            return MessageToDict(event)

    async def stream(self, command):
        request = ParseDict(command['request'], SendMessageRequest())
        return self.open(self.streaming.send_message(request, context=self.context))

    async def subscribe(self, command):
        request = SubscribeToTaskRequest(id=command['id'])
        return self.open(self.streaming.subscribe(request, context=self.context))

    def open(self, events):
        self.opened += 1
        self.streams[self.opened] = events
        return self.opened

    async def next(self, command):
        async for event in self.streams[command['stream']]:
            return MessageToDict(event)
        return None

    async def drop(self, command):
        await self.streams.pop(command['stream']).aclose()

    async def get(self, command):
        request = ParseDict(command['request'], GetTaskRequest())
        return MessageToDict(await self.client.get_task(request, context=self.context))

    async def list(self, command):
        request = ParseDict(command['request'], ListTasksRequest())
        return MessageToDict(
            await self.client.list_tasks(request, context=self.context),
            always_print_fields_with_no_presence=True,
        )

    async def cancel(self, command):
        request = CancelTaskRequest(id=command['id'])
        return MessageToDict(await self.client.cancel_task(request, context=self.context))

    async def push_create(self, command):
        request = ParseDict(command['request'], TaskPushNotificationConfig())
        made = await self.client.create_task_push_notification_config(
            request, context=self.context
        )
        return MessageToDict(made)

    async def push_get(self, command):
        request = ParseDict(command['request'], GetTaskPushNotificationConfigRequest())
        config = await self.client.get_task_push_notification_config(
            request, context=self.context
        )
        return MessageToDict(config)

    async def push_list(self, command):
        request = ParseDict(command['request'], ListTaskPushNotificationConfigsRequest())
        configs = await self.client.list_task_push_notification_configs(
            request, context=self.context
        )
        return [MessageToDict(config) for config in configs.configs]

    async def push_delete(self, command):
        request = ParseDict(command['request'], DeleteTaskPushNotificationConfigRequest())
        await self.client.delete_task_push_notification_config(request, context=self.context)

    async def extended(self, command):
        card = await self.client.get_extended_agent_card(
            GetExtendedAgentCardRequest(), context=self.context
        )
        return MessageToDict(card)

    async def verify(self, command):
        keys = {key['kid']: PyJWK(key) for key in command['keys']}
        verifier = create_signature_verifier(
            lambda kid, jku: keys[kid], [key['alg'] for key in command['keys']]
        )
        verifier(await A2ACardResolver(self.http, command['url']).get_agent_card())


def told(error):
    """What a caller of the SDK sees of an error."""
    seen = {'name': type(error).__name__, 'message': str(error)}
    if isinstance(error.__cause__, httpx.HTTPStatusError):
        seen['http'] = error.__cause__.response.status_code
    if isinstance(error, grpc.RpcError) or isinstance(error.__cause__, grpc.RpcError):
        call = error if isinstance(error, grpc.RpcError) else error.__cause__
        seen['grpc'] = call.code().name
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
