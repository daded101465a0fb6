declare module 'virtual:emoji/*' {
  const groups: readonly (readonly (readonly [string, string, string])[])[];
  export default groups;
}
