// A person's own settings.

import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { meQuery } from '@/api/session'
import { IntegrationsSection } from '@/integrations/section'
import { KiteKeysSection } from '@/kites/keys-section'
import { NotFoundPage } from '@/shell/error-page'
import { Page } from '@/shell/page'
import { setPreference, usePreference } from '@/shell/preference'
import { useTitle } from '@/shell/title'
import { Card, Section } from '@/ui/card'
import { Choice } from '@/ui/choice'
import { Moment } from '@/ui/moment'
import { GitSection } from './git-section'
import { PasswordSection } from './password-section'
import { SessionsSection } from './sessions-section'
import { SshKeySection } from './ssh-key-section'
import { TokensSection } from './tokens-section'

/** What a page of its own shows; everything else is below one another on the first. */
const PAGES = [
  { name: 'integrations', title: 'Integrations', view: IntegrationsSection },
  { name: 'ssh-key', title: 'SSH key', view: SshKeySection },
  { name: 'git', title: 'Git', view: GitSection },
  { name: 'kite-keys', title: 'Kite keys', view: KiteKeysSection },
]

const ANCHORS = [
  { id: 'profile', title: 'Profile' },
  { id: 'appearance', title: 'Appearance' },
  { id: 'password', title: 'Password' },
  { id: 'sessions', title: 'Sessions' },
  { id: 'tokens', title: 'API tokens' },
]

const ITEM =
  'block rounded-md px-2.5 py-1.5 font-medium text-muted hover:bg-ink/6 hover:text-ink aria-[current=page]:bg-ink/6 aria-[current=page]:text-ink'

export function SettingsPage() {
  useTitle('Settings')
  return (
    <Frame>
      <ProfileSection />
      <AppearanceSection />
      <PasswordSection />
      <SessionsSection />
      <TokensSection />
    </Frame>
  )
}

export function SettingsSubPage() {
  const { section } = useParams({ from: '/signed-in/settings/$section' })
  const page = PAGES.find(({ name }) => name === section)
  useTitle(page ? `${page.title} · Settings` : 'Settings')
  if (page === undefined) return <NotFoundPage />
  const View = page.view
  return (
    <Frame>
      <View />
    </Frame>
  )
}

function Frame({ children }: { children: React.ReactNode }) {
  return (
    <Page title="Settings">
      <div className="grid grid-cols-[minmax(0,1fr)] gap-8 md:grid-cols-[10rem_minmax(0,1fr)] md:gap-12">
        <nav aria-label="Sections" className="self-start md:sticky md:top-20">
          <ul className="flex flex-wrap gap-x-1 gap-y-0.5 md:grid">
            {ANCHORS.map(({ id, title }) => (
              <li key={id}>
                <Link to="/settings" hash={id} className={ITEM} activeOptions={{ exact: true, includeHash: true }}>
                  {title}
                </Link>
              </li>
            ))}
            {PAGES.map(({ name, title }) => (
              <li key={name}>
                <Link to="/settings/$section" params={{ section: name }} className={ITEM}>
                  {title}
                </Link>
              </li>
            ))}
          </ul>
        </nav>
        <div className="grid max-w-3xl grid-cols-[minmax(0,1fr)] content-start gap-12">{children}</div>
      </div>
    </Page>
  )
}

function ProfileSection() {
  const { data: me } = useQuery(meQuery)
  if (!me) return null
  return (
    <Section id="profile" title="Profile" description="What this Hearth knows about you.">
      <Card className="grid gap-x-8 gap-y-4 p-5 sm:grid-cols-2">
        <Fact label="Name">{me.name}</Fact>
        <Fact label="Role">{me.role === 'admin' ? 'Administrator' : 'Member'}</Fact>
        <Fact label="E-mail for commits">{me.email ?? 'Not given'}</Fact>
        <Fact label="Here since">
          <Moment at={me.created_at} />
        </Fact>
      </Card>
    </Section>
  )
}

function Fact({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <dl className="grid gap-0.5">
      <dt className="text-sm text-muted">{label}</dt>
      <dd className="font-medium">{children}</dd>
    </dl>
  )
}

function AppearanceSection() {
  const theme = usePreference('theme')
  const letters = usePreference('letters')
  const reader = usePreference('screenReader')
  const size = usePreference('terminalSize')
  return (
    <Section id="appearance" title="Appearance" description="Kept in this browser.">
      <Card className="divide-y divide-line">
        <Choice
          label="Theme"
          value={theme}
          onChoose={(value) => setPreference('theme', value)}
          choices={[
            { value: 'system', label: 'System' },
            { value: 'light', label: 'Light' },
            { value: 'dark', label: 'Dark' },
          ]}
        />
        <Choice
          label="Text in terminals"
          value={size}
          onChoose={(value) => setPreference('terminalSize', value)}
          choices={[
            { value: '12', label: 'Small' },
            { value: '13', label: 'Medium' },
            { value: '15', label: 'Large' },
          ]}
        />
        <Choice
          label="Screen reader in terminals"
          hint="Announces what a terminal prints. Slows terminals down."
          value={reader}
          onChoose={(value) => setPreference('screenReader', value)}
          choices={ON_OFF}
        />
        <Choice
          label="Single-letter shortcuts"
          hint="Such as N for a new workspace. Never inside inputs and terminals."
          value={letters}
          onChoose={(value) => setPreference('letters', value)}
          choices={ON_OFF}
        />
      </Card>
    </Section>
  )
}

const ON_OFF = [
  { value: 'on', label: 'On' },
  { value: 'off', label: 'Off' },
]
