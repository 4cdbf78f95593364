"""Talks to a client program: one JSON command a line, one JSON answer a line."""

import json
import os
import queue
import subprocess
import threading

# A driver gives its SDK 25 seconds; whoever does not answer after that hangs.
ANSWER_WAIT_SECS = 35
START_WAIT_SECS = 40


class Refused(Exception):
    """The SDK, or the agent behind it, answered with an error."""

    def __init__(self, error):
        super().__init__(f"{error.get('name')}: {error.get('message')}")
        self.error = error


class Hung(Exception):
    """The program does not answer, or is gone."""


class Program:
    """A peer that ends when its standard input does."""

    def __init__(self, command, cwd, log, env=None):
        self.log = open(log, "ab")
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
        )
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            if line.startswith(b"{"):
                self.lines.put(line)
            else:
                self.log.write(line)
        self.lines.put(None)

    def line(self, wait_secs):
        try:
            line = self.lines.get(timeout=wait_secs)
        except queue.Empty:
            raise Hung(f"no answer within {wait_secs} seconds") from None
        if line is None:
            raise Hung("the program ended")
        return json.loads(line)

    def stop(self):
        try:
            self.process.stdin.close()
            self.process.wait(timeout=5)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()


class Server(Program):
    """A server program; it says where it is in its first line."""

    def __init__(self, command, cwd, log, env=None):
        super().__init__(command, cwd, log, env)
        self.about = self.line(START_WAIT_SECS)


class Driver(Program):
    """A client program. Its dialect says which version's JSON it speaks."""

    def __init__(self, command, cwd, log, dialect):
        super().__init__(command, cwd, log)
        self.dialect = dialect

    def call(self, op, **fields):
        command = self.dialect.command({"op": op, **fields})
        try:
            self.process.stdin.write(json.dumps(command).encode() + b"\n")
            self.process.stdin.flush()
        except OSError as error:
            raise Hung(f"the program ended: {error}") from None
        answer = self.line(ANSWER_WAIT_SECS)
        if "error" in answer:
            raise Refused(answer["error"])
        return self.dialect.answer(op, answer["ok"])
