import { createTool } from '@mastra/core/tools';
import { z } from 'zod';

export const weatherTool = createTool({
  id: 'get-weather',
  description: 'Get current weather for a location',
  inputSchema: z.object({
    location: z.string().describe('City name'),
  }),
  outputSchema: z.object({ temperature: z.number(), conditions: z.string() }),
  execute: async ({ context }) => {
    return { temperature: 20, conditions: context.location };
  },
});
