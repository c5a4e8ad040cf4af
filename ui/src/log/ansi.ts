// Terminal colours in a log line, as spans. Text stays text: nothing here ever becomes HTML.

/** A colour: one of the sixteen of the theme by number, or a CSS colour. */
type Colour = number | string | null

/** How following text looks. Carried from line to line, as a terminal does. */
export interface Look {
  foreground: Colour
  background: Colour
  bold: boolean
  dim: boolean
  italic: boolean
  underline: boolean
  strike: boolean
  inverse: boolean
}

export interface Span {
  text: string
  /** Class names of `styles.css`, possibly empty. */
  className: string
  /** Only for colours beyond the sixteen. */
  color?: string
  background?: string
}

export const PLAIN: Look = {
  foreground: null,
  background: null,
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  strike: false,
  inverse: false,
}

// CSI sequences, OSC strings (up to BEL or ST), two-character escapes, then stray control characters.
const ESCAPE =
  /\x1b\[([0-9;:<=>?]*)[ -/]*(?:([@-~])|$)|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f]|\x1b/g

/** Splits one line into spans, beginning with `look`; answers also the look the next line begins with. */
export function parseAnsi(line: string, look: Look = PLAIN): { spans: Span[]; look: Look } {
  const visible = afterLastReturn(line)
  const spans: Span[] = []
  let at = 0
  let present = look
  const push = (text: string) => {
    if (text !== '') spans.push(spanOf(text, present))
  }
  for (const match of visible.matchAll(ESCAPE)) {
    push(visible.slice(at, match.index))
    at = match.index + match[0].length
    if (match[2] === 'm') present = apply(present, match[1] ?? '')
  }
  push(visible.slice(at))
  return { spans, look: present }
}

/** The line without any escape sequences, for copying and searching. */
export function plainText(line: string): string {
  return afterLastReturn(line).replace(ESCAPE, '')
}

/** A carriage return starts the line over: progress bars leave only their last state. */
function afterLastReturn(line: string): string {
  const trimmed = line.replace(/\r+$/, '')
  return trimmed.slice(trimmed.lastIndexOf('\r') + 1)
}

/** Applies the parameters of one SGR sequence (ECMA-48 8.3.117). */
function apply(look: Look, parameters: string): Look {
  const codes = parameters.split(/[;:]/).map((code) => (code === '' ? 0 : Number(code)))
  let next = look
  for (let index = 0; index < codes.length; index += 1) {
    const code = codes[index] ?? 0
    if (code === 38 || code === 48) {
      const { colour, used } = extended(codes.slice(index + 1))
      next = code === 38 ? withForeground(next, colour) : withBackground(next, colour)
      index += used
    } else {
      next = simple(next, code)
    }
  }
  return next
}

function withForeground(look: Look, foreground: Colour): Look {
  return { ...look, foreground }
}

function withBackground(look: Look, background: Colour): Look {
  return { ...look, background }
}

function simple(look: Look, code: number): Look {
  if (code >= 30 && code <= 37) return withForeground(look, code - 30)
  if (code >= 40 && code <= 47) return withBackground(look, code - 40)
  if (code >= 90 && code <= 97) return withForeground(look, code - 82)
  if (code >= 100 && code <= 107) return withBackground(look, code - 92)
  switch (code) {
    case 0:
      return PLAIN
    case 1:
      return { ...look, bold: true }
    case 2:
      return { ...look, dim: true }
    case 3:
      return { ...look, italic: true }
    case 4:
      return { ...look, underline: true }
    case 7:
      return { ...look, inverse: true }
    case 9:
      return { ...look, strike: true }
    case 22:
      return { ...look, bold: false, dim: false }
    case 23:
      return { ...look, italic: false }
    case 24:
      return { ...look, underline: false }
    case 27:
      return { ...look, inverse: false }
    case 29:
      return { ...look, strike: false }
    case 39:
      return withForeground(look, null)
    case 49:
      return withBackground(look, null)
    default:
      return look
  }
}

/** What follows 38 or 48: `5;n` of 256 colours, or `2;r;g;b`. */
function extended(codes: number[]): { colour: Colour; used: number } {
  if (codes[0] === 5) return { colour: indexed(codes[1] ?? 0), used: 2 }
  if (codes[0] === 2) {
    const [red = 0, green = 0, blue = 0] = codes.slice(1, 4).map((value) => Math.min(255, value))
    return { colour: `rgb(${red} ${green} ${blue})`, used: 4 }
  }
  return { colour: null, used: 1 }
}

/** The 256 colours of xterm: sixteen of the theme, a cube of 6×6×6, and 24 greys. */
function indexed(index: number): Colour {
  if (index < 16) return index
  if (index >= 232) {
    const grey = 8 + (Math.min(index, 255) - 232) * 10
    return `rgb(${grey} ${grey} ${grey})`
  }
  const level = (step: number) => (step === 0 ? 0 : 55 + step * 40)
  const cube = index - 16
  return `rgb(${level(Math.floor(cube / 36))} ${level(Math.floor(cube / 6) % 6)} ${level(cube % 6)})`
}

function spanOf(text: string, look: Look): Span {
  const foreground = look.inverse ? (look.background ?? 'var(--canvas)') : look.foreground
  const background = look.inverse ? (look.foreground ?? 'var(--ink)') : look.background
  const names: string[] = []
  const span: Span = { text, className: '' }
  if (typeof foreground === 'number') names.push(`ansi-fg-${foreground}`)
  else if (foreground !== null) span.color = foreground
  if (typeof background === 'number') names.push(`ansi-bg-${background}`)
  else if (background !== null) span.background = background
  for (const name of ['bold', 'dim', 'italic', 'underline', 'strike'] as const) {
    if (look[name]) names.push(`ansi-${name}`)
  }
  span.className = names.join(' ')
  return span
}
