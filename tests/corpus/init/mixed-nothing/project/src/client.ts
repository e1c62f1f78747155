class Shed {
  registerTool(name: string, options: object) {
    return { name, options };
  }
}

new Shed().registerTool("hammer", { description: "hits", inputSchema: {} });
export const tool = (options: object) => options;
export const saw = tool({ name: "saw", inputSchema: { type: "object" } });
