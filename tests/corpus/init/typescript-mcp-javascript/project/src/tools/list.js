import { z } from "zod";

const config = {
  title: "List",
  description: "List the notes. " + "Those of a tag, " + "when one is given.",
  inputSchema: { tag: z.string().optional() },
};

export const registerList = (server) => {
  server.registerTool("list_notes", config, async () => ({ content: [] }));
};
