//! `sshkeys.*`: whose SSH keys get in, as `~/.ssh/authorized_keys` has them.
//!
//! | method | argument → result |
//! |---|---|
//! | `sshkeys.list` | `{username?, fingerprints?}` → lines, or `SHA256:…` of each |
//! | `sshkeys.add` | `{username?, keys: [line], override?}` → `true`; `override` replaces those there are |
//! | `sshkeys.delete` | `{username?, fingerprints: [text]}` → `true`; SHA-256 or MD5 |
//!
//! All or nothing: one key that cannot be added or is not there, and the file stays as it was. Other users than
//! the workspace's own are root's to change only.

mod edit;
mod line;
mod store;

use std::io;
use std::sync::Arc;

use kite::{Error, Request, ServiceBuilder};
use serde::Deserialize;
use tokio::sync::Mutex;

use self::edit::Refused;
use self::store::Store;
use super::accounts::{self, Account};
use super::bulks::Bulks;
use crate::agent::Parts;
use crate::background::in_background;
use crate::part_file;

#[derive(Default, Deserialize)]
struct List {
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    fingerprints: Option<bool>,
}

#[derive(Deserialize)]
struct Add {
    #[serde(default)]
    username: Option<String>,
    keys: Vec<String>,
    #[serde(rename = "override", default)]
    replaces: Option<bool>,
}

#[derive(Deserialize)]
struct Delete {
    #[serde(default)]
    username: Option<String>,
    fingerprints: Vec<String>,
}

/// What the methods share.
struct Keys {
    parts: Arc<Parts>,
    /// Held by the change under way, so that none is lost; by the work and not by the call, which may end in the
    /// middle of it.
    turn: Arc<Mutex<()>>,
}

pub(super) fn methods(builder: ServiceBuilder, parts: &Arc<Parts>) -> ServiceBuilder {
    let keys = Arc::new(Keys { parts: parts.clone(), turn: Arc::default() });
    let (listing, adding, deleting) = (keys.clone(), keys.clone(), keys);
    builder
        .method("sshkeys.list", move |request| list(listing.clone(), request))
        .method("sshkeys.add", move |request| add(adding.clone(), request))
        .method("sshkeys.delete", move |request| delete(deleting.clone(), request))
}

async fn list(keys: Arc<Keys>, request: Request) -> Result<Vec<String>, Error> {
    let wanted: List = request.optional()?.unwrap_or_default();
    let (account, is_own) = keys.account(wanted.username)?;
    let name = account.name.clone();
    let _turn = Bulks::of(&request).turn().await;
    let lines = in_background(move || Ok(read(&account, is_own)));
    let lines = lines.await.map_err(super::os::refused)?;
    let lines = lines.map_err(|error| unusable("read", &name, &error))?;
    let found = edit::list(&lines).into_iter();
    Ok(if wanted.fingerprints.unwrap_or(false) {
        found.map(|(_, key)| key.fingerprint()).collect()
    } else {
        found.map(|(line, _)| line).collect()
    })
}

async fn add(keys: Arc<Keys>, request: Request) -> Result<bool, Error> {
    let wanted: Add = request.arg()?;
    let replaces = wanted.replaces.unwrap_or(false);
    keys.change(wanted.username, move |lines| {
        if replaces { edit::replace(lines, &wanted.keys) } else { edit::add(lines, &wanted.keys) }
    })
    .await
}

async fn delete(keys: Arc<Keys>, request: Request) -> Result<bool, Error> {
    let wanted: Delete = request.arg()?;
    keys.change(wanted.username, move |lines| edit::delete(lines, &wanted.fingerprints)).await
}

impl Keys {
    /// Whose keys are meant, and whether it is the workspace's own user.
    fn account(&self, name: Option<String>) -> Result<(Account, bool), Error> {
        let own = accounts::current(&self.parts.environment);
        let Some(name) = name.filter(|name| !name.is_empty() && *name != own.name) else {
            return Ok((own, true));
        };
        if own.user != 0 {
            return Err(Error::custom(
                "sshkeysError",
                format!(
                    "the keys of another user are root's to see and change; leave `username` out, or name `{}`",
                    own.name
                ),
                "permission",
            ));
        }
        let other =
            accounts::named(&self.parts.environment, &name).ok_or_else(|| super::os::no_user(&name))?;
        Ok((other, false))
    }

    /// Reads the lines, changes them, and writes them.
    async fn change(
        &self,
        name: Option<String>,
        change: impl FnOnce(&[Vec<u8>]) -> Result<Vec<Vec<u8>>, Refused> + Send + 'static,
    ) -> Result<bool, Error> {
        let (account, is_own) = self.account(name)?;
        let name = account.name.clone();
        let draft = part_file::name(&*self.parts.outside.entropy);
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let changed = in_background(move || {
            let _turn = turn;
            Ok(change_now(&account, is_own, draft, change))
        });
        let changed = changed.await.map_err(super::os::refused)?;
        let changed = changed.map_err(|error| unusable("change", &name, &error))?;
        changed.map_err(|refused| Error::custom("sshkeysError", refused.to_string(), code(&refused)))?;
        Ok(true)
    }
}

/// The lines there are. Waits for the disk.
fn read(account: &Account, is_own: bool) -> io::Result<Vec<Vec<u8>>> {
    Store::open(account, is_own)?.map_or(Ok(vec![]), |store| store.read())
}

/// The same change without a turn. Waits for the disk.
fn change_now(
    account: &Account,
    is_own: bool,
    draft: String,
    change: impl FnOnce(&[Vec<u8>]) -> Result<Vec<Vec<u8>>, Refused>,
) -> io::Result<Result<(), Refused>> {
    match change(&read(account, is_own)?) {
        Ok(changed) => Store::make(account, is_own)?.write(&changed, draft).map(Ok),
        Err(refused) => Ok(Err(refused)),
    }
}

fn code(refused: &Refused) -> &'static str {
    match refused {
        Refused::Nothing | Refused::NoKey(_) | Refused::NoComment(_) => "invalid",
        Refused::Duplicate(_) => "exists",
        Refused::Unknown(_) => "not_found",
    }
}

fn unusable(verb: &str, user: &str, error: &io::Error) -> Error {
    let message = format!(
        "cannot {verb} `authorized_keys` of `{user}`: {error}; look at the folder `.ssh` in a terminal"
    );
    Error::custom("sshkeysError", message, "file")
}

#[cfg(test)]
mod tests;
