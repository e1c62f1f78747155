export * from "./mail";
export { refund, findOrder } from "./orders.js";
