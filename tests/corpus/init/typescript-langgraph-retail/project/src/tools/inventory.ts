import * as tools from "@langchain/core/tools";
import { z } from "zod/v4";
import { Stock } from "../names.js";

export class CheckStock extends tools.StructuredTool {
  name = Stock.Check as const;
  description = "How much is in stock";
  schema = z.object({ sku: z.string(), warehouse: z.string().optional() });

  protected async _call({ sku }: { sku: string }): Promise<string> {
    return sku;
  }
}

export const reserve = new tools.DynamicStructuredTool({
  name: Stock.Reserve,
  description: "Put something aside",
  schema: z.object({ sku: z.string(), quantity: z.number() }),
  func: async () => "ok",
});
