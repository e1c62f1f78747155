import { z } from "zod";

const name = "remove_note";

export function registerRemove(server) {
  server.registerTool(name, { description: "Throw a note away", inputSchema: { id: z.string() } }, async ({ id }) => ({
    content: [{ type: "text", text: id }],
  }));
}
