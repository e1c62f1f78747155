import { tool } from "ai";
import { z } from "zod";

export const tools = {
  lookup: tool({ description: "Find a product", inputSchema: z.object({ sku: z.string() }) }),
};
