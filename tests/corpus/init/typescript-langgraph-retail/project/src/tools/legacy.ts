import { DynamicTool, tool } from "@langchain/core/tools";

/* const hiddenTool = tool(async () => "", { name: "hidden_tool" }); */

export const legacyPrice = new DynamicTool({
  name: "legacy_price",
  description: "The price before the move",
  func: async (input: string) => input,
});

export const priceHistory = tool(async () => [], {
  name: "price_history",
  description: "Prices of the last days",
  schema: { type: "object", properties: { sku: { type: "string" }, days: { type: "number" } } },
});
