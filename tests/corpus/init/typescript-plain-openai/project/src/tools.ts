import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

export const openaiTools: OpenAI.Chat.Completions.ChatCompletionTool[] = [
  {
    type: "function",
    function: {
      name: "get_invoice",
      description: "Read an invoice",
      parameters: { type: "object", properties: { number: { type: "string" } } },
    },
  },
];

export const responseTools = [
  {
    type: "function" as const,
    name: "pay_invoice",
    description: "Pay an invoice",
    parameters: { type: "object", properties: { number: { type: "string" }, amount: { type: "number" } } },
    strict: true,
  },
];

export const anthropicTools: Anthropic.Tool[] = [
  { name: "list_files", description: "List a folder", input_schema: { type: "object", properties: { folder: { type: "string" } } } },
];

export const format = { type: "json_schema", name: "invoice", schema: { type: "object", properties: {} } };
