import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { registerList } from "./tools/list.js";
import { registerRemove } from "./tools/remove.js";

const server = new McpServer({ name: "notes", version: "1.0.0" });
for (const register of [registerList, registerRemove]) register(server);
await server.connect(new StdioServerTransport());
