"""A receiver in another language, which verifies with the library `standardwebhooks` and keeps a log of its own.

receiver.py verify SECRET                           reads {"headers", "body"} a line, says `ok` or why not
receiver.py serve PORT LOG SECRET SEED TIMEOUT      serves, and fails by the dice of the seed

In the log stands what arrived, what was taken (each id once) and what was answered, in that order. It survives a kill, and so does
what the receiver knows: it reads the log when it starts. While the file LOG.gone is there, everything is answered with 410.
"""

import hashlib
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")

# Of ten thousand arrivals so many end so; the rest is taken.
FATES = [
    ("error before", 400), ("error after", 300), ("declined", 200), ("redirect", 200), ("throttled", 80), ("busy", 80),
    ("cut before", 150), ("cut after", 300), ("stall before", 7), ("stall after", 7), ("gone", 6),
]


def verify(secret):
    webhook = Webhook(secret)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            webhook.verify(request["body"].encode("utf-8", "surrogateescape"), request["headers"])
            print("ok", flush=True)
        except WebhookVerificationError as error:
            print(error, flush=True)


class Log:
    def __init__(self, path):
        self.lock, self.taken, self.arrivals = threading.Lock(), {}, {}
        if os.path.exists(path):
            with open(path, "rb+") as file:
                # Whoever was killed while it wrote has noted nothing.
                file.truncate(file.read().rfind(b"\n") + 1)
            with open(path, encoding="utf-8") as lines:
                for line in lines:
                    self.learn(*line.rstrip("\n").split("\t"))
        self.file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def learn(self, what, identity, *rest):
        if what == "arrived":
            self.arrivals[identity] = self.arrivals.get(identity, 0) + 1
        elif what == "taken":
            self.taken[identity] = rest[0]

    def write(self, *words):
        self.learn(*words)
        os.write(self.file, ("\t".join(words) + "\n").encode())


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body leave in one segment.
    wbufsize = -1

    def log_message(self, *_):
        pass

    def answer(self, status, headers=(), body=b""):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def strayed(self):
        with self.server.log.lock:
            self.server.log.write("strayed", self.command, self.path)
        self.answer(404)

    do_GET = do_PUT = do_HEAD = strayed

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path != "/hook":
            return self.strayed()
        server, log, identity = self.server, self.server.log, self.headers.get("webhook-id", "")
        try:
            event = server.webhook.verify(body, {name: self.headers.get(name, "") for name in HEADERS})
        except WebhookVerificationError as error:
            with log.lock:
                log.write("forged", identity, str(error))
            return self.answer(401)
        with log.lock:
            fate = server.fate(identity, log.arrivals.get(identity, 0))
            log.write("arrived", identity, event["partitionkey"], event["sequence"], fate)
            fresh = log.taken.get(identity)
            if fate in ("taken", "error after", "cut after", "stall after") and fresh is None:
                log.write("taken", identity, body.decode())
        if fresh is not None and fresh != body.decode():
            return self.answer(409, body=fresh.encode())
        if fate.startswith("stall"):
            time.sleep(server.timeout)
        if fate.startswith(("stall", "cut")):
            self.close_connection = True
            return None
        status, headers = {
            "taken": (204, ()), "error before": (500, ()), "error after": (502, ()), "declined": (400, ()),
            "redirect": (302, (("location", "/elsewhere"),)), "throttled": (429, (("retry-after", "7"),)),
            "busy": (503, (("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT"),)), "gone": (410, ()),
        }[fate]
        with log.lock:
            log.write("answered", identity, str(status))
        return self.answer(status, headers)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port, path, secret, seed, timeout):
        self.log, self.webhook = Log(path), Webhook(secret)
        self.seed, self.timeout, self.shut = seed, timeout, path + ".gone"
        super().__init__(("127.0.0.1", port), Receiver)

    def fate(self, identity, arrivals):
        if os.path.exists(self.shut):
            return "gone"
        # By what is sent, not by when: beside others it may come sooner or later.
        dice = int.from_bytes(hashlib.sha256(f"{self.seed} {identity} {arrivals}".encode()).digest()[:8], "big") % 10_000
        for fate, share in FATES:
            if dice < share:
                if fate == "gone":
                    open(self.shut, "w").close()
                return fate
            dice -= share
        return "taken"


if __name__ == "__main__":
    if sys.argv[1] == "verify":
        verify(sys.argv[2])
    else:
        port, path, secret, seed, timeout = sys.argv[2:]
        Server(int(port), path, secret, seed, float(timeout)).serve_forever()
