// The few lines that make a running service known to this registry.

export type Language = 'rust' | 'javascript'

interface Described {
  value: Language
  label: string
  library: string
  documentation: string | null
  /** What else there is to know. */
  more: string
}

export const LANGUAGES: Described[] = [
  {
    value: 'rust',
    label: 'Rust',
    library: 'kite',
    documentation: null,
    more: 'With the crate kite of Hearth’s sources. Its example registered.rs is the whole program: it reads the key, registers, verifies who calls, finds and calls.',
  },
  {
    value: 'javascript',
    label: 'JavaScript',
    library: 'kite.js',
    documentation: 'https://www.npmjs.com/package/kite.js',
    more: 'With kite.js from npm. Its KiteServer lets everybody call, with or without a token: tests/kite/service.js of Hearth’s sources is the whole program, and verifies who calls.',
  },
]

/** Where callers reach the service itself, for the reader to replace. */
const SERVICE = 'http://10.0.0.5:3636/kite'

/** `origin` is where this Hearth is reached. */
export function linesOf(language: Language, origin: string): string {
  if (language === 'rust') {
    return [
      `let dialer = Dialer::new("${origin}/kite")?;`,
      'let registry = Kontrol::connect(&service, dialer, credential, keys, now);',
      `registry.register("${SERVICE}").await?;`,
    ].join('\n')
  }
  return [
    "const auth = { type: 'kiteKey', key: fs.readFileSync(keyFile, 'utf8').trim() }",
    'const registry = new Kontrol({',
    `  url: '${origin}/kite',`,
    '  auth, transportClass: Kite.transport.WebSocket,',
    "  environment: 'production', name: 'math', version: '1.0.0',",
    "  region: 'local', hostname: os.hostname(),",
    '})',
    '// A registration ends with its connection.',
    `registry.on('open', () => registry.register({ url: '${SERVICE}' }))`,
    "registry.on('error', () => console.error('cannot reach the registry'))",
  ].join('\n')
}
