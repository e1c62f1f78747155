import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";

const repository = { owner: z.string(), repo: z.string() };

export function registerIssueTools(server: McpServer): void {
  server.registerTool(
    "list_issues",
    {
      title: "List issues",
      description: "List the issues of a repository",
      inputSchema: { ...repository, state: z.enum(["open", "closed"]).default("open") },
      annotations: { readOnlyHint: true },
    },
    async ({ owner, repo }) => ({ content: [{ type: "text", text: `${owner}/${repo}` }] }),
  );

  server.tool(
    "create_issue",
    "Open an issue",
    { owner: z.string(), repo: z.string(), title: z.string(), body: z.string().optional() },
    { destructiveHint: false },
    async () => ({ content: [] }),
  );
}
