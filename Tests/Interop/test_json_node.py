"""`logbook node`: lines of JSON on standard input and output, as Maelstrom's nodes speak them."""

import json
import random
import select
import subprocess
import time

import pytest

from server import BINARY, dump_log

OPERATIONS = 3000


class Node:
    """A node as a process, and a client that talks to it."""

    def __init__(self, directory=None):
        command = [BINARY, "node"] + (["--log-dirs", str(directory)] if directory else [])
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        self.output = b""
        self.next_id = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()

    def write(self, *bodies):
        """Sends requests in one write; returns their ids."""
        ids = range(self.next_id, self.next_id + len(bodies))
        self.next_id += len(bodies)
        rest = memoryview("".join(
            json.dumps({"src": "c1", "dest": "n1", "body": {"msg_id": id, **body}}) + "\n"
            for id, body in zip(ids, bodies)).encode())
        while rest:
            rest = rest[self.process.stdin.write(rest):]
        return list(ids)

    def has_answer(self):
        """Whether something can be read without waiting."""
        return b"\n" in self.output or select.select([self.process.stdout], [], [], 0)[0]

    def read(self):
        """The next answer's body."""
        while b"\n" not in self.output:
            readable, _, _ = select.select([self.process.stdout], [], [], 30)
            more = self.process.stdout.read(1 << 16) if readable else b""
            assert more, self.process.stderr.read() if readable else "no answer after 30 s"
            self.output += more
        line, _, self.output = self.output.partition(b"\n")
        message = json.loads(line)
        assert (message["src"], message["dest"], len(message)) == ("n1", "c1", 3)
        return message["body"]

    def ask(self, **body):
        """The body of the answer to one request, without the ids."""
        [id] = self.write(body)
        answer = self.read()
        assert answer.pop("in_reply_to") == id
        answer.pop("msg_id", None)
        return answer

    def end(self):
        """Ends the input; everything that was asked is answered, and the node ends well."""
        output, errors = self.process.communicate(timeout=30)
        assert (self.process.returncode, self.output + output, errors) == (0, b"", b"")

    def kill(self):
        """kill -9. Returns what it had answered before, and nobody had read."""
        self.process.kill()
        output, _ = self.process.communicate(timeout=30)
        # The last line may be cut.
        lines = (self.output + output).splitlines(keepends=True)
        return [json.loads(line)["body"] for line in lines if line.endswith(b"\n")]


@pytest.fixture(params=["in memory", "on disk"])
def node(request, tmp_path):
    with Node(tmp_path / "data" if request.param == "on disk" else None) as node:
        yield node


def test_the_cases_of_append_and_read(node):
    """To the letter, but for the members that an append may also have."""
    cases = [
        ({"type": "init", "msg_id": 1, "node_id": "n1", "node_ids": ["n1"]},
         {"type": "init_ok", "in_reply_to": 1, "msg_id": 0}),
        ({"type": "partition_append", "msg_id": 2, "topic": "orders", "partition": 0, "message": "msg-1"},
         {"type": "partition_append_ok", "in_reply_to": 2, "offset": 0, "msg_id": 1}),
        ({"type": "partition_read", "msg_id": 3, "topic": "orders", "partition": 0, "offset": 0},
         {"type": "partition_read_ok", "in_reply_to": 3, "message": "msg-1", "offset": 0, "next_offset": 1,
          "msg_id": 2}),
        ({"type": "partition_info", "msg_id": 4, "topic": "orders", "partition": 0},
         {"type": "partition_info_ok", "in_reply_to": 4, "start_offset": 0, "end_offset": 1, "segments": 1,
          "total_bytes": 75, "msg_id": 3}),
    ]
    before = time.time() * 1000
    for request, expected in cases:
        node.write(request)
        answer = node.read()
        if request["type"] == "partition_append":
            assert answer.pop("segment") == "00000000000000000000.log"
            assert before - 1 <= answer.pop("timestamp") <= time.time() * 1000 + 1
        assert answer == expected
    node.end()


@pytest.mark.parametrize("message", [
    None, True, 0, -1.5, 10 ** 30, "", "ä€😀\u0000\u007f\"\\/\n", [], {}, [[[None]]], {"b": 1, "a": {"": [1, "x"]}},
    "x" * 1_000_000, {str(number): [number] * 5 for number in range(5000)},
], ids=lambda message: json.dumps(message)[:20])
def test_any_message_comes_back_as_it_went_in(node, message):
    """By both ways of sending, and both ways of reading."""
    node.ask(type="send", key="k", msg=message)
    node.ask(type="partition_append", topic="k", partition=0, message=message)
    for offset in (0, 1):
        assert node.ask(type="partition_read", topic="k", partition=0, offset=offset)["message"] == message
    polled = node.ask(type="poll", offsets={"k": 0})["msgs"]["k"]
    polled += node.ask(type="poll", offsets={"k": len(polled)})["msgs"].get("k", [])
    assert polled == [[0, message], [1, message]]
    node.end()


def test_requests_that_come_together_are_answered_in_order(node):
    """Four hundred in one write, over partitions of several topics."""
    ids = node.write(*(
        {"type": "partition_append", "topic": f"t{number % 3}", "partition": number % 5, "message": number}
        for number in range(400)))
    answers = [node.read() for _ in ids]
    assert [answer["in_reply_to"] for answer in answers] == ids
    assert [answer["msg_id"] for answer in answers] == list(range(400))
    assert [answer["offset"] for answer in answers] == [number // 15 for number in range(400)]
    node.end()


class Log:
    """What a checker knows of one key."""

    def __init__(self):
        self.sent = set()
        self.acknowledged = {}
        self.seen = {}
        self.committed = -1
        self.tried = -1
        self.position = 0


def operation(logs, number):
    """A request of Maelstrom's kafka workload, at random."""
    keys = random.sample(list(logs), random.randint(1, len(logs)))
    choice = random.random()
    if choice < 0.5:
        logs[keys[0]].sent.add(number)
        return {"type": "send", "key": keys[0], "msg": number}
    if choice < 0.8:
        return {"type": "poll", "offsets": {key: logs[key].position for key in keys}}
    if choice < 0.9:
        offsets = {key: max(0, logs[key].position - 1) for key in keys}
        for key in keys:
            logs[key].tried = max(logs[key].tried, offsets[key])
        return {"type": "commit_offsets", "offsets": offsets}
    return {"type": "list_committed_offsets", "keys": keys}


def check(logs, request, answer):
    """The workload's guarantees: each offset has one message, what was acknowledged is there, polls begin where
    they were asked to and skip nothing, and committed offsets do not go back."""
    assert answer["type"] == request["type"] + "_ok", answer
    if request["type"] == "send":
        log, offset = logs[request["key"]], answer["offset"]
        assert log.seen.setdefault(offset, request["msg"]) == request["msg"]
        assert offset > max(log.acknowledged, default=-1)
        log.acknowledged[offset] = request["msg"]
    elif request["type"] == "poll":
        assert set(answer["msgs"]) <= set(request["offsets"])
        for key, start in request["offsets"].items():
            log, pairs = logs[key], answer["msgs"].get(key, [])
            assert [offset for offset, _ in pairs] == list(range(start, start + len(pairs)))
            for offset, message in pairs:
                assert message in log.sent
                assert log.seen.setdefault(offset, message) == message
                log.position = max(log.position, offset + 1)
    elif request["type"] == "commit_offsets":
        for key, offset in request["offsets"].items():
            logs[key].committed = max(logs[key].committed, offset)
    else:
        for key in request["keys"]:
            assert logs[key].committed <= answer["offsets"].get(key, -1) <= logs[key].tried


def check_all(node, logs):
    """Everything that was acknowledged is there, once."""
    for key, log in logs.items():
        log.position = 0
        while log.position < len(log.seen) or log.position <= max(log.acknowledged, default=-1):
            before = log.position
            request = {"type": "poll", "offsets": {key: before}}
            check(logs, request, node.ask(**request))
            assert log.position > before, f"key {key} ends at {before}"
        messages = list(log.seen.values())
        assert len(set(messages)) == len(messages)
        request = {"type": "list_committed_offsets", "keys": [key]}
        check(logs, request, node.ask(**request))


def test_the_kafka_workload_keeps_its_guarantees(node):
    """Random operations, several on their way at a time."""
    random.seed(1)
    logs = {str(key): Log() for key in range(4)}
    done = 0
    while done < OPERATIONS:
        requests = [operation(logs, done + number) for number in range(random.choice([1, 1, 2, 8]))]
        done += len(requests)
        for id, request in zip(node.write(*requests), requests):
            answer = node.read()
            assert answer["in_reply_to"] == id
            check(logs, request, answer)
    check_all(node, logs)
    assert all(len(log.acknowledged) > OPERATIONS / 20 for log in logs.values())
    node.end()


def test_killed_nodes_lose_nothing_that_they_answered(tmp_path, figures):
    """kill -9 with requests on their way, again and again, and a clean end at times."""
    random.seed(2)
    logs = {str(key): Log() for key in range(4)}
    done, unanswered, rounds = 0, 0, 20
    for round in range(rounds):
        with Node(tmp_path / "data") as node:
            check_all(node, logs)
            for log in logs.values():
                log.position = random.randint(0, log.position)
            pending = {}
            for _ in range(random.randint(1, 30)):
                requests = [operation(logs, done + number) for number in range(random.randint(1, 20))]
                done += len(requests)
                pending |= zip(node.write(*requests), requests)
                # Some are read, others are still on their way at the end.
                while pending and (len(pending) > 100 or node.has_answer()):
                    answer = node.read()
                    check(logs, pending.pop(answer["in_reply_to"]), answer)
            if round % 5 == 4:
                for _ in range(len(pending)):
                    answer = node.read()
                    check(logs, pending.pop(answer["in_reply_to"]), answer)
                node.end()
            else:
                for answer in node.kill():
                    check(logs, pending.pop(answer["in_reply_to"]), answer)
                unanswered += len(pending)
    with Node(tmp_path / "data") as node:
        check_all(node, logs)
        node.end()
    assert unanswered > 0, "no kill came in the middle"
    figures("kills", rounds * 4 // 5)
    figures("operations", done)
    figures("not answered", unanswered)


def test_a_directory_serves_brokers_and_nodes_in_turn(tmp_path, start_broker):
    """What a node has written, a broker's clients read, and the other way round."""
    from confluent_kafka import Consumer, Producer, TopicPartition

    server = start_broker()
    with Node(server.directory) as node:
        _, errors = node.process.communicate(timeout=30)
        assert (node.process.returncode, b"another" in errors) == (1, True)
    producer = Producer({"bootstrap.servers": server.address})
    producer.produce("shared", b'{"from": "broker"}')
    producer.produce("shared", b"no JSON")
    assert producer.flush(30) == 0
    server.stop()

    with Node(server.directory) as node:
        node.ask(type="send", key="shared", msg={"from": "node"})
        node.ask(type="send", key="made-by-node", msg=1)
        expected = [[0, {"from": "broker"}], [1, "no JSON"], [2, {"from": "node"}]]
        assert node.ask(type="poll", offsets={"shared": 0})["msgs"] == {"shared": expected}
        node.end()
    [segment] = server.segments("shared")
    assert sum(batch.count for batch in dump_log(segment).batches) == 3

    server.start()
    consumer = Consumer({"bootstrap.servers": server.address, "group.id": "none", "enable.auto.commit": False})
    consumer.assign([TopicPartition("shared", 0, 2), TopicPartition("made-by-node", 0, 0)])
    values = set()
    while len(values) < 2:
        message = consumer.poll(30)
        assert message is not None and not message.error()
        values.add(message.value())
    assert values == {b'{"from":"node"}', b"1"}
    consumer.close()


def test_the_command_line():
    """--help on standard output; what makes no sense is status 2."""
    shown = subprocess.run([BINARY, "node", "--help"], capture_output=True, text=True)
    assert (shown.returncode, shown.stderr) == (0, "") and "--log-dirs" in shown.stdout
    assert "node" in subprocess.run([BINARY, "--help"], capture_output=True, text=True).stdout
    for wrong in (["extra"], ["--unknown"], ["--log-dirs"]):
        ended = subprocess.run([BINARY, "node", *wrong], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert (ended.returncode, ended.stdout) == (2, "")
    missing = subprocess.run(
        [BINARY, "node", "--log-dirs", "/nowhere/at/all"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert (missing.returncode, missing.stdout) == (1, "") and "/nowhere/at/all" in missing.stderr
