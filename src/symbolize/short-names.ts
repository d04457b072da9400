/** Short names. */
export function shortName(name: string): string {
  return name;
}
