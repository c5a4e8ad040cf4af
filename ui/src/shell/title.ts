// The tab: its title and its icon say how the workspace is.

import { useEffect } from 'react'
import type { Tone } from '@/workspace/phase'

const ICONS: Record<Tone | 'plain', string> = {
  plain: '/favicon.svg',
  busy: '/favicon-busy.svg',
  running: '/favicon-running.svg',
  failed: '/favicon-failed.svg',
  stopped: '/favicon-stopped.svg',
}

export function useTitle(title: string, tone: Tone | 'plain' = 'plain'): void {
  useEffect(() => {
    document.title = `${title} · Hearth`
    const icon = document.getElementById('favicon')
    if (icon?.getAttribute('href') !== ICONS[tone]) icon?.setAttribute('href', ICONS[tone])
  }, [title, tone])
}
