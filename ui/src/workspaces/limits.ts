// What a person chose under "More", as the form holds it and as the API wants it.

import type { Limits } from '@/api/documents'

export interface Options {
  name: string
  environment: 'host' | 'image'
  image: string
  cores: string
  memoryGb: string
  processes: string
}

/** Empty limits are the server's own. */
export const DEFAULT_OPTIONS: Options = {
  name: '',
  environment: 'host',
  image: '',
  cores: '',
  memoryGb: '',
  processes: '',
}

/** What the server uses where nothing is given; only shown. */
export const DEFAULT_LIMITS = { cores: 2, memoryGb: 4, processes: 4096 }

type LimitTexts = Pick<Options, 'cores' | 'memoryGb' | 'processes'>

/** Given limits as a form holds them. */
export function optionsOf(limits: { cpu_millis: number; memory_bytes: number; pids: number } | null): LimitTexts {
  if (limits === null) return { cores: '', memoryGb: '', processes: '' }
  return {
    cores: String(limits.cpu_millis / 1000),
    memoryGb: String(limits.memory_bytes / 2 ** 30),
    processes: String(limits.pids),
  }
}

/** The limits that were given, as the API wants them. */
export function limitsOf({ cores, memoryGb, processes }: LimitTexts): { limits?: Limits } {
  const limits: Limits = {
    ...(cores === '' ? {} : { cpu_millis: Math.round(Number(cores) * 1000) }),
    ...(memoryGb === '' ? {} : { memory_bytes: Math.round(Number(memoryGb) * 2 ** 30) }),
    ...(processes === '' ? {} : { pids: Math.round(Number(processes)) }),
  }
  return Object.keys(limits).length === 0 ? {} : { limits }
}
