"""A server that misbehaves: `hostile.py MODE`. The mode is how it begins; each of its tools is a way to go wrong.

It needs nothing but Python, and speaks the old era unless the mode says otherwise.
"""

import json
import os
import signal
import subprocess
import sys
import time

MODE = sys.argv[1] if len(sys.argv) > 1 else "plain"
out = sys.stdout.buffer
cancelled = []
held = []
capabilities = {"tools": {"listChanged": True}, "prompts": {}, "logging": {}}
MODERN = "2026-07-28"


def write(text):
    out.write(text.encode() if isinstance(text, str) else text)
    out.flush()


def send(message):
    write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")


def notify(method, **params):
    send({"method": method, "params": params})


def answer(id, result):
    send({"id": id, "result": result})


def refuse(id, code, message, **data):
    send({"id": id, "error": {"code": code, "message": message, "data": data}})


def say(id, text="done"):
    answer(id, {"content": [{"type": "text", "text": text}]})


def read():
    line = sys.stdin.buffer.readline()
    if not line:
        if MODE == "stubborn":
            while True:
                time.sleep(1)
        sys.exit(0)
    return json.loads(line)


def await_answer(id):
    while True:
        message = read()
        if message.get("id") == id and "method" not in message:
            return message
        if message.get("method") == "notifications/cancelled":
            cancelled.append(message["params"]["requestId"])


# The beginnings.


def discover(id):
    if MODE == "exits":
        sys.exit(1)
    elif MODE == "shrugs":
        answer(id, {})
    elif MODE in ("silent", "late"):
        held.append(id)
    elif MODE == "lists":
        answer(id, ["what", "is", "this"])
    elif MODE == "older":
        refuse(id, -32022, "no", supported=["2025-06-18"])
    elif MODE == "from the future":
        answer(id, {"supportedVersions": ["2030-01-01"], "capabilities": {}})
    elif MODE in ("modern", "slow modern"):
        answer(id, {"resultType": "complete", "supportedVersions": [MODERN], "capabilities": capabilities, "ttlMs": 0, "cacheScope": "private"})
    elif MODE == "sparse modern":
        answer(id, {"supportedVersions": [MODERN], "capabilities": capabilities})
    elif MODE == "forgetful modern":
        # Loses the first question.
        held.append(id)
        if len(held) > 1:
            answer(id, {"supportedVersions": [MODERN], "capabilities": capabilities})
    else:
        refuse(id, -32601, "Method not found")


def initialize(id, params):
    if MODE in ("modern", "slow modern", "sparse modern", "forgetful modern"):
        refuse(id, -32022, "the connection speaks another era", supported=[MODERN])
    elif MODE == "talks nonsense":
        write('{"jsonrpc": "2.0", "id": %d, "result": {"protocolVersion": oops}}\n' % id)
    elif MODE == "from nowhere":
        answer(id, {"capabilities": {}})
    else:
        if MODE == "late":
            # Its late answer is to be ignored.
            refuse(held[0], -32601, "Method not found")
        if MODE == "chatty":
            write("Welcome!\n\n\ufeff\n")
            notify("notifications/message", level="info", data="before the handshake")
            send({"id": "p", "method": "ping"})
            await_answer("p")
        version = "1999-01-01" if MODE == "ancient" else params["protocolVersion"]
        answer(id, {"protocolVersion": version, "capabilities": capabilities, "serverInfo": {"name": "hostile", "version": "0"}})


# The tools.


def call(id, name, arguments, meta):
    token = meta.get("progressToken")
    if name == "ok":
        say(id)
    elif name == "error without a number":
        send({"id": None, "error": {"code": -32601, "message": "what was that notification?"}})
        say(id)
    elif name == "echo":
        say(id, json.dumps(arguments))
    elif name == "cancelled":
        say(id, json.dumps(cancelled))
    elif name == "die":
        print("last words", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    elif name == "die in a line":
        write('{"jsonrpc": "2.0", "id": %d, "resu' % id)
        os._exit(0)
    elif name == "close":
        os.close(1)
        time.sleep(1000)
    elif name == "hang":
        pass
    elif name == "sleep":
        # Reads nothing meanwhile.
        time.sleep(arguments["seconds"])
        say(id)
    elif name == "hold":
        held.append(id)
        if len(held) == arguments["count"]:
            for other in reversed(held):
                say(other, str(other))
            held.clear()
    elif name == "big":
        say(id, "x" * arguments["bytes"])
    elif name == "endless":
        write('{"jsonrpc": "2.0", "id": %d, "result": "' % id)
        for _ in range(40):
            write(b"x" * (1 << 20))
        write("\"}\n")
    elif name == "endless, id last":
        write('{"result": "')
        for _ in range(40):
            write(b"x" * (1 << 20))
        write('", "jsonrpc": "2.0", "id": %d}\n' % id)
    elif name == "endless and two":
        # Another call waits, so only the end of the line says whose it is.
        call(id, "endless, id last", arguments, meta)
        say(held.pop(), "the other")
    elif name == "no JSON":
        write('{"jsonrpc": "2.0", "id": %d, "result": {oops}}\n' % id)
    elif name == "no JSON, id last":
        write('{"result": {oops}, "jsonrpc": "2.0", "id": %d}\n' % id)
    elif name == "no JSON, no id":
        write("{oops}\n")
    elif name == "deep":
        write('{"jsonrpc": "2.0", "id": %d, "result": %s}\n' % (id, "[" * 100000))
    elif name == "no UTF-8":
        write(b'{"jsonrpc": "2.0", "id": %d, "result": {"content": "\xff\xfe"}}\n' % id)
    elif name == "text":
        write("a line of a careless print\n")
        write("\r\n")
        write("\ufeff" + json.dumps({"jsonrpc": "2.0", "id": id, "result": {"content": []}}) + "\r\n")
    elif name == "wrong id":
        say(id + 1000)
    elif name == "id as text":
        say(str(id))
    elif name == "id as fraction":
        write('{"jsonrpc": "2.0", "id": %d.0, "result": {"content": []}}\n' % id)
    elif name == "twice":
        say(id, "first")
        say(id, "second")
    elif name == "batch":
        note = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "error", "data": "in a batch"}}
        result = {"jsonrpc": "2.0", "id": id, "result": {"content": [{"type": "text", "text": "batched"}]}}
        write(json.dumps([note, 5, result]) + "\n")
    elif name == "both":
        send({"id": id, "result": {}, "error": {"code": 1, "message": "x"}})
    elif name == "neither":
        send({"id": id})
    elif name == "result is a number":
        answer(id, 5)
    elif name == "content is a number":
        answer(id, {"content": 5})
    elif name == "error without a code":
        send({"id": id, "error": "it broke"})
    elif name == "flood":
        for number in range(arguments["count"]):
            notify("notifications/progress", progressToken=token, progress=number, total=arguments["count"])
            notify("notifications/message", level="error", data="x" * 1000)
            notify("notifications/tools/list_changed")
            notify("notifications/nonsense", data="x" * 1000)
        say(id)
    elif name == "flood of requests":
        for number in range(arguments["count"]):
            send({"id": "r%d" % number, "method": "roots/list"})
        say(id)
    elif name == "burst of requests":
        for number in range(arguments["count"]):
            send({"id": "b%d" % number, "method": "ping"})
        answered = 0
        while answered < arguments["count"]:
            answered += "result" in read()
        say(id, str(answered))
    elif name == "flood of errors":
        for _ in range(arguments["lines"]):
            print("e" * 99, file=sys.stderr)
        print("the end", file=sys.stderr, flush=True)
        say(id)
    elif name == "progress":
        for number in range(arguments["steps"]):
            time.sleep(arguments["pause"])
            notify("notifications/progress", progressToken=token, progress=number + 1, message="still at it")
        say(id)
    elif name == "ask":
        send({"id": "q", "method": "elicitation/create", "params": {"message": "?", "requestedSchema": {"type": "object", "properties": {"name": {"type": "string"}}}}})
        say(id, json.dumps(await_answer("q")))
    elif name == "ask and die":
        send({"id": "q", "method": "elicitation/create", "params": {"message": "?"}})
        time.sleep(0.3)
        os._exit(7)
    elif name == "ask for nonsense":
        send({"id": "q", "method": "kitchen/sink", "params": {}})
        say(id, json.dumps(await_answer("q")["error"]["code"]))
    elif name == "ask on and on":
        answer(id, {"resultType": "input_required", "requestState": "s"})
    elif name == "of a new kind":
        answer(id, {"resultType": "unheard-of"})
    elif name == "leave":
        # One with a session of its own, one whose parent is gone, and none that minds a signal.
        code = "import os, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.setsid(); p = os.fork() if sys.argv[1] == 'twice' else 0; p and os._exit(0); open(sys.argv[2], 'w').write(str(os.getpid())); time.sleep(1000)"
        for kind in ("once", "twice"):
            subprocess.Popen([sys.executable, "-c", code, kind, os.path.join(arguments["folder"], kind)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while sum(os.path.exists(os.path.join(arguments["folder"], kind)) and os.path.getsize(os.path.join(arguments["folder"], kind)) > 0 for kind in ("once", "twice")) < 2:
            time.sleep(0.01)
        say(id, str(os.getpid()))
    elif name == "stay":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        say(id, str(os.getpid()))
    else:
        refuse(id, -32602, "Unknown tool: " + name)


def tools(id, cursor):
    tool = {"name": "ok", "inputSchema": {"type": "object"}, "unheard-of": 1}
    if MODE == "malformed":
        answer(id, {"tools": [tool, 5, None, {"inputSchema": {}}, {"name": 7}, {"name": "odd", "inputSchema": 3, "annotations": "no"}]})
    elif MODE == "endless pages":
        answer(id, {"tools": [tool], "nextCursor": str(int(cursor or 0) + 1)})
    elif MODE == "large pages":
        many = [{"name": f"t{cursor}_{n}"} for n in range(3_000)]
        answer(id, {"tools": many, "nextCursor": str(int(cursor or 0) + 1)})
    elif MODE == "same page":
        answer(id, {"tools": [tool], "nextCursor": "again"})
    elif MODE == "no list":
        answer(id, {})
    else:
        answer(id, {"tools": [tool]})


if MODE == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if MODE in ("slow modern", "slow"):
    time.sleep(2.5)
while True:
    message = read()
    id, method, params = message.get("id"), message.get("method"), message.get("params") or {}
    if method == "server/discover":
        discover(id)
    elif method == "initialize":
        initialize(id, params)
    elif method == "notifications/cancelled":
        cancelled.append(params["requestId"])
    elif method == "tools/list":
        tools(id, params.get("cursor"))
    elif method == "tools/call":
        call(id, params["name"], params.get("arguments") or {}, params.get("_meta") or {})
    elif method == "subscriptions/listen":
        notify("notifications/subscriptions/acknowledged", notifications={})
    elif method == "logging/setLevel":
        answer(id, {})
    elif id is not None and method is not None:
        refuse(id, -32601, "Method not found")
