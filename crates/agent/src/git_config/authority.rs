//! Certificate authorities for single forges.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use wire::agent::OriginAuthority;

/// Where systems keep the authorities that everybody trusts.
const OF_SYSTEM: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];
/// Below the folder of our files.
const FOLDER: &str = "authorities";

/// Writes a file for each origin, which has the system's own authorities in it as well: git takes one file only.
pub(super) fn put(folder: &Path, wanted: &[OriginAuthority]) -> io::Result<BTreeMap<String, PathBuf>> {
    let folder = folder.join(FOLDER);
    let mut files = BTreeMap::new();
    for (number, authority) in wanted.iter().enumerate() {
        let Some(origin) = super::origin(&authority.origin) else { continue };
        std::fs::create_dir_all(&folder)?;
        let of_system = OF_SYSTEM.iter().find_map(|file| std::fs::read_to_string(file).ok());
        let text = format!("{}\n{}\n", authority.pem.trim_end(), of_system.unwrap_or_default());
        let file = folder.join(format!("{number}.pem"));
        super::put(&file, &text)?;
        files.insert(origin, file);
    }
    Ok(files)
}
