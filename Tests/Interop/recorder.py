"""A proxy that remembers what real clients and the broker say to each other through it."""

import socket
import struct
import threading


class Recorder:
    """Listens on a free port, and passes everything on to the broker once `server` is set.

    The broker must advertise this address, so that clients stay with the proxy.
    """

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.server = None
        # For each connection what the client said, and what the broker said.
        self.streams: list[tuple[bytearray, bytearray]] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def frames(self) -> dict[tuple[int, int], list[bytes]]:
        """Whole request frames, by API key and version."""
        found: dict[tuple[int, int], list[bytes]] = {}
        for asked, _ in self.streams:
            for frame in whole_frames(asked):
                found.setdefault(struct.unpack_from(">hh", frame, 4), []).append(frame)
        return found

    def exchanges(self) -> dict[tuple[int, int], list[tuple[bytes, bytes]]]:
        """Whole request frames that were answered, with their answers, by API key and version."""
        found: dict[tuple[int, int], list[tuple[bytes, bytes]]] = {}
        for asked, answered in self.streams:
            answers = {frame[4:8]: frame for frame in whole_frames(answered)}
            for frame in whole_frames(asked):
                if answer := answers.get(frame[8:12]):
                    found.setdefault(struct.unpack_from(">hh", frame, 4), []).append((frame, answer))
        return found

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            broker = socket.create_connection(self.server.host_and_port)
            asked, answered = bytearray(), bytearray()
            self.streams.append((asked, answered))
            for source, target, record in ((client, broker, asked), (broker, client, answered)):
                threading.Thread(target=self._pass_on, args=(source, target, record), daemon=True).start()

    @staticmethod
    def _pass_on(source, target, record):
        try:
            while data := source.recv(1 << 16):
                record += data
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def whole_frames(stream: bytearray):
    """Each with its length."""
    position = 0
    while position + 4 <= len(stream):
        end = position + 4 + struct.unpack_from(">i", stream, position)[0]
        if end > len(stream):
            return
        yield bytes(stream[position:end])
        position = end
