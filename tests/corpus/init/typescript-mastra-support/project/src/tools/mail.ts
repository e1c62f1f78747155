import { createTool } from "@mastra/core/tools";
import z from "zod";

export const sendMail = createTool({
  id: "send-mail",
  description: "Write to a customer",
  inputSchema: z.object({ to: z.email(), text: z.string() }),
  execute: async (input) => input,
});
