"""What every client must be able to do with every server, in the words of A2A 1.0.

A check is a function of a `Pair`; it returns nothing, or raises. Nothing here waits for time to
pass: a task that must be caught in the middle of its work waits at a gate that the check opens.
"""

import uuid

from .driver import Refused

TERMINAL = {
    "TASK_STATE_COMPLETED",
    "TASK_STATE_FAILED",
    "TASK_STATE_CANCELED",
    "TASK_STATE_REJECTED",
}
# How often a task is looked at before its check gives up: each look is a round trip.
LOOKS_MAX = 400

# A key of the same kind as any that signs here, and of nobody.
STRANGERS_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "alg": "ES256",
}

FILES = [
    {"raw": "aGVsbG8=", "filename": "hello.txt", "mediaType": "text/plain"},
    {"url": "https://example.com/a.json", "filename": "a.json", "mediaType": "application/json"},
]

# How SDKs tell an error, by what the specification calls it: a class, a code, or a status alone.
ERRORS = {
    "TaskNotFound": (-32001, (404,), ("NOT_FOUND",)),
    "TaskNotCancelable": (-32002, (400,), ("FAILED_PRECONDITION",)),
    "UnsupportedOperation": (-32004, (400,), ("FAILED_PRECONDITION",)),
    "VersionNotSupported": (-32009, (400,), ("FAILED_PRECONDITION",)),
    "InvalidParams": (-32602, (400,), ("INVALID_ARGUMENT",)),
}
# The same for A2A 0.3, which says nothing about statuses: its SDKs have some of their own.
OLD_ERRORS = {
    "TaskNotFound": (-32001, (404,), ("NOT_FOUND",)),
    "TaskNotCancelable": (-32002, (400, 409), ("FAILED_PRECONDITION", "UNIMPLEMENTED")),
    "InvalidParams": (-32602, (400, 422), ("INVALID_ARGUMENT",)),
}


class Pair:
    """One client that talks to one server over one binding."""

    def __init__(self, driver, server, binding, webhook, begins_with_task=True):
        self.driver = driver
        self.begins_with_task = begins_with_task
        self.server = server
        self.binding = binding
        self.webhook = webhook
        self.version = driver.dialect.version

    def connect(self, headers=None):
        headers = headers or {}
        fields = {"url": self.server["url"], "binding": self.binding, "version": self.version}
        return self.driver.call("connect", headers=headers, **fields)

    def send(self, text, configuration=None, **about):
        request = {"message": message(text, **about), "configuration": configuration or {}}
        return self.driver.call("send", request=request)

    def task(self, text, configuration=None, **about):
        answer = self.send(text, configuration, **about)
        assert "task" in answer, f"not a task: {answer}"
        return answer["task"]

    def start(self, text, **about):
        """A task that is left to work."""
        return self.task(text, {"returnImmediately": True}, **about)

    def stream(self, text, **about):
        request = {"message": message(text, **about), "configuration": {}}
        return Stream(self.driver, self.driver.call("stream", request=request))

    def subscribe(self, task_id):
        return Stream(self.driver, self.driver.call("subscribe", id=task_id))

    def follow(self, task_id):
        """A subscription that is there for certain, and the task as it was then."""
        stream = self.subscribe(task_id)
        if self.begins_with_task:
            stream.next()
            assert "task" in stream.events[0], f"first: {stream.events[0]}"
        else:
            stream.seen = self.get(task_id)
        return stream

    def get(self, task_id, **more):
        return self.driver.call("get", request={"id": task_id, **more})

    def look_until(self, task_id, wanted):
        for _ in range(LOOKS_MAX):
            task = self.get(task_id)
            if wanted(task):
                return task
        raise AssertionError(f"the task never got there: {task}")

    def open_gate(self, key):
        assert_state(self.task(f"open {key}"), "COMPLETED")

    def refused(self, kind, call):
        """Runs a call that must be refused, with this error."""
        try:
            answer = call()
        except Refused as refused:
            if kind is not None:
                assert_error(refused.error, kind, self.version)
            return
        raise AssertionError(f"expected {kind or 'an error'}, got {answer}")


class Stream:
    """The events of a stream, and the task that they add up to."""

    def __init__(self, driver, handle):
        self.driver = driver
        self.handle = handle
        self.events = []
        self.seen = {}

    def next(self):
        event = self.driver.call("next", stream=self.handle)
        if event is not None:
            self.events.append(event)
            merge(self.seen, event)
            said = pieces(self.seen)
            assert "1 2 3 ".startswith(said), f"lost or out of order: {said!r} after {event}"
        return event

    def read_until(self, wanted):
        while not wanted(self.seen):
            assert self.next() is not None, f"the stream ended early: {self.events}"

    def read_to_end(self):
        while self.next() is not None:
            pass
        return self.seen

    def drop(self):
        self.driver.call("drop", stream=self.handle)


def message(text, parts=None, **about):
    return {
        "messageId": str(uuid.uuid4()),
        "role": "ROLE_USER",
        "parts": [{"text": text}] + (parts or []) if text is not None else parts,
        **about,
    }


def merge(task, event):
    [(kind, value)] = event.items()
    if kind == "task":
        task.clear()
        task.update(value)
    elif kind == "statusUpdate":
        task["status"] = value["status"]
    elif kind == "artifactUpdate":
        artifacts = task.setdefault("artifacts", [])
        new = value["artifact"]
        old = [each for each in artifacts if each["artifactId"] == new["artifactId"]]
        if old and value.get("append"):
            old[0]["parts"] = old[0]["parts"] + new["parts"]
        elif old:
            artifacts[artifacts.index(old[0])] = new
        else:
            artifacts.append(new)
    else:
        assert kind == "message", f"an unexpected event: {event}"


def state(task):
    return task["status"]["state"].removeprefix("TASK_STATE_")


def ended(task):
    return bool(task) and task["status"]["state"] in TERMINAL


def assert_state(task, wanted):
    assert state(task) == wanted, f"expected {wanted}, got {task}"


def texts(parts):
    return "".join(part.get("text", "") for part in parts)


def pieces(task):
    """What arrived of an artifact in pieces."""
    found = [each for each in task.get("artifacts", []) if each["artifactId"] == "pieces"]
    return texts(found[0]["parts"]) if found else ""


def result(task):
    """What the last artifact says."""
    assert task.get("artifacts"), f"no artifact: {task}"
    return content(task["artifacts"][-1]["parts"])


def content(parts):
    """Text, or data that holds one."""
    data = [part["data"] for part in parts if "data" in part]
    if data:
        return data[0].get("text", data[0])
    return texts(parts)


def question(task):
    assert "message" in task["status"], f"no question: {task}"
    return texts(task["status"]["message"]["parts"])


def assert_error(error, kind, version):
    code, http, grpc = (ERRORS if version == "1.0" else OLD_ERRORS)[kind]
    name = error.get("name", "").removeprefix("JsonRpc").removeprefix("Rest").removeprefix("Grpc")
    if name == f"{kind}Error" or (kind == "InvalidParams" and name == "RequestMalformedError"):
        return
    assert name not in {f"{other}Error" for other in ERRORS}, f"expected {kind}, got {error}"
    told = [("code", (code,)), ("http", http), ("grpc", grpc)]
    known = [error[where] in values for where, values in told if where in error]
    assert known and known[0], f"expected {kind}, got {error}"


# The checks.


def card(pair):
    card = pair.connect()
    bindings = [each["protocolBinding"] for each in card["supportedInterfaces"]]
    assert pair.binding in bindings, f"no {pair.binding} in {bindings}"
    assert card["skills"], "no skills"


def send(pair):
    task = pair.task("echo hello")
    assert_state(task, "COMPLETED")
    assert result(task) == "hello", task


def parts(pair):
    sent = [*FILES, {"data": {"n": 42, "list": [True, None, "ü"], "deep": {"x": 1.5}}}]
    task = pair.task("parts", parts=sent)
    assert_state(task, "COMPLETED")
    told = result(task)["parts"]
    # What was sent, with the file's bytes as the text that they are.
    wanted = [{"text": "parts"}, {**sent[0], "raw": "hello"}, *sent[1:]]
    assert told == wanted, told


def files(pair):
    task = pair.task("files")
    [artifact] = [each for each in task["artifacts"] if each["artifactId"] == "files"]
    assert artifact["parts"] == FILES, artifact


def direct(pair):
    """An answer that is a message, and no task."""
    answer = pair.send("say hello")
    assert said(answer) == "hello", answer
    stream = pair.stream("say hello")
    assert said(stream.next()) == "hello", stream.events
    assert stream.next() is None, stream.events


def said(answer):
    assert "message" in answer and answer["message"]["role"] == "ROLE_AGENT", answer
    return content(answer["message"]["parts"])


def failure(pair):
    assert_state(pair.task("fail"), "FAILED")
    assert_state(pair.task("reject"), "REJECTED")


def history(pair):
    task = pair.task("echo one")
    none = pair.get(task["id"], historyLength=0)
    assert not none.get("history"), f"more than was asked for: {none}"
    assert len(pair.get(task["id"], historyLength=1).get("history", [])) <= 1
    whole = pair.get(task["id"]).get("history", [])
    assert any(texts(each["parts"]) == "echo one" for each in whole), whole


def stream(pair):
    stream = pair.stream("count 3")
    task = stream.read_to_end()
    assert "task" in stream.events[0], f"first: {stream.events[0]}"
    assert_state(task, "COMPLETED")
    assert pieces(task) == "1 2 3 ", task
    assert pieces(pair.get(task["id"])) == "1 2 3 "


def subscribe(pair):
    key = str(uuid.uuid4())
    task_id = pair.start(f"steps {key}")["id"]
    pair.look_until(task_id, lambda task: pieces(task) == "1 ")
    stream = pair.follow(task_id)
    assert pieces(stream.seen) == "1 ", stream.seen
    pair.open_gate(key)
    stream.read_until(lambda task: pieces(task) == "1 2 ")
    pair.open_gate(key)
    task = stream.read_to_end()
    assert_state(task, "COMPLETED")
    assert pieces(task) == "1 2 3 ", task


def resume(pair):
    """What was said while nobody listened is in the task that the next stream begins with."""
    key = str(uuid.uuid4())
    first = pair.stream(f"steps {key}")
    first.read_until(lambda task: pieces(task) == "1 ")
    task_id = first.events[0]["task"]["id"]
    first.drop()
    pair.open_gate(key)
    pair.look_until(task_id, lambda task: pieces(task) == "1 2 ")
    second = pair.follow(task_id)
    assert pieces(second.seen) == "1 2 ", second.seen
    pair.open_gate(key)
    task = second.read_to_end()
    assert_state(task, "COMPLETED")
    assert pieces(task) == "1 2 3 ", task


def two_listeners(pair):
    """Each stream has every event, and one that goes away takes nothing from the other."""
    key = str(uuid.uuid4())
    first = pair.stream(f"steps {key}")
    first.read_until(lambda task: pieces(task) == "1 ")
    second = pair.follow(first.events[0]["task"]["id"])
    pair.open_gate(key)
    second.read_until(lambda task: pieces(task) == "1 2 ")
    second.drop()
    pair.open_gate(key)
    task = first.read_to_end()
    assert_state(task, "COMPLETED")
    assert pieces(task) == "1 2 3 ", task


def turns(pair):
    asked = pair.task("ask 1")
    assert_state(asked, "INPUT_REQUIRED")
    assert question(asked) == "question 1", asked
    told = pair.task("blue", taskId=asked["id"], contextId=asked["contextId"])
    assert told["id"] == asked["id"] and told["contextId"] == asked["contextId"], told
    assert_state(told, "COMPLETED")
    assert result(told) == "blue", told


def three_turns(pair):
    """The later messages name the task alone; its context is the agent's to know (3.4.3)."""
    asked = pair.task("ask 2")
    again = pair.task("blue", taskId=asked["id"])
    assert_state(again, "INPUT_REQUIRED")
    told = pair.task("green", taskId=asked["id"])
    assert_state(told, "COMPLETED")
    assert told["contextId"] == asked["contextId"], told
    assert result(told) == "blue, green", told


def turns_streamed(pair):
    stream = pair.stream("ask 1")
    asked = stream.read_to_end()
    assert_state(asked, "INPUT_REQUIRED")
    told = pair.stream("blue", taskId=asked["id"], contextId=asked["contextId"]).read_to_end()
    assert_state(told, "COMPLETED")
    assert result(told) == "blue", told


def cancel(pair):
    task = pair.start("hold")
    pair.look_until(task["id"], lambda task: state(task) == "WORKING")
    stream = pair.follow(task["id"])
    assert_state(pair.driver.call("cancel", id=task["id"]), "CANCELED")
    assert_state(stream.read_to_end(), "CANCELED")
    assert_state(pair.get(task["id"]), "CANCELED")


def cancel_waiting(pair):
    """A task that waits for an answer can be cancelled although nothing runs."""
    task = pair.task("ask 1")
    assert_state(pair.driver.call("cancel", id=task["id"]), "CANCELED")


def not_cancelable(pair):
    task = pair.task("echo x")
    pair.refused("TaskNotCancelable", lambda: pair.driver.call("cancel", id=task["id"]))


def list_tasks(pair):
    first = pair.task("echo 1")
    context = first["contextId"]
    ids = [first["id"]] + [pair.task(f"echo {n}", contextId=context)["id"] for n in (2, 3)]
    request = {"contextId": context, "pageSize": 2}
    page = pair.driver.call("list", request=request)
    assert [task["id"] for task in page["tasks"]] == [ids[2], ids[1]], page
    assert page["totalSize"] == 3 and page["nextPageToken"], page
    assert not any(task.get("artifacts") for task in page["tasks"]), page
    request |= {"pageToken": page["nextPageToken"], "includeArtifacts": True}
    page = pair.driver.call("list", request=request)
    assert [task["id"] for task in page["tasks"]] == [ids[0]], page
    assert not page.get("nextPageToken"), page
    assert result(page["tasks"][0]) == "1", page


def push_end(task_id):
    """Whether a notification says that the task ended, in the form of either version."""

    def wanted(body):
        said = body.get("statusUpdate") or body.get("task") or body
        named = said.get("taskId") or said.get("id")
        status = said.get("status") or {}
        return named == task_id and status.get("state") in TERMINAL | {"completed"}

    return wanted


def pushed(pair, configure):
    key = str(uuid.uuid4())
    task_id = pair.start(f"steps {key}")["id"]
    path = f"/{uuid.uuid4()}"
    config = {"taskId": task_id, "id": "one", "url": pair.webhook.url + path, **configure}
    pair.driver.call("push_create", request=config)
    pair.open_gate(key)
    pair.open_gate(key)
    arrived = pair.webhook.wait(path, push_end(task_id))
    assert any(push_end(task_id)(body) for _, body in arrived), f"of {len(arrived)} none ends it"
    return [headers for headers, _ in arrived]


def push_bearer(pair):
    given = {"authentication": {"scheme": "Bearer", "credentials": "s3cret"}}
    for headers in pushed(pair, given):
        assert headers.get("authorization") == "Bearer s3cret", headers


def push_token(pair):
    for headers in pushed(pair, {"token": "t0ken"}):
        assert headers.get("x-a2a-notification-token") == "t0ken", headers


def push_inline(pair):
    path = f"/{uuid.uuid4()}"
    config = {"id": "one", "url": pair.webhook.url + path, "token": "t0ken"}
    task = pair.task("count 2", {"taskPushNotificationConfig": config})
    arrived = pair.webhook.wait(path, push_end(task["id"]))
    assert any(push_end(task["id"])(body) for _, body in arrived), f"of {len(arrived)} none ends it"


def push_configs(pair):
    task_id = pair.task("ask 1")["id"]
    url = pair.webhook.url + "/unused"
    for name in ("one", "two"):
        config = {"taskId": task_id, "id": name, "url": f"{url}/{name}", "token": "t0ken"}
        made = pair.driver.call("push_create", request=config)
        assert made["id"] == name and made["url"] == config["url"], made
    named = {"taskId": task_id, "id": "one"}
    got = pair.driver.call("push_get", request=named)
    assert got["url"] == f"{url}/one" and got["taskId"] == task_id, got
    listed = pair.driver.call("push_list", request={"taskId": task_id})
    assert sorted(each["id"] for each in listed) == ["one", "two"], listed
    pair.driver.call("push_delete", request=named)
    listed = pair.driver.call("push_list", request={"taskId": task_id})
    assert [each["id"] for each in listed] == ["two"], listed


def not_found(pair):
    pair.refused("TaskNotFound", lambda: pair.get("no-such-task"))
    pair.refused("TaskNotFound", lambda: pair.driver.call("cancel", id="no-such-task"))
    pair.refused("TaskNotFound", lambda: pair.send("echo x", taskId="no-such-task"))


def not_found_streamed(pair):
    pair.refused("TaskNotFound", lambda: pair.subscribe("no-such-task").next())


def bad_version(pair):
    pair.connect({"A2A-Version": "99.0"})
    try:
        pair.refused("VersionNotSupported", lambda: pair.send("echo x"))
        pair.refused("VersionNotSupported", lambda: pair.get("x"))
    finally:
        pair.connect()


def bad_params(pair):
    pair.refused("InvalidParams", lambda: pair.send(None, parts=[]))


def ended_task(pair):
    task = pair.task("echo x")
    about = {"taskId": task["id"], "contextId": task["contextId"]}
    # 0.3 does not say which error it is.
    kind = "UnsupportedOperation" if pair.version == "1.0" else None
    pair.refused(kind, lambda: pair.send("more", **about))
    if pair.version == "1.0":
        pair.refused(kind, lambda: pair.subscribe(task["id"]).next())


def other_context(pair):
    task = pair.task("ask 1")
    pair.refused("InvalidParams", lambda: pair.send("x", taskId=task["id"], contextId="elsewhere"))


def extended(pair):
    try:
        pair.connect(pair.server["trusted"])
        card = pair.driver.call("extended")
        assert card["description"] == "For the trusted", card
    finally:
        pair.connect()


def extended_denied(pair):
    pair.refused(None, lambda: pair.driver.call("extended"))


def signed(pair):
    keys = pair.server["keys"]
    pair.driver.call("verify", url=pair.server["url"], keys=keys)
    strangers = [{**STRANGERS_KEY, "kid": key["kid"]} for key in keys]
    pair.refused(None, lambda: pair.driver.call("verify", url=pair.server["url"], keys=strangers))


# Not for our own client, which sends no version that it does not speak.
OF_CLIENTS = ("bad_version",)

# In the order in which they run. Those with a version are of that version alone.
CHECKS = [
    (card, None),
    (send, None),
    (parts, None),
    (files, None),
    (direct, None),
    (failure, None),
    (history, None),
    (stream, None),
    (subscribe, None),
    (resume, None),
    (two_listeners, None),
    (turns, None),
    (three_turns, None),
    (turns_streamed, None),
    (cancel, None),
    (cancel_waiting, None),
    (not_cancelable, None),
    (list_tasks, "1.0"),
    (push_bearer, None),
    (push_token, None),
    (push_inline, None),
    (push_configs, None),
    (not_found, None),
    (not_found_streamed, None),
    (bad_version, "1.0"),
    (bad_params, None),
    (ended_task, None),
    (other_context, None),
    (extended, None),
    (extended_denied, None),
    (signed, None),
]
