//! What goes through a forge: signing in, what an address means, Git's tokens. The forge is a double of GitLab.

mod browser;
mod double;
mod meter;

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use self::browser::Browser;
use self::double::Double;
use self::meter::{Meter, busy};
use super::hearth::Hearth;
use super::http::{Address, Connection};
use super::report::{Goal, Report};
use super::sample::{timed, together};
use crate::shell;

/// Where every registration may be sent back to.
const CALLBACK: &str = "/oauth/callback";
/// How often git is answered within one exec: more than the noise of an exec, and all rounds together less than a
/// workspace may ask at once.
const ANSWERS: u32 = 5;
/// What a sign-in has to ask the forge; anything else is done while nobody waits.
const SIGN_IN: [&str; 3] = ["POST /oauth/token", "GET /api/v4/user", "GET /oauth/discovery/keys"];

/// A registered forge, with an account of it linked to the administrator.
struct Scene<'a> {
    hearth: &'a Hearth,
    double: Double,
    meter: Meter,
    /// A browser that is signed in at the forge.
    at_forge: Browser,
    forge: String,
}

/// Measures everything.
pub(super) fn measure(hearth: &Hearth, rounds: usize, report: &mut Report) -> Result<()> {
    let mut scene = Scene::new(hearth)?;
    scene.sign_in(rounds, report)?;
    scene.contexts(rounds, report)?;
    scene.tokens(rounds, report)
}

impl<'a> Scene<'a> {
    fn new(hearth: &'a Hearth) -> Result<Self> {
        let double = Double::start(&format!("http://{}{CALLBACK}", hearth.host()))?;
        let host = host_of(&double.url)?.to_owned();
        let meter = Meter::start(&host)?;
        let forge = json!({
            "kind": "gitlab",
            "name": "GitLab",
            "web_url": double.url,
            "api_url": meter.url(),
            "client_id": double.client_id,
            "client_secret": double.client_secret,
            "redirect": "shared",
            "sign_in": true,
        });
        let forge = hearth.call("POST", "/forges", Some(&forge))?;
        let forge = forge["id"].as_str().context("the forge has no id")?.to_owned();
        let mut at_forge = Browser::open(&host)?;
        at_forge.sign_in_at_gitlab("dev", &double.password)?;
        let mut scene = Self { hearth, double, meter, at_forge, forge };
        scene.link()?;
        Ok(scene)
    }

    /// Sets the server up in a browser and links the account of `dev` there.
    fn link(&mut self) -> Result<()> {
        let mut browser = Browser::open(self.hearth.host())?;
        let token = self.hearth.setup_token()?;
        let wish = json!({"token": token, "name": "bench", "password": "a long password for measuring"});
        browser.post("/api/v1/setup", &wish)?;
        let begun = browser.post("/api/v1/me/links", &json!({"forge": self.forge}))?;
        let authorize_url = begun["redirect"]["authorize_url"].as_str().context("no consent page")?;
        let back = self.at_forge.consent_at_gitlab(authorize_url)?;
        let landed = browser.get(&back)?;
        let place = landed.headers("location").next().unwrap_or_default();
        ensure!(place.contains("linked="), "the account was not linked: {} {place}", landed.status);
        Ok(())
    }

    fn sign_in(&mut self, rounds: usize, report: &mut Report) -> Result<()> {
        println!("sign-in");
        let names = [
            "the forge's own answers",
            "hearth, the whole callback",
            "hearth, its own part",
            "hearth, beginning: POST /session/forge",
        ];
        let samples = together(rounds, names, || self.sign_in_once())?;
        report.comparison(
            "Sign-in with a forge",
            &format!(
                "From the browser's request of the callback to the redirect with a session, for somebody who has \
                 been here before. GitLab is a double that plays {}, on the same machine. Its own answers are to \
                 {} (the last only when its keys are not known yet), taken by a relay in front of it; the relay's \
                 work counts as Hearth's.",
                self.double.version,
                SIGN_IN.map(|what| format!("`{what}`")).join(", "),
            ),
            &samples,
            &[Goal::at_most("hearth, its own part", Duration::from_millis(20))],
        );
        Ok(())
    }

    fn sign_in_once(&mut self) -> Result<[Duration; 4]> {
        let mut browser = Browser::open(self.hearth.host())?;
        let wish = json!({"forge": self.forge, "return_to": "/"});
        let (begun, beginning) = timed(|| browser.post("/api/v1/session/forge", &wish))?;
        let authorize_url = begun["authorize_url"].as_str().context("no consent page")?;
        let back = self.at_forge.consent_at_gitlab(authorize_url)?;
        let count = self.meter.count();
        let (landed, whole) = timed(|| browser.get(&back))?;
        let asked: Vec<_> =
            self.meter.since(count).into_iter().filter(|one| SIGN_IN.contains(&one.what.as_str())).collect();
        let place = landed.headers("location").next().unwrap_or_default();
        ensure!(place == "/" && browser.has("hearth_session"), "nobody was signed in: {place}");
        let needed = |what: &str| asked.iter().filter(|one| one.what == what).count() == 1;
        ensure!(needed(SIGN_IN[0]) && needed(SIGN_IN[1]), "a sign-in asked other things: {asked:?}");
        let forge = busy(&asked);
        Ok([forge, whole, whole.saturating_sub(forge), beginning])
    }

    fn contexts(&mut self, rounds: usize, report: &mut Report) -> Result<()> {
        println!("contexts");
        let mut direct = self.connection()?;
        let page = |path: &str| json!({ "url": format!("{}{path}", self.double.project) });
        let (home, request, file) =
            (page(""), page("/-/merge_requests/1"), page("/-/blob/feature/one/README.md"));
        let names = [
            "HTTP round trip to the forge",
            "hearth, a repository",
            "own part of a repository",
            "hearth, a merge request",
            "own part of a merge request",
            "hearth, a file on a branch with a slash",
            "own part of a file",
        ];
        let samples = together(rounds, names, || {
            let round_trip = ask_forge(&mut direct)?;
            let [(a, own_a), (b, own_b), (c, own_c)] =
                [self.context(&home)?, self.context(&request)?, self.context(&file)?];
            Ok([round_trip, a, own_a, b, own_b, c, own_c])
        })?;
        report.comparison(
            "What an address means, asked at the forge",
            "`POST /contexts` with the caller's linked account, on one kept-alive connection. The own part is what \
             is left when the forge was busy with none of the questions. The first row is `GET /api/v4/user`, \
             asked directly with a token.",
            &samples,
            &[],
        );
        Ok(())
    }

    /// Resolves a context: how long it took, and how long of that the forge was not at work.
    fn context(&self, wish: &Value) -> Result<(Duration, Duration)> {
        let count = self.meter.count();
        let (found, whole) = timed(|| self.hearth.call("POST", "/contexts", Some(wish)))?;
        ensure!(found["repository"] == "project", "another context: {found}");
        let asked = self.meter.since(count);
        ensure!(!asked.is_empty(), "the forge was not asked about {wish}");
        Ok((whole, whole.saturating_sub(busy(&asked))))
    }

    fn tokens(&mut self, rounds: usize, report: &mut Report) -> Result<()> {
        println!("tokens for git");
        let wish = json!({"name": "private", "rootfs": "host", "url": self.double.project});
        let workspace = self.hearth.create(&wish)?;
        let host = host_of(&self.double.url)?.to_owned();
        let input = format!("protocol=http\nhost={host}\npath=group/sub/project.git\n\n");
        let folder = tempfile::tempdir()?;
        let kept = folder.path().join("credentials");
        std::fs::write(&kept, format!("http://oauth2:{}@{host}\n", self.double.token))?;
        let mut direct = self.connection()?;
        let exec = |script: &str| self.hearth.cli(&["exec", &workspace, "--", "sh", "-c", script]);
        say(exec("cat > /tmp/asked"), &input)?;
        let repeated = |command: &str| {
            let turns = " again".repeat(ANSWERS as usize);
            exec(&format!("for turn in{turns}; do {command} < /tmp/asked || exit; done"))
        };
        let names = [
            "git credential fill with credential-store, outside",
            "HTTP round trip to the forge",
            "hearth exec of an empty script",
            "hearth exec, the agent's helper five times",
            "hearth exec, git credential fill five times",
            "hearth, one token from the broker",
            "hearth, one git credential fill inside",
        ];
        let samples = together(rounds, names, || {
            let store = answer_git(stored(&kept), &input, 1)?;
            let round_trip = ask_forge(&mut direct)?;
            let (_, empty) = say(exec(":"), "")?;
            let helper = answer_git(repeated("/.hearth/agent credential get"), "", ANSWERS)?;
            let git = answer_git(repeated("git credential fill"), "", ANSWERS)?;
            let [own_helper, own_git] = [helper, git].map(|time| time.saturating_sub(empty) / ANSWERS);
            Ok([store, round_trip, empty, helper, git, own_helper, own_git])
        })?;
        self.hearth.delete(&workspace)?;
        report.comparison(
            "Token for Git inside a workspace",
            "A user name and a password for a private repository, while the token is valid. The last two rows are \
             what one `/.hearth/agent credential get` and one `git credential fill` take: a fifth of what five of \
             them take beyond an empty script in a `hearth exec` of the same round. In it are the process, the \
             agent, the server's decision, opening the sealed token. The first row is git with a plain file on \
             the machine itself.",
            &samples,
            &[Goal::at_most("hearth, one token from the broker", Duration::from_millis(10))],
        );
        Ok(())
    }

    /// A kept-alive connection to the forge itself, with a token of the same account.
    fn connection(&self) -> Result<Connection> {
        let address = Address::Tcp(host_of(&self.double.url)?.to_owned());
        Connection::open(&address, Some(&self.double.token))
    }
}

/// A plain question to the forge.
fn ask_forge(direct: &mut Connection) -> Result<Duration> {
    let (user, time) = timed(|| direct.call("GET", "/api/v4/user", None))?;
    ensure!(user["username"] == "dev", "the forge says something else: {user}");
    Ok(time)
}

/// `git credential fill` with nothing but a file.
fn stored(file: &std::path::Path) -> Command {
    let mut git = shell::command("git");
    let helper = format!("credential.helper=store --file={}", file.display());
    git.args(["-c", "credential.helper=", "-c", &helper, "credential", "fill"]);
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_TERMINAL_PROMPT", "0");
    git
}

/// Runs a command that has to answer git with so many passwords.
fn answer_git(command: Command, input: &str, count: u32) -> Result<Duration> {
    let (said, time) = say(command, input)?;
    let passwords = said.lines().filter(|line| line.starts_with("password=")).count();
    ensure!(passwords == count as usize, "git was given {passwords} passwords, not {count}");
    Ok(time)
}

/// Runs a command with this input; what it answered, and how long it took.
fn say(mut command: Command, input: &str) -> Result<(String, Duration)> {
    use std::io::Write;
    use std::process::Stdio;

    let shown = shell::shown(&command);
    let begun = Instant::now();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run `{shown}`"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // It may end without reading all.
        drop(stdin.write_all(input.as_bytes()));
    }
    let output = child.wait_with_output()?;
    let time = begun.elapsed();
    ensure!(output.status.success(), "`{shown}` failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok((String::from_utf8_lossy(&output.stdout).into_owned(), time))
}

/// `host:port` of an address over plain HTTP.
fn host_of(url: &str) -> Result<&str> {
    let rest = url.strip_prefix("http://").with_context(|| format!("`{url}` is not over plain HTTP"))?;
    Ok(rest.split('/').next().unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_an_address_has_its_port() {
        assert_eq!(host_of("http://127.0.0.1:80/a/b").unwrap(), "127.0.0.1:80");
        assert!(host_of("https://example.com").is_err());
    }

    #[test]
    fn an_answer_without_a_password_is_an_error() {
        let (said, _) = say(Command::new("cat"), "password=x\n").unwrap();

        assert_eq!(said, "password=x\n");
        assert!(answer_git(Command::new("true"), "", 1).is_err());
        assert!(answer_git(Command::new("cat"), "password=x\n", 1).is_ok());
        assert!(say(Command::new("false"), "").is_err());
    }
}
