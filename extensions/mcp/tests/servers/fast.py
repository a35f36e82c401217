"""A server of our own, made with FastMCP: what no public server does. Of both eras, over stdio or HTTP (fast.py http PORT)."""

import asyncio
import os
import subprocess
import sys

import mcp_types as t
from fastmcp import Context, FastMCP

mcp = FastMCP("ours", version="1.2.3", instructions="for tests")


@mcp.tool(annotations={"readOnlyHint": True})
def add(a: int, b: int) -> int:
    return a + b


@mcp.tool
async def slow(steps: int, ctx: Context, pause: float = 0.1) -> str:
    "Reports each step."
    for step in range(steps):
        await ctx.report_progress(step + 1, steps, "indexing")
        await asyncio.sleep(pause)
    return "done"


given_up = 0


@mcp.tool
async def silent(seconds: float) -> str:
    global given_up
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        given_up += 1
        raise
    return "done"


@mcp.tool
def cancelled() -> int:
    return given_up


@mcp.tool
async def log(text: str, ctx: Context) -> str:
    await ctx.warning(text)
    return "logged"


@mcp.tool
async def ask(ctx: Context) -> str:
    "Asks as servers of the old era do."
    answer = await ctx.elicit("your name?", response_type=str)
    return str(answer)


@mcp.tool
async def who(ctx: Context) -> str | t.InputRequiredResult:
    "Asks as servers of the new era do."
    if ctx.input_responses:
        return str(ctx.input_responses["name"].content)
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    question = t.ElicitRequestFormParams(message="your name?", requested_schema=schema)
    return t.InputRequiredResult(request_state="state", input_requests={"name": t.ElicitRequest(params=question)})


@mcp.tool
def big(characters: int) -> str:
    return "x" * characters


@mcp.tool
def fail() -> str:
    raise ValueError("boom")


@mcp.tool
def die() -> str:
    print("about to die", file=sys.stderr, flush=True)
    os._exit(3)


@mcp.tool
def leave() -> str:
    "Leaves a process behind that has a session of its own, and says its number."
    sleeper = subprocess.Popen(["sleep", "1000"], start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return str(sleeper.pid)


@mcp.tool
def environment() -> str:
    return "\n".join(sorted(os.environ))


@mcp.resource("data://{name}")
def data(name: str) -> str:
    return name


@mcp.resource("conf://x")
def conf() -> str:
    return "c"


@mcp.prompt
def review(code: str) -> str:
    return "review " + code


if __name__ == "__main__":
    if len(sys.argv) > 1:
        mcp.run(transport=sys.argv[1], port=int(sys.argv[2]), show_banner=False)
    else:
        mcp.run(show_banner=False)
