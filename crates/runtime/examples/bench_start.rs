//! Measures create → first command → network → removed on this machine.
//!
//! `cargo build --release -p runtime --bin sandbox --example bench_start`, then
//! `target/release/examples/bench_start [rounds]`. The numbers of decision 0001 come from here.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use domain::{Limits, Rootfs, WorkspaceId};
use runtime::native::{Launcher, NativeDriver, NativeSettings};
use runtime::{BindMount, Boot, Driver, ImageStore, SandboxSpec};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rounds: u32 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(20);
    let data = tempfile::tempdir()?;
    let images =
        ImageStore::open(data.path().into(), outbound::Client::new(outbound::Policy::public_only()))?;
    let program = sandbox_program()?;
    let begun = Instant::now();
    let driver = NativeDriver::open(NativeSettings {
        data: data.path().into(),
        launcher: Launcher { program, arguments: Vec::new() },
        images,
    })
    .await?;
    say(&format!("open {:?}: {:#?}", begun.elapsed(), driver.support()));
    let shared = data.path().join("shared");
    std::fs::create_dir(&shared)?;
    std::fs::set_permissions(&shared, std::fs::Permissions::from_mode(0o777))?;
    let (mut created, mut first, mut started, mut removed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let id: WorkspaceId = format!("ws_0{round:025}").parse()?;
        let (begun, wall) = (Instant::now(), SystemTime::UNIX_EPOCH.elapsed()?);
        let spec = SandboxSpec {
            id,
            hostname: "bench".into(),
            rootfs: Rootfs::Host,
            base: None,
            limits: Limits::default(),
        };
        driver.create(&spec).await?;
        created.push(begun.elapsed());
        let script = format!("/bin/date +%s%N > /.hearth/run/{round}; exec /bin/sleep 1000");
        let mounts =
            vec![BindMount { host: shared.clone(), inside: "/.hearth/run".into(), read_only: false }];
        let command = ["/bin/sh", "-c", &script].map(str::to_owned).to_vec();
        let notices = driver.start(id, Boot { command, mounts, ..Boot::default() }).await?;
        started.push(begun.elapsed());
        first.push(written_at(&shared.join(round.to_string())).await?.saturating_sub(wall));
        if round == 0 {
            say(&format!("{notices:?} {:?}", driver.usage(id).await?));
        }
        let begun = Instant::now();
        driver.remove(id).await?;
        removed.push(begun.elapsed());
    }
    for (name, mut times) in [
        ("create", created),
        ("create to first command", first),
        ("create to network up", started),
        ("remove", removed),
    ] {
        times.sort();
        let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or(Duration::ZERO);
        say(&format!("{name}: best {:?}, median {:?}, p90 {:?}", at(0), at(50), at(90)));
    }
    Ok(())
}

/// The time that the command in the sandbox wrote down.
async fn written_at(path: &Path) -> Result<Duration, Box<dyn std::error::Error>> {
    for _ in 0..1000 {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if text.ends_with('\n') {
            return Ok(Duration::from_nanos(text.trim().parse()?));
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Err("the first command wrote nothing".into())
}

#[expect(clippy::print_stdout, reason = "a measurement is for people")]
fn say(text: &str) {
    println!("{text}");
}

fn sandbox_program() -> Result<PathBuf, std::io::Error> {
    let own = std::env::current_exe()?;
    let folder = own.parent().and_then(Path::parent).map(PathBuf::from).unwrap_or_default();
    Ok(folder.join("sandbox"))
}
