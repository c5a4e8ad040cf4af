import { describe, expect, test } from 'vitest'
import { changesOf, creationOf, domainsOf, EMPTY_FORM, type ForgeForm } from './form'
import { KINDS, kindOf, stepsOf } from './kinds'

const form = (given: Partial<ForgeForm>): ForgeForm => ({ ...EMPTY_FORM, ...given })

describe('a change of a forge', () => {
  test('names only what differs', () => {
    const before = form({ name: 'GitLab', web_url: 'https://a.example', client_id: 'x', scopes: ['api'] })
    expect(changesOf(before, { ...before, name: 'Work' })).toEqual({ name: 'Work' })
    expect(changesOf(before, { ...before })).toEqual({})
  })

  test('takes away with an empty text', () => {
    const before = form({ proxy: 'http://proxy.example:3128' })
    expect(changesOf(before, form({}))).toEqual({ proxy: '' })
  })

  test('leaves a secret alone that was not typed', () => {
    expect(changesOf(form({}), form({ client_secret: 'new' }))).toEqual({ client_secret: 'new' })
  })

  test('keeps confirmed host keys as long as the host stays', () => {
    const before = form({ ssh_host: 'git.example', ssh_port: '22', ssh_user: 'git' })
    const keys = ['ssh-ed25519 AAAA']
    expect(changesOf(before, { ...before, ssh_port: '2222' }, keys).ssh).toEqual({
      host: 'git.example',
      port: 2222,
      user: 'git',
      host_keys: keys,
    })
    expect(changesOf(before, { ...before, ssh_host: 'other.example' }, keys).ssh?.host_keys).toEqual([])
    expect(changesOf(before, { ...before, ssh_host: '' }, keys).ssh?.host).toBe('')
  })
})

test('a new forge carries what was filled in', () => {
  expect(creationOf('gitlab', form({ web_url: ' https://a.example ' }), undefined)).toEqual({
    kind: 'gitlab',
    web_url: 'https://a.example',
    auth_method: 'oauth2',
  })
  expect(creationOf('gitlab', form({}), 'acme').team).toBe('acme')
})

test('domains are read however they are separated', () => {
  expect(domainsOf('example.com, example.org;  a.example')).toEqual(['example.com', 'example.org', 'a.example'])
})

test('every product says how it is registered, except where nothing is', () => {
  for (const { kind, methods } of KINDS) {
    for (const method of methods) expect(stepsOf(kind, method).length > 0).toBe(method !== 'personal_token')
  }
  expect(kindOf('something-newer').title).toBe('something-newer')
})
