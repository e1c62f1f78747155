import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";

const DELETE = "delete_repo";
const schema = z.object({ owner: z.string(), repo: z.string() });

export const registerRepoTools = (server: McpServer) => {
  server.registerTool(DELETE, { description: "Delete a repository for good", inputSchema: schema.shape }, async () => ({ content: [] }));
  server.registerTool("fork_repo", { description: "Copy a repository", inputSchema: schema.shape }, async () => ({ content: [] }));
};
