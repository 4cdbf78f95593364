"""An agent on the server of a2a-sdk 1.x, over all its bindings; see ../../README.md.

With the argument `0.3` it serves that version too, as the SDK does for old clients.
"""

import asyncio
import json
import socket
import sys
import uuid

import grpc
import httpx
import uvicorn
from a2a.compat.v0_3 import a2a_v0_3_pb2_grpc
from a2a.compat.v0_3.grpc_handler import CompatGrpcHandler
from a2a.server.agent_execution import AgentExecutor
from a2a.server.request_handlers import DefaultRequestHandler, GrpcHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes, create_rest_routes
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
    Message,
    Part,
    Role,
    Task,
    TaskState,
    TaskStatus,
    a2a_pb2_grpc,
)
from a2a.utils.errors import UnsupportedOperationError
from a2a.utils.signing import create_agent_card_signer
from cryptography.hazmat.primitives.asymmetric import ec
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Value
from jwt.algorithms import ECAlgorithm
from starlette.applications import Starlette

BEARER = 'Bearer extended-card-token'
GATE_WAIT_SECS = 60
OLD_TOO = '0.3' in sys.argv[1:]


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
            message = Message(message_id=str(uuid.uuid4()), role=Role.ROLE_AGENT)
            message.context_id = context.context_id
            message.parts.add(text=said.removeprefix('say '))
            await event_queue.enqueue_event(message)
            return
        updater = TaskUpdater(event_queue, task_id, context.context_id)
        if context.current_task is None:
            await event_queue.enqueue_event(
                Task(
                    id=task_id,
                    context_id=context.context_id,
                    status=TaskStatus(state=TaskState.TASK_STATE_SUBMITTED),
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
                [Part(text=text)], artifact_id='pieces', append=text != '1 ', last_chunk=last
            )

        said = rest
        if verb == 'parts':
            told = {'parts': [described(part) for part in context.message.parts]}
            await updater.add_artifact([Part(data=ParseDict(told, Value()))], artifact_id='result')
            await updater.complete()
            return
        if verb == 'files':
            file = Part(raw=b'hello', filename='hello.txt', media_type='text/plain')
            place = Part(url='https://example.com/a.json', filename='a.json')
            place.media_type = 'application/json'
            await updater.add_artifact([file, place], artifact_id='files')
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
                question = [Part(text=f'question {len(answers) + 1}')]
                await updater.requires_input(updater.new_agent_message(question))
                return
            said = ', '.join(answers)
        elif verb == 'hold':
            await updater.start_work()
            await asyncio.Event().wait()
        elif verb == 'fail':
            await updater.failed(updater.new_agent_message([Part(text='as asked')]))
            return
        elif verb == 'reject':
            await updater.reject(updater.new_agent_message([Part(text='as asked')]))
            return
        await updater.add_artifact([Part(text=said)], artifact_id='result')
        await updater.complete()

    async def cancel(self, context, event_queue):
        await TaskUpdater(event_queue, context.task_id, context.context_id).cancel()


def described(part):
    told = MessageToDict(part)
    if part.HasField('raw'):
        told['raw'] = part.raw.decode()
    return told


def card_of(url, grpc_address):
    places = {'JSONRPC': f'{url}/rpc', 'HTTP+JSON': f'{url}/rest', 'GRPC': grpc_address}
    skill = AgentSkill(id='interoperate', name='Interoperate', description='Does it', tags=['test'])
    return AgentCard(
        name='python',
        description='For the interoperability tests',
        version='1',
        supported_interfaces=[
            AgentInterface(url=place, protocol_binding=binding, protocol_version=version)
            for version in (['1.0', '0.3'] if OLD_TOO else ['1.0'])
            for binding, place in places.items()
        ],
        capabilities=AgentCapabilities(
            streaming=True, push_notifications=True, extended_agent_card=True
        ),
        default_input_modes=['text/plain', 'application/json'],
        default_output_modes=['text/plain', 'application/json'],
        skills=[skill],
    )


def credentials(context):
    if 'grpc_context' in context.state:
        return dict(context.state['grpc_context'].invocation_metadata()).get('authorization')
    return context.state['headers'].get('authorization')


async def for_the_trusted(card, context):
    if credentials(context) != BEARER:
        raise UnsupportedOperationError('the extended card is for those who show the token')
    return card


async def main():
    listener = socket.create_server(('127.0.0.1', 0))
    url = f'http://127.0.0.1:{listener.getsockname()[1]}'
    grpc_server = grpc.aio.server()
    grpc_address = f'127.0.0.1:{grpc_server.add_insecure_port("127.0.0.1:0")}'

    card = card_of(url, grpc_address)
    extended = AgentCard()
    extended.CopyFrom(card)
    extended.description = 'For the trusted'
    private = ec.generate_private_key(ec.SECP256R1())
    header = {'kid': 'python', 'alg': 'ES256', 'jku': None, 'typ': 'JOSE'}
    create_agent_card_signer(private, header)(card)
    public = ECAlgorithm.to_jwk(private.public_key(), as_dict=True)

    configs = InMemoryPushNotificationConfigStore()
    handler = DefaultRequestHandler(
        agent_executor=Executor(),
        task_store=InMemoryTaskStore(),
        agent_card=card,
        push_config_store=configs,
        push_sender=BasePushNotificationSender(httpx.AsyncClient(), configs),
        extended_agent_card=extended,
        extended_card_modifier=for_the_trusted,
    )
    routes = create_agent_card_routes(card)
    routes += create_jsonrpc_routes(handler, '/rpc', enable_v0_3_compat=OLD_TOO)
    routes += create_rest_routes(handler, path_prefix='/rest', enable_v0_3_compat=OLD_TOO)
    a2a_pb2_grpc.add_A2AServiceServicer_to_server(GrpcHandler(handler), grpc_server)
    if OLD_TOO:
        old = CompatGrpcHandler(handler)
        a2a_v0_3_pb2_grpc.add_A2AServiceServicer_to_server(old, grpc_server)
    await grpc_server.start()
    config = uvicorn.Config(Starlette(routes=routes), log_level='info', timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listener]))
    keys = [{**public, 'kid': 'python', 'alg': 'ES256'}]
    print(json.dumps({'url': url, 'keys': keys, 'trusted': {'Authorization': BEARER}}), flush=True)

    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.should_exit = True
    await grpc_server.stop(0)
    await serving


asyncio.run(main())
