//! Installing missing packages: with apt where there is apt, else by saying the exact command.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::needs::{Need, Weight};
use crate::shell;

/// The ways to install packages we know, in the order of [`Need::elsewhere`].
const ELSEWHERE: [(&str, &str); 4] = [
    ("dnf", "sudo dnf install -y"),
    ("pacman", "sudo pacman -S --needed"),
    ("zypper", "sudo zypper install"),
    ("apk", "sudo apk add"),
];

/// Makes sure that all needs are met: installs what is missing, or says how.
///
/// Answers the needs that are still not met and that we can go on without.
///
/// # Errors
///
/// When a required one cannot be installed; the text has the exact command.
pub(crate) fn provide(needs: &[Need]) -> Result<Vec<Need>> {
    let missing = unmet(needs);
    if missing.is_empty() {
        return Ok(missing);
    }
    for need in &missing {
        eprintln!("missing: {} ({})", need.name(), need.purpose);
    }
    if let Err(error) = install(&missing) {
        let left = unmet(&missing);
        let required = left.iter().any(|need| need.weight == Weight::Required);
        let how = by_hand(&left);
        if required {
            return Err(
                error.context(format!("install what is missing by hand, then run this again:\n  {how}"))
            );
        }
        eprintln!("going on without; to mend it: {how}");
    }
    let left = unmet(&missing);
    if let Some(need) = left.iter().find(|need| need.weight == Weight::Required) {
        bail!("`{}` is still missing after installing `{}`", need.name(), need.debian);
    }
    Ok(left)
}

fn unmet(needs: &[Need]) -> Vec<Need> {
    needs.iter().filter(|need| !need.is_met()).copied().collect()
}

fn install(missing: &[Need]) -> Result<()> {
    if shell::find("apt-get").is_none() {
        bail!("only apt is used without asking, and this system has none");
    }
    let mut packages: Vec<&str> = missing.iter().flat_map(|need| need.debian.split(' ')).collect();
    packages.sort_unstable();
    packages.dedup();
    let attempt = || {
        let mut install = as_root("apt-get")?;
        shell::run(install.args(["install", "-y", "--no-install-recommends"]).args(&packages))
    };
    // An image without package lists, or with old ones, fails the first time.
    if attempt().is_ok() {
        return Ok(());
    }
    shell::run(as_root("apt-get")?.arg("update"))?;
    attempt()
}

/// The program, run as root: directly, or through sudo.
fn as_root(program: &str) -> Result<Command> {
    if shell::is_root() {
        let mut command = shell::command(program);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        return Ok(command);
    }
    let sudo = shell::find("sudo").context("neither root nor `sudo` is at hand")?;
    let mut command = shell::command(sudo);
    command.args(["DEBIAN_FRONTEND=noninteractive", program]);
    Ok(command)
}

/// The command a person would type here.
fn by_hand(missing: &[Need]) -> String {
    let join = |packages: Vec<&str>| {
        let mut packages = packages;
        packages.sort_unstable();
        packages.dedup();
        packages.join(" ")
    };
    for (index, (manager, command)) in ELSEWHERE.iter().enumerate() {
        if shell::find(manager).is_some() {
            let name = |need: &Need| need.elsewhere.get(index).copied().filter(|name| !name.is_empty());
            let (have, lack): (Vec<&Need>, Vec<&Need>) =
                missing.iter().partition(|need| name(need).is_some());
            let mut text = format!("{command} {}", join(have.into_iter().filter_map(name).collect()));
            for need in lack {
                text.extend(["\n  and `", need.name(), "`, which has no package there"]);
            }
            return text;
        }
    }
    let packages = join(missing.iter().flat_map(|need| need.debian.split(' ')).collect());
    format!("sudo apt-get install -y {packages}")
}
