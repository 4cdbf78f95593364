"""The programs: buyers, sellers, facilitators, each started for one pair."""

from harness.driver import Hung, Program

from . import install

ANSWER_WAIT_SECS = 60
START_WAIT_SECS = 60


class Refused(Exception):
    """The program answered with an error."""


class Player(Program):
    """A program that obeys."""

    def call(self, op, **fields):
        import json

        try:
            self.process.stdin.write(json.dumps({"op": op, **fields}).encode() + b"\n")
            self.process.stdin.flush()
        except OSError as error:
            raise Hung(f"the program ended: {error}") from None
        answer = self.line(ANSWER_WAIT_SECS)
        if "error" in answer:
            raise Refused(f"{answer['error'].get('name')}: {answer['error'].get('message')}")
        return answer["ok"]


class Server(Player):
    """A program that says where it is in its first line."""

    def __init__(self, command, cwd, log, env=None):
        super().__init__(command, cwd, log, env)
        try:
            self.about = self.line(START_WAIT_SECS)
        except Hung:
            self.stop()
            raise
        self.url = self.about["url"]

    def page(self, name):
        return f"{self.url}/{name}"

    def command(self, op):
        return self.call(op)


def stock(folder, program, *arguments):
    """How to start a program of the stock packages."""
    return lambda log, kind, *more: kind(*install.command(folder, program, *arguments, *more), log)


def own(name):
    """How to start a program of this workspace."""
    return lambda log, kind, *more: kind([install.binary(name), *more], install.ROOT, log)
