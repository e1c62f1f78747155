export const TOOL_NAMES = {
  placeOrder: "place_order",
  cancelOrder: "cancel_order",
} as const;

export enum Stock {
  Check = "check_stock",
  Reserve = "reserve_stock",
}
