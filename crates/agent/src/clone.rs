//! Cloning the repository, once, with the git that is in the workspace.
//!
//! The clone is made beside its place and renamed into it at the end, so that what stands there is
//! always whole. Git is never asked for a password and runs no hooks.

mod checkout;
mod draft;
mod failure;
mod git;
mod progress;

use std::path::{Path, PathBuf};

use domain::{RefKind, RefName, RepositoryUrl};
use futures_util::Stream;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use wire::agent::{CloneEvent, CloneRequest};

use crate::agent::{Agent, Parts};
use draft::Draft;
use git::Git;

pub(crate) use failure::Failure;

/// Events not sent yet. When full, git waits until the server has read them.
const QUEUE: usize = 32;

/// Where events go.
pub(crate) type Events = mpsc::Sender<CloneEvent>;

/// Clones, and tells about it. Dropping the stream stops git and removes what it made.
pub(crate) fn events(agent: Agent, request: CloneRequest) -> impl Stream<Item = CloneEvent> + Send {
    let (events, queue) = mpsc::channel(QUEUE);
    // Ends with the clone, or as soon as nobody listens.
    tokio::spawn(async move {
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

/// Clones one repository after the other: a second try waits until the first has cleared away. Answers the
/// last event.
pub(crate) async fn run(
    parts: &Parts,
    request: &CloneRequest,
    events: &Events,
) -> Result<CloneEvent, Failure> {
    let _turn = parts.clone_turn.lock().await;
    let wanted = Wanted::read(request)?;
    let marks = (parts.egress.mark(), parts.asks.mark());
    let mut settings = parts.git_config.for_one_run(wanted.url.as_url());
    if request.through_server {
        let routed = parts.git_config.route(&parts.egress, wanted.url.as_url()).await;
        let proxy = routed.map_err(|error| Failure::other(&format!("cannot open git's way out: {error}")))?;
        settings.push(format!("http.proxy={proxy}"));
    }
    let git = Git { environment: &parts.environment, settings, events };

    if is_clone_of(&git, &wanted).await? {
        let text = format!("`{}` is there already", wanted.folder.display());
        drop(events.send(CloneEvent::Line { text }).await);
        return done(&git, &wanted.folder).await;
    }
    let text = format!("Cloning {} into {}", wanted.url, wanted.folder.display());
    drop(events.send(CloneEvent::Line { text }).await);
    let draft = Draft::beside(&wanted.folder, &*parts.outside.entropy).await?;
    let made = async {
        if let Err(stopped) = checkout::fetch(&git, &wanted, &draft.path).await {
            let host = wanted.host();
            let unreached = parts.egress.refusal_since(marks.0, host.trim_matches(['[', ']']));
            let unknown = parts.asks.refusal_since(marks.1, &wanted.host_and_port());
            return Err(Failure::explain(&stopped, &wanted, unreached, unknown));
        }
        checkout::furnish(&git, &wanted, &draft.path).await?;
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
    ref_kind: Option<RefKind>,
    revision: Option<RefName>,
    local_branch: Option<RefName>,
    upstream: Option<RepositoryUrl>,
    upstream_branch: Option<RefName>,
    folder: PathBuf,
}

impl Wanted {
    fn read(request: &CloneRequest) -> Result<Self, Failure> {
        let url = |text: &String| text.parse::<RepositoryUrl>().map_err(|error| Failure::bad_request(&error));
        let name = |text: &Option<String>| match text {
            Some(text) => text.parse::<RefName>().map(Some).map_err(|error| Failure::bad_request(&error)),
            None => Ok(None),
        };
        let folder = PathBuf::from(&request.folder);
        if !folder.is_absolute() || folder.file_name().is_none() || folder.parent().is_none() {
            let reason =
                format!("cannot clone into `{}`: it is not the absolute path of a folder", request.folder);
            return Err(Failure { reason, mend: "Name a folder such as `/workspace/project`.".into() });
        }
        Ok(Self {
            url: url(&request.url)?,
            reference: name(&request.reference)?,
            ref_kind: request.ref_kind,
            revision: name(&request.revision)?,
            local_branch: name(&request.local_branch)?,
            upstream: request.upstream.as_ref().map(url).transpose()?,
            upstream_branch: name(&request.upstream_branch)?,
            folder,
        })
    }

    fn host(&self) -> &str {
        self.url.as_url().host_str().unwrap_or_default()
    }

    /// As git names it to credential helpers: with the port only where the address has one.
    fn host_and_port(&self) -> String {
        match self.url.as_url().port() {
            Some(port) => format!("{}:{port}", self.host()),
            None => self.host().to_owned(),
        }
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

async fn done(git: &Git<'_>, folder: &Path) -> Result<CloneEvent, Failure> {
    let filled = |text: String| Some(text).filter(|text| !text.is_empty());
    let head = git.quietly(folder, &["rev-parse", "--verify", "--quiet", "HEAD"]).await?;
    Ok(CloneEvent::Done { head: filled(head), branch: git.branch(folder).await? })
}
