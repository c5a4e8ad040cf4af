// How the stand-in answers.

import type { IncomingMessage, ServerResponse } from 'node:http'

export interface Call {
  request: IncomingMessage
  response: ServerResponse
  path: string
  query: URLSearchParams
  body: Record<string, unknown>
  raw: Buffer
}

/** What a route does with a call and the parts of its path. */
export type Act = (call: Call, ...parts: string[]) => void

export type Route = [method: string, path: RegExp, act: Act]

export function stream(response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
  response.write(': hello\n\n')
}

export function list(response: ServerResponse, items: unknown[]): void {
  json(response, 200, { items, next: null })
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' })
  response.end(JSON.stringify(body))
}

export function empty(response: ServerResponse): void {
  response.writeHead(204)
  response.end()
}

export function problem(response: ServerResponse, status: number, code: string, detail: string, mend: string): void {
  response.writeHead(status, { 'Content-Type': 'application/problem+json' })
  response.end(
    JSON.stringify({
      type: `urn:hearth:problem:${code}`,
      title: 'Refused',
      status,
      code,
      detail,
      mend,
      request_id: 'req_mock',
    }),
  )
}
