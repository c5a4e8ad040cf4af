// The main job from end to end: set up, paste a repository, type in it, and clean up.
//
// Against a real server: HEARTH_URL, HEARTH_SETUP_URL (the one-time link) and HEARTH_REPO_URL (a repository
// it can clone). Without them, against the stand-in.

import { expect, type Page, test } from '@playwright/test'
import { complaintsOf, look, terminalText } from './looks'

const SETUP_URL = process.env.HEARTH_SETUP_URL ?? '/setup?token=hearth_setup_mock'
const REPOSITORY = process.env.HEARTH_REPO_URL ?? 'https://gitlab.com/hearthside/bellows'
const MISSING = REPOSITORY.replace(/[^/]+$/, 'missing-repository')
const PASSWORD = 'a fire that is well kept'
const NAME = 'ada'
/** A clone over a slow line takes longer than a page may. */
const SLOW = { timeout: 90_000 }

test('a stranger becomes somebody who types in a clone', async ({ page }) => {
  test.setTimeout(480_000)
  const complaints = complaintsOf(page)
  if (process.env.HEARTH_URL === undefined) await page.request.post('/__mock/reset?world=fresh')

  await test.step('sets up the first administrator', async () => {
    await page.goto(SETUP_URL)
    await look(page, 'journey-setup')
    await page.getByLabel('Name').fill(NAME)
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
    await page.getByLabel('E-mail').fill('ada@example.com')
    await page.getByRole('button', { name: 'Create the administrator' }).click()
    await expect(page.getByRole('heading', { name: 'Start with a repository' })).toBeVisible()
    await look(page, 'journey-empty')
  })

  await test.step('pastes a repository and sees it start', async () => {
    await page.getByLabel('Address of a repository').fill(REPOSITORY)
    await page.keyboard.press('Enter')
    await expect(page.getByRole('button', { name: 'Start the workspace' })).toBeFocused()
    await look(page, 'journey-new')
    await page.keyboard.press('Enter')
    await expect(page).toHaveURL(/\/w\/ws_/)
    await expect(page.getByRole('tab', { name: 'Terminals' })).toBeVisible(SLOW)
    await expect(page).toHaveTitle(/ · Hearth$/)
  })

  await test.step('types in the clone', async () => {
    await expect(page.getByText('Connected', { exact: true })).toBeVisible()
    await expect.poll(() => terminalText(page)).toMatch(/[$#] *$/m)
    await page.keyboard.type('git log -1 --format=%H\n')
    await expect.poll(() => terminalText(page)).toMatch(/^[0-9a-f]{40}/m)
    await page.keyboard.type('git status\n')
    await expect.poll(() => terminalText(page)).toContain('working tree clean')
    await look(page, 'journey-terminal')
  })

  await test.step('finds everything as it was after a reload', async () => {
    await page.reload()
    await expect.poll(() => terminalText(page)).toContain('working tree clean')
    await page.getByRole('button', { name: 'New terminal' }).click()
    await expect(page.getByRole('tablist', { name: 'Terminals' }).getByRole('tab')).toHaveCount(2)
    await expect.poll(() => terminalText(page)).toMatch(/[$#] *$/m)
    // Out of the terminal by keyboard alone.
    await page.keyboard.press('Control+Shift+.')
    await expect(page.getByRole('tab', { selected: true, name: /\d/ })).toBeFocused()
    await page.keyboard.press('ArrowLeft')
    await expect.poll(() => terminalText(page)).toContain('working tree clean')
    await page.getByRole('button', { name: /^End/ }).click()
    await page.getByRole('button', { name: 'End it' }).click()
    await expect(page.getByRole('tablist', { name: 'Terminals' }).getByRole('tab')).toHaveCount(1)
  })

  await test.step('brings a file in and looks at it', async () => {
    await page.getByRole('tab', { name: 'Files' }).click()
    await page.getByLabel('Files to upload').setInputFiles({
      name: 'spark.txt',
      mimeType: 'text/plain',
      buffer: Buffer.from('a single spark\n'),
    })
    await page.getByRole('button', { name: 'File spark.txt' }).click()
    await expect(page.getByText('a single spark')).toBeVisible()
    await look(page, 'journey-files')
  })

  await test.step('reads log, usage and details', async () => {
    await page.getByRole('tab', { name: 'Log' }).click()
    await expect(page.getByRole('log').locator('[id^=L]').first()).toBeVisible()
    await look(page, 'journey-log')
    await page.getByRole('tab', { name: 'Usage' }).click()
    await expect(page.getByRole('meter', { name: 'Memory' })).toBeVisible()
    await look(page, 'journey-usage')
    await page.getByRole('tab', { name: 'Details' }).click()
    await expect(page.getByText(/^hearth exec ws_/)).toBeVisible()
    await look(page, 'journey-details')
  })

  await test.step('stops, seals, starts again, and the file is still there', async () => {
    await page.getByRole('button', { name: 'Stop', exact: true }).click()
    await page.getByRole('tab', { name: 'State' }).click()
    await expect(page.getByRole('heading', { name: 'Resting' })).toBeVisible(SLOW)
    await look(page, 'journey-stopped')
    await choose(page, 'Take a snapshot')
    await expect(page.getByText(/^Snapshot of .* taken$/)).toBeVisible()
    await page.getByRole('button', { name: 'Start it' }).click()
    await page.getByRole('tab', { name: 'Files' }).click(SLOW)
    await expect(page.getByRole('button', { name: 'File spark.txt' })).toBeVisible()
  })

  await test.step('is offered what exists before a second one', async () => {
    await page.goto(`/#${REPOSITORY}`)
    await expect(page.getByText('You have a workspace of this repository')).toBeVisible()
    await look(page, 'journey-existing')
    await page.keyboard.press('Enter')
    await expect(page).toHaveURL(/\/w\/ws_/)
  })

  await test.step('learns why a repository cannot be had', async () => {
    await page.goto(`/new?url=${encodeURIComponent(MISSING)}`)
    await page.getByRole('button', { name: 'Start the workspace' }).click()
    await expect(page.getByRole('alert').getByText('What to do')).toBeVisible(SLOW)
    await look(page, 'journey-failed')
    await remove(page)
  })

  await test.step('finds the way by keyboard', async () => {
    await page.goto('/workspaces')
    await expect(page.getByRole('table', { name: 'Workspaces' })).toBeVisible()
    await look(page, 'journey-workspaces')
    await page.keyboard.press('Control+k')
    await expect(page.getByRole('combobox')).toBeFocused()
    await page.keyboard.type('snapshots')
    await page.keyboard.press('Enter')
    await expect(page.getByRole('button', { name: /Delete the snapshot/ })).toBeVisible()
    await look(page, 'journey-snapshots')
    await page.keyboard.press('g')
    await page.keyboard.press('s')
    await expect(page.getByRole('heading', { name: 'Settings' })).toBeVisible()
    await look(page, 'journey-settings')
  })

  await test.step('makes a token and sees it once', async () => {
    await page.getByRole('button', { name: 'New token' }).click()
    await page.getByLabel('Name').fill('laptop')
    await page.getByRole('button', { name: 'Create the token' }).click()
    await expect(page.getByText(/^hearth_/)).toBeVisible()
    await page.getByRole('button', { name: 'Done' }).click()
    await expect(page.getByText(/^hearth_/)).toHaveCount(0)
  })

  await test.step('runs the platform', async () => {
    for (const section of ['images', 'machine', 'audit', 'users']) {
      await page.goto(`/admin/${section}`)
      await expect(page.getByRole('heading', { level: 2 }).first()).toBeVisible()
      await expect(page.getByRole('status', { name: 'Loading' })).toHaveCount(0)
      await look(page, `journey-admin-${section}`)
    }
    await page.getByRole('button', { name: 'New user' }).click()
    await page.getByRole('dialog').getByLabel('Name').fill('grace')
    await page.getByLabel('Password', { exact: true }).fill('another well kept fire')
    await page.getByRole('button', { name: 'Create the user' }).click()
    await expect(page.getByRole('row', { name: /grace/ })).toBeVisible()
  })

  await test.step('leaves, and comes back to what was wanted', async () => {
    await page.getByRole('button', { name: `Account of ${NAME}` }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await expect(page.getByRole('heading', { name: 'Sign in to Hearth' })).toBeVisible()
    await page.goto(`/#${REPOSITORY}`)
    await look(page, 'journey-sign-in')
    await page.getByLabel('Name').fill(NAME)
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
    await page.keyboard.press('Enter')
    await expect(page.getByText('You have a workspace of this repository')).toBeVisible()
  })

  await test.step('removes the workspace', async () => {
    await page.getByRole('link', { name: /^Open / }).click()
    await expect(page.getByRole('tab', { name: 'Terminals' })).toBeVisible()
    await remove(page)
    await page.goto('/workspaces')
    await expect(page.getByRole('heading', { name: 'Start with a repository' })).toBeVisible(SLOW)
  })

  expect(complaints).toEqual([])
})

/** Picks an item of the workspace's menu. */
async function choose(page: Page, item: string): Promise<void> {
  await page.getByRole('button', { name: /^More for / }).click()
  await page.getByRole('menuitem', { name: item }).click()
}

/** Deletes the workspace of the page, and waits until it is gone. */
async function remove(page: Page): Promise<void> {
  await choose(page, 'Delete')
  const dialog = page.getByRole('dialog')
  const name = await dialog.locator('label span').innerText()
  await dialog.getByRole('textbox').fill(name)
  await dialog.getByRole('button', { name: 'Delete for ever' }).click()
  await expect(page.getByRole('heading', { name: 'This workspace was deleted' })).toBeVisible(SLOW)
}
