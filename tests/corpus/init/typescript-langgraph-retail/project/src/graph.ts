import { MessagesAnnotation, StateGraph } from "@langchain/langgraph";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";
import { CheckStock, reserve } from "./tools/inventory.js";
import { legacyPrice, priceHistory } from "./tools/legacy.js";
import { cancelOrder, placeOrder } from "./tools/orders.js";

const tools = [placeOrder, cancelOrder, new CheckStock(), reserve, legacyPrice, priceHistory];
const model = new ChatOpenAI({ model: "gpt-5" }).bindTools(tools);

async function callModel(state: typeof MessagesAnnotation.State) {
  return { messages: [await model.invoke(state.messages)] };
}

export const graph = new StateGraph(MessagesAnnotation)
  .addNode("agent", callModel)
  .addNode("tools", new ToolNode(tools))
  .addEdge("__start__", "agent")
  .addConditionalEdges("agent", toolsCondition)
  .addEdge("tools", "agent")
  .compile();
