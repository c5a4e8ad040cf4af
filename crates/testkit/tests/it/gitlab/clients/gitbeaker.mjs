// gitbeaker against the double; any surprise is an exception.
import assert from 'node:assert/strict';

import { Gitlab } from '@gitbeaker/rest';

const told = JSON.parse(process.argv[2]);
const api = new Gitlab({ host: told.url, token: told.token });

const user = await api.Users.showCurrentUser();
assert.equal(user.id, told.user);
assert.equal((await api.Metadata.show()).version, '18.1.1-ee');

// Projects: pages by offset and by keyset.
const all = await api.Projects.all({ perPage: 50 });
assert.equal(all.length, told.count);
const keyset = await api.Projects.all({ perPage: 50, pagination: 'keyset', orderBy: 'id', sort: 'asc' });
assert.deepEqual(keyset.map((project) => project.id), all.map((project) => project.id).sort((a, b) => a - b));
assert.equal((await api.Projects.show(told.path)).id, told.project);

// Repository.
const branches = await api.Branches.all(told.project);
assert.deepEqual(branches.map((branch) => branch.name).sort(), ['feat/umlaut-ü', 'feature/one', 'main']);
assert.equal((await api.Branches.show(told.path, 'feature/one')).name, 'feature/one');
assert.equal((await api.Tags.all(told.project)).length, 2);
assert.equal((await api.Commits.show(told.project, 'main')).id, told.main);
assert.equal((await api.Repositories.allRepositoryTrees(told.project)).length, 3);
assert.equal((await api.RepositoryFiles.show(told.project, 'docs/guide.md', 'main')).size, 17);

// Merge requests, issues, notes, statuses.
const [request] = await api.MergeRequests.all({ projectId: told.project, state: 'opened' });
assert.equal((await api.MergeRequests.show(told.project, request.iid)).draft, true);
assert.equal((await api.Issues.all({ projectId: told.project })).length, 1);
assert.equal((await api.IssueNotes.create(told.project, 1, 'A note')).body, 'A note');
assert.equal((await api.MergeRequestNotes.create(told.project, request.iid, 'A note')).body, 'A note');
const status = await api.Commits.editStatus(told.project, told.main, 'failed', { name: 'outside' });
assert.equal(status.status, 'failed');

// Hooks.
const hook = await api.ProjectHooks.add(told.project, 'https://example.com/hook', { pushEvents: true });
assert.equal((await api.ProjectHooks.all(told.project)).length, 1);
const changed = await api.ProjectHooks.edit(told.project, hook.id, hook.url, { issuesEvents: true });
assert.equal(changed.issues_events, true);
await api.ProjectHooks.remove(told.project, hook.id);
assert.equal((await api.ProjectHooks.all(told.project)).length, 0);

// Keys.
const key = await api.UserSSHKeys.create('laptop', told.key);
assert.equal((await api.UserSSHKeys.all()).length, 1);
await api.UserSSHKeys.remove(key.id);
assert.equal((await api.UserSSHKeys.all()).length, 0);

// Refusals, as gitbeaker's own error with GitLab's words.
async function refused(status, words, call) {
    await assert.rejects(call, (error) => {
        assert.equal(error.name, 'GitbeakerRequestError');
        assert.equal(error.cause.response.status, status);
        assert.match(error.cause.description, words);
        return true;
    });
}
const wrong = new Gitlab({ host: told.url, oauthToken: 'wrong' });
await refused(401, /401 Unauthorized/, () => wrong.Users.showCurrentUser());
const limited = new Gitlab({ host: told.url, token: told.limited });
await refused(403, /insufficient_scope|higher privileges/, () => limited.Projects.all());
await refused(404, /404 Project Not Found/, () => api.Projects.show('no/such/project'));
