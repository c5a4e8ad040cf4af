// Journeys with a forge: register it, connect, sign in with it, disconnect.
//
// Against a real server and a double of GitLab: HEARTH_URL, HEARTH_SETUP_URL (the one-time link), HEARTH_DOUBLE (what
// the double holds, as JSON; see double.ts) and, if it is reached elsewhere, HEARTH_DOUBLE_URL. The double's
// application sends browsers back to HEARTH_URL/oauth/callback, because the address of its own that a forge gets is
// known only once it is registered.

import { type Browser, expect, type Page, test } from '@playwright/test'
import { consentAt, type Double, theDouble } from './double'
import { complaintsOf, look, terminalText } from './looks'

const PASSWORD = 'a fire that is well kept'
const NAME = 'GitLab double'
/** A check asks another server several things. */
const SLOW = { timeout: 60_000 }

const double = theDouble()
test.skip(double === null, 'needs a real server and a double of GitLab')

test('a forge is registered, connected, signed in with and left', async ({ page, browser }) => {
  test.setTimeout(480_000)
  if (double === null) return
  const complaints = complaintsOf(page)
  const [ada, grace] = double.users

  await test.step('sets up the first administrator', async () => {
    await page.goto(process.env.HEARTH_SETUP_URL ?? '/setup')
    await page.getByLabel('Name').fill('ada')
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
    await page.getByRole('button', { name: 'Create the administrator' }).click()
    await expect(page.getByRole('heading', { name: 'Start with a repository' })).toBeVisible()
  })

  await test.step('registers it in three steps', () => register(page, double))

  await test.step('verifies it with an account', async () => {
    await page.getByRole('button', { name: 'Connect your account' }).click()
    await consentAt(page, ada)
    await expect(page.getByText(`${NAME} works`)).toBeVisible(SLOW)
    await expect(page).toHaveURL(/step=check$/)
    await expect(page.getByText(`${NAME} connected as ${ada.username}`)).toBeVisible()
    await look(page, 'journey-forge-works')
  })

  await test.step('finds out what a private project means', async () => {
    await page.goto(`/#${double.projects[0]}`)
    await expect(page.getByText('private', { exact: true })).toBeVisible(SLOW)
    await expect(page.getByRole('button', { name: 'Start the workspace' })).toBeEnabled()
    await look(page, 'journey-forge-context')
  })

  await test.step('starts a merge request and types in the private clone', () => worksOn(page, double))
  const workspace = page.url()

  await test.step('a second person is sent to connect, and comes back to the same page', () =>
    connectsOnTheWay(page, browser, double))

  await test.step('signs in with the forge', async () => {
    await page.getByRole('button', { name: 'Account of ada' }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    // Leaving the page before would call signing out off.
    await expect(page.getByRole('heading', { name: 'Sign in to Hearth' })).toBeVisible()
    await page.goto('/settings/git')
    await page.getByRole('button', { name: `Sign in with ${NAME}` }).click()
    await consentAt(page, ada)
    await expect(page).toHaveURL(/\/settings\/git$/)
    await expect(page.getByLabel('Author name')).toBeVisible()
  })

  await test.step('refuses to connect somebody else’s account', async () => {
    const context = await browser.newContext()
    const stranger = await context.newPage()
    await signInAs(stranger, 'mary')
    await connectFromSettings(stranger)
    await consentAt(stranger, grace)
    await expect(stranger.getByRole('alert')).toContainText(`${NAME} was not connected`)
    await expect(stranger.getByRole('alert')).not.toContainText('grace')
    await look(stranger, 'journey-forge-refused')
    await context.close()
  })

  await test.step('disconnects', async () => {
    await page.goto('/settings/integrations')
    await page.getByRole('button', { name: `More for ${NAME}` }).click()
    await page.getByRole('menuitem', { name: 'Disconnect' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click()
    await expect(page.getByText(`${NAME} disconnected`)).toBeVisible(SLOW)
    await expect(page.getByRole('button', { name: `Connect ${NAME}` })).toBeVisible()
    await look(page, 'journey-forge-disconnected')
  })

  await test.step('is refused by the forge in the workspace from then on', async () => {
    await page.goto(workspace)
    await type(page, 'git fetch', /your account at GitLab double is not connected; connect it/)
    await look(page, 'journey-forge-refused-in-workspace')
  })

  expect(complaints).toEqual([])
})

/** The wizard, as an administrator of both sides goes through it. */
async function register(page: Page, { url, application }: Double): Promise<void> {
  await page.goto('/admin/forges')
  await page.getByRole('link', { name: 'Register a forge' }).click()
  await page.getByLabel('GitLab', { exact: false }).first().check()
  await page.getByRole('textbox', { name: 'Address', exact: true }).fill(url)
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill(NAME)
  await page.getByRole('button', { name: 'Continue' }).click()
  await expect(page.getByText('/oauth/callback/forge_')).toBeVisible()
  await look(page, 'journey-forge-application')

  // The application exists already, with the address that all forges share.
  await page.getByRole('link', { name: 'Address' }).click()
  await page.getByLabel('Redirect address').selectOption('shared')
  await page.getByLabel('Application ID').fill(application.client_id)
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText(`${NAME} saved`)).toBeVisible()
  await page.goto(`${page.url()}?step=application`)
  await page.getByLabel('Secret', { exact: true }).fill(application.secret)
  await page.getByLabel('People may sign in to Hearth with it').check()
  await page.getByRole('button', { name: 'Save and test' }).click()
  await expect(page.getByText('Everything that was tried went well')).toBeVisible(SLOW)
  await look(page, 'journey-forge-check')
}

/** From the address of a merge request to its branch in a terminal. */
async function worksOn(page: Page, { projects }: Double): Promise<void> {
  await page.goto('/new')
  await page.getByRole('textbox', { name: 'Repository', exact: true }).fill(`${projects[0]}/-/merge_requests/1`)
  await expect(page.getByText('Merge request !1')).toBeVisible(SLOW)
  await expect(page.getByText('Add one')).toBeVisible()
  await expect(page.getByText('feature/one', { exact: true })).toBeVisible()
  await look(page, 'journey-forge-merge-request')
  await page.getByRole('button', { name: 'Start the workspace' }).click()
  await expect(page).toHaveURL(/\/w\/ws_/)
  await expect(page.getByRole('tab', { name: 'Terminals' })).toBeVisible({ timeout: 90_000 })
  await type(page, 'git branch --show-current', /^feature\/one$/m)
  await type(page, 'git fetch && cat one.txt; echo code=$?', /code=0/)
  await look(page, 'journey-forge-terminal')
}

/** Types a line into the terminal of the page and waits for what it prints. */
async function type(page: Page, line: string, printed: RegExp): Promise<void> {
  await expect(page.getByText('Connected', { exact: true })).toBeVisible(SLOW)
  await expect.poll(() => terminalText(page)).toMatch(/[$#] *$/m)
  await page.locator('.xterm-helper-textarea:visible, .xterm textarea').first().focus()
  await page.keyboard.type(`${line}\n`)
  await expect.poll(() => terminalText(page), SLOW).toMatch(printed)
}

async function connectsOnTheWay(admin: Page, browser: Browser, { users, projects }: Double): Promise<void> {
  for (const name of ['grace', 'mary']) await addUser(admin, name)
  const context = await browser.newContext()
  const page = await context.newPage()
  await signInAs(page, 'grace')
  await page.goto(`/#${projects[0]}`)
  const address = new RegExp(`/new\\?url=${encodeURIComponent(projects[0])}$`)
  await page.getByRole('button', { name: `Connect ${NAME}` }).click(SLOW)
  await consentAt(page, users[1])
  await expect(page).toHaveURL(address)
  await expect(page.getByRole('button', { name: 'Start the workspace' })).toBeEnabled(SLOW)
  await look(page, 'journey-forge-on-the-way')
  await context.close()
}

async function addUser(page: Page, name: string): Promise<void> {
  await page.goto('/admin/users')
  await page.getByRole('button', { name: 'New user' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name').fill(name)
  await dialog.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await dialog.getByRole('button', { name: 'Create the user' }).click()
  await expect(page.getByRole('row', { name })).toBeVisible()
}

async function signInAs(page: Page, name: string): Promise<void> {
  await page.goto('/sign-in')
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await expect(page.getByRole('button', { name: `Account of ${name}` })).toBeVisible()
}

async function connectFromSettings(page: Page): Promise<void> {
  await page.goto('/settings/integrations')
  await page.getByRole('button', { name: `Connect ${NAME}` }).click()
}
