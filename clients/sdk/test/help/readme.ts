// The examples of the README, by the titles above them.

export interface Example {
  readonly title: string;
  readonly code: string;
}

export function examplesOf(readme: string): Example[] {
  const found = readme.matchAll(/^## (.*?)$[^]*?^```(?:ts|js)\n([^]*?)^```$/gm);
  return [...found].map(([, title = '', code = '']) => ({ title, code }));
}
