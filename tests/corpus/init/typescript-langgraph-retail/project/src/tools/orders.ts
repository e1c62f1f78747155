import { tool } from "@langchain/core/tools";
import { z } from "zod";
import { TOOL_NAMES } from "../names.js";

const address = z.object({ street: z.string(), city: z.string() });

export const placeOrder = tool(
  async ({ sku, quantity }: { sku: string; quantity: number }) => {
    return `${sku} x ${quantity}`;
  },
  {
    name: TOOL_NAMES.placeOrder,
    description: "Place an order. Money is taken at once.",
    schema: z.object({ sku: z.string(), quantity: z.number().int(), address: address.optional() }),
  },
);

export const cancelOrder = tool(async (input) => input.orderId, {
  name: TOOL_NAMES.cancelOrder,
  description: "Cancel an order",
  schema: z.object({ orderId: z.string() }),
});
