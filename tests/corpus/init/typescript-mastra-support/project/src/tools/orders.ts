export const refund = async (order: string, amount: number) => `${order}: ${amount}`;

export async function findOrder({ id }: { id: string }) {
  return id;
}
