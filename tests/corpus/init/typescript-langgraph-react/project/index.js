const { createReactAgent } = require("@langchain/langgraph/prebuilt");
const { tool } = require("@langchain/core/tools");
const { TavilySearch } = require("@langchain/tavily");
const { z } = require("zod");
const { makeBookTool } = require("./lib/book");

const searchFlights = tool(({ origin, destination }) => `${origin}-${destination}`, {
  name: "search_flights",
  description: "Find flights",
  schema: z
    .object({
      origin: z.string(),
      destination: z.string(),
    })
    .strict(),
});

module.exports.agent = createReactAgent({
  llm: "openai:gpt-5",
  tools: [searchFlights, makeBookTool({ dryRun: false }), new TavilySearch({ maxResults: 2 })],
});
