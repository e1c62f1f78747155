import { RunContext, tool } from '@openai/agents';
import { z } from 'zod';

interface Clinic {
  id: string;
}

export const bookAppointment = tool({
  name: 'book_appointment',
  description: 'Book a doctor',
  parameters: z.object({ doctor: z.string(), day: z.string().nullable() }),
  async execute({ doctor, day }, context?: RunContext<Clinic>) {
    return `${doctor} on ${day} at ${context?.context.id}`;
  },
});

export const cancelAppointment = tool({
  description: 'Cancel an appointment',
  parameters: z.object({ id: z.string() }),
  needsApproval: true,
  execute: async function cancelAppointment({ id }) {
    return id;
  },
});

export const prescribe = tool<typeof prescription>({
  name: 'prescribe',
  description: 'Write a prescription',
  strict: false,
  parameters: {
    type: 'object',
    properties: { patient: { type: 'string' }, drug: { type: 'string' }, dose: { type: 'string' } },
    required: ['patient', 'drug'],
    additionalProperties: true,
  },
  execute: async () => 'written',
});

declare const prescription: never;
