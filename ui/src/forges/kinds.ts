// What a person who registers a forge has to know about each product.

export type AuthMethod = 'oauth2' | 'oauth1' | 'personal_token'

export interface Kind {
  kind: string
  title: string
  /** One line below the title. */
  about: string
  urlLabel: string
  urlExample: string
  /** Where its maker hosts it; used when no address is given. */
  home: string | null
  /** How accounts can be linked, the usual way first. */
  methods: AuthMethod[]
  /** Names of the two things the forge gives out, as it calls them. */
  idLabel: string
  secretLabel: string
  redirectLabel: string
  /** Whether scopes are ticked at the registration, or only asked for later. */
  ticksScopes: boolean
  /** The way to the registration, and what to mind there. */
  steps: string[]
}

export const KINDS: Kind[] = [
  {
    kind: 'gitlab',
    title: 'GitLab',
    about: 'gitlab.com or your own',
    urlLabel: 'Address',
    urlExample: 'https://gitlab.example.com',
    home: 'https://gitlab.com',
    methods: ['oauth2', 'personal_token'],
    idLabel: 'Application ID',
    secretLabel: 'Secret',
    redirectLabel: 'Redirect URI',
    ticksScopes: true,
    steps: [
      'For everybody: `Admin` → `Applications`. Without administrator rights a group’s or your own applications do as well.',
      'Leave `Confidential` ticked. `Trusted` spares everybody the consent page.',
    ],
  },
  {
    kind: 'github',
    title: 'GitHub',
    about: 'github.com or Enterprise Server',
    urlLabel: 'Address',
    urlExample: 'https://github.example.com',
    home: 'https://github.com',
    methods: ['oauth2', 'personal_token'],
    idLabel: 'Client ID',
    secretLabel: 'Client secret',
    redirectLabel: 'Authorization callback URL',
    ticksScopes: false,
    steps: [
      'An organisation’s `Settings` → `Developer settings` → `OAuth Apps`, or your own.',
      'The homepage is the address of this Hearth. Then `Generate a new client secret`.',
    ],
  },
  {
    kind: 'gitea',
    title: 'Gitea, Forgejo',
    about: 'codeberg.org or your own',
    urlLabel: 'Address',
    urlExample: 'https://git.example.com',
    home: 'https://codeberg.org',
    methods: ['oauth2', 'personal_token'],
    idLabel: 'Client ID',
    secretLabel: 'Client secret',
    redirectLabel: 'Redirect URI',
    ticksScopes: false,
    steps: [
      'For everybody: `Site administration` → `Integrations` → `Applications`; else your own `Settings` → `Applications`.',
      'Leave `Confidential client` ticked.',
    ],
  },
  {
    kind: 'bitbucket_server',
    title: 'Bitbucket Data Center',
    about: 'your own, Server as well',
    urlLabel: 'Address',
    urlExample: 'https://bitbucket.example.com',
    home: null,
    methods: ['oauth2', 'oauth1', 'personal_token'],
    idLabel: 'Client ID',
    secretLabel: 'Client secret',
    redirectLabel: 'Redirect URL',
    ticksScopes: true,
    steps: ['`Administration` → `Application links` → `Create link` → `External application`, direction `Incoming`.'],
  },
  {
    kind: 'bitbucket_cloud',
    title: 'Bitbucket Cloud',
    about: 'bitbucket.org',
    urlLabel: 'Address',
    urlExample: 'https://bitbucket.org',
    home: 'https://bitbucket.org',
    methods: ['oauth2', 'personal_token'],
    idLabel: 'Key',
    secretLabel: 'Secret',
    redirectLabel: 'Callback URL',
    ticksScopes: true,
    steps: ['The workspace’s `Settings` → `OAuth consumers` → `Add consumer`; tick `This is a private consumer`.'],
  },
  {
    kind: 'azure_devops',
    title: 'Azure DevOps',
    about: 'with access tokens and SSH keys',
    urlLabel: 'Address',
    urlExample: 'https://dev.azure.com',
    home: 'https://dev.azure.com',
    methods: ['personal_token'],
    idLabel: 'Application ID',
    secretLabel: 'Secret',
    redirectLabel: 'Redirect URI',
    ticksScopes: false,
    steps: [],
  },
  {
    kind: 'open_id',
    title: 'OpenID Connect',
    about: 'to sign in with; no repositories',
    urlLabel: 'Issuer',
    urlExample: 'https://id.example.com/realms/main',
    home: null,
    methods: ['oauth2'],
    idLabel: 'Client ID',
    secretLabel: 'Client secret',
    redirectLabel: 'Redirect URI',
    ticksScopes: false,
    steps: ['A confidential client with the authorisation code flow. PKCE may be required.'],
  },
]

const OAUTH1_STEPS = [
  '`Administration` → `Application links` → `Create link` → `Atlassian product`, with the address of this Hearth. Ignore “No response received”.',
  'Tick `Create incoming link`; whatever is asked for the outgoing half is not used.',
]

/** The kind of that name; GitLab’s words where a newer server knows more than these pages. */
export function kindOf(kind: string): Kind {
  const found = KINDS.find((item) => item.kind === kind)
  if (found) return found
  const [first] = KINDS
  if (first === undefined) throw new Error('no kinds')
  return { ...first, kind, title: kind, steps: [] }
}

/** What to do at the forge, for the way accounts are linked. */
export function stepsOf(kind: string, method: string): string[] {
  if (method === 'personal_token') return []
  return method === 'oauth1' ? OAUTH1_STEPS : kindOf(kind).steps
}

export const METHOD_NAMES: Record<AuthMethod, string> = {
  oauth2: 'OAuth 2',
  oauth1: 'OAuth 1.0a (before version 7.20)',
  personal_token: 'Personal access tokens only',
}
