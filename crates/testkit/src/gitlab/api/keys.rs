//! `/user/keys`: the caller's SSH keys.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::Timestamp;

use super::answer::{Answer, Refusal, created, gone, ok};
use super::call::Call;
use super::page::{Keyset, paged};
use super::shapes;
use crate::gitlab::hooks::system;
use crate::gitlab::ssh;
use crate::gitlab::world::Key;

/// Kinds GitLab knows, as it names them in errors.
const KINDS: [(&str, &str); 8] = [
    ("ssh-rsa", "RSA"),
    ("ssh-dss", "DSA"),
    ("ecdsa-sha2-nistp256", "ECDSA"),
    ("ecdsa-sha2-nistp384", "ECDSA"),
    ("ecdsa-sha2-nistp521", "ECDSA"),
    ("ssh-ed25519", "ED25519"),
    ("sk-ecdsa-sha2-nistp256@openssh.com", "ECDSA_SK"),
    ("sk-ssh-ed25519@openssh.com", "ED25519_SK"),
];

pub(crate) async fn list(call: Call) -> Answer {
    let account = call.account()?;
    let world = call.instance.world();
    let account = world.accounts.get(&account).ok_or_else(Refusal::unauthorized)?;
    paged(&call, Keyset::No, &account.keys, |key| key.id, |key| shapes::key(&call.instance, account, key))
}

pub(crate) async fn show(call: Call) -> Answer {
    let (account, id) = (call.account()?, call.number("key")?);
    let world = call.instance.world();
    let account = world.accounts.get(&account).ok_or_else(Refusal::unauthorized)?;
    let key = account.keys.iter().find(|key| key.id == id).ok_or_else(|| Refusal::not_found("Key"))?;
    ok(shapes::key(&call.instance, account, key))
}

pub(crate) async fn add(call: Call) -> Answer {
    let account = call.account()?;
    call.require(&["title", "key"])?;
    let text = call.params.text("key").unwrap_or_default().trim().to_owned();
    let expires_at = match call.params.filled("expires_at") {
        None => None,
        Some(text) => Some(moment(&text).ok_or_else(|| Refusal::bad("expires_at is invalid"))?),
    };
    let body = check(&call, &text, expires_at)?;
    let usage = call.params.filled("usage_type").unwrap_or_else(|| "auth_and_signing".to_owned());
    if !["auth", "signing", "auth_and_signing"].contains(&usage.as_str()) {
        return Err(Refusal::bad("usage_type does not have a valid value"));
    }
    let (key, shape) = {
        let mut world = call.instance.world();
        let mut known = world.accounts.values().flat_map(|account| &account.keys);
        // Of the whole instance, not of the account.
        if known.any(|key| key.text.split_whitespace().nth(1) == Some(body.as_str())) {
            let field =
                if call.instance.version().at_least(15, 0) { "fingerprint_sha256" } else { "fingerprint" };
            return Err(Refusal::invalid(field, "has already been taken"));
        }
        let id = world.next_id("key");
        let title = call.params.text("title").unwrap_or_default();
        let key = Key { id, title, text, usage, created_at: call.instance.now(), expires_at };
        let account = world.accounts.get_mut(&account).ok_or_else(Refusal::unauthorized)?;
        account.keys.push(key.clone());
        let shape = shapes::key(&call.instance, account, &key);
        (key, shape)
    };
    ssh::write_keys(&call.instance);
    system::key(&call.instance, account, &key, "key_create");
    created(shape)
}

pub(crate) async fn remove(call: Call) -> Answer {
    let (account, id) = (call.account()?, call.number("key")?);
    let key = {
        let mut world = call.instance.world();
        let owner = world.accounts.get_mut(&account).ok_or_else(Refusal::unauthorized)?;
        let place = owner.keys.iter().position(|key| key.id == id);
        owner.keys.remove(place.ok_or_else(|| Refusal::not_found("Key"))?)
    };
    ssh::write_keys(&call.instance);
    system::key(&call.instance, account, &key, "key_destroy");
    gone()
}

/// The key's body, if it is a key and the instance's rules let it in.
fn check(call: &Call, text: &str, expires_at: Option<Timestamp>) -> Result<String, Refusal> {
    let mut words = text.split_whitespace();
    let (kind, body) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let known = KINDS.iter().any(|(name, _)| *name == kind);
    if !known || !holds(body, kind) {
        return Err(Refusal::invalid("key", "is invalid"));
    }
    let policy = &call.instance.options.keys;
    if policy.forbidden.iter().any(|name| name == kind) {
        let mut left: Vec<&str> = vec![];
        for (name, label) in KINDS {
            if !policy.forbidden.iter().any(|forbidden| forbidden == name) && !left.contains(&label) {
                left.push(label);
            }
        }
        let why = format!("type is forbidden. Must be {}", left.join(", "));
        return Err(Refusal::invalid("key", &why));
    }
    if policy.expiry_required && expires_at.is_none() {
        let why = "has no expiration date but an expiration date is required for SSH keys on this instance. \
                   Contact the instance administrator.";
        return Err(Refusal::invalid("key", why));
    }
    if expires_at.is_some_and(|end| end <= call.instance.now()) {
        return Err(Refusal::invalid(
            "key",
            "has expired and the instance administrator has enforced expiration",
        ));
    }
    Ok(body.to_owned())
}

/// Whether the blob is base64 and begins with its own kind (RFC 4253, section 6.6).
fn holds(body: &str, kind: &str) -> bool {
    let Ok(blob) = STANDARD.decode(body) else { return false };
    let Some((length, rest)) = blob.split_first_chunk::<4>() else { return false };
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    rest.get(..length) == Some(kind.as_bytes()) && rest.len() > length
}

/// A date or a date with a time.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| format!("{text}T00:00:00Z").parse().ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    #[test]
    fn a_key_holds_its_own_kind() {
        let body = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

        assert!(super::holds(body, "ssh-ed25519"));
        assert!(!super::holds(body, "ssh-rsa"));
        assert!(!super::holds("AAAAC3NzaC1lZDI1NTE5", "ssh-ed25519"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_check_panic(body in "[A-Za-z0-9+/=]{0,80}", time in ".{0,30}") {
            super::holds(&body, "ssh-rsa");
            super::moment(&time);
        }
    }
}
