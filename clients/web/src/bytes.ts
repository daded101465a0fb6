const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

/** Bytes as people write them: `1.2 MB`. */
export function bytes(value: number, language: string): string {
  const step = value < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(value) / 3));
  const unit = UNITS[step] ?? 'byte';
  const digits = step === 0 ? 0 : 1;
  const format = { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: digits } as const;
  return new Intl.NumberFormat(language, format).format(value / 1000 ** step);
}
