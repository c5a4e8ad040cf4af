// What every journey does on every page: look at it in both schemes, and scan it for barriers.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import { expect, type Page } from '@playwright/test'

const FOLDER = process.env.HEARTH_SCREENSHOTS ?? 'screenshots'
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
const SCHEMES = ['light', 'dark'] as const

/** Keeps a picture of the page in light and dark, and fails on any serious barrier in either. */
export async function look(page: Page, name: string): Promise<void> {
  mkdirSync(FOLDER, { recursive: true })
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await page.waitForFunction(
      (dark) => document.documentElement.classList.contains('dark') === dark,
      colorScheme === 'dark',
    )
    await page.screenshot({ path: join(FOLDER, `${name}-${colorScheme}.png`), animations: 'disabled' })
    await scan(page, `${name} ${colorScheme}`)
  }
}

async function scan(page: Page, name: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(TAGS).exclude('.xterm').analyze()
  const found = violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`),
  )
  expect(found, `barriers on ${name}`).toEqual([])
}

/** Collects what the browser complains about. A journey ends with `expect(complaints).toEqual([])`. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    // Refusals and broken lines are what some journeys are about; the page has to deal with them.
    const isRefusal = /^(Failed to load resource|WebSocket connection to)/.test(message.text())
    if (message.type() === 'error' && !isRefusal) complaints.push(message.text())
  })
  return complaints
}

/** What the terminal shows, as text. */
export async function terminalText(page: Page): Promise<string> {
  return (await page.locator('.xterm-rows:visible').innerText()).replaceAll(/\u00a0/g, ' ')
}
