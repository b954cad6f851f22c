"""The command line tool as a process of its own."""

import json
import subprocess

from server import BINARY


class Ended:
    """How a command ended. Outputs are bytes; `lines` and `json` read standard output."""

    def __init__(self, ended):
        self.status = ended.returncode
        self.output = ended.stdout
        self.error = ended.stderr.decode()

    @property
    def lines(self):
        return self.output.decode().splitlines()

    @property
    def json(self):
        return json.loads(self.output)

    @property
    def objects(self):
        return [json.loads(line) for line in self.lines]


def run(*arguments, input=b"", address=None, seconds=60) -> Ended:
    """Runs `logbook` to its end, with a broker's address where one is given."""
    command = [BINARY, *map(str, arguments)]
    if address:
        command += ["-b", address]
    return Ended(subprocess.run(command, input=input, capture_output=True, timeout=seconds))


def logbook(broker, *arguments, input=b"") -> Ended:
    """The same, where the command must go well."""
    ended = run(*arguments, input=input, address=broker.address)
    assert ended.status == 0, ended.error
    assert ended.error == ""
    return ended
