import { tool } from '@openai/agents-realtime';
export const t = tool({ name: 'old_transfer' });
