#!/usr/bin/env node
import { McpServer, ResourceTemplate } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { registerIssueTools } from "./tools/issues.js";
import { registerRepoTools } from "./tools/repos.js";

const server = new McpServer({ name: "github", version: "0.2.0" }, { capabilities: { tools: {} } });

server.tool("ping", async () => ({ content: [{ type: "text", text: "pong" }] }));
server.registerResource("readme", new ResourceTemplate("repo://{owner}/{repo}", { list: undefined }), {}, async () => ({ contents: [] }));
server.registerPrompt("triage", { description: "Sort the issues" }, () => ({ messages: [] }));

registerIssueTools(server);
registerRepoTools(server);

await server.connect(new StdioServerTransport());
