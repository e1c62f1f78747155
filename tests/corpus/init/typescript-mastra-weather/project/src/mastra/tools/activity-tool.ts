import { createTool } from '@mastra/core/tools';
import { activityInput } from '../schemas';

// Not given to an agent yet.
export const activityTool = createTool({
  id: 'plan-activities',
  description: 'Plan what to do',
  inputSchema: activityInput,
  execute: async () => [],
});
