// Times and durations in words.

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** A duration as a stopwatch shows it: `0.4 s`, `12 s`, `1 min 05 s`, `2 h 03 min`. */
export function elapsed(milliseconds: number): string {
  const ms = Math.max(0, milliseconds)
  if (ms < 9.95 * SECOND) return `${(ms / SECOND).toFixed(1)} s`
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ${twoDigits(Math.floor((ms % MINUTE) / SECOND))} s`
  return `${Math.floor(ms / HOUR)} h ${twoDigits(Math.floor((ms % HOUR) / MINUTE))} min`
}

/** How long something took: to the millisecond below a second, where that is what was worked for. */
export function took(milliseconds: number): string {
  const ms = Math.max(0, Math.round(milliseconds))
  return ms < 1000 ? `${ms} ms` : elapsed(ms)
}

/** How much is left, as a countdown shows it: `9:05`, `0:00` once it is over. */
export function countdown(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / SECOND))
  return `${Math.floor(seconds / 60)}:${twoDigits(seconds % 60)}`
}

/** A moment as seen from `now`: `just now`, `3 min ago`, `in 2 h`, `yesterday`, then the date. */
export function relative(moment: string, now: number): string {
  const at = Date.parse(moment)
  if (Number.isNaN(at)) return ''
  const ago = now - at
  const distance = Math.abs(ago)
  if (distance < 45 * SECOND) return 'just now'
  const words =
    distance < HOUR
      ? `${Math.max(1, Math.round(distance / MINUTE))} min`
      : distance < DAY
        ? `${Math.round(distance / HOUR)} h`
        : `${Math.round(distance / DAY)} days`
  if (distance < 1.5 * DAY && distance >= DAY) return ago > 0 ? 'yesterday' : 'tomorrow'
  if (distance < 14 * DAY) return ago > 0 ? `${words} ago` : `in ${words}`
  return date(at, now)
}

/** The whole moment, in the reader's own notation and time zone. */
export function exact(moment: string): string {
  const at = Date.parse(moment)
  if (Number.isNaN(at)) return moment
  return new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' }).format(at)
}

/** The time of day of a log line, to the millisecond. */
export function timeOfDay(moment: string): string {
  const at = new Date(moment)
  if (Number.isNaN(at.getTime())) return ''
  const parts = [at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits)
  return `${parts.join(':')}.${String(at.getMilliseconds()).padStart(3, '0')}`
}

function date(at: number, now: number): string {
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear()
  const year = sameYear ? {} : { year: 'numeric' as const }
  return new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', ...year }).format(at)
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}
