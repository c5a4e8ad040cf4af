//! Records as the API shows them, field for field as GitLab's entities.

use serde_json::{Value, json};

use crate::gitlab::instance::{Instance, date, iso};
use crate::gitlab::repository::{Commit, Tag};
use crate::gitlab::world::{AccessLevel, Account, Group, Key, PersonalToken, Status, World};

/// `UserBasic`.
pub(crate) fn user(instance: &Instance, account: &Account) -> Value {
    json!({
        "id": account.id,
        "username": account.username,
        "public_email": null,
        "name": account.name,
        "state": if account.blocked { "blocked" } else { "active" },
        "locked": false,
        "avatar_url": null,
        "web_url": instance.at(&account.username),
    })
}

/// A user by id; null for one that is gone.
pub(crate) fn user_of(instance: &Instance, world: &World, account: u64) -> Value {
    world.accounts.get(&account).map_or(Value::Null, |account| user(instance, account))
}

/// What anybody sees of a user.
pub(crate) fn public_user(instance: &Instance, account: &Account) -> Value {
    let mut shape = user(instance, account);
    let more = json!({
        "created_at": iso(account.created_at), "bio": "", "location": "", "skype": "", "linkedin": "",
        "twitter": "", "website_url": "", "organization": "", "job_title": "", "pronouns": null,
        "bot": false, "work_information": null, "local_time": null, "is_followed": false,
    });
    extend(&mut shape, more);
    shape
}

/// What a user sees of itself.
pub(crate) fn own_user(instance: &Instance, account: &Account) -> Value {
    let mut shape = public_user(instance, account);
    let more = json!({
        "email": account.email,
        "commit_email": account.email,
        "last_sign_in_at": iso(account.created_at),
        "confirmed_at": account.confirmed.then(|| iso(account.created_at)),
        "last_activity_on": date(account.updated_at),
        "theme_id": 1, "color_scheme_id": 1, "projects_limit": 100_000,
        "current_sign_in_at": iso(account.created_at), "identities": [], "can_create_group": true,
        "can_create_project": true, "two_factor_enabled": false, "external": false,
        "private_profile": false, "shared_runners_minutes_limit": null,
        "extra_shared_runners_minutes_limit": null, "namespace_id": account.namespace,
    });
    extend(&mut shape, more);
    if account.admin {
        shape["is_admin"] = json!(true);
    }
    shape
}

/// A key; the comment is GitLab's own, so that addresses in it are not told.
pub(crate) fn key(instance: &Instance, account: &Account, key: &Key) -> Value {
    let host = url::Url::parse(&instance.url).ok().and_then(|url| url.host_str().map(str::to_owned));
    let text: Vec<&str> = key.text.split_whitespace().take(2).collect();
    json!({
        "id": key.id,
        "title": key.title,
        "created_at": iso(key.created_at),
        "expires_at": key.expires_at.map(iso),
        "last_used_at": null,
        "key": format!("{} {} ({})", text.join(" "), account.name, host.unwrap_or_default()),
        "usage_type": key.usage,
    })
}

pub(crate) fn personal_token(token: &PersonalToken) -> Value {
    json!({
        "id": token.id,
        "name": token.name,
        "description": null,
        "revoked": token.revoked,
        "created_at": iso(token.created_at),
        "scopes": token.scopes,
        "user_id": token.account,
        "last_used_at": null,
        "active": !token.revoked,
        "expires_at": token.expires_at.map(date),
    })
}

pub(crate) fn group(instance: &Instance, group: &Group) -> Value {
    json!({
        "id": group.id,
        "name": group.path,
        "path": group.path,
        "description": "",
        "visibility": "private",
        "lfs_enabled": true,
        "avatar_url": null,
        "web_url": instance.at(&format!("groups/{}", group.full_path)),
        "request_access_enabled": true,
        "full_name": group.full_path.replace('/', " / "),
        "full_path": group.full_path,
        "parent_id": group.parent,
        "created_at": iso(group.created_at),
    })
}

pub(crate) fn member(instance: &Instance, account: &Account, level: AccessLevel) -> Value {
    let mut shape = user(instance, account);
    let more = json!({
        "access_level": level.number(),
        "created_at": iso(account.created_at),
        "expires_at": null,
        "membership_state": "active",
    });
    extend(&mut shape, more);
    shape
}

/// A commit in a list or inside a ref.
pub(crate) fn commit(instance: &Instance, path: &str, commit: &Commit) -> Value {
    let (author, author_email, authored) = &commit.author;
    let (committer, committer_email, committed) = &commit.committer;
    json!({
        "id": commit.id,
        "short_id": commit.id.get(..8),
        "created_at": committed,
        "parent_ids": commit.parents,
        "title": commit.title(),
        "message": commit.message,
        "author_name": author,
        "author_email": author_email,
        "authored_date": authored,
        "committer_name": committer,
        "committer_email": committer_email,
        "committed_date": committed,
        "trailers": {},
        "extended_trailers": {},
        "web_url": instance.at(&format!("{path}/-/commit/{}", commit.id)),
    })
}

pub(crate) fn tag(instance: &Instance, path: &str, tag: &Tag) -> Value {
    json!({
        "name": tag.name,
        "message": tag.message.clone().unwrap_or_default(),
        "target": tag.target,
        "commit": commit(instance, path, &tag.commit),
        "release": null,
        "protected": false,
        "created_at": tag.message.is_some().then(|| tag.commit.committer.2.clone()),
    })
}

pub(crate) fn status(instance: &Instance, world: &World, status: &Status) -> Value {
    json!({
        "id": status.id,
        "sha": status.sha,
        "ref": status.reference,
        "status": status.state,
        "name": status.name,
        "target_url": status.target_url,
        "description": status.description,
        "created_at": iso(status.created_at),
        "started_at": (status.state != "pending").then(|| iso(status.created_at)),
        "finished_at": (!matches!(status.state.as_str(), "pending" | "running")).then(|| iso(status.updated_at)),
        "allow_failure": false,
        "coverage": null,
        "pipeline_id": status.pipeline,
        "author": user_of(instance, world, status.author),
    })
}

/// Puts the fields of one object into another.
pub(crate) fn extend(shape: &mut Value, more: Value) {
    if let (Some(shape), Value::Object(more)) = (shape.as_object_mut(), more) {
        shape.extend(more);
    }
}
