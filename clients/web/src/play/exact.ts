/** `14:05:09.123`, as long as where one compares moments. */
export function exact(time: Date): string {
  const pad = (value: number, digits = 2) => String(value).padStart(digits, '0');
  const parts = [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => pad(part));
  return `${parts.join(':')}.${pad(time.getMilliseconds(), 3)}`;
}
