// Sizes in words, in powers of 1024 as operating systems count memory.

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB']

/** `0 B`, `1.5 MB`, `312 MB`, `4 GB`: three digits at most, no needless `.0`. */
export function bytes(size: number): string {
  let value = Math.max(0, size)
  let unit = 0
  while (value >= 1023.5 && unit < UNITS.length - 1) {
    value /= 1024
    unit += 1
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1
  return `${value.toFixed(digits).replace(/\.0$/, '')} ${UNITS[unit] ?? ''}`
}
