"""An agent on the server of a2a-sdk 0.3, over all its bindings; see ../../README.md."""

import asyncio
import base64
import json
import socket
import sys
import uuid

import grpc
import httpx
import uvicorn
from a2a.grpc import a2a_pb2_grpc
from a2a.server.agent_execution import AgentExecutor
from a2a.server.apps import A2AFastAPIApplication, A2ARESTFastAPIApplication
from a2a.server.request_handlers import DefaultRequestHandler, GrpcHandler
from a2a.server.tasks import (
    BasePushNotificationSender,
    InMemoryPushNotificationConfigStore,
    InMemoryTaskStore,
    TaskUpdater,
)
from a2a.types import (
    AgentCapabilities,
    AgentCard,
    AgentInterface,
    AgentSkill,
    DataPart,
    FilePart,
    FileWithBytes,
    FileWithUri,
    Message,
    Part,
    Role,
    Task,
    TaskState,
    TaskStatus,
    TextPart,
    UnsupportedOperationError,
)
from a2a.utils.errors import ServerError
from a2a.utils.signing import create_agent_card_signer
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

BEARER = 'Bearer extended-card-token'
GATE_WAIT_SECS = 60


class Executor(AgentExecutor):
    def __init__(self):
        self.gates = {}
        self.first = {}
        self.answers = {}

    def gate(self, key):
        return self.gates.setdefault(key, asyncio.Semaphore(0))

    async def execute(self, context, event_queue):
        task_id = context.task_id
        said = context.get_user_input()
        if said.startswith('say '):
            parts = [of_text(said.removeprefix('say '))]
            message = Message(message_id=str(uuid.uuid4()), role=Role.agent, parts=parts)
            message.context_id = context.context_id
            await event_queue.enqueue_event(message)
            return
        updater = TaskUpdater(event_queue, task_id, context.context_id)
        if context.current_task is None:
            await event_queue.enqueue_event(
                Task(
                    id=task_id,
                    context_id=context.context_id,
                    status=TaskStatus(state=TaskState.submitted),
                    history=[context.message],
                )
            )
            self.first[task_id], self.answers[task_id] = said, []
        else:
            self.answers[task_id].append(said)
        # What a message's parts are joined with is a line break.
        verb, _, rest = self.first[task_id].split('\n')[0].partition(' ')
        await self.act(verb, rest, context, updater)

    async def act(self, verb, rest, context, updater):
        async def piece(text, last):
            await updater.add_artifact(
                [of_text(text)], artifact_id='pieces', append=text != '1 ', last_chunk=last
            )

        said = rest
        if verb == 'parts':
            told = {'parts': [described(part.root) for part in context.message.parts]}
            await updater.add_artifact([Part(root=DataPart(data=told))], artifact_id='result')
            await updater.complete()
            return
        if verb == 'files':
            file = FileWithBytes(bytes='aGVsbG8=', name='hello.txt', mime_type='text/plain')
            place = FileWithUri(uri='https://example.com/a.json', name='a.json')
            place.mime_type = 'application/json'
            files = [Part(root=FilePart(file=each)) for each in (file, place)]
            await updater.add_artifact(files, artifact_id='files')
        if verb == 'count':
            await updater.start_work()
            for number in range(1, int(rest) + 1):
                await piece(f'{number} ', number == int(rest))
        elif verb == 'steps':
            await updater.start_work()
            for number in (1, 2, 3):
                if number > 1:
                    await asyncio.wait_for(self.gate(rest).acquire(), GATE_WAIT_SECS)
                await piece(f'{number} ', number == 3)
        elif verb == 'open':
            self.gate(rest).release()
        elif verb == 'ask':
            answers = self.answers[updater.task_id]
            if len(answers) < int(rest):
                question = updater.new_agent_message([of_text(f'question {len(answers) + 1}')])
                await updater.requires_input(question, final=True)
                return
            said = ', '.join(answers)
        elif verb == 'hold':
            await updater.start_work()
            await asyncio.Event().wait()
        elif verb == 'fail':
            await updater.failed(updater.new_agent_message([of_text('as asked')]))
            return
        elif verb == 'reject':
            await updater.reject(updater.new_agent_message([of_text('as asked')]))
            return
        await updater.add_artifact([of_text(said)], artifact_id='result')
        await updater.complete()

    async def cancel(self, context, event_queue):
        await TaskUpdater(event_queue, context.task_id, context.context_id).cancel()


def of_text(text):
    return Part(root=TextPart(text=text))


def described(part):
    """A part as it came, with the names of 1.0, which the checks compare."""
    if part.kind == 'text':
        return {'text': part.text}
    if part.kind == 'data':
        return {'data': part.data}
    file = part.file
    told = {'url': file.uri} if hasattr(file, 'uri') else {'raw': base64.b64decode(file.bytes).decode()}
    return {**told, 'filename': file.name, 'mediaType': file.mime_type}


def card_of(url, grpc_address):
    skill = AgentSkill(id='interoperate', name='Interoperate', description='Does it', tags=['test'])
    return AgentCard(
        name='python',
        description='For the interoperability tests',
        version='1',
        protocol_version='0.3.0',
        url=f'{url}/rpc',
        preferred_transport='JSONRPC',
        additional_interfaces=[
            AgentInterface(transport='HTTP+JSON', url=f'{url}/rest'),
            AgentInterface(transport='GRPC', url=grpc_address),
        ],
        capabilities=AgentCapabilities(streaming=True, push_notifications=True),
        supports_authenticated_extended_card=True,
        default_input_modes=['text/plain', 'application/json'],
        default_output_modes=['text/plain', 'application/json'],
        skills=[skill],
    )


def for_the_trusted(card, context):
    if context.state['headers'].get('authorization') != BEARER:
        message = 'the extended card is for those who show the token'
        raise ServerError(UnsupportedOperationError(message=message))
    return card


async def main():
    listener = socket.create_server(('127.0.0.1', 0))
    url = f'http://127.0.0.1:{listener.getsockname()[1]}'
    grpc_server = grpc.aio.server()
    grpc_address = f'127.0.0.1:{grpc_server.add_insecure_port("127.0.0.1:0")}'

    card = card_of(url, grpc_address)
    extended = card.model_copy(deep=True)
    extended.description = 'For the trusted'
    private = ec.generate_private_key(ec.SECP256R1())
    header = {'kid': 'python', 'alg': 'ES256', 'jku': None, 'typ': 'JOSE'}
    create_agent_card_signer(private, header)(card)
    public = ECAlgorithm.to_jwk(private.public_key(), as_dict=True)

    configs = InMemoryPushNotificationConfigStore()
    handler = DefaultRequestHandler(
        agent_executor=Executor(),
        task_store=InMemoryTaskStore(),
        push_config_store=configs,
        push_sender=BasePushNotificationSender(httpx.AsyncClient(), configs),
    )
    cards = {'extended_agent_card': extended, 'extended_card_modifier': for_the_trusted}
    app = A2AFastAPIApplication(card, handler, **cards).build(rpc_url='/rpc')
    app.mount('/rest', A2ARESTFastAPIApplication(card, handler, **cards).build())
    a2a_pb2_grpc.add_A2AServiceServicer_to_server(GrpcHandler(card, handler), grpc_server)
    await grpc_server.start()
    server = uvicorn.Server(uvicorn.Config(app, log_level='info', timeout_graceful_shutdown=1))
    serving = asyncio.create_task(server.serve([listener]))
    keys = [{**public, 'kid': 'python', 'alg': 'ES256'}]
    print(json.dumps({'url': url, 'keys': keys, 'trusted': {'Authorization': BEARER}}), flush=True)

    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.should_exit = True
    await grpc_server.stop(0)
    await serving


asyncio.run(main())
