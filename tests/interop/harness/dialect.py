"""The JSON of A2A 0.3 in the words of 1.0, so that every check is written once."""

STATES = {
    "submitted": "TASK_STATE_SUBMITTED",
    "working": "TASK_STATE_WORKING",
    "completed": "TASK_STATE_COMPLETED",
    "failed": "TASK_STATE_FAILED",
    "canceled": "TASK_STATE_CANCELED",
    "input-required": "TASK_STATE_INPUT_REQUIRED",
    "rejected": "TASK_STATE_REJECTED",
    "auth-required": "TASK_STATE_AUTH_REQUIRED",
}


class Current:
    """A2A 1.0 needs no translation. The version is what is spoken to the agent."""

    def __init__(self, version="1.0"):
        self.version = version

    def command(self, command):
        return command

    def answer(self, op, answer):
        return answer


class Old:
    """A2A 0.3."""

    version = "0.3"

    def command(self, command):
        command = dict(command)
        if command["op"] in ("send", "stream"):
            command["request"] = send_params(command["request"])
        elif command["op"] == "push_create":
            command["request"] = push_params(command["request"])
        return command

    def answer(self, op, answer):
        if op == "send" or op == "next":
            return event(answer) if answer else None
        if op in ("get", "cancel"):
            return task(answer)
        if op in ("push_create", "push_get"):
            return push(answer)
        if op == "push_list":
            return [push(config) for config in answer]
        if op in ("connect", "extended"):
            return card(answer)
        return answer


def send_params(request):
    configuration = request.get("configuration", {})
    old = {"blocking": not configuration.get("returnImmediately", False)}
    if "historyLength" in configuration:
        old["historyLength"] = configuration["historyLength"]
    if "taskPushNotificationConfig" in configuration:
        config = push_params(configuration["taskPushNotificationConfig"])
        old["pushNotificationConfig"] = config["pushNotificationConfig"]
    return {"message": old_message(request["message"]), "configuration": old}


def old_message(message):
    old = {"kind": "message", "messageId": message["messageId"], "role": "user"}
    old["parts"] = [old_part(part) for part in message["parts"]]
    for name in ("taskId", "contextId"):
        if name in message:
            old[name] = message[name]
    return old


def old_part(part):
    if "text" in part:
        return {"kind": "text", "text": part["text"]}
    if "data" in part:
        return {"kind": "data", "data": part["data"]}
    file = {"bytes": part["raw"]} if "raw" in part else {"uri": part["url"]}
    for ours, theirs in (("filename", "name"), ("mediaType", "mimeType")):
        if ours in part:
            file[theirs] = part[ours]
    return {"kind": "file", "file": file}


def push_params(config):
    old = {name: config[name] for name in ("id", "url", "token") if name in config}
    if "authentication" in config:
        given = config["authentication"]
        old["authentication"] = {"schemes": [given["scheme"]]}
        if "credentials" in given:
            old["authentication"]["credentials"] = given["credentials"]
    return {"taskId": config.get("taskId", ""), "pushNotificationConfig": old}


def push(config):
    new = dict(config["pushNotificationConfig"])
    new["taskId"] = config["taskId"]
    if new.get("authentication"):
        old = new["authentication"]
        new["authentication"] = {"scheme": (old.get("schemes") or [""])[0]}
        if old.get("credentials"):
            new["authentication"]["credentials"] = old["credentials"]
    return new


def event(old):
    kind = old.get("kind")
    if kind == "task":
        return {"task": task(old)}
    if kind == "message":
        return {"message": message(old)}
    if kind == "status-update":
        new = {name: old[name] for name in ("taskId", "contextId")}
        new["status"] = status(old["status"])
        new["final"] = old.get("final")
        return {"statusUpdate": new}
    if kind == "artifact-update":
        new = {name: old[name] for name in ("taskId", "contextId")}
        new["artifact"] = artifact(old["artifact"])
        for name in ("append", "lastChunk"):
            if old.get(name) is not None:
                new[name] = old[name]
        return {"artifactUpdate": new}
    raise ValueError(f"an event of kind {kind!r}")


def task(old):
    new = {"id": old["id"], "contextId": old["contextId"], "status": status(old["status"])}
    if old.get("artifacts"):
        new["artifacts"] = [artifact(each) for each in old["artifacts"]]
    if old.get("history"):
        new["history"] = [message(each) for each in old["history"]]
    return new


def status(old):
    new = {"state": STATES[old["state"]]}
    if old.get("timestamp"):
        new["timestamp"] = old["timestamp"]
    if old.get("message"):
        new["message"] = message(old["message"])
    return new


def message(old):
    new = {"messageId": old["messageId"], "role": {"user": "ROLE_USER", "agent": "ROLE_AGENT"}[old["role"]]}
    new["parts"] = [part(each) for each in old["parts"]]
    for name in ("taskId", "contextId"):
        if old.get(name):
            new[name] = old[name]
    return new


def artifact(old):
    return {"artifactId": old["artifactId"], "parts": [part(each) for each in old["parts"]]}


def part(old):
    kind = old["kind"]
    if kind in ("text", "data"):
        return {kind: old[kind]}
    file = old["file"]
    new = {"raw": file["bytes"]} if file.get("bytes") is not None else {"url": file["uri"]}
    for theirs, ours in (("name", "filename"), ("mimeType", "mediaType")):
        if file.get(theirs):
            new[ours] = file[theirs]
    return new


def card(old):
    interfaces = [(old.get("preferredTransport") or "JSONRPC", old["url"])]
    interfaces += [(each["transport"], each["url"]) for each in old.get("additionalInterfaces") or []]
    capabilities = old.get("capabilities") or {}
    return {
        "name": old["name"],
        "description": old["description"],
        "skills": old["skills"],
        "supportedInterfaces": [
            {"protocolBinding": binding, "url": url, "protocolVersion": "0.3"}
            for binding, url in interfaces
        ],
        "capabilities": {
            "streaming": capabilities.get("streaming"),
            "pushNotifications": capabilities.get("pushNotifications"),
            "extendedAgentCard": old.get("supportsAuthenticatedExtendedCard"),
        },
    }
