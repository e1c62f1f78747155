"use strict";

const lc = require("@langchain/core/tools");
const { z } = require("zod");

exports.makeBookTool = function makeBookTool({ dryRun }) {
  return lc.tool(async ({ flight }) => (dryRun ? "nothing" : flight), {
    name: "book_flight",
    description: "Book a flight",
    schema: z.object({ flight: z.string(), passenger: z.string() }),
  });
};
