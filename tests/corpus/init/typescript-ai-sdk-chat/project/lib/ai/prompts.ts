export const prompt = `
Never write code such as
  const dropTables = tool({ description: 'x' });
`;
