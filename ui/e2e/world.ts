// Starts the stand-in over, with the world that a page is to be looked at in.

import type { Page } from '@playwright/test'

/** `pace` is how much slower than possible it answers. Gives the ids of the workspaces by name. */
export async function world(page: Page, name: 'demo' | 'fresh', pace = 2): Promise<Record<string, string>> {
  const response = await page.request.post(`/__mock/reset?world=${name}&pace=${pace}`)
  return ((await response.json()) as { ids: Record<string, string> }).ids
}

/** Fails when a page is wider than its window. */
export async function overflowOf(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
}
