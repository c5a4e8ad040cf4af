//! The platform key as the configuration has it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use control::{TransitKey, TransitSettings};
use store::Store;
use vault::{FileKey, PlatformKey};

use crate::config::Keys;
use crate::outside::SystemEntropy;

/// Name of the key file in the data folder.
const FILE: &str = "platform-key";

/// Opens the platform key. A key file that is not there is made, unless the database has secrets already: a
/// new key opens none of them.
pub(super) async fn open(
    keys: &Keys,
    data: &Path,
    policy: &outbound::Policy,
    store: &Store,
) -> Result<Arc<dyn PlatformKey>> {
    if keys.platform == "transit" {
        return Ok(transit(keys, policy)?);
    }
    let path = if keys.file.is_empty() { data.join(FILE) } else { PathBuf::from(&keys.file) };
    let entropy = Arc::new(SystemEntropy);
    if !path.exists() && store.read().await?.count_data_keys("").await?.all > 0 {
        bail!(
            "the database holds sealed secrets, but the platform key `{0}` that opens them is not there\n  \
             mend: put the key file back from its backup, or point `keys.file` to it",
            path.display()
        );
    }
    let key = if path.exists() { FileKey::open(&path, entropy) } else { FileKey::create(&path, entropy) };
    match key {
        Ok(key) => Ok(Arc::new(key)),
        Err(error) => bail!("cannot use the platform key: {error}\n  mend: {}", error.mend()),
    }
}

fn transit(keys: &Keys, policy: &outbound::Policy) -> Result<Arc<TransitKey>> {
    let mut client = outbound::Client::builder(policy.clone());
    if !keys.transit_ca_file.is_empty() {
        let pem = std::fs::read(&keys.transit_ca_file)
            .with_context(|| format!("cannot read `keys.transit_ca_file` ({})", keys.transit_ca_file))?;
        client = client.authorities(pem);
    }
    let settings = TransitSettings {
        url: keys.transit_url.parse().context("bad `keys.transit_url`")?,
        mount: keys.transit_mount.clone(),
        key: keys.transit_key.clone(),
        token_file: PathBuf::from(&keys.transit_token_file),
        namespace: Some(keys.transit_namespace.clone()).filter(|namespace| !namespace.is_empty()),
    };
    Ok(TransitKey::new(client.build().context("cannot reach the key service")?, settings))
}
