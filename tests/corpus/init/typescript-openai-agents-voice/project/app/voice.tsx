'use client';

import { RealtimeAgent, RealtimeSession, tool as realtimeTool } from '@openai/agents-realtime';
import { useRef } from 'react';
import { z } from 'zod';

const departments = z.enum(['sales', 'support']);

const transferCall = realtimeTool({
  name: 'transfer_call',
  description: 'Hand the call to a person',
  parameters: z.object({ department: departments }),
  execute: async ({ department }) => `to ${department}`,
});

const agent = new RealtimeAgent({
  name: 'Operator',
  tools: [transferCall, realtimeTool({ name: `end_call`, description: 'Hang up', parameters: z.object({}), execute: async () => 'bye' })],
});

export default function Voice() {
  const session = useRef(new RealtimeSession(agent));
  return <button onClick={() => session.current.close()}>tool({'{'}...{'}'})</button>;
}
