import { describe, expect, test } from 'vitest'
import { addressInFragment, isSameRepository, readAddress, repositoryName, snapshotIn } from './address'

const repository = (text: string) => {
  const read = readAddress(text)
  return read.kind === 'repository' ? { url: read.url, ref: read.ref } : read
}

describe('a pasted address', () => {
  test.each([
    ['https://gitlab.com/group/project', 'https://gitlab.com/group/project', null],
    ['  https://gitlab.com/group/project/  ', 'https://gitlab.com/group/project', null],
    ['gitlab.com/group/project', 'https://gitlab.com/group/project', null],
    ['localhost:3000/ada/kindling', 'http://localhost:3000/ada/kindling', null],
    ['http://127.0.0.1:8418/demo.git', 'http://127.0.0.1:8418/demo.git', null],
    ['https://gitlab.com/a/b/c/-/tree/main/src', 'https://gitlab.com/a/b/c', 'main'],
    ['https://gitlab.com/a/b/-/merge_requests/7', 'https://gitlab.com/a/b', null],
    ['https://gitlab.com/a/b/-/tree/fix%2Fdraught', 'https://gitlab.com/a/b', 'fix/draught'],
    ['https://host/gitlab/a/b/-/blob/main/README.md', 'https://host/gitlab/a/b', 'main'],
    ['https://github.com/a/b/tree/v2', 'https://github.com/a/b', 'v2'],
    ['https://github.com/a/b/pull/12/files', 'https://github.com/a/b', null],
    ['https://codeberg.org/a/b/src/branch/main', 'https://codeberg.org/a/b', 'main'],
    ['https://gitlab.com/a/b?tab=readme#top', 'https://gitlab.com/a/b', null],
  ])('%s is the repository %s', (text, url, ref) => {
    expect(repository(text)).toEqual({ url, ref })
  })

  test.each([
    ['git@gitlab.com:group/project.git', 'https://gitlab.com/group/project.git'],
    ['ssh://git@gitlab.com/group/project', 'https://gitlab.com/group/project'],
    ['https://ada:secret@gitlab.com/group/project', 'https://gitlab.com/group/project'],
    ['https://gitlab.com/', null],
    ['ftp://host/project', null],
    ['kindling', null],
    ['two words', null],
  ])('%s is not usable; meant was %s', (text, instead) => {
    expect(readAddress(text)).toMatchObject({ kind: 'unusable', instead })
  })

  test('that is blank is empty and not wrong', () => {
    expect(readAddress('  ')).toEqual({ kind: 'empty' })
  })
})

test('two spellings of one repository are the same', () => {
  expect(isSameRepository('https://GitLab.com/Group/Project.git', 'http://gitlab.com/group/project/-/tree/main')).toBe(
    true,
  )
  expect(isSameRepository('https://gitlab.com/group/project', 'https://gitlab.com/group/other')).toBe(false)
})

test('a repository is shown by its path', () => {
  expect(repositoryName('https://gitlab.com/group/project.git')).toBe('group/project')
})

describe('a fragment', () => {
  test.each([
    ['#https://gitlab.com/a/b', 'https://gitlab.com/a/b'],
    ['https%3A%2F%2Fgitlab.com%2Fa%2Fb', 'https://gitlab.com/a/b'],
    ['#https://gitlab.com/a/b#readme', 'https://gitlab.com/a/b#readme'],
    ['#git@gitlab.com:a/b', 'git@gitlab.com:a/b'],
    ['#/gitlab.com/a/b', 'gitlab.com/a/b'],
    ['#A=1,B=x%2Fy/https://gitlab.com/a/b', 'A=1,B=x%2Fy/https://gitlab.com/a/b'],
    ['#snapshot/snap_1', 'snapshot/snap_1'],
    ['#L12', null],
    ['#javascript:alert(1)', null],
    ['', null],
  ])('%s holds %s', (hash, address) => {
    expect(addressInFragment(hash)).toBe(address)
  })
})

test('a snapshot is named by its prefix', () => {
  expect(snapshotIn('snapshot/snap_01k9')).toBe('snap_01k9')
  expect(snapshotIn('https://gitlab.com/snapshot/snap_01k9')).toBeNull()
})
