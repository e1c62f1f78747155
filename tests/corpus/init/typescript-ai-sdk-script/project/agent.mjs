import { anthropic } from "@ai-sdk/anthropic";
import { valibotSchema } from "@ai-sdk/valibot";
import { ToolLoopAgent, dynamicTool, jsonSchema, tool } from "ai";
import * as v from "valibot";

function makeTool(options) {
  return { ...options, made: true };
}

const listBranches = tool({ description: "List the branches", inputSchema: jsonSchema({ type: "object", properties: {} }) });
const hammer = makeTool({ name: "hammer" });

export const gitTools = {
  listBranches,
  deleteBranch: tool({
    description: "Delete a branch",
    inputSchema: valibotSchema(v.object({ name: v.string() })),
    execute: async ({ name }) => name,
  }),
  mergePull: tool({
    description: "Merge a pull request",
    inputSchema: jsonSchema({
      type: "object",
      properties: { number: { type: "integer" }, squash: { type: "boolean" } },
    }),
  }),
  ["run-query"]: dynamicTool({
    description: "Run a query",
    inputSchema: v.object({ sql: v.string() }),
    execute: async () => hammer,
  }),
};

export const agent = new ToolLoopAgent({ model: anthropic("claude-sonnet-4-5"), tools: { ...gitTools } });
