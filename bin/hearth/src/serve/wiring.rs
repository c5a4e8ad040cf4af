//! The bill of materials: which parts there are and how they hang together.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use control::{Control, PlainHttp};
use domain::{Entropy, SignedDuration};
use runtime::image::ImageStore;
use runtime::native::{Launcher, NativeDriver, NativeSettings};
use runtime::{Driver, Support};
use tokio_util::sync::CancellationToken;

use super::platform_key;
use crate::config::Config;
use crate::outside::{SystemClock, SystemEntropy};
use crate::{SANDBOX, agent_file};

/// Everything that runs.
pub struct App {
    pub control: Control,
    pub web: web::App,
}

/// Builds every part; nothing serves yet.
pub async fn build(
    config: &Config,
    data: &Path,
    public_url: &url::Url,
    stop: &CancellationToken,
) -> Result<App> {
    let agent = agent_file::unpack(data)?;
    let mut policy = outbound::Policy::public_only();
    for range in &config.outbound.allow {
        policy = policy.allow(range.parse().with_context(|| format!("bad address range `{range}`"))?);
    }
    let client = outbound::Client::new(policy.clone());
    // Both take their time on a fresh folder, and need nothing of each other.
    let database = config.database_url(data);
    let (store, native) = tokio::join!(store::Store::open(&database), native_driver(data, client.clone()));
    let store = store.context("cannot open the database")?;
    let platform_key = platform_key::open(&config.keys, data, &policy, &store).await?;
    let (driver, images) = native?;
    let agents = link::Agents::new();
    let outside = control::Outside {
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        driver,
        outbound: client,
        images: Some(Arc::new(images)),
        platform_key,
    };
    let settings = control::Settings {
        server: server_name(data)?,
        public_url: public_url.clone(),
        network: policy,
        plain_http: if config.outbound.plain_http { PlainHttp::Allowed } else { PlainHttp::Refused },
        rootfs: config.workspaces.rootfs.parse()?,
        limits: config.limits(),
        max_running: config.workspaces.running.checked_sub(1).map(|most| most.saturating_add(1)),
        max_per_user: config.workspaces.per_user,
        parallel_effects: config.workspaces.starts_at_once,
        registry: control::RegistrySettings {
            region: config.registry.region.clone(),
            token_life: SignedDuration::from_secs(config.registry.token_seconds.into()),
            key_days: config.registry.key_days,
        },
        ..control::Settings::new(data, agent)
    };
    let control = Control::new(store, agents.clone(), outside, settings);
    // Before anything serves: kites that come back shall be known.
    control.open_registry().await?;
    let web = web::App::new(control.clone(), agents, public_url.clone()).with_stop(stop.clone());
    Ok(App { control, web })
}

/// What this server is called where several share a database: made up once, then kept.
fn server_name(data: &Path) -> Result<String> {
    let path = data.join("server-name");
    if let Ok(name) = std::fs::read_to_string(&path) {
        return Ok(name.trim().to_owned());
    }
    let mut bytes = [0; 8];
    SystemEntropy.fill(&mut bytes);
    let name = format!("server-{:016x}", u64::from_be_bytes(bytes));
    std::fs::write(&path, &name).with_context(|| format!("cannot write `{}`", path.display()))?;
    Ok(name)
}

/// What this machine can give, without a server: for `hearth doctor`.
pub async fn machine_support(data: &Path) -> Result<Support> {
    let client = outbound::Client::new(outbound::Policy::public_only());
    let (driver, _) = native_driver(data, client).await?;
    Ok(driver.support().clone())
}

async fn native_driver(data: &Path, client: outbound::Client) -> Result<(Arc<NativeDriver>, ImageStore)> {
    let images = ImageStore::open(data.to_owned(), client)?;
    // The file this process came from, which stays the same even when it is replaced on disk.
    let launcher = Launcher { program: "/proc/self/exe".into(), arguments: vec![SANDBOX.into()] };
    let settings = NativeSettings { data: data.to_owned(), launcher, images: images.clone() };
    Ok((Arc::new(NativeDriver::open(settings).await?), images))
}
