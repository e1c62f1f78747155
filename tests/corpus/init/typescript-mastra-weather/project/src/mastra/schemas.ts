import { z } from 'zod';

export const activityInput = z.object({ city: z.string(), days: z.number().int().min(1) });
