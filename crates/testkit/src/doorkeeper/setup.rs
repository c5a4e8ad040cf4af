//! What Doorkeeper's application needs to run: packages, files, settings, a server.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::Profile;
use crate::peers::{Authority, Skip};

/// The application, its consent page and its sign-in page.
const FILES: [(&str, &str); 3] = [
    ("config.ru", include_str!("config.ru")),
    ("app/views/doorkeeper/authorizations/new.html.erb", include_str!("authorize.html.erb")),
    ("app/views/sessions/new.html.erb", include_str!("sign_in.html.erb")),
];
/// Where Debian's packages put what has no program.
const GEMS: &str = "/usr/share/rubygems-integration/all/gems";

/// Whether the packages are installed.
pub(super) fn check() -> Result<(), Skip> {
    for (package, gem) in [
        ("ruby-doorkeeper", "doorkeeper-5"),
        ("ruby-doorkeeper-openid-connect", "doorkeeper-openid_connect-"),
    ] {
        let mut gems = fs::read_dir(GEMS).into_iter().flatten().filter_map(Result::ok);
        if !gems.any(|found| found.file_name().to_string_lossy().starts_with(gem)) {
            return Err(Skip::missing(&format!("the Debian package {package}")));
        }
    }
    for (package, program) in [("puma", "/usr/bin/puma"), ("ruby-sqlite3", "/usr/share/doc/ruby-sqlite3")] {
        if !Path::new(program).exists() {
            return Err(Skip::missing(&format!("the Debian package {package}")));
        }
    }
    Ok(())
}

fn settings(profile: Profile, url: &str, prefix: &str) -> Value {
    let is_old = profile == Profile::Pre143;
    let expires_in = match profile {
        Profile::Pre143 => None,
        Profile::ShortTtl(seconds) => Some(seconds),
        Profile::Modern | Profile::InternalCa | Profile::PathPrefix(_) => Some(7200),
    };
    json!({
        "url": url, "prefix": prefix, "expires_in": expires_in, "reuse_tokens": is_old,
        "version": if is_old { "14.2.7-ee" } else { "18.1.1-ee" }, "has_metadata": !is_old,
    })
}

/// Writes the application and its settings into a folder.
pub(super) fn write_files(folder: &Path, profile: Profile, url: &str, prefix: &str) {
    for (name, text) in FILES {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().expect("below the folder")).expect("own folder");
        fs::write(file, text).expect("own folder");
    }
    fs::write(folder.join("settings.json"), settings(profile, url, prefix).to_string()).expect("own folder");
}

/// The command that serves it; its standard input is the listening socket.
pub(super) fn puma(port: u16, folder: &Path, authority: Option<&Authority>) -> Command {
    let address = match authority {
        None => format!("tcp://127.0.0.1:{port}"),
        Some(authority) => {
            let (certificate, key) = authority.issue(folder);
            format!("ssl://127.0.0.1:{port}?cert={}&key={}", certificate.display(), key.display())
        }
    };
    // Ruby from Debian, whatever other one may come first in `PATH`: the packages belong to it.
    let mut command = Command::new("/usr/bin/ruby");
    command
        .args(["/usr/bin/puma", "--quiet", "--environment", "production", "--threads", "1:16"])
        .args(["--bind", &address, "config.ru"])
        .env("PUMA_INHERIT_0", format!("0:{address}"))
        .envs([("LANG", "C.UTF-8"), ("HOME", "/nonexistent")])
        .env_remove("RUBYOPT")
        .env_remove("GEM_HOME")
        .env_remove("GEM_PATH")
        .env_remove("BUNDLE_GEMFILE");
    command
}
