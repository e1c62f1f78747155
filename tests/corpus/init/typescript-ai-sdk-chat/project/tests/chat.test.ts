import { tool } from 'ai';
export const fakeTool = tool({});
