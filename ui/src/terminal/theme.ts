// The colours of terminals, the same as those of logs: read from the page's style sheet.

import type { ITheme } from '@xterm/xterm'

const NAMES = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const

/** The colours of the present scheme. */
export function terminalTheme(): ITheme {
  const style = getComputedStyle(document.documentElement)
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim()
  const theme: ITheme = {
    background: colour('surface'),
    foreground: colour('ink'),
    cursor: colour('accent'),
    cursorAccent: colour('surface'),
    selectionBackground: `${colour('accent')}47`,
    scrollbarSliderBackground: `${colour('line-strong')}55`,
    scrollbarSliderHoverBackground: `${colour('line-strong')}88`,
    scrollbarSliderActiveBackground: `${colour('line-strong')}bb`,
  }
  for (const [index, name] of NAMES.entries()) {
    theme[name] = colour(`ansi-${index}`)
    theme[`bright${name.charAt(0).toUpperCase()}${name.slice(1)}` as 'brightRed'] = colour(`ansi-${index + 8}`)
  }
  return theme
}
