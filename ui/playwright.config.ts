// Browser journeys. Against the server at HEARTH_URL, or, without one, against the built pages and
// the stand-in of dev/mock-server.ts.

import { defineConfig } from '@playwright/test'

const real = process.env.HEARTH_URL
const mock = 'http://127.0.0.1:4173'

export default defineConfig({
  testDir: 'e2e',
  // Apart, so that both can run at once.
  outputDir: real ? 'test-results/server' : 'test-results/stand-in',
  timeout: 120_000,
  expect: { timeout: 15_000 },
  // One server with one state, so one journey at a time.
  workers: 1,
  fullyParallel: false,
  forbidOnly: true,
  reporter: [['list']],
  use: {
    baseURL: real ?? mock,
    viewport: { width: 1280, height: 800 },
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: process.env.HEARTH_CHROMIUM ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--font-render-hinting=none',
      ],
    },
  },
  ...(real ? {} : { webServer: { command: 'npm run preview:mock', url: mock, reuseExistingServer: true } }),
})
