"""A proxy that remembers the requests that real clients send through it."""

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
        self.streams: list[bytearray] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def frames(self) -> dict[tuple[int, int], list[bytes]]:
        """Whole request frames, by API key and version."""
        found: dict[tuple[int, int], list[bytes]] = {}
        for stream in self.streams:
            position = 0
            while position + 8 <= len(stream):
                length, api, version = struct.unpack_from(">ihh", stream, position)
                frame = bytes(stream[position:position + 4 + length])
                position += 4 + length
                if len(frame) == 4 + length:
                    found.setdefault((api, version), []).append(frame)
        return found

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            broker = socket.create_connection(self.server.host_and_port)
            self.streams.append(bytearray())
            for source, target, record in ((client, broker, self.streams[-1]), (broker, client, None)):
                threading.Thread(target=self._pass_on, args=(source, target, record), daemon=True).start()

    @staticmethod
    def _pass_on(source, target, record):
        try:
            while data := source.recv(1 << 16):
                if record is not None:
                    record += data
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
