import { FastMCP } from 'fastmcp';
import { z } from 'zod';

const server = new FastMCP({ name: 'extra', version: '1.0.0' });

server.addTool({
  name: 'say_hello',
  description: 'Greets',
  parameters: z.object({ name: z.string() }),
  execute: async ({ name }) => `hello ${name}`,
});
