export function fill(store) {
  store.registerTool("hammer", { weight: 3 }, () => {});
  store.registerTool("saw");
}
