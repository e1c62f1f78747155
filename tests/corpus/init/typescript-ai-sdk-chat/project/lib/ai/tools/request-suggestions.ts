import { tool } from 'ai';
import { z } from 'zod';

export function requestSuggestions(options: { user: string }) {
  return tool({
    description: `Ask for suggestions`,
    inputSchema: z.object({ documentId: z.string().describe('The document') }),
    execute: async ({ documentId }) => ({ documentId, user: options.user }),
  });
}
