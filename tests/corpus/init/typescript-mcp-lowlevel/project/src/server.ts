import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { CallToolRequestSchema, ListToolsRequestSchema, type Tool } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { zodToJsonSchema } from 'zod-to-json-schema';

const SearchArgs = z.object({ query: z.string() });

const DELETE_TOOL: Tool = {
  name: 'delete_entities',
  description: 'Forget things',
  inputSchema: {
    type: 'object',
    properties: { entityNames: { type: 'array', items: { type: 'string' } } },
    required: ['entityNames'],
  },
};

const server = new Server({ name: 'memory-server', version: '0.6.3' }, { capabilities: { tools: {} } });

server.setRequestHandler(ListToolsRequestSchema, async () => {
  return {
    tools: [
      {
        name: 'create_entities',
        description: 'Remember things',
        inputSchema: {
          type: 'object',
          properties: { entities: { type: 'array', items: { type: 'object', properties: { name: { type: 'string' } } } } },
        },
      },
      { name: 'search_nodes', description: 'Find things', inputSchema: zodToJsonSchema(SearchArgs) as Tool['inputSchema'] },
      DELETE_TOOL,
    ],
  };
});

server.setRequestHandler(CallToolRequestSchema, async (request) => {
  const { name } = request.params;
  switch (name) {
    case 'create_entities':
      return { content: [] };
    default:
      throw new Error(`Unknown tool: ${name}`);
  }
});
