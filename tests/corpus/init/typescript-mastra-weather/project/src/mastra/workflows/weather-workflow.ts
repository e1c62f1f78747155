import { createStep, createWorkflow } from '@mastra/core/workflows';
import { z } from 'zod';

const fetchWeather = createStep({
  id: 'fetch-weather',
  description: 'Fetches weather for a city',
  inputSchema: z.object({ city: z.string() }),
  outputSchema: z.object({}),
  execute: async () => ({}),
});

export const weatherWorkflow = createWorkflow({ id: 'weather-workflow', inputSchema: z.object({}), outputSchema: z.object({}) }).then(fetchWeather);
