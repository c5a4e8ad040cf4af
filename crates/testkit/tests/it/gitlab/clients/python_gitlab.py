"""python-gitlab against the double; any surprise is an exception."""

import json
import sys

import gitlab

told = json.loads(sys.argv[1])
gl = gitlab.Gitlab(told["url"], private_token=told["token"])


def refused(kind, code, call):
    try:
        call()
    except kind as error:
        assert error.response_code == code, (error.response_code, str(error))
        return str(error)
    raise AssertionError(f"no {kind.__name__}")


gl.auth()
assert gl.user.id == told["user"] and gl.user.username == "dev"
assert gl.version() == ("18.1.1-ee", "cc3748fcd2d")

# Projects, with more than one page by offset and by keyset.
assert len(gl.projects.list(get_all=True, per_page=100)) == told["count"]
listed = gl.projects.list(iterator=True, per_page=50)
assert listed.total == told["count"] and len(list(listed)) == told["count"]
assert len(list(gl.projects.list(iterator=True, pagination="keyset", order_by="id", per_page=50))) == told["count"]
project = gl.projects.get(told["path"])
assert project.id == told["project"] and project.default_branch == "main"
assert gl.projects.get(told["project"]).path_with_namespace == told["path"]

# Repository.
assert {branch.name for branch in project.branches.list(get_all=True)} == {"main", "feature/one", "feat/umlaut-ü"}
assert project.branches.get("feat/umlaut-ü").commit["title"] == "Add an umlaut"
made = project.branches.create({"branch": "made/here", "ref": "main"})
assert made.commit["id"] == told["main"]
made.delete()
refused(gitlab.exceptions.GitlabGetError, 404, lambda: project.branches.get("made/here"))
assert {tag.name for tag in project.tags.list(get_all=True)} == {"v1.0", "v1.1"}
assert project.commits.get("main").id == told["main"]
assert project.commits.list(ref_name="main", get_all=True)[0].id == told["main"]
assert {entry["path"] for entry in project.repository_tree(get_all=True)} == {"README.md", "docs", "main.sh"}
assert project.files.get("docs/guide.md", ref="main").decode() == b"Read this first.\n"
assert project.files.raw("docs/guide.md", ref="main") == b"Read this first.\n"
assert project.repository_compare("main", "feature/one")["diffs"][0]["new_path"] == "one.txt"
assert project.repository_archive()[:2] == b"\x1f\x8b"

# Merge requests, issues, notes, statuses, members, events.
request = project.mergerequests.list(state="opened", get_all=True)[0]
assert project.mergerequests.get(request.iid).draft is True
assert gl.mergerequests.list(scope="all", get_all=True)[0].web_url == request.web_url
assert request.notes.create({"body": "A note"}).body == "A note"
issue = project.issues.get(1)
assert issue.state == "opened" and gl.issues.list(scope="all", get_all=True)[0].id == issue.id
hook = project.hooks.create({"url": told["hook"], "note_events": True, "push_events": False})
assert issue.notes.create({"body": "Another"}).id in [note.id for note in issue.notes.list(get_all=True)]
commit = project.commits.get(told["main"])
status = commit.statuses.create({"state": "success", "name": "outside", "target_url": "https://example.com/1"})
assert status.status == "success" and commit.statuses.list(get_all=True)[0].name == "outside"
commit.comments.create({"note": "On a commit"})
assert project.members_all.get(told["user"]).access_level == gitlab.const.AccessLevel.OWNER
assert any(event.action_name == "commented on" for event in project.events.list(get_all=True))
assert {group.full_path for group in gl.groups.list(get_all=True)} == {"group", "group/sub"}

# Hooks.
assert hook.note_events is True and hook.push_events is False
hook.push_events = True
hook.save()
assert project.hooks.get(hook.id).push_events is True
hook.test("push_events")
other = project.hooks.create({"url": "https://example.com/hook"})
assert len(project.hooks.list(get_all=True)) == 2
other.delete()
refused(gitlab.exceptions.GitlabGetError, 404, lambda: project.hooks.get(other.id))

# Keys.
key = gl.user.keys.create({"title": "laptop", "key": told["key"]})
assert [known.id for known in gl.user.keys.list(get_all=True)] == [key.id]
error = refused(
    gitlab.exceptions.GitlabCreateError, 400, lambda: gl.user.keys.create({"title": "twice", "key": told["key"]})
)
assert "has already been taken" in error, error
key.delete()
assert gl.user.keys.list(get_all=True) == []

# Refusals.
wrong = gitlab.Gitlab(told["url"], oauth_token="wrong")
refused(gitlab.exceptions.GitlabAuthenticationError, 401, wrong.auth)
limited = gitlab.Gitlab(told["url"], private_token=told["limited"])
limited.auth()
refused(gitlab.exceptions.GitlabListError, 403, lambda: limited.projects.list(get_all=True))
refused(gitlab.exceptions.GitlabGetError, 404, lambda: gl.projects.get("no/such/project"))
assert gl.personal_access_tokens.get("self").scopes == ["api"]
