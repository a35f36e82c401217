"""A server whose list of tools changes, which FastMCP does not tell. Of both eras, over stdio or HTTP (growing.py PORT)."""

import sys

from mcp.server.mcpserver import Context, MCPServer

server = MCPServer("growing")


def grown() -> str:
    return "new"


@server.tool()
async def grow(ctx: Context) -> str:
    server.add_tool(grown)
    await ctx.notify_tools_changed()
    await ctx.request_context.session.send_tool_list_changed()
    return "grown"


if len(sys.argv) > 1:
    server.run("streamable-http", port=int(sys.argv[1]))
else:
    server.run()
