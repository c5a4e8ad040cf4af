//! `hearth kite key`: the keys that programs register kites with, and codes for keys.

use std::fs::Permissions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use http::Method;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::cli::{Global, KiteKeyCommand};
use crate::client::Client;
use crate::command::{listed, segment, text};
use crate::terminal;

/// Everything about keys.
pub(super) async fn key(client: &Client, global: &Global, command: KiteKeyCommand) -> Result<u8> {
    match command {
        KiteKeyCommand::List => {
            let keys = client.get("/kite-keys").await?;
            listed(global, &keys, ["ID", "NAME", "TEAM", "KITES", "LAST USED", "EXPIRES"], |key| {
                let team = text(&key["team"]["slug"]);
                let rest = ["kites", "last_used_at", "expires_at"].map(|field| text(&key[field]));
                let [kites, used, expires] = rest;
                [text(&key["id"]), text(&key["name"]), team, kites, used, expires]
            })
        }
        KiteKeyCommand::Create { name, team, days, output } => {
            // Before the key is made: what cannot be kept would have to be revoked.
            let file = output.map(KeyFile::open).transpose()?;
            let wish = json!({ "name": name, "team": team, "expires_in_days": days });
            let made = client.call(Method::POST, "/kite-keys", Some(&wish)).await?;
            let Some(file) = file else {
                return terminal::show(global, &made, |made| text(&made["content"]));
            };
            let content = made["content"].as_str().context("the server's answer has no key")?;
            let id = text(&made["id"]);
            let kept = file.keep(content).with_context(|| {
                format!(
                    "the key {id} is made and not kept\n  mend: `hearth kite key revoke {id}`, then try again"
                )
            })?;
            let mut shown = made.clone();
            shown["content"] = Value::Null;
            terminal::show(global, &shown, |key| {
                format!("{id}  kept in `{}`, good until {}", kept.display(), text(&key["expires_at"]))
            })
        }
        KiteKeyCommand::Code { team } => {
            let code = client.call(Method::POST, "/kite-codes", Some(&json!({ "team": team }))).await?;
            terminal::show(global, &code, |code| text(&code["code"]))?;
            if !global.json {
                terminal::note(&how_to_exchange(&code));
            }
            Ok(0)
        }
        KiteKeyCommand::Revoke { key } => {
            client.call(Method::DELETE, &format!("/kite-keys/{}", segment(&key)), None).await?;
            terminal::show(global, &json!({ "revoked": key }), |_| format!("{key} has ended"))
        }
    }
}

/// What one does with a code. It goes beside the result, which is the code alone.
fn how_to_exchange(code: &Value) -> String {
    format!(
        "good once, until {}, at the registry {}\n\
         Call its method `registerMachine` with {{\"authType\": \"token\", \"token\": \"the code\"}}; no other \
         credential is needed.\nIt answers a kite key: keep that as `~/.kite/kite.key`, readable by you alone.",
        text(&code["expires_at"]),
        text(&code["registry"]),
    )
}

/// A file that a key will be kept in, and that is not there yet.
struct KeyFile {
    path: PathBuf,
    /// Beside it; gets its name once the key is inside.
    staging: NamedTempFile,
}

impl KeyFile {
    /// Makes sure that a key can be kept there.
    fn open(path: PathBuf) -> Result<Self> {
        let shown = path.display();
        match std::fs::symlink_metadata(&path) {
            Ok(_) => return Err(taken(&path)),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot look at `{shown}`")),
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        let mut staging = tempfile::Builder::new();
        let staging = staging.permissions(Permissions::from_mode(0o400)).tempfile_in(folder);
        let staging = staging.with_context(|| format!("cannot write in `{}`", folder.display()))?;
        Ok(Self { path, staging })
    }

    /// Keeps a key where only this user can read it. What came there meanwhile stays.
    fn keep(self, content: &str) -> Result<PathBuf> {
        let Self { path, mut staging } = self;
        let written = staging.write_all(content.as_bytes()).and_then(|()| staging.as_file().sync_all());
        written.with_context(|| format!("cannot write `{}`", path.display()))?;
        match staging.persist_noclobber(&path) {
            Ok(_) => Ok(path),
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Err(taken(&path)),
            Err(error) => Err(error.error).with_context(|| format!("cannot write `{}`", path.display())),
        }
    }
}

fn taken(path: &Path) -> anyhow::Error {
    anyhow::anyhow!("`{}` is there already\n  mend: name another file, or remove it", path.display())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::KeyFile;

    #[test]
    fn a_key_is_kept_for_its_user_alone_and_replaces_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/kite.key");
        let (first, second) = (KeyFile::open(path.clone()).unwrap(), KeyFile::open(path.clone()).unwrap());

        first.keep("one").unwrap();

        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o400);
        for error in [second.keep("two").unwrap_err(), KeyFile::open(path.clone()).err().unwrap()] {
            assert!(error.to_string().contains("is there already\n  mend: "), "{error:#}");
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one");
        let names: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(names.len(), 1, "nothing is left beside it: {names:?}");
    }

    #[test]
    fn a_link_that_leads_nowhere_is_a_file_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kite.key");
        std::os::unix::fs::symlink("nowhere", &path).unwrap();
        KeyFile::open(path).err().unwrap();
    }
}
