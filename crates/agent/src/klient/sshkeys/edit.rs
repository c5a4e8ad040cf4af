//! Adding keys to the lines of a file and taking them out; whatever else the lines are stays as it is.

use super::line::{Key, LINE_MAX};

/// Why keys cannot be added or deleted. The file is then as it was.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    /// Nothing was named.
    #[error("no key is named: give at least one")]
    Nothing,
    /// Not a key.
    #[error(
        "`{0}` is not a public SSH key: give the whole line of a `.pub` file, such as `ssh-ed25519 AAAA… ada@laptop`"
    )]
    NoKey(String),
    /// Nobody would know whose it is.
    #[error("the key `{0}` has no comment: add one behind it that says whose it is, such as `ada@laptop`")]
    NoComment(String),
    /// It is there.
    #[error("the key `{0}` is there already: delete it first, or leave it out")]
    Duplicate(String),
    /// It is not there.
    #[error(
        "there is no key with the fingerprint `{0}`: `sshkeys.list` with `fingerprints: true` shows those there are"
    )]
    Unknown(String),
}

/// The lines with `keys` behind them.
pub(super) fn add(lines: &[Vec<u8>], keys: &[String]) -> Result<Vec<Vec<u8>>, Refused> {
    let mut known: Vec<Key> = lines.iter().filter_map(|line| key_of(line)).collect();
    let mut added = lines.to_vec();
    if keys.is_empty() {
        return Err(Refused::Nothing);
    }
    for line in keys {
        let line = line.trim();
        let key = Key::parse(line).ok_or_else(|| Refused::NoKey(begin(line)))?;
        if key.comment.is_empty() {
            return Err(Refused::NoComment(key.fingerprint()));
        }
        if known.iter().any(|other| other.is_same(&key)) {
            return Err(Refused::Duplicate(key.fingerprint()));
        }
        known.push(key);
        added.push(line.as_bytes().to_vec());
    }
    Ok(added)
}

/// The lines with `keys` in the place of all that are there.
pub(super) fn replace(lines: &[Vec<u8>], keys: &[String]) -> Result<Vec<Vec<u8>>, Refused> {
    let others: Vec<Vec<u8>> = lines.iter().filter(|line| key_of(line).is_none()).cloned().collect();
    add(&others, keys)
}

/// The lines without the keys of these fingerprints.
pub(super) fn delete(lines: &[Vec<u8>], fingerprints: &[String]) -> Result<Vec<Vec<u8>>, Refused> {
    if fingerprints.is_empty() {
        return Err(Refused::Nothing);
    }
    let keys: Vec<Option<Key>> = lines.iter().map(|line| key_of(line)).collect();
    let missing = fingerprints
        .iter()
        .find(|fingerprint| !keys.iter().flatten().any(|key| key.has_fingerprint(fingerprint)));
    if let Some(missing) = missing {
        return Err(Refused::Unknown(begin(missing)));
    }
    let stays = |key: &Option<Key>| {
        key.as_ref()
            .is_none_or(|key| !fingerprints.iter().any(|fingerprint| key.has_fingerprint(fingerprint)))
    };
    Ok(lines.iter().zip(&keys).filter(|(_, key)| stays(key)).map(|(line, _)| line.clone()).collect())
}

/// The lines that are keys, as they stand there.
pub(super) fn list(lines: &[Vec<u8>]) -> Vec<(String, Key)> {
    lines
        .iter()
        .filter_map(|line| Some((String::from_utf8_lossy(line).trim().to_owned(), key_of(line)?)))
        .collect()
}

fn key_of(line: &[u8]) -> Option<Key> {
    if line.len() > LINE_MAX { None } else { Key::parse(std::str::from_utf8(line).ok()?) }
}

/// The beginning of what somebody sent.
fn begin(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests;
