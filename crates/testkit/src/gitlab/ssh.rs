//! Git over SSH with a real OpenSSH server on a loopback port.
//!
//! Every key of every user is a line of `authorized_keys` with a forced command: a small script that asks
//! the double over a loopback connection whether the key's owner may use the repository, and only then runs
//! git. A system account `git` is not made: the server runs as, and lets in, whoever runs the double.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::git_http::{Service, may};
use super::hooks;
use super::instance::{Instance, LIMIT, blocking};
use super::repository::Repository;

/// Where Debian and others put it, which is not always in the path of ordinary users.
const PLACES: [&str; 3] = ["/usr/sbin/sshd", "/usr/bin/sshd", "/sbin/sshd"];

/// Runs for each connection: asks, then becomes git. The connection to the double stays open until git has
/// ended, which tells the double that a push is over.
const SHELL: &str = r#"#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/@PORT@ || { echo "GitLab: internal error" >&2; exit 1; }
printf '%s %s\n' "$1" "${SSH_ORIGINAL_COMMAND//$'\n'/ }" >&3
IFS= read -r verdict <&3
case "$verdict" in
    "run "*) set -- ${verdict#run }; git "$1" "$2" ;;
    "greet "*) printf '%s\n' "${verdict#greet }" ;;
    *) printf 'remote: ERROR: %s\n' "${verdict#deny }" >&2; exit 1 ;;
esac
"#;

/// A running server; dropping it ends it and its connections.
pub(crate) struct Sshd {
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) known_host: String,
    server: Child,
    gate: JoinHandle<()>,
}

impl Sshd {
    /// Starts it, or says why it cannot be: `skipped: …`.
    pub(crate) async fn start(instance: &Arc<Instance>) -> Result<Self, String> {
        let program = PLACES.iter().map(Path::new).find(|place| place.exists());
        let program = program.ok_or("skipped: no `sshd`; install the Debian package `openssh-server`")?;
        let user = run("id", &["-un"]).ok_or("skipped: `id` does not tell who runs this")?;
        let bash = Path::new("/bin/bash").exists();
        if !bash {
            return Err("skipped: no `/bin/bash`".to_owned());
        }
        let folder = instance.folder.path().join("ssh");
        fs::create_dir_all(&folder).map_err(|error| format!("skipped: cannot make a folder: {error}"))?;
        let host_key = folder.join("host_key");
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&host_key)
            .stdin(Stdio::null())
            .status();
        if !made.is_ok_and(|status| status.success()) {
            return Err("skipped: `ssh-keygen` makes no host key".to_owned());
        }
        let (gate_port, gate) = open_gate(instance).await?;
        write_shell(&folder, gate_port).map_err(|error| format!("skipped: cannot write a file: {error}"))?;
        // Privilege separation of a server that runs as root needs this folder.
        fs::create_dir_all("/run/sshd").ok();
        let port = free_port().await?;
        let config = folder.join("config");
        fs::write(&config, configuration(&folder, port, &user))
            .map_err(|error| format!("skipped: cannot write a file: {error}"))?;
        let log = fs::File::create(folder.join("log")).map_err(|error| format!("skipped: {error}"))?;
        // Ends with this process, even when that is killed.
        let server = Command::new("setpriv")
            .arg("--pdeathsig=TERM")
            .arg(program)
            .arg("-D")
            .arg("-e")
            .arg("-f")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| format!("skipped: `sshd` does not start: {error}"))?;
        let public = fs::read_to_string(host_key.with_extension("pub")).unwrap_or_default();
        let public: Vec<&str> = public.split_whitespace().take(2).collect();
        let known_host = format!("[127.0.0.1]:{port} {}", public.join(" "));
        let mut sshd = Self { port, user, known_host, server, gate };
        sshd.wait(&folder).await?;
        let address = format!("{}@127.0.0.1:{port}", sshd.user);
        *instance.ssh_address.lock().unwrap_or_else(PoisonError::into_inner) = Some(address);
        write_keys(instance);
        Ok(sshd)
    }

    /// Waits until it takes connections.
    async fn wait(&mut self, folder: &Path) -> Result<(), String> {
        let started = std::time::Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            let ended = self.server.try_wait().ok().flatten().is_some();
            if ended || started.elapsed() > LIMIT {
                let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
                return Err(format!("skipped: `sshd` does not run: {}", log.trim()));
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.gate.abort();
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

async fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let address = listener.and_then(|listener| listener.local_addr());
    address.map(|address| address.port()).map_err(|error| format!("skipped: no free port: {error}"))
}

fn configuration(folder: &Path, port: u16, user: &str) -> String {
    let folder = folder.display();
    format!(
        "ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder}/host_key\nPidFile none\n\
         AuthorizedKeysFile {folder}/authorized_keys\nStrictModes no\nUsePAM no\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n\
         AllowUsers {user}\nPermitUserEnvironment no\nAcceptEnv GIT_PROTOCOL\nPrintMotd no\n\
         AllowTcpForwarding no\nX11Forwarding no\nLogLevel ERROR\nMaxStartups 200:30:400\n"
    )
}

fn write_shell(folder: &Path, gate: u16) -> std::io::Result<()> {
    let shell = folder.join("shell");
    fs::write(&shell, SHELL.replace("@PORT@", &gate.to_string()))?;
    fs::set_permissions(&shell, fs::Permissions::from_mode(0o755))?;
    fs::write(folder.join("authorized_keys"), "")
}

fn run(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Writes the keys of all users that may sign in; called whenever one changes.
pub(crate) fn write_keys(instance: &Instance) {
    let folder: PathBuf = instance.folder.path().join("ssh");
    if !folder.exists() {
        return;
    }
    let now = instance.now();
    let shell = folder.join("shell");
    let lines: Vec<String> = {
        let world = instance.world();
        let accounts = world.accounts.values().filter(|account| !account.blocked);
        let keys = accounts.flat_map(|account| &account.keys).filter(|key| key.usage != "signing");
        let keys = keys.filter(|key| key.expires_at.is_none_or(|end| end > now));
        keys.map(|key| {
            let text: Vec<&str> = key.text.split_whitespace().take(2).collect();
            format!("command=\"{} key-{}\",restrict {}\n", shell.display(), key.id, text.join(" "))
        })
        .collect()
    };
    let fresh = folder.join("authorized_keys.new");
    if fs::write(&fresh, lines.concat()).is_ok() {
        fs::rename(fresh, folder.join("authorized_keys")).ok();
    }
}

/// Listens for the script's questions.
async fn open_gate(instance: &Arc<Instance>) -> Result<(u16, JoinHandle<()>), String> {
    let listener =
        TcpListener::bind("127.0.0.1:0").await.map_err(|error| format!("skipped: no free port: {error}"))?;
    let port = listener.local_addr().map_err(|error| format!("skipped: no address: {error}"))?.port();
    let instance = Arc::clone(instance);
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let instance = Arc::clone(&instance);
            tokio::spawn(async move {
                // A client that hangs up early has changed nothing.
                question(&instance, stream).await.ok();
            });
        }
    });
    Ok((port, task))
}

/// What the owner of a key may do.
enum Verdict {
    Greet(String),
    Run { project: u64, account: u64, service: Service, repository: Repository },
    Deny(&'static str),
}

async fn question(instance: &Arc<Instance>, stream: TcpStream) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let (key, command) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
    match verdict(instance, key, command) {
        Verdict::Greet(username) => {
            stream.write_all(format!("greet Welcome to GitLab, @{username}!\n").as_bytes()).await
        }
        Verdict::Deny(why) => stream.write_all(format!("deny {why}\n").as_bytes()).await,
        Verdict::Run { project, account, service, repository } => {
            let name = if service == Service::UploadPack { "upload-pack" } else { "receive-pack" };
            let before = {
                let repository = repository.clone();
                blocking(move || repository.refs()).await
            };
            let answer = format!("run {name} {}\n", repository.path().display());
            stream.write_all(answer.as_bytes()).await?;
            // Ends when git has ended.
            stream.read_to_end(&mut vec![]).await?;
            if service == Service::ReceivePack {
                let instance = Arc::clone(instance);
                blocking(move || hooks::pushed(&instance, project, account, &before)).await;
            }
            Ok(())
        }
    }
}

fn verdict(instance: &Instance, key: &str, command: &str) -> Verdict {
    let world = instance.world();
    let id = key.strip_prefix("key-").and_then(|id| id.parse::<u64>().ok());
    let mut accounts = world.accounts.values();
    let owner = accounts.find(|account| account.keys.iter().any(|key| Some(key.id) == id));
    let Some(owner) = owner else { return Verdict::Deny("Access denied.") };
    if owner.blocked {
        return Verdict::Deny("Your account has been blocked.");
    }
    if command.is_empty() {
        return Verdict::Greet(owner.username.clone());
    }
    let Some((name, argument)) = command.split_once(' ') else {
        return Verdict::Deny("Disallowed command");
    };
    let Some(service) = Service::named(name) else { return Verdict::Deny("Disallowed command") };
    let path = argument.trim_matches('\'').trim_start_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let record = world.project_at(path).or_else(|| world.projects.get(world.moved.get(path)?));
    let record = record.filter(|record| world.sees(Some(owner.id), record));
    let Some(record) = record else {
        return Verdict::Deny(
            "The project you were looking for could not be found or you don't have permission to view it.",
        );
    };
    match may(&world, owner.id, record, service) {
        Some(why) => Verdict::Deny(why),
        None => {
            let repository = Repository::at(&record.repository);
            Verdict::Run { project: record.id, account: owner.id, service, repository }
        }
    }
}
