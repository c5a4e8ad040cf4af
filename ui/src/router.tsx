// Every page and its address. Pages are separate chunks; only the shell is in the first load.

import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import { signInOptionsQuery } from './api/forges'
import { meQuery, setupQuery } from './api/session'
import { addressInFragment, snapshotIn } from './repository/address'
import { parseSearch, stringifySearch } from './shell/destination'
import { ErrorPage, NotFoundPage } from './shell/error-page'
import { Layout } from './shell/layout'

interface Context {
  client: QueryClient
}

/** Keeps the named parameters of a query string, as text. */
function texts<Name extends string>(...names: Name[]) {
  return (search: Record<string, unknown>): Partial<Record<Name, string>> => {
    const kept: Partial<Record<Name, string>> = {}
    for (const name of names) {
      const value = search[name]
      if (typeof value === 'string' && value !== '') kept[name] = value
    }
    return kept
  }
}

const noop = () => undefined

/** What `/?autostart=true#https://forge/group/project` asks for, as the page for new workspaces is asked. */
function searchOfContext({ href, search }: { href: string; search: object }) {
  // Not the router's own fragment: that one is decoded, which changes what an address means.
  const address = addressInFragment(/#.*/.exec(href)?.[0] ?? '')
  if (address === null) return null
  const snapshot = snapshotIn(address)
  return { ...search, ...(snapshot === null ? { url: address } : { snapshot }) }
}

function hrefOfContext(location: { href: string; search: object }): string {
  const search = searchOfContext(location)
  return search === null ? location.href : `/new${stringifySearch(search)}`
}

const root = createRootRouteWithContext<Context>()({
  component: Outlet,
  errorComponent: ({ error }) => <ErrorPage error={error} />,
  notFoundComponent: () => <NotFoundPage />,
})

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  // `return_to` is what the server itself writes.
  validateSearch: (search): { next?: string; return_to?: string } => texts('next', 'return_to')(search),
  beforeLoad: async ({ context: { client } }) => {
    const { needed } = await client.fetchQuery(setupQuery)
    if (needed) throw redirect({ to: '/setup', replace: true })
    // So that no button appears below the pointer; the page shows what it can without.
    await client.ensureQueryData(signInOptionsQuery).catch(() => undefined)
  },
  component: lazyRouteComponent(() => import('./account/sign-in'), 'SignInPage'),
})

const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  validateSearch: (search): { token?: string } => texts('token')(search),
  beforeLoad: async ({ context: { client } }) => {
    const { needed } = await client.fetchQuery(setupQuery)
    if (!needed) throw redirect({ to: '/workspaces', replace: true })
  },
  component: lazyRouteComponent(() => import('./account/setup'), 'SetupPage'),
})

/** For whoever has the link; signing in is a part of it. */
const invite = createRoute({
  getParentRoute: () => root,
  path: '/invite',
  component: lazyRouteComponent(() => import('./teams/invite-page'), 'InvitePage'),
})

/** Everything below needs a signed-in person. What was wanted is kept across signing in. */
const signedIn = createRoute({
  getParentRoute: () => root,
  id: 'signed-in',
  beforeLoad: async ({ context: { client }, location }) => {
    const me = await client.ensureQueryData({ ...meQuery, revalidateIfStale: true })
    if (me !== null) return
    const wanted = location.pathname === '/' ? hrefOfContext(location) : location.href
    throw redirect({ to: '/sign-in', search: wanted === '/' ? {} : { next: wanted }, replace: true })
  },
  component: Layout,
})

const index = createRoute({
  getParentRoute: () => signedIn,
  path: '/',
  beforeLoad: async ({ context: { client }, location }) => {
    const search = searchOfContext(location)
    if (search === null) {
      const options = await client.ensureQueryData(signInOptionsQuery).catch(() => null)
      // What a round trip to a forge left is kept for the page to tell.
      if (!options?.team) throw redirect({ to: '/workspaces', search: true, replace: true })
      throw redirect({ to: '/t/$team', params: { team: options.team }, search: true, replace: true })
    }
    throw redirect({ to: '/new', search, replace: true })
  },
})

const workspaces = createRoute({
  getParentRoute: () => signedIn,
  path: '/workspaces',
  validateSearch: texts('q', 'state', 'sort', 'order'),
  component: lazyRouteComponent(() => import('./workspaces/list-page'), 'ListPage'),
})

type NewSearch = Partial<Record<'url' | 'ref' | 'snapshot' | 'team' | 'autostart', string>>

const fresh = createRoute({
  getParentRoute: () => signedIn,
  path: '/new',
  validateSearch: (search): NewSearch => texts('url', 'ref', 'snapshot', 'team', 'autostart')(search),
  // The form begins with the team of this host.
  beforeLoad: ({ context: { client } }) => client.ensureQueryData(signInOptionsQuery).then(noop, noop),
  component: lazyRouteComponent(() => import('./workspaces/new-page'), 'NewPage'),
})

const snapshots = createRoute({
  getParentRoute: () => signedIn,
  path: '/snapshots',
  component: lazyRouteComponent(() => import('./workspaces/snapshots-page'), 'SnapshotsPage'),
})

const workspace = createRoute({
  getParentRoute: () => signedIn,
  path: '/w/$id',
  validateSearch: texts('tab', 'terminal', 'path', 'file'),
  component: lazyRouteComponent(() => import('./workspace/page'), 'WorkspacePage'),
})

const kites = createRoute({
  getParentRoute: () => signedIn,
  path: '/kites',
  validateSearch: texts('q', 'version', 'kind', 'sort', 'order'),
  component: lazyRouteComponent(() => import('./kites/registry-page'), 'RegistryPage'),
})

const kite = createRoute({
  getParentRoute: () => signedIn,
  path: '/kites/$id',
  component: lazyRouteComponent(() => import('./kites/kite-page'), 'KitePage'),
})

const settings = createRoute({
  getParentRoute: () => signedIn,
  path: '/settings',
  component: lazyRouteComponent(() => import('./account/settings-page'), 'SettingsPage'),
})

const settingsSection = createRoute({
  getParentRoute: () => signedIn,
  path: '/settings/$section',
  component: lazyRouteComponent(() => import('./account/settings-page'), 'SettingsSubPage'),
})

const teams = createRoute({
  getParentRoute: () => signedIn,
  path: '/teams',
  component: lazyRouteComponent(() => import('./teams/teams-page'), 'TeamsPage'),
})

const team = createRoute({
  getParentRoute: () => signedIn,
  path: '/t/$team',
  component: lazyRouteComponent(() => import('./teams/team-page'), 'TeamPage'),
})

const teamSection = createRoute({
  getParentRoute: () => signedIn,
  path: '/t/$team/$section',
  component: lazyRouteComponent(() => import('./teams/team-page'), 'TeamSectionPage'),
})

const teamNewForge = createRoute({
  getParentRoute: () => signedIn,
  path: '/t/$team/forges/new',
  component: lazyRouteComponent(() => import('./teams/team-page'), 'TeamNewForgePage'),
})

const teamForge = createRoute({
  getParentRoute: () => signedIn,
  path: '/t/$team/forges/$forge',
  validateSearch: texts('step'),
  component: lazyRouteComponent(() => import('./teams/team-page'), 'TeamForgePage'),
})

const adminNewForge = createRoute({
  getParentRoute: () => signedIn,
  path: '/admin/forges/new',
  component: lazyRouteComponent(() => import('./admin/page'), 'AdminNewForgePage'),
})

const adminForge = createRoute({
  getParentRoute: () => signedIn,
  path: '/admin/forges/$forge',
  validateSearch: texts('step'),
  component: lazyRouteComponent(() => import('./admin/page'), 'AdminForgePage'),
})

const adminIndex = createRoute({
  getParentRoute: () => signedIn,
  path: '/admin',
  beforeLoad: () => {
    throw redirect({ to: '/admin/$section', params: { section: 'users' }, replace: true })
  },
})

const admin = createRoute({
  getParentRoute: () => signedIn,
  path: '/admin/$section',
  component: lazyRouteComponent(() => import('./admin/page'), 'AdminPage'),
})

/** Any other address, inside the shell. */
const nowhere = createRoute({ getParentRoute: () => signedIn, path: '$', component: () => <NotFoundPage /> })

const tree = root.addChildren([
  signIn,
  setup,
  invite,
  signedIn.addChildren([
    index,
    workspaces,
    fresh,
    snapshots,
    workspace,
    kites,
    kite,
    settings,
    settingsSection,
    teams,
    team,
    teamSection,
    teamNewForge,
    teamForge,
    adminIndex,
    adminNewForge,
    adminForge,
    admin,
    nowhere,
  ]),
])

export function makeRouter(client: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { client },
    parseSearch,
    stringifySearch,
    defaultPreload: 'intent',
    defaultPreloadStaleTime: 0,
    scrollRestoration: true,
    defaultNotFoundComponent: () => <NotFoundPage />,
    defaultErrorComponent: ({ error }) => <ErrorPage error={error} />,
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>
  }
}
