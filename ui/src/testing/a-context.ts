// Contexts for tests.

import type { Context } from '@/api/documents'

/** A repository on GitLab, except for what is given. */
export function aContext(given: Partial<Context> = {}): Context {
  return {
    forge: 'forge_1',
    kind: 'gitlab',
    host: 'gitlab.com',
    owner: 'hearthside',
    repository: 'kindling',
    clone_url: 'https://gitlab.com/hearthside/kindling.git',
    private: false,
    default_branch: 'main',
    ref_kind: null,
    ref: null,
    revision: null,
    path: null,
    is_file: false,
    merge_request: null,
    issue: null,
    base: null,
    upstream_url: null,
    local_branch: null,
    title: 'hearthside/kindling',
    options: { variables: [], refused_variables: [], rebuild_image: false, prebuild: false },
    warnings: [],
    ...given,
  }
}
