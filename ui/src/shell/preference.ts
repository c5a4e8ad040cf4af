// What this browser remembers about its person. Works, forgetfully, where storage is forbidden.

import { useSyncExternalStore } from 'react'

export type Theme = 'system' | 'light' | 'dark'

const DEFAULTS = {
  theme: 'system',
  /** Single letters as shortcuts; WCAG 2.1.4 wants a switch for them. */
  letters: 'on',
  /** Lets screen readers read terminals; costs speed, so it is asked for. */
  screenReader: 'off',
  terminalSize: '13',
  /** Wrapping of long log lines. */
  logWrap: 'on',
  logTimes: 'off',
  /** How many rows the list had, for a skeleton of the right height. */
  rows: '4',
}

export type PreferenceName = keyof typeof DEFAULTS

const forgetful = new Map<string, string>()
const listeners = new Set<() => void>()

export function preference(name: PreferenceName): string {
  try {
    return localStorage.getItem(`hearth.${name}`) ?? DEFAULTS[name]
  } catch {
    return forgetful.get(name) ?? DEFAULTS[name]
  }
}

export function setPreference(name: PreferenceName, value: string): void {
  try {
    localStorage.setItem(`hearth.${name}`, value)
  } catch {
    forgetful.set(name, value)
  }
  // public/theme.js listens too.
  if (name === 'theme') dispatchEvent(new Event('hearth:theme'))
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  addEventListener('storage', listener)
  return () => {
    listeners.delete(listener)
    removeEventListener('storage', listener)
  }
}

export function usePreference(name: PreferenceName): string {
  return useSyncExternalStore(subscribe, () => preference(name))
}

/** Whether the page is dark now, whoever decided it. */
export function useIsDark(): boolean {
  return useSyncExternalStore(subscribeDark, () => document.documentElement.classList.contains('dark'))
}

function subscribeDark(listener: () => void): () => void {
  const observer = new MutationObserver(listener)
  observer.observe(document.documentElement, { attributeFilter: ['class'] })
  return () => observer.disconnect()
}
