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
import { meQuery, setupQuery } from './api/session'
import { addressInFragment } from './repository/address'
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

const root = createRootRouteWithContext<Context>()({
  component: Outlet,
  errorComponent: ({ error }) => <ErrorPage error={error} />,
  notFoundComponent: () => <NotFoundPage />,
})

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: (search): { next?: string } => texts('next')(search),
  beforeLoad: async ({ context: { client } }) => {
    const { needed } = await client.fetchQuery(setupQuery)
    if (needed) throw redirect({ to: '/setup', replace: true })
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

/** Everything below needs a signed-in person. What was wanted is kept across signing in. */
const signedIn = createRoute({
  getParentRoute: () => root,
  id: 'signed-in',
  beforeLoad: async ({ context: { client }, location }) => {
    const me = await client.ensureQueryData({ ...meQuery, revalidateIfStale: true })
    if (me !== null) return
    const address = location.pathname === '/' ? addressInFragment(location.hash) : null
    const wanted = address === null ? location.href : `/new?${new URLSearchParams({ url: address })}`
    throw redirect({ to: '/sign-in', search: wanted === '/' ? {} : { next: wanted }, replace: true })
  },
  component: Layout,
})

const index = createRoute({
  getParentRoute: () => signedIn,
  path: '/',
  beforeLoad: ({ location }) => {
    const url = addressInFragment(location.hash)
    if (url === null) throw redirect({ to: '/workspaces', replace: true })
    throw redirect({ to: '/new', search: { url }, replace: true })
  },
})

const workspaces = createRoute({
  getParentRoute: () => signedIn,
  path: '/workspaces',
  validateSearch: texts('q', 'state', 'sort', 'order'),
  component: lazyRouteComponent(() => import('./workspaces/list-page'), 'ListPage'),
})

const fresh = createRoute({
  getParentRoute: () => signedIn,
  path: '/new',
  validateSearch: texts('url', 'ref', 'snapshot'),
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

const settings = createRoute({
  getParentRoute: () => signedIn,
  path: '/settings',
  component: lazyRouteComponent(() => import('./account/settings-page'), 'SettingsPage'),
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
  signedIn.addChildren([index, workspaces, fresh, snapshots, workspace, settings, adminIndex, admin, nowhere]),
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
