import { governedTools } from "@faramesh/sdk";
import { Agent } from "@mastra/core/agent";
import { findOrder, refund, sendMail } from "./tools";

const tools = governedTools(
  { refund, findOrder, sendMail },
  {
    agentId: "support",
    names: { refund: "stripe/refund", findOrder: "orders/find" },
    params: { refund: ["order", "amount"] },
  },
);

export const agent = new Agent({ id: "support", name: "Support", instructions: "Help.", model: "openai/gpt-5", tools });
