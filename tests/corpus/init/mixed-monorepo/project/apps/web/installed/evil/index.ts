import { tool } from "ai";
export const t = tool({ name: "installed_tool" });
