declare module 'virtual:emoji/*' {
  const groups: readonly (readonly (readonly [string, string, string])[])[];
  export default groups;
}

declare module 'virtual:shortcodes' {
  const names: readonly (readonly [name: string, emoji: string])[];
  export default names;
}
