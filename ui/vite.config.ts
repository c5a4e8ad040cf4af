/// The build: one static page application, hashed assets, and a compressed copy beside each.

import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'
import { mockServer } from './dev/mock-server.ts'

/** Below this a compressed copy saves nothing: it fits one network packet anyway. */
const WORTH_COMPRESSING_BYTES = 1400

/** Writes `.br` and `.gz` beside every text file of the build, so that the server never compresses. */
function precompress(): Plugin {
  let folder = 'dist'
  return {
    name: 'hearth-precompress',
    apply: 'build',
    configResolved(config) {
      folder = config.build.outDir
    },
    closeBundle() {
      for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
        const path = join(folder, name)
        if (!/\.(js|css|html|svg|json|txt)$/.test(name) || !statSync(path).isFile()) continue
        const bytes = readFileSync(path)
        if (bytes.length < WORTH_COMPRESSING_BYTES) continue
        writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }))
        const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length }
        writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params }))
      }
    },
  }
}

const mocked = process.env.HEARTH_MOCK === '1'
const target = process.env.HEARTH_URL ?? 'http://127.0.0.1:8090'

export default defineConfig({
  plugins: [react(), tailwindcss(), precompress(), ...(mocked ? [mockServer()] : [])],
  resolve: { alias: { '@': join(import.meta.dirname, 'src') } },
  build: {
    target: 'es2022',
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            // Changes seldom, so browsers keep it across releases.
            { name: 'vendor', test: /node_modules\/(?!@xterm)/, priority: 2 },
            // What every page needs, in one request instead of thirty.
            { name: 'base', test: /src\/(ui|api|live|time|amount|repository)\//, priority: 1 },
          ],
        },
      },
    },
  },
  server: mocked ? {} : { proxy: { '/api': { target, ws: true, changeOrigin: true } } },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
})
