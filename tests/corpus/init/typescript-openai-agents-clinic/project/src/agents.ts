import { Agent, InputGuardrail, run, webSearchTool } from '@openai/agents';
import { bookAppointment, cancelAppointment, prescribe } from './tools';

const noDiagnosis: InputGuardrail = { name: 'no_diagnosis', execute: async () => ({ outputInfo: {}, tripwireTriggered: false }) };

const pharmacist = new Agent({ name: 'Pharmacist', instructions: 'Know drugs.', tools: [webSearchTool()] });

export const reception = Agent.create({
  name: 'Reception',
  tools: [
    bookAppointment,
    cancelAppointment,
    prescribe,
    pharmacist.asTool({ toolName: 'look_up_drug', toolDescription: 'Ask about a drug' }),
  ],
  inputGuardrails: [noDiagnosis],
});

await run(reception, 'I need a doctor');
