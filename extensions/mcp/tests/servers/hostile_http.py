"""A server of streamable HTTP that misbehaves: `hostile_http.py PORT MODE`. It speaks the old era and answers with JSON.

Modes: plain; `hangs` never answers a question of the new era; `fails` answers it with 500; `key` wants one; `moves` redirects to
the same origin; `leaves` redirects to another.
"""

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT, MODE = int(sys.argv[1]), sys.argv[2]
cancelled = []


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def respond(self, status, body=b"", kind="application/json", **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def answer(self, id, result):
        self.respond(200, json.dumps({"jsonrpc": "2.0", "id": id, "result": result}).encode())

    def do_GET(self):
        self.respond(405)

    def do_DELETE(self):
        self.respond(200)

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        id, method, params = message.get("id"), message.get("method"), message.get("params") or {}
        if MODE == "key" and self.headers["Authorization"] != "Bearer right":
            self.respond(401, b"who are you?", "text/plain")
        elif MODE == "moves" and self.path == "/mcp":
            self.respond(307, Location="/moved")
        elif MODE == "leaves":
            self.respond(307, Location="http://localhost:%d/moved" % PORT)
        elif method == "server/discover" and MODE == "hangs":
            time.sleep(1000)
        elif method == "server/discover" and MODE == "fails":
            self.respond(500, b"oops", "text/plain")
        elif method == "server/discover":
            self.respond(400, b'{"jsonrpc": "2.0", "id": null, "error": {"code": -32000, "message": "not initialized"}}')
        elif method == "initialize":
            self.answer(id, {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": {"name": "hostile", "version": "0"}})
        elif method == "notifications/cancelled":
            cancelled.append(params["requestId"])
            self.respond(202)
        elif method == "tools/call":
            self.call(id, params["name"], params.get("arguments") or {})
        else:
            self.respond(202)

    def call(self, id, name, arguments):
        if name == "ok":
            self.answer(id, {"content": [{"type": "text", "text": "done"}]})
        elif name == "cancelled":
            self.answer(id, {"content": [{"type": "text", "text": json.dumps(cancelled)}]})
        elif name == "status":
            self.respond(arguments["status"], b"nothing to see", "text/plain")
        elif name == "error without a number":
            error = {"code": -32000, "message": "tenant header missing"}
            self.respond(arguments["status"], json.dumps({"jsonrpc": "2.0", "error": error, "id": None}).encode())
        elif name == "page":
            self.respond(200, b"<html>", "text/html")
        elif name == "no JSON":
            self.respond(200, b"{oops")
        elif name == "nothing":
            self.respond(200)
        elif name == "accepted":
            self.respond(202)
        elif name == "result is a number":
            self.answer(id, 5)
        elif name == "big":
            self.answer(id, {"content": [{"type": "text", "text": "x" * arguments["bytes"]}]})
        elif name == "big event":
            data = json.dumps({"jsonrpc": "2.0", "id": id, "result": {"content": [{"type": "text", "text": "x" * arguments["bytes"]}]}})
            self.respond(200, b"data: " + data.encode() + b"\n\n", "text/event-stream")
        elif name == "no event":
            self.respond(200, b": nothing\n\n", "text/event-stream")
        elif name == "broken event":
            self.respond(200, b"data: {oops\n\n", "text/event-stream")
        elif name == "cut":
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"jsonrpc"')
            self.wfile.flush()
            self.close_connection = True
        elif name == "sleep":
            time.sleep(arguments["seconds"])
            self.answer(id, {"content": [{"type": "text", "text": "done"}]})
        elif name == "hang":
            time.sleep(1000)
        elif name == "die":
            os._exit(1)


ThreadingHTTPServer.daemon_threads = True
ThreadingHTTPServer(("127.0.0.1", PORT), Server).serve_forever()
