// The registry before there is anything in it: what a kite is, and how a program becomes one.

import { Link } from '@tanstack/react-router'
import { ExternalLink, KeyRound, Waypoints } from 'lucide-react'
import { useState } from 'react'
import { Button } from '@/ui/button'
import { Card } from '@/ui/card'
import { Segments } from '@/ui/choice'
import { CopyLine } from '@/ui/copy'
import { LANGUAGES, linesOf, type Language } from './lines'

export function NoKites() {
  const [language, setLanguage] = useState<Language>('rust')
  const chosen = LANGUAGES.find(({ value }) => value === language)
  return (
    <Card className="hearth-glow grid gap-8 overflow-hidden px-6 py-14 sm:px-12">
      <div className="mx-auto grid w-full max-w-xl justify-items-center gap-5 text-center">
        <span aria-hidden className="grid size-12 place-items-center rounded-full bg-accent-soft text-accent-text">
          <Waypoints className="size-6" />
        </span>
        <div className="grid gap-1.5">
          <h2 className="text-xl font-semibold tracking-tight">No kites yet</h2>
          <p className="text-muted">
            A kite is a program that others call by name. Your workspaces’ agents appear here while they run. A service
            of your own does once it registers with a kite key.
          </p>
        </div>
        <Button asChild variant="primary" size="lg">
          <Link to="/settings/$section" params={{ section: 'kite-keys' }}>
            <KeyRound aria-hidden className="size-4" />
            Make a kite key
          </Link>
        </Button>
      </div>
      <div className="mx-auto grid w-full max-w-2xl gap-2.5 text-left">
        <div className="flex flex-wrap items-center justify-between gap-3">
          <p className="text-sm text-muted">Put the key into ~/.kite/kite.key, then:</p>
          <Segments
            label="Language"
            value={language}
            choices={LANGUAGES}
            onChoose={(value) => setLanguage(value === 'javascript' ? 'javascript' : 'rust')}
          />
        </div>
        <CopyLine text={linesOf(language, location.origin)} label="Copy the lines" />
        <p className="text-sm text-muted">
          {chosen?.more}{' '}
          {chosen?.documentation ? (
            <a
              href={chosen.documentation}
              target="_blank"
              rel="noreferrer"
              className="inline-flex items-center gap-1 text-accent-text underline underline-offset-2"
            >
              Documentation of {chosen.library}
              <ExternalLink aria-hidden className="size-3.5" />
            </a>
          ) : null}
        </p>
      </div>
    </Card>
  )
}
