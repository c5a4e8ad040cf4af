//! `hearth up` and `hearth serve`: puts the parts together and runs them until told to stop.

mod forges;
mod local_socket;
mod log;
mod platform_key;
mod wiring;

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::cli::{Global, Serve};
use crate::client::LOCAL_SOCKET;
use crate::config::{self, Config};
use crate::terminal;

pub use wiring::machine_support;

/// How long requests under way may take to end after the server was told to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// Whether private addresses of this machine are fair game for clones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loopback {
    /// `hearth up`: one person, one machine, a forge on it is normal.
    Allowed,
    /// `hearth serve`: only what the configuration lists.
    AsConfigured,
}

/// `hearth up`.
pub fn up(global: &Global, options: &Serve) -> Result<u8> {
    start(global, options, Loopback::Allowed)
}

/// `hearth serve`.
pub fn serve(global: &Global, options: &Serve) -> Result<u8> {
    start(global, options, Loopback::AsConfigured)
}

fn start(global: &Global, options: &Serve, loopback: Loopback) -> Result<u8> {
    let data = global.data.clone().unwrap_or_else(config::default_data_folder);
    fs::create_dir_all(&data).with_context(|| format!("cannot make the data folder `{}`", data.display()))?;
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700))
        .with_context(|| format!("cannot close the data folder `{}` to others", data.display()))?;
    let data = data.canonicalize()?;

    let file = config::find_file(options.config.clone(), &data);
    let mut config = Config::load(file.as_deref(), std::env::vars(), &options.settings)?;
    config.server.listen = options.listen.clone().unwrap_or(config.server.listen);
    config.server.public_url = options.public_url.clone().unwrap_or(config.server.public_url);
    config.database.url = options.database.clone().unwrap_or(config.database.url);
    let problems = config.problems();
    if !problems.is_empty() {
        return Err(config::Problems(problems).into());
    }
    if loopback == Loopback::Allowed {
        config.outbound.allow.extend(["127.0.0.0/8".into(), "::1/128".into()]);
    }
    let reload = || Ok(Config::load(file.as_deref(), std::env::vars(), &options.settings)?);
    log::install(&config.log)?;
    raise_open_files();
    let _lock = lock(&data)?;

    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(&config, &data, &reload))
}

async fn run(config: &Config, data: &Path, reload: &(dyn Fn() -> Result<Config> + Sync)) -> Result<u8> {
    let listen: SocketAddr = config.server.listen.parse().context("bad listen address")?;
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!("cannot listen on {listen}; is another program there? choose one with --listen")
    })?;
    let address = listener.local_addr()?;
    let public_url = match config.server.public_url.as_str() {
        "" => format!("http://{address}/"),
        url => url.to_owned(),
    };
    let public_url: url::Url = public_url.parse().context("bad public URL")?;

    let stop = CancellationToken::new();
    let app = wiring::build(config, data, &public_url, &stop).await?;
    forges::apply(config, &app.control).await?;
    // Listeners of running workspaces are open again before anybody is told that we are ready.
    let reconcilers = {
        let (control, stop) = (app.control.clone(), stop.clone());
        tokio::spawn(async move { control.run(stop).await })
    };
    let local = local_socket::bind(&data.join(LOCAL_SOCKET))?;
    let local = tokio::spawn(local_socket::serve(local, app.web.clone(), app.control.clone(), stop.clone()));

    let server = tokio::spawn(web::serve(listener, web::router(app.web.clone()), stop.clone()));

    announce(&app.control, &public_url).await?;
    wait_for_signal(&app.control, reload).await?;
    tracing::info!("told to stop; workspaces go on running");
    stop.cancel();
    let control = app.control.clone();
    let all = async {
        let (server, local, reconcilers) = tokio::join!(server, local, reconcilers);
        // A forge's answer comes only once; nobody may be locked out because the server was told to end.
        control.finish_exchanges().await;
        let ends = [
            (
                "web",
                server
                    .map_or_else(|end| Some(end.to_string()), |end| end.err().map(|error| error.to_string())),
            ),
            ("local socket", local.err().map(|end| end.to_string())),
            (
                "control",
                reconcilers
                    .map_or_else(|end| Some(end.to_string()), |end| end.err().map(|error| error.to_string())),
            ),
        ];
        for (name, end) in ends {
            if let Some(error) = end {
                tracing::error!(%error, "`{name}` did not end well");
            }
        }
    };
    if tokio::time::timeout(DRAIN, all).await.is_err() {
        tracing::warn!("some requests did not end within {}s and were cut", DRAIN.as_secs());
    }
    fs::remove_file(data.join(LOCAL_SOCKET)).ok();
    Ok(0)
}

/// Prints where Hearth is, and how the first person gets in.
async fn announce(control: &control::Control, public_url: &url::Url) -> Result<()> {
    let base = public_url.as_str().trim_end_matches('/');
    terminal::print(&format!("Hearth is ready at {base}"));
    if control.setup_needed().await? {
        let token = control.new_setup_token().await?;
        terminal::print(&format!("First visit: {base}/setup?token={}", token.expose()));
    }
    Ok(())
}

/// Waits until the server is told to end. A hang-up reads the configuration's forges again.
async fn wait_for_signal(
    control: &control::Control,
    reload: &(dyn Fn() -> Result<Config> + Sync),
) -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut hang_up = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = hang_up.recv() => {
                let done = async { forges::apply(&reload()?, control).await };
                match done.await {
                    Ok(()) => tracing::info!("the configuration's forges were read again"),
                    Err(error) => tracing::error!("the configuration stays as it was: {error:#}"),
                }
            }
        }
    }
}

/// How long to wait for the lock: a server that was killed while it was starting a sandbox leaves a child
/// that holds it for the few milliseconds until it has become the launcher.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

/// One server per data folder: two would fight over its sandboxes.
fn lock(data: &Path) -> Result<fs::File> {
    let path: PathBuf = data.join("lock");
    let file = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
    let begun = std::time::Instant::now();
    while rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
        if begun.elapsed() > LOCK_PATIENCE {
            bail!(
                "another hearth server uses the data folder `{}`; stop it, or name another in HEARTH_DATA_DIR",
                data.display()
            );
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(file)
}

/// Takes as many open files as the machine lets us: every agent, terminal and browser needs one.
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    if setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).is_err() {
        tracing::debug!("the limit of open files could not be raised");
    }
}
