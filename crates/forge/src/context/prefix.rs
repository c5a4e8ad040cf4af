//! The prefixes of an address: what is wanted beside the repository.

use domain::context::Referrer;
use domain::{ContextOptions, SnapshotId};

use super::error::{bad_prefix, empty, prefix_gone, shown};
use super::{ContextError, variables};

/// Longest name of a client or editor, or id of a prebuild.
const WORD_MAX: usize = 64;

/// What the prefixes stand before.
pub(super) enum Behind<'a> {
    Address(&'a str),
    Snapshot(SnapshotId),
}

/// Takes all prefixes off, in whatever order they are. Of two that say the same thing the last counts.
pub(super) fn take(text: &str) -> Result<(ContextOptions, Behind<'_>), ContextError> {
    let mut options = ContextOptions::default();
    let mut rest = strip(text);
    loop {
        if rest.is_empty() {
            return Err(empty());
        }
        let (head, behind) = rest.split_once('/').unwrap_or((rest, ""));
        match head {
            "imagebuild" => options.rebuild_image = true,
            "prebuild" => options.prebuild = true,
            "incremental-prebuild" | "additionalcontent" => return Err(prefix_gone(head)),
            "open-prebuild" => {
                let (id, behind) = behind.split_once('/').unwrap_or((behind, ""));
                options.open_prebuild = Some(word(id, "open-prebuild/<id>/")?);
                rest = strip(behind);
                continue;
            }
            "snapshot" => {
                let id = snapshot(behind)?;
                return consistent(options, Behind::Snapshot(id));
            }
            _ => {
                if let Some(referrer) = head.strip_prefix("referrer:") {
                    options.referrer = Some(read_referrer(referrer)?);
                } else if variables::are_in(head) {
                    variables::read(head, &mut options);
                } else {
                    return consistent(options, Behind::Address(rest));
                }
            }
        }
        rest = strip(behind);
    }
}

/// Browsers' address bars and old links leave these before an address.
fn strip(text: &str) -> &str {
    text.trim_start_matches(|c: char| matches!(c, '#' | '/') || c.is_whitespace()).trim_end()
}

fn consistent(
    options: ContextOptions,
    behind: Behind<'_>,
) -> Result<(ContextOptions, Behind<'_>), ContextError> {
    let mend = "leave one of the two out";
    if options.prebuild && options.open_prebuild.is_some() {
        return Err(bad_prefix("`prebuild/` and `open-prebuild/` contradict each other".into(), mend));
    }
    let of_snapshot = matches!(behind, Behind::Snapshot(_));
    if of_snapshot && (options.prebuild || options.open_prebuild.is_some() || options.rebuild_image) {
        let what = "a snapshot is neither built nor prebuilt: only variables and a referrer go with it";
        return Err(bad_prefix(what.into(), mend));
    }
    Ok((options, behind))
}

fn snapshot(behind: &str) -> Result<SnapshotId, ContextError> {
    let id = behind.trim_end_matches('/');
    id.parse().map_err(|_| {
        let what = format!("`{}` is not the id of a snapshot", shown(id));
        bad_prefix(what, "copy the id from the list of snapshots; no address follows it")
    })
}

/// `client` or `client:editor`.
fn read_referrer(text: &str) -> Result<Referrer, ContextError> {
    let form = "referrer:<client>[:<editor>]/";
    let (client, editor) = match text.split_once(':') {
        Some((client, "")) => (client, None),
        Some((client, editor)) => (client, Some(word(editor, form)?)),
        None => (text, None),
    };
    Ok(Referrer { client: word(client, form)?, editor })
}

fn word(text: &str, form: &str) -> Result<String, ContextError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if text.is_empty() || text.len() > WORD_MAX || !text.bytes().all(plain) {
        let what = format!("`{}` does not fit into the prefix `{form}`", shown(text));
        return Err(bad_prefix(what, "write 1 to 64 letters, digits, `-`, `_` or `.` there"));
    }
    Ok(text.to_owned())
}
