// A double of GitLab beside a real server: what it holds, and its own pages.

import { expect, type Page } from '@playwright/test'

export interface DoubleUser {
  username: string
  password: string
}

/** What the double prints about itself, as JSON in `HEARTH_DOUBLE`. */
export interface Double {
  url: string
  /** The first two are used. */
  users: [DoubleUser, DoubleUser, ...DoubleUser[]]
  /** Addresses of projects, one that only its members see first. */
  projects: [string, ...string[]]
  /** Registered to send browsers to `HEARTH_URL/oauth/callback`. */
  application: { client_id: string; secret: string }
}

/** The double, or `null` where there is none to test against. */
export function theDouble(): Double | null {
  const text = process.env.HEARTH_DOUBLE
  if (text === undefined || process.env.HEARTH_URL === undefined) return null
  const double = JSON.parse(text) as Double
  return { ...double, url: process.env.HEARTH_DOUBLE_URL ?? double.url }
}

/** Signs in at the double, if it asks, and gives consent, if it asks for that. */
export async function consentAt(page: Page, { username, password }: DoubleUser): Promise<void> {
  const login = page.locator('#user_login')
  const authorise = page.getByTestId('authorization-button')
  await expect(login.or(authorise)).toBeVisible()
  if (await login.isVisible()) {
    await login.fill(username)
    await page.locator('#user_password').fill(password)
    await page.getByTestId('sign-in-button').click()
  }
  // A consent that was given before is not asked for again.
  await page.waitForURL((url) => !url.pathname.includes('/users/sign_in'))
  if (await authorise.isVisible()) await authorise.click()
}
