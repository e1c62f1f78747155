import { openai } from '@ai-sdk/openai';
import { convertToModelMessages, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';
import { prompt } from '@/lib/ai/prompts';
import { createDocument } from '@/lib/ai/tools/create-document';
import { weatherTool } from '@/lib/ai/tools/get-weather';
import { requestSuggestions } from '@/lib/ai/tools/request-suggestions';

export const maxDuration = 60;

export async function POST(request: Request) {
  const { messages } = await request.json();
  const session = { id: '1' };
  const result = streamText({
    model: openai('gpt-5'),
    system: prompt,
    messages: convertToModelMessages(messages),
    stopWhen: stepCountIs(5),
    experimental_activeTools: ['getWeather', 'createDocument'],
    tools: {
      getWeather: weatherTool,
      createDocument: createDocument({ session, dataStream: null as never }),
      requestSuggestions: requestSuggestions({ user: 'u' }),
      webSearch: openai.tools.webSearch({}),
      convertCurrency: tool({
        description: 'Convert an amount',
        inputSchema: z.object({ amount: z.number(), from: z.string(), to: z.string() }),
        execute: async ({ amount }) => amount,
      }),
    },
  });
  return result.toUIMessageStreamResponse();
}
