import { governed, governedTools } from "@faramesh/sdk";

const format = (value: number) => value.toFixed(2);

export const search = governed(async ({ query }: { query: string }) => `found ${query}`, {
  name: "knowledgebase/search",
  agentId: "bank",
});

export const refund = governed((order: string, amount: number) => format(amount), {
  name: "payments/refund",
  params: ["order", "amount"],
});

async function transfer({ to, amount }: { to: string; amount: number }) {
  return `${to} ${format(amount)}`;
}

function closeAccount(account: { id: string }) {
  return account.id;
}

export const tools = governedTools({ transfer, closeAccount }, { agentId: "bank" });
