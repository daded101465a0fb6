/** The moments that are offered. */
export const CHOICES = ['minutes', 'hour', 'tomorrow', 'monday'] as const;
export type Choice = (typeof CHOICES)[number];

const MINUTE = 60_000;
const MONDAY = 1;

/** The moment of a choice, by the clock and the calendar of this device. */
export function momentOf(choice: Choice, now: Date): Date {
  switch (choice) {
    case 'minutes':
      return new Date(now.getTime() + 20 * MINUTE);
    case 'hour':
      return new Date(now.getTime() + 60 * MINUTE);
    case 'tomorrow':
      return atNine(now, 1);
    case 'monday':
      return atNine(now, (MONDAY - now.getDay() + 7) % 7 || 7);
  }
}

/** Nine in the morning, so many days from now. */
function atNine(now: Date, days: number): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, 9);
}

/** A moment as a field of date and time has it: local, to the minute. */
export function fieldOf(moment: Date): string {
  const two = (part: number) => String(part).padStart(2, '0');
  const date = [moment.getFullYear(), two(moment.getMonth() + 1), two(moment.getDate())].join('-');
  return `${date}T${two(moment.getHours())}:${two(moment.getMinutes())}`;
}

/** The moment that a field of date and time has; null if it has none, or one that has passed. */
export function chosenIn(field: string, now: Date): Date | null {
  const moment = new Date(field);
  return moment.getTime() > now.getTime() ? moment : null;
}
