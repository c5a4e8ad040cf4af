//! The whole way of Git's questions: real git and ssh, the real agent, the control plane, a GitLab with SSH.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use control::ForgeSettings;
use domain::{Clock, SshEndpoint, Timestamp};
use link::AgentClient;
use runtime::BindMount;
use testkit::gitlab::{GitlabDouble, Options, Visibility};
use testkit::{SeededEntropy, wait_until};
use tokio::task::JoinHandle;
use wire::agent::{AgentConfig, ExecRequest, ExecResult, RUN_FOLDER, SOCKET_NAME};

use crate::broker::{Scene, workspace};
use crate::forge_world::{change, linked, options, ready_at, serve};
use crate::sim::{LIMIT, World};

/// The helper that git and ssh call, built with the tests of crate `agent`.
fn helper() -> Option<PathBuf> {
    let tests = std::env::current_exe().ok()?;
    let path = tests.parent()?.parent()?.join("agent-helper");
    if !path.exists() {
        eprintln!("skipped: `{}` is not built; run the tests of crate `agent` first", path.display());
        return None;
    }
    Some(path)
}

struct Now;

impl Clock for Now {
    #[expect(clippy::disallowed_methods, reason = "the real time, for a real agent")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A workspace whose agent is the real one, in a home folder of its own, with a clone.
struct Inside {
    scene: Scene,
    home: tempfile::TempDir,
    client: AgentClient,
    agent: JoinHandle<()>,
    ssh_url: Option<String>,
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.agent.abort();
    }
}

async fn inside() -> Option<Inside> {
    let helper = helper()?;
    let world = World::new().await;
    // Git throws passwords away that have ended by its own clock.
    world.clock.set(Now.now());
    let server = serve(&world).await;
    let gitlab = GitlabDouble::start(Options { ssh: true, ..options(&world) }).await;
    let ready = ready_at(gitlab, &server).await;
    let has_ssh = ready.gitlab.ssh_known_host().is_ok();
    if let (Ok(port), Ok(user), Ok(line)) =
        (ready.gitlab.ssh_port(), ready.gitlab.ssh_user(), ready.gitlab.ssh_known_host())
    {
        let host_keys = vec![line.split_once(' ').unwrap().1.to_owned()];
        let ssh = SshEndpoint { host: "127.0.0.1".into(), port, user: user.into(), host_keys };
        let settings = ForgeSettings { ssh: Some(ssh), ..ForgeSettings::default() };
        change(&server.control, &ready.admin, ready.forge, settings).await;
    }
    let (caller, user) = linked(&server, &ready, "ada-lovelace").await;
    let project = ready.gitlab.add_project("group/sub/project", Visibility::Private, &user);
    let id = workspace(&server, &caller, &project.http_url).await;

    let home = tempfile::Builder::new().prefix("home-").tempdir().unwrap();
    let mut config: AgentConfig = {
        let state = world.machine.state();
        let process = state.sandboxes.get(&id).unwrap().process.as_ref().unwrap();
        let is_run = |mount: &&BindMount| mount.inside == RUN_FOLDER;
        let run = process.boot.mounts.iter().find(is_run).unwrap();
        let mut config: AgentConfig = serde_json::from_slice(&process.boot.descriptor_3).unwrap();
        config.server = format!("unix:{}", run.host.join(SOCKET_NAME).display());
        state.replaced.get(&id).unwrap().cancel();
        config
    };
    config.folder = home.path().display().to_string();
    config.env.push(("HOME".into(), home.path().display().to_string()));
    let outside = agent::Outside { clock: Arc::new(Now), entropy: Arc::new(SeededEntropy::new(5)) };
    let agent = agent::Agent::with_program(&config, outside, helper);
    let agent = tokio::spawn(async move { agent.run(&config).await });
    let set_up = home.path().join(".config/hearth/gitconfig");
    wait_until(LIMIT, async || set_up.exists()).await;
    let client = server.control.agents().get(id).unwrap();

    let ssh_url = has_ssh.then(|| project.ssh_url.clone());
    let scene = Scene { world, server, ready, caller, user, project, id };
    let inside = Inside { scene, home, client, agent, ssh_url };
    let url = &inside.scene.project.http_url;
    let (is_done, said) = inside.sh(&format!("git clone -q {url} clone")).await;
    assert!(is_done, "{said}");
    Some(inside)
}

impl Inside {
    /// Runs a script in the clone, if there is one: whether it worked, and all it said.
    async fn sh(&self, script: &str) -> (bool, String) {
        let ssh_config = self.home.path().join(".config/hearth/ssh_config");
        // SSH takes the account's own home folder, whatever `HOME` says.
        let ssh = format!("ssh -F {} -o BatchMode=yes -o GlobalKnownHostsFile=none", ssh_config.display());
        let request = ExecRequest {
            command: ["/bin/sh", "-c", &format!("[ -d clone ] && cd clone; {script}")]
                .map(str::to_owned)
                .to_vec(),
            env: [("GIT_SSH_COMMAND".to_owned(), ssh), ("GIT_TERMINAL_PROMPT".into(), "0".into())].into(),
            ..ExecRequest::default()
        };
        let ExecResult { exit_code, stdout, stderr, .. } = self.client.exec(&request).await.unwrap();
        (exit_code == 0, stdout + &stderr)
    }

    async fn works(&self, script: &str) -> String {
        let (is_done, said) = self.sh(script).await;
        assert!(is_done, "{script}: {said}");
        said
    }

    async fn fails(&self, script: &str) -> String {
        let (is_done, said) = self.sh(script).await;
        assert!(!is_done, "{script}: {said}");
        said
    }

    async fn is_pushed(&self) {
        let here = self.works("git rev-parse HEAD").await;
        let there = testkit::git::git(&self.scene.project.repository, &["rev-parse", "main"]);
        assert_eq!(here.trim(), there);
    }

    /// Leads the clone's remote over SSH; false where the double serves none.
    async fn use_ssh(&self) -> bool {
        let Some(url) = &self.ssh_url else {
            eprintln!("skipped: the GitLab double serves no SSH here");
            return false;
        };
        let gitlab = &self.scene.ready.gitlab;
        wait_until(LIMIT, async || !gitlab.keys_of(&self.scene.user).is_empty()).await;
        self.works(&format!("git remote set-url origin {url}")).await;
        true
    }
}

fn assert_nowhere(folder: &Path, secret: &str) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            assert_nowhere(&entry.path(), secret);
        } else if kind.is_file() {
            let content = std::fs::read(entry.path()).unwrap();
            let is_there = content.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!is_there, "{}", entry.path().display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn git_fetches_and_pushes_over_both_ways_and_keeps_nothing() {
    let Some(inside) = inside().await else { return };

    inside.works("echo one >> README.md && git commit -qam One && git push -q && git fetch -q").await;
    inside.is_pushed().await;
    if inside.use_ssh().await {
        inside.works("echo two >> README.md && git commit -qam Two && git push -q && git fetch -q").await;
        inside.is_pushed().await;
    }

    let helper = helper().unwrap();
    let socket = inside.home.path().join(".config/hearth/run/agent.sock");
    let host = inside.scene.ready.gitlab.address();
    let asked = inside
        .works(&format!(
            "printf 'protocol=http\\nhost={host}\\npath=group/sub/project.git\\n\\n' | {} credential --socket {} get",
            helper.display(),
            socket.display()
        ))
        .await;
    let token = asked.lines().find_map(|line| line.strip_prefix("password=")).unwrap();
    assert_nowhere(inside.home.path(), token);
    assert_nowhere(inside.home.path(), "PRIVATE KEY");
    let variables = inside.works("env").await;
    assert!(!variables.contains(token) && variables.contains("SSH_AUTH_SOCK="), "{variables}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disconnected_account_ends_both_ways() {
    let Some(inside) = inside().await else { return };
    inside.works("git fetch -q").await;

    inside.scene.disconnect().await;

    let said = inside.fails("git fetch").await;
    assert!(said.contains("hearth: your account at Our GitLab is not connected"), "{said}");
    if let Some(url) = &inside.ssh_url {
        inside.works(&format!("git remote set-url origin {url}")).await;
        inside.fails("git fetch").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_owner_gets_out_neither_way() {
    let Some(inside) = inside().await else { return };
    let has_ssh = inside.use_ssh().await;
    if has_ssh {
        inside.works("git fetch -q").await;
    }

    inside.scene.suspend().await;

    if has_ssh {
        let said = inside.fails("git fetch").await;
        assert!(said.contains("the account that owns this workspace is suspended"), "{said}");
    }
    let url = &inside.scene.project.http_url;
    let said = inside.fails(&format!("git fetch {url}")).await;
    assert!(said.contains("403"), "{said}");
}
