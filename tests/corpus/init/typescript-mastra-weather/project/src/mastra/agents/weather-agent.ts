import { openai } from '@ai-sdk/openai';
import { Agent } from '@mastra/core/agent';
import { Memory } from '@mastra/memory';
import { weatherTool } from '../tools/weather-tool';

export const weatherAgent = new Agent({
  name: 'Weather Agent',
  instructions: `You are a weather assistant. Use the weatherTool.`,
  model: openai('gpt-5-mini'),
  tools: { weatherTool },
  memory: new Memory(),
});
