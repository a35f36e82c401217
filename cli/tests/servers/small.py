"""A server in a few lines, for what others don't do. The file that is named tells it what it has and how it answers.

It may set CAN and ABOUT, and define begun() and, for the method a/b, a_b(id, params), whose result is the answer unless it is None.
"""

import json
import sys
import threading
import time

LOCK = threading.Lock()
CAN = {"tools": {}}
ABOUT = {"name": "small", "version": "1"}


def send(**message):
    with LOCK:
        print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def asks(id, method, **params):
    send(id=id, method=method, params=params)


def text(words):
    return {"content": [{"type": "text", "text": words}]}


def begun():
    """The client is there."""


def answered(message):
    """An answer to what this server asked."""


def tools_list(id, params):
    return {"tools": [{"name": "t", "inputSchema": {"type": "object"}}]}


exec(open(sys.argv[1]).read())

for line in sys.stdin:
    message = json.loads(line)
    id, method = message.get("id"), message.get("method")
    if method is None:
        answered(message)
    elif method == "initialize":
        send(id=id, result={"protocolVersion": "2025-11-25", "capabilities": CAN, "serverInfo": ABOUT})
    elif id is None:
        if method == "notifications/initialized":
            begun()
    elif method.replace("/", "_") in globals():
        result = globals()[method.replace("/", "_")](id, message.get("params", {}))
        if result is not None:
            send(id=id, result=result)
    else:
        send(id=id, error={"code": -32601, "message": "no such method"})
