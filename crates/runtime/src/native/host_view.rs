//! The root file system `host`: the machine's own programs, and of everything else a fresh, empty version.
//!
//! An allow-list: what is not named here does not exist inside. Never on it: homes, `/root`, `/var`, `/srv`,
//! `/opt`, `/etc/shadow`, keys, the machine's id, and files that administrators put credentials in
//! (`/etc/environment`, `/etc/gitconfig`, `/etc/profile.d`, package manager sources).

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::disk::{make_folder, make_private};
use super::erase;
use super::failed::{Context, Failed};
use super::furnish::{self, HOME};
use super::plan::{Access, Ids, Need, Shown, USER};

/// Programs and their libraries. Links among them are made again inside, folders are shown.
const SYSTEM: [&str; 9] =
    ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store"];

/// Parts of `/etc` without secrets that programs need in order to work as they do outside.
const SETTINGS: [&str; 34] = [
    "alternatives",
    "bash.bashrc",
    "bash_completion",
    "bash_completion.d",
    "ca-certificates",
    "ca-certificates.conf",
    "debian_version",
    "fonts",
    "inputrc",
    "java-11-openjdk",
    "java-17-openjdk",
    "java-21-openjdk",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "locale.alias",
    "locale.conf",
    "localtime",
    "lsb-release",
    "magic",
    "magic.mime",
    "manpath.config",
    "mime.types",
    "nanorc",
    "os-release",
    "perl",
    "pki/ca-trust",
    "pki/tls/certs",
    "protocols",
    "python3",
    "rpc",
    "services",
    "ssl/certs",
    "terminfo",
];

/// Settings beyond the list: whole files with a version in their name are matched by their start.
const SETTINGS_BY_START: [&str; 4] = ["python3.", "java-", "vim", "ssl/openssl"];

/// What to show and what to stand on.
pub(super) struct HostView {
    /// The folder of mount points and generated files: the lowest layer.
    pub skeleton: PathBuf,
    /// What is mounted over it.
    pub shown: Vec<Shown>,
}

/// One thing in the skeleton.
#[derive(Hash)]
enum Entry {
    Folder { path: String, owner: u32, mode: u32 },
    File { path: String, text: String },
    Link { path: String, target: PathBuf },
}

impl HostView {
    /// Looks at the machine and makes the skeleton that fits it, unless it is there from before.
    pub(super) fn prepare(data: &Path, ids: Ids) -> Result<Self, Failed> {
        let mut entries = fresh_entries();
        let mut shown = Vec::new();
        for path in SYSTEM {
            add(path, path, &mut entries, &mut shown);
        }
        let mut settings: Vec<String> = SETTINGS.iter().map(|name| (*name).to_owned()).collect();
        settings.extend(matching_settings());
        settings.sort_unstable();
        settings.dedup();
        for name in settings {
            let path = format!("/etc/{name}");
            add(&path, &path, &mut entries, &mut shown);
        }
        let mut hasher = DefaultHasher::new();
        (ids.on_disk(0), &entries).hash(&mut hasher);
        let parent = data.join("host");
        make_private(&parent)?;
        let skeleton = parent.join(format!("{:016x}", hasher.finish()));
        if !skeleton.is_dir() {
            make_skeleton(&skeleton, &entries, ids)?;
        }
        Ok(Self { skeleton, shown })
    }
}

/// Everything that is new inside rather than the machine's.
fn fresh_entries() -> Vec<Entry> {
    let folder = |path: &str, owner, mode| Entry::Folder { path: path.into(), owner, mode };
    let file = |path: &str, text: &str| Entry::File { path: path.into(), text: text.into() };
    let link = |path: &str, target: &str| Entry::Link { path: path.into(), target: target.into() };
    let mut entries: Vec<Entry> = [
        "proc",
        "sys",
        "dev",
        "run",
        ".hearth",
        "etc",
        "home",
        "var",
        "var/log",
        "var/cache",
        "var/lib",
        "opt",
        "srv",
        "mnt",
    ]
    .iter()
    .map(|path| folder(&format!("/{path}"), 0, 0o755))
    .collect();
    let shell = if Path::new("/bin/bash").exists() { "/bin/bash" } else { "/bin/sh" };
    let passwd = format!(
        "root:x:0:0:root:/root:{shell}\n{}\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
        furnish::passwd_line(shell)
    );
    let nobodys = if Path::new("/etc/debian_version").exists() { "nogroup" } else { "nobody" };
    let group = format!("root:x:0:\ntty:x:5:\n{}\n{nobodys}:x:65534:\n", furnish::group_line());
    entries.extend([
        folder("/root", 0, 0o700),
        folder("/tmp", 0, 0o1777),
        folder("/var/tmp", 0, 0o1777),
        link("/var/run", "/run"),
        link("/var/lock", "/run/lock"),
        folder(HOME, USER, 0o755),
        folder("/workspace", USER, 0o755),
        file("/etc/passwd", &passwd),
        file("/etc/group", &group),
        file("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\n"),
        file("/etc/resolv.conf", &furnish::resolv_conf()),
        file("/etc/shells", "/bin/sh\n/bin/bash\n"),
        file("/etc/profile", PROFILE),
        file("/etc/hosts", ""),
        file("/etc/hostname", ""),
        link("/etc/mtab", "/proc/self/mounts"),
    ]);
    entries
}

/// What a login shell reads: the machine's own may hold secrets.
const PROFILE: &str = "\
if [ -n \"$BASH_VERSION\" ] && [ -n \"$PS1\" ] && [ -r /etc/bash.bashrc ]; then
  . /etc/bash.bashrc
  [ -r /usr/share/bash-completion/bash_completion ] && . /usr/share/bash-completion/bash_completion
fi
";

/// Adds one place of the machine: a link is made again, anything else gets a mount point and is shown.
fn add(host: &str, inside: &str, entries: &mut Vec<Entry>, shown: &mut Vec<Shown>) {
    let Ok(found) = fs::symlink_metadata(host) else { return };
    add_parents(inside, entries);
    if found.is_symlink() {
        let Ok(target) = fs::read_link(host) else { return };
        entries.push(Entry::Link { path: inside.into(), target });
        return;
    }
    if found.is_dir() {
        entries.push(Entry::Folder { path: inside.into(), owner: 0, mode: 0o755 });
    } else if found.is_file() && found.permissions().mode() & 0o004 != 0 {
        entries.push(Entry::File { path: inside.into(), text: String::new() });
    } else {
        // What not everybody on the machine may read is not shown to workspaces either.
        return;
    }
    let (host, inside) = (host.into(), inside.into());
    shown.push(Shown { host, inside, access: Access::ReadOnly, need: Need::WherePresent });
}

fn add_parents(path: &str, entries: &mut Vec<Entry>) {
    for (end, _) in path.match_indices('/').skip(1) {
        let Some(parent) = path.get(..end) else { continue };
        entries.push(Entry::Folder { path: parent.into(), owner: 0, mode: 0o755 });
    }
}

fn matching_settings() -> Vec<String> {
    let mut found = Vec::new();
    for start in SETTINGS_BY_START {
        let (folder, start) = start.rsplit_once('/').map_or(("", start), |(folder, start)| (folder, start));
        let Ok(names) = fs::read_dir(Path::new("/etc").join(folder)) else { continue };
        for name in names.filter_map(|entry| entry.ok()?.file_name().into_string().ok()) {
            if name.starts_with(start) {
                found.push(if folder.is_empty() { name } else { format!("{folder}/{name}") });
            }
        }
    }
    found
}

fn make_skeleton(path: &Path, entries: &[Entry], ids: Ids) -> Result<(), Failed> {
    // Built beside and renamed, so that a skeleton that is there is whole. Several may build it at once.
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let new = path.with_extension(format!("{}-{number}", std::process::id()));
    if new.exists() {
        erase::erase(&new)?;
    }
    make_folder(&new, 0o755)?;
    furnish::give(&new, ids.on_disk(0))?;
    for entry in entries {
        let (Entry::Folder { path, .. } | Entry::File { path, .. } | Entry::Link { path, .. }) = entry;
        let place = new.join(path.trim_start_matches('/'));
        let what = || format!("cannot make `{}`", place.display());
        let owner = match entry {
            Entry::Folder { owner, mode, .. } => {
                if place.is_dir() {
                    continue;
                }
                make_folder(&place, *mode)?;
                *owner
            }
            Entry::File { text, .. } => {
                fs::write(&place, text).context(what)?;
                fs::set_permissions(&place, fs::Permissions::from_mode(0o644)).context(what)?;
                0
            }
            Entry::Link { target, .. } => {
                std::os::unix::fs::symlink(target, &place).context(what)?;
                0
            }
        };
        furnish::give(&place, ids.on_disk(owner))?;
    }
    match fs::rename(&new, path) {
        Err(_) if path.is_dir() => erase::erase(&new),
        renamed => renamed.context(|| format!("cannot make `{}`", path.display())),
    }
}
