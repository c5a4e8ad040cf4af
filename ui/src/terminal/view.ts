// One terminal on the screen: xterm.js fed by a connection. The heavy part, loaded when first needed.

import { FitAddon } from '@xterm/addon-fit'
import { SearchAddon } from '@xterm/addon-search'
import { Unicode11Addon } from '@xterm/addon-unicode11'
import { WebLinksAddon } from '@xterm/addon-web-links'
import { Terminal } from '@xterm/xterm'
import '@xterm/xterm/css/xterm.css'
import { copyText } from '@/ui/copy'
import { hardwareGraphics } from './graphics'
import { type TerminalConnection, TerminalConnection as Connection, type TerminalState } from './connection'
import { withConstructedSheets } from './style-sheets'
import { terminalTheme } from './theme'

const FONTS =
  "ui-monospace, 'SF Mono', 'Cascadia Mono', 'JetBrains Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"
/** Clears the screen, the scrollback and every mode, in order with the output (RIS, then ED 3). */
const FULL_RESET = '\u001bc\u001b[3J'

export interface ViewOptions {
  url: string
  label: string
  /** Bytes of output there were before this view: history. */
  liveFrom: number
  fontSize: number
  screenReader: boolean
  onState(state: TerminalState): void
  onSize(columns: number, rows: number): void
  /** The person wants out, or to search. Terminals swallow all other keys. */
  onLeave(): void
  onFind(): void
}

export class TerminalView {
  readonly #terminal: Terminal
  readonly #fit = new FitAddon()
  readonly #search = new SearchAddon()
  readonly #connection: TerminalConnection
  readonly #resize: ResizeObserver
  readonly #place: HTMLElement

  constructor(place: HTMLElement, options: ViewOptions) {
    this.#place = place
    const terminal = new Terminal({
      allowProposedApi: true,
      cursorBlink: true,
      fontFamily: FONTS,
      fontSize: options.fontSize,
      lineHeight: 1.2,
      minimumContrastRatio: 4.5,
      scrollback: 10_000,
      screenReaderMode: options.screenReader,
      theme: terminalTheme(),
      linkHandler: { activate: (_event, url) => openLink(url) },
    })
    this.#terminal = terminal
    terminal.loadAddon(this.#fit)
    terminal.loadAddon(this.#search)
    terminal.loadAddon(new Unicode11Addon())
    terminal.loadAddon(new WebLinksAddon((_event, url) => openLink(url)))
    terminal.unicode.activeVersion = '11'
    withConstructedSheets(() => terminal.open(place))
    terminal.textarea?.setAttribute('aria-label', options.label)
    terminal.attachCustomKeyEventHandler((event) => this.#key(event, options))
    void this.#useGraphics()

    this.#connection = new Connection(
      options.url,
      {
        onOutput: (bytes, shown) => terminal.write(bytes, shown),
        onReset: () => terminal.write(FULL_RESET),
        onState: (state) => {
          terminal.options.disableStdin = state.kind !== 'connected'
          terminal.options.cursorBlink = state.kind === 'connected'
          options.onState(state)
        },
      },
      options.liveFrom,
    )
    terminal.onData((text) => this.#connection.input(text))
    terminal.onBinary((text) => this.#connection.inputBytes(Uint8Array.from(text, (letter) => letter.charCodeAt(0))))
    terminal.onResize(({ cols, rows }) => {
      this.#connection.resize(cols, rows)
      options.onSize(cols, rows)
    })
    this.#resize = new ResizeObserver(() => this.fit())
    this.#resize.observe(place)
    this.fit()
    this.#connection.resize(terminal.cols, terminal.rows)
    options.onSize(terminal.cols, terminal.rows)
  }

  /** Fills its place. A hidden place has no size; then it waits. */
  fit(): void {
    if (this.#place.clientWidth > 0 && this.#place.clientHeight > 0) this.#fit.fit()
  }

  focus(): void {
    this.#terminal.focus()
  }

  setTheme(): void {
    this.#terminal.options.theme = terminalTheme()
  }

  setFontSize(size: number): void {
    this.#terminal.options.fontSize = size
    this.fit()
  }

  find(text: string, direction: 'next' | 'previous'): boolean {
    const options = { incremental: direction === 'next' }
    return direction === 'next' ? this.#search.findNext(text, options) : this.#search.findPrevious(text)
  }

  retryNow(): void {
    this.#connection.retryNow()
  }

  giveUp(): void {
    this.#connection.giveUp()
  }

  dispose(): void {
    this.#resize.disconnect()
    this.#connection.close()
    this.#terminal.dispose()
  }

  #key(event: KeyboardEvent, options: ViewOptions): boolean {
    if (event.type !== 'keydown' || !event.ctrlKey || !event.shiftKey) return true
    const act = {
      Period: options.onLeave,
      KeyF: options.onFind,
      KeyC: () => {
        if (this.#terminal.hasSelection()) copyText(this.#terminal.getSelection()).catch(() => undefined)
      },
      // The browser itself pastes; the shell must not get the key.
      KeyV: null,
    }[event.code]
    if (act === undefined) return true
    if (act !== null) {
      event.preventDefault()
      act()
    }
    return false
  }

  /** Software WebGL is up to eight times slower than plain elements, so only real hardware is used. */
  async #useGraphics(): Promise<void> {
    if (!hardwareGraphics()) return
    const { WebglAddon } = await import('@xterm/addon-webgl')
    const addon = new WebglAddon()
    addon.onContextLoss(() => withConstructedSheets(() => addon.dispose()))
    withConstructedSheets(() => this.#terminal.loadAddon(addon))
  }
}

/** Programs choose the links, so only web addresses are opened, and they learn nothing of this page. */
function openLink(url: string): void {
  if (/^https?:\/\//i.test(url)) open(url, '_blank', 'noopener,noreferrer')
}
