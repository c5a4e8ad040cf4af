//! What the calls on files take, with the names that clients of Klient know.
//!
//! Every path may also be given as base64, with `Bytes` behind its name, which is needed where it is not
//! UTF-8. `null` is the same as leaving an argument out.

use kite::Callback;
use serde::{Deserialize, Deserializer};

/// `null` as nothing at all.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct At {
    pub(super) path: Option<String>,
    pub(super) path_bytes: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MaybeBelow {
    pub(super) path: Option<String>,
    pub(super) path_bytes: Option<String>,
    /// With all in it; of a folder to be made, with all above it.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) recursive: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReadDirectory {
    pub(super) path: Option<String>,
    pub(super) path_bytes: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) recursive: bool,
    /// Names of folders that are not looked into.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) ignore_folders: Vec<String>,
    pub(super) on_change: Option<Callback>,
}

#[derive(Deserialize)]
pub(super) struct Glob {
    pub(super) pattern: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReadFile {
    pub(super) path: Option<String>,
    pub(super) path_bytes: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) offset: u64,
    /// 0 is all the rest.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) block_size: u64,
    /// Called with `{offset, content}` for one block after the other.
    pub(super) on_block: Option<Callback>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WriteFile {
    pub(super) path: Option<String>,
    pub(super) path_bytes: Option<String>,
    /// Base64.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) content: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) do_not_overwrite: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) append: bool,
    /// 0 writes the file whole, unless `append` is said.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) offset: u64,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) last_content_hash: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SetPermissions {
    pub(super) path: Option<String>,
    pub(super) path_bytes: Option<String>,
    pub(super) mode: u32,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) recursive: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rename {
    pub(super) old_path: Option<String>,
    pub(super) old_path_bytes: Option<String>,
    pub(super) new_path: Option<String>,
    pub(super) new_path_bytes: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Copy {
    pub(super) src_path: Option<String>,
    pub(super) src_path_bytes: Option<String>,
    pub(super) dst_path: Option<String>,
    pub(super) dst_path_bytes: Option<String>,
}
