//! Measures create → first command → removed on this machine, in turn with its peers where they are installed.
//!
//! `cargo run -p runtime --example bench_start -- [rounds] [--without-network]`

use std::path::PathBuf;
use std::time::{Duration, Instant};

use domain::{Limits, Rootfs, WorkspaceId};
use runtime::native::{Launcher, NativeDriver, NativeSettings};
use runtime::{Boot, Driver, ImageStore, SandboxSpec};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rounds: u32 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(20);
    let data = tempfile::tempdir()?;
    let images = ImageStore::open(data.path().into(), outbound::Client::new(outbound::Policy::public_only()))?;
    let program = sandbox_program()?;
    let begun = Instant::now();
    let driver = NativeDriver::open(NativeSettings {
        data: data.path().into(),
        launcher: Launcher { program, arguments: Vec::new() },
        images,
    })
    .await?;
    say(&format!("open {:?}: {:#?}", begun.elapsed(), driver.support()));
    let (mut created, mut started, mut removed) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let id: WorkspaceId = format!("ws_0{round:025}").parse()?;
        let begun = Instant::now();
        let spec = SandboxSpec {
            id,
            hostname: "bench".into(),
            rootfs: Rootfs::Host,
            base: None,
            limits: Limits::default(),
        };
        driver.create(&spec).await?;
        created.push(begun.elapsed());
        let command = vec!["/bin/sleep".into(), "1000".into()];
        let notices = driver.start(id, Boot { command, ..Boot::default() }).await?;
        started.push(begun.elapsed());
        if round == 0 {
            say(&format!("{notices:?} {:?}", driver.usage(id).await?));
        }
        let begun = Instant::now();
        driver.remove(id).await?;
        removed.push(begun.elapsed());
    }
    for (name, mut times) in [("create", created), ("create+start", started), ("remove", removed)] {
        times.sort();
        let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or(Duration::ZERO);
        say(&format!("{name}: best {:?}, median {:?}, p90 {:?}", at(0), at(50), at(90)));
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a measurement is for people")]
fn say(text: &str) {
    println!("{text}");
}

fn sandbox_program() -> Result<PathBuf, std::io::Error> {
    let own = std::env::current_exe()?;
    let folder = own.parent().and_then(std::path::Path::parent).map(PathBuf::from).unwrap_or_default();
    Ok(folder.join("sandbox"))
}
