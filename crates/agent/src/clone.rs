//! Cloning the repository, once, with the git that is in the workspace.
//!
//! The clone is made beside its place and renamed into it at the end, so that what stands there is
//! always whole. Git is never asked for a password and runs no hooks.

mod draft;
mod failure;
mod git;
mod progress;

use std::path::{Path, PathBuf};

use domain::{RefName, RepositoryUrl};
use futures_util::Stream;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use wire::agent::{CloneEvent, CloneRequest};

use crate::agent::{Agent, Parts};
use draft::Draft;
use failure::Failure;
use git::Git;

/// Events not sent yet. When full, git waits until the server has read them.
const QUEUE: usize = 32;

/// Where events go.
type Events = mpsc::Sender<CloneEvent>;

/// Clones, and tells about it. Dropping the stream stops git and removes what it made.
pub(crate) fn events(agent: Agent, request: CloneRequest) -> impl Stream<Item = CloneEvent> + Send {
    let (events, queue) = mpsc::channel(QUEUE);
    // Ends with the clone, or as soon as nobody listens.
    tokio::spawn(async move {
        // One at a time: a second try waits until the first has cleared away.
        let _turn = agent.parts.clone_turn.lock().await;
        let last = tokio::select! {
            () = events.closed() => return,
            done = run(&agent.parts, &request, &events) => match done {
                Ok(done) => done,
                Err(Failure { reason, mend }) => CloneEvent::Failed { reason, mend },
            },
        };
        drop(events.send(last).await);
    });
    ReceiverStream::new(queue)
}

async fn run(parts: &Parts, request: &CloneRequest, events: &Events) -> Result<CloneEvent, Failure> {
    let wanted = Wanted::read(request)?;
    let mark = parts.egress.mark();
    let proxy = if request.through_server {
        let routed = parts.egress.route(&parts.environment, wanted.url.as_url()).await;
        Some(routed.map_err(|error| Failure::other(&format!("cannot open git's way out: {error}")))?)
    } else {
        None
    };
    let git = Git { environment: &parts.environment, proxy, events };

    if is_clone_of(&git, &wanted).await? {
        let text = format!("`{}` is there already", wanted.folder.display());
        drop(events.send(CloneEvent::Line { text }).await);
        return done(&git, &wanted.folder).await;
    }
    let text = format!("Cloning {} into {}", wanted.url, wanted.folder.display());
    drop(events.send(CloneEvent::Line { text }).await);
    let draft = Draft::beside(&wanted.folder, &*parts.outside.entropy).await?;
    let made = async {
        if let Err(stopped) = fetch(&git, &wanted, &draft.path).await {
            let (host, _) = wanted.url.authority();
            let refusal = parts.egress.refusal_since(mark, host.trim_matches(['[', ']']));
            return Err(Failure::explain(&stopped, &wanted, refusal));
        }
        for (name, value) in [("user.name", &request.author_name), ("user.email", &request.author_email)] {
            if let Some(value) = value {
                git.quietly(&draft.path, &["config", name, value]).await?;
            }
        }
        std::fs::rename(&draft.path, &wanted.folder)
            .map_err(|error| Failure::of_folder("put the clone into", &wanted.folder, &error))
    };
    if let Err(failure) = made.await {
        draft.discard().await;
        return Err(failure);
    }
    done(&git, &wanted.folder).await
}

/// What is to be cloned, once it is known to make sense.
struct Wanted {
    url: RepositoryUrl,
    reference: Option<RefName>,
    folder: PathBuf,
}

impl Wanted {
    fn read(request: &CloneRequest) -> Result<Self, Failure> {
        let url: RepositoryUrl = request.url.parse().map_err(|error| Failure::bad_request(&error))?;
        let reference = match &request.reference {
            Some(text) => Some(text.parse().map_err(|error| Failure::bad_request(&error))?),
            None => None,
        };
        let folder = PathBuf::from(&request.folder);
        if !folder.is_absolute() || folder.file_name().is_none() || folder.parent().is_none() {
            let reason =
                format!("cannot clone into `{}`: it is not the absolute path of a folder", request.folder);
            return Err(Failure { reason, mend: "Name a folder such as `/workspace/project`.".into() });
        }
        Ok(Self { url, reference, folder })
    }
}

/// Whether the folder is a finished clone of the wanted repository; an error if it is anything else.
async fn is_clone_of(git: &Git<'_>, wanted: &Wanted) -> Result<bool, Failure> {
    let mut entries = match std::fs::read_dir(&wanted.folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(Failure::of_folder("clone into", &wanted.folder, &error)),
    };
    if entries.next().is_none() {
        return Ok(false);
    }
    let origin = git.quietly(&wanted.folder, &["config", "--local", "--get", "remote.origin.url"]).await?;
    if origin.parse::<RepositoryUrl>().is_ok_and(|origin| origin == wanted.url) {
        return Ok(true);
    }
    Err(Failure {
        reason: format!("cannot clone into `{}`: there is something else in it", wanted.folder.display()),
        mend: "Move it away in a terminal, then try again.".into(),
    })
}

/// Clones into the draft and checks out what is wanted.
async fn fetch(git: &Git<'_>, wanted: &Wanted, draft: &Path) -> Result<(), git::Stopped> {
    let url = wanted.url.to_string();
    let clone = |options: &[&str]| {
        let mut arguments = vec!["clone", "--progress", "--template="];
        arguments.extend(options);
        arguments.extend(["--", &url]);
        arguments.iter().map(|&text| text.to_owned()).chain([draft.display().to_string()]).collect::<Vec<_>>()
    };
    let parent = draft.parent().unwrap_or(Path::new("/"));
    let Some(reference) = &wanted.reference else { return git.run(parent, &clone(&[])).await };
    if !reference.is_commit_id() && !reference.as_str().starts_with("refs/") {
        let branch = format!("--branch={reference}");
        match git.run(parent, &clone(&[&branch])).await {
            Err(stopped) if stopped.is_missing_branch() && can_be_commit(reference) => {}
            ended => return ended,
        }
    }
    // Not a branch or tag: fetch it by name if the clone does not have it, then look at it by itself.
    git.run(parent, &clone(&["--no-checkout"])).await?;
    let commit = format!("{reference}^{{commit}}");
    let found = git.answer(draft, &["rev-parse", "--verify", "--quiet", &commit]).await;
    let target = if let Some(found) = found {
        found
    } else {
        let fetch = ["fetch", "--progress", "origin", reference.as_str()].map(str::to_owned);
        git.run(draft, &fetch).await?;
        "FETCH_HEAD".to_owned()
    };
    let checkout = ["checkout", "--progress", "--detach", &target, "--"].map(str::to_owned);
    git.run(draft, &checkout).await
}

/// Whether it may be the beginning of a commit's id.
fn can_be_commit(reference: &RefName) -> bool {
    let text = reference.as_str();
    (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

async fn done(git: &Git<'_>, folder: &Path) -> Result<CloneEvent, Failure> {
    let filled = |text: String| Some(text).filter(|text| !text.is_empty());
    let head = git.quietly(folder, &["rev-parse", "--verify", "--quiet", "HEAD"]).await?;
    let branch = git.quietly(folder, &["symbolic-ref", "--quiet", "--short", "HEAD"]).await?;
    Ok(CloneEvent::Done { head: filled(head), branch: filled(branch) })
}
