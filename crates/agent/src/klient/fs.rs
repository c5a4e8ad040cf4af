//! `fs.*`: files over Kite, with the arguments and results of Klient.
//!
//! What is different from Klient on purpose: `mode` is that of POSIX, a change is told per connection and
//! call, and there are `modified`, `renamed` and `overflow` besides `added` and `removed`. Errors have the
//! type `fsError`, a code for programs (`not_found`, `permission`, `conflict`, …), and what can be done.

mod arguments;
mod change;
mod copy;
pub(super) mod entry;
mod glob;
mod listing;
mod measure;
pub(super) mod path;
mod pattern;
pub(super) mod read;
pub(super) mod trouble;
mod turns;
mod watch;
mod write;

use std::path::PathBuf;
use std::sync::Arc;

use kite::{Callback, Error, Function, Functions, Request, ServiceBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use super::bulks::Bulks;
use crate::agent::Parts;
use crate::background::in_background;
use crate::problem::Problem;
use entry::Entry;
use listing::Wish;
use path::{Roots, decode, encode};
use trouble::cannot_with;
use turns::Turns;
use watch::Hub;
use write::{Existing, Place, Writer, Writing};

/// What the calls work on.
struct Files {
    parts: Arc<Parts>,
    roots: Roots,
    turns: Turns,
    writer: Writer,
    hub: Arc<Hub>,
}

type Answer<T> = Result<T, Error>;

/// Adds the calls. To be called once for an agent: the watches and turns are shared by its connections.
pub(crate) fn methods(builder: ServiceBuilder, parts: &Arc<Parts>) -> ServiceBuilder {
    let files = Arc::new(Files {
        parts: Arc::clone(parts),
        roots: Roots::new(&parts.environment),
        turns: Turns::new(),
        writer: Writer::new(),
        hub: Arc::new(Hub::new()),
    });
    let all = Methods { builder, files };
    all.add_large("fs.readDirectory", read_directory)
        .add_large("fs.glob", glob)
        .add_large("fs.readFile", read_file)
        .add("fs.writeFile", write_file)
        .add("fs.uniquePath", unique_path)
        .add("fs.getInfo", get_info)
        .add("fs.setPermissions", set_permissions)
        .add("fs.remove", remove)
        .add("fs.rename", rename)
        .add("fs.move", rename)
        .add("fs.copy", copy_to)
        .add("fs.createDirectory", create_directory)
        .add("fs.getDiskInfo", get_disk_info)
        .add("fs.getPathSize", get_path_size)
        .add("fs.abs", abs)
        .builder
}

struct Methods {
    builder: ServiceBuilder,
    files: Arc<Files>,
}

impl Methods {
    /// Adds a method that takes exactly one argument.
    fn add<A, T, H, F>(self, name: &str, handler: H) -> Self
    where
        A: DeserializeOwned + Send + 'static,
        T: Serialize + Send + 'static,
        H: Fn(Arc<Files>, A) -> F + Copy + Send + Sync + 'static,
        F: Future<Output = Answer<T>> + Send + 'static,
    {
        let files = Arc::clone(&self.files);
        let builder = self.builder.method(name, move |request: Request| {
            let files = Arc::clone(&files);
            let argument = request.arg::<A>();
            async move { handler(files, argument?).await }
        });
        Self { builder, ..self }
    }

    /// The same for one whose answer may be large, so that it takes a turn among those of its connection.
    fn add_large<A, T, H, F>(self, name: &str, handler: H) -> Self
    where
        A: DeserializeOwned + Send + 'static,
        T: Serialize + Send + 'static,
        H: Fn(Arc<Files>, Bulks, A) -> F + Copy + Send + Sync + 'static,
        F: Future<Output = Answer<T>> + Send + 'static,
    {
        let files = Arc::clone(&self.files);
        let builder = self.builder.method(name, move |request: Request| {
            let files = Arc::clone(&files);
            let bulks = Bulks::of(&request);
            let argument = request.arg::<A>();
            async move { handler(files, bulks, argument?).await }
        });
        Self { builder, ..self }
    }
}

/// A problem as callers of Klient know it.
pub(super) fn fs_error(problem: Problem) -> Error {
    let problem = problem.into_inner();
    Error::custom("fsError", format!("{}. {}", problem.detail, problem.mend), problem.code)
}

impl Files {
    fn path(&self, text: Option<&str>, bytes: Option<&str>) -> Answer<PathBuf> {
        self.roots.path("path", text, bytes)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Directory {
    files: Vec<Entry>,
    /// Whether there is more than an answer holds.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_watching: Option<Function>,
}

async fn read_directory(
    files: Arc<Files>,
    bulks: Bulks,
    argument: arguments::ReadDirectory,
) -> Answer<Directory> {
    let _turn = bulks.turn().await;
    let path = files.path(argument.path.as_deref(), argument.path_bytes.as_deref())?;
    let wish = || Wish {
        path: path.clone(),
        recursive: argument.recursive,
        ignored: argument.ignore_folders.clone(),
    };
    let Some(on_change) = argument.on_change else {
        let wish = wish();
        let listing = files.turns.walk(move |wanted| listing::list(&wish, wanted)).await.map_err(fs_error)?;
        return Ok(Directory { files: listing.files, truncated: listing.truncated, stop_watching: None });
    };
    let begun = watch::begin(&files.hub, wish()).map_err(fs_error)?;
    let wish = wish();
    // Watched first and listed then, so that nothing in between is missed.
    let work = files.turns.walk(move |wanted| {
        begun.take_in(wanted)?;
        Ok((listing::list(&wish, wanted)?, begun))
    });
    let (listing, begun) = work.await.map_err(fs_error)?;

    let stop = CancellationToken::new();
    let functions = Functions::new();
    let stopped = stop.clone();
    let stop_watching = functions.add(move |_| {
        stopped.cancel();
        std::future::ready(())
    });
    tokio::spawn(async move {
        begun.tell(on_change, stop).await;
        drop(functions);
    });
    Ok(Directory { files: listing.files, truncated: listing.truncated, stop_watching: Some(stop_watching) })
}

async fn glob(files: Arc<Files>, bulks: Bulks, argument: arguments::Glob) -> Answer<Vec<String>> {
    let _turn = bulks.turn().await;
    let wrong = |why| Error::argument(format!("pattern: {why}"));
    let pattern = argument.pattern.as_str();
    let (root, rest) = match pattern.strip_prefix('~') {
        _ if pattern.starts_with('/') => ("/", pattern),
        Some(rest) if rest.is_empty() || rest.starts_with('/') => ("~", rest),
        _ if pattern.is_empty() => return Err(wrong("it is empty")),
        _ => (".", pattern),
    };
    let segments = pattern::parse(rest).map_err(wrong)?;
    let search = glob::Search { root: files.roots.place(root.as_ref()).map_err(wrong)?, segments };
    files.turns.walk(move |wanted| glob::glob(&search, wanted)).await.map_err(fs_error)
}

#[derive(Serialize)]
struct Content {
    /// Base64; empty if it was sent in blocks.
    content: String,
}

/// A block of a file, as it is sent.
#[derive(Serialize)]
struct Block {
    offset: u64,
    content: String,
}

async fn read_file(files: Arc<Files>, bulks: Bulks, argument: arguments::ReadFile) -> Answer<Content> {
    let path = files.path(argument.path.as_deref(), argument.path_bytes.as_deref())?;
    let size = Some(argument.block_size).filter(|size| *size > 0);
    let part = read::Part { path, offset: argument.offset, size };
    match argument.on_block {
        Some(on_block) => send_blocks(part, &on_block).await.map(|()| Content { content: String::new() }),
        None => {
            let _turn = bulks.turn().await;
            let content = in_background(move || Ok(encode(&read::read(&part)?))).await;
            Ok(Content { content: content.map_err(fs_error)? })
        }
    }
}

/// Sends one block after the other, each when there is room for it on the connection.
async fn send_blocks(part: read::Part, on_block: &Callback) -> Answer<()> {
    let mut blocks = read::Blocks::open(part).await.map_err(fs_error)?;
    while let Some((offset, content)) = blocks.next().await.map_err(fs_error)? {
        on_block.call((Block { offset, content: encode(&content) },)).await?;
    }
    Ok(())
}

async fn write_file(files: Arc<Files>, argument: arguments::WriteFile) -> Answer<usize> {
    let path = files.path(argument.path.as_deref(), argument.path_bytes.as_deref())?;
    let content = decode(&argument.content).map_err(|why| Error::argument(format!("content: {why}")))?;
    let place = match (argument.append, argument.offset) {
        (true, 0) => Place::End,
        (true, _) => return Err(Error::argument("`append` and `offset` cannot be said together")),
        (false, 0) => Place::Whole,
        (false, offset) => Place::At(offset),
    };
    let existing = if argument.do_not_overwrite { Existing::Refused } else { Existing::Written };
    let last_hash = Some(argument.last_content_hash).filter(|hash| !hash.is_empty());
    if existing == Existing::Refused && (last_hash.is_some() || matches!(place, Place::At(_))) {
        return Err(Error::argument(
            "`doNotOverwrite` makes a new file: leave `lastContentHash` and `offset` out",
        ));
    }
    let writing = Writing { path, content, place, existing, last_hash };
    files.writer.write(writing, &*files.parts.outside.entropy).await.map_err(fs_error)
}

async fn unique_path(files: Arc<Files>, argument: arguments::At) -> Answer<String> {
    let path = files.path(argument.path.as_deref(), argument.path_bytes.as_deref())?;
    let free = in_background(move || change::unique(&path)).await.map_err(fs_error)?;
    free.into_os_string().into_string().map_err(|_| {
        Error::argument(
            "path: a free name is only found for a path that is UTF-8, because the answer is a text",
        )
    })
}

async fn get_info(files: Arc<Files>, argument: arguments::At) -> Answer<Entry> {
    let path = files.path(argument.path.as_deref(), argument.path_bytes.as_deref())?;
    let looked = in_background(move || Entry::look(&path).map_err(cannot_with("look at", &path)));
    looked.await.map_err(fs_error)
}

async fn set_permissions(files: Arc<Files>, argument: arguments::SetPermissions) -> Answer<bool> {
    let path = files.path(argument.path.as_deref(), argument.path_bytes.as_deref())?;
    let mode = argument.mode;
    if mode > 0o7777 {
        return Err(Error::argument("mode: the permission bits of POSIX are at most 4095 (octal 7777)"));
    }
    let changed = if argument.recursive {
        files.turns.walk(move |wanted| change::set_permissions_below(&path, mode, wanted)).await
    } else {
        in_background(move || change::set_permissions(&path, mode)).await
    };
    done(changed)
}

async fn remove(files: Arc<Files>, argument: arguments::MaybeBelow) -> Answer<bool> {
    let path = files.path(argument.path.as_deref(), argument.path_bytes.as_deref())?;
    let recursive = argument.recursive;
    let again = Arc::clone(&files);
    done(files.turns.walk(move |_| change::remove(&again.roots, &path, recursive)).await)
}

async fn rename(files: Arc<Files>, argument: arguments::Rename) -> Answer<bool> {
    let roots = &files.roots;
    let old = roots.path("oldPath", argument.old_path.as_deref(), argument.old_path_bytes.as_deref())?;
    let new = roots.path("newPath", argument.new_path.as_deref(), argument.new_path_bytes.as_deref())?;
    let again = Arc::clone(&files);
    done(files.turns.walk(move |wanted| change::rename(&again.roots, &old, &new, wanted)).await)
}

async fn copy_to(files: Arc<Files>, argument: arguments::Copy) -> Answer<bool> {
    let roots = &files.roots;
    let from = roots.path("srcPath", argument.src_path.as_deref(), argument.src_path_bytes.as_deref())?;
    let to = roots.path("dstPath", argument.dst_path.as_deref(), argument.dst_path_bytes.as_deref())?;
    done(files.turns.walk(move |wanted| copy::copy(&from, &to, wanted)).await)
}

async fn create_directory(files: Arc<Files>, argument: arguments::MaybeBelow) -> Answer<bool> {
    let path = files.path(argument.path.as_deref(), argument.path_bytes.as_deref())?;
    let recursive = argument.recursive;
    done(in_background(move || change::make_folder(&path, recursive)).await)
}

async fn get_disk_info(files: Arc<Files>, argument: arguments::At) -> Answer<measure::DiskInfo> {
    let path = files.path(argument.path.as_deref(), argument.path_bytes.as_deref())?;
    in_background(move || measure::disk(&path)).await.map_err(fs_error)
}

async fn get_path_size(files: Arc<Files>, argument: arguments::At) -> Answer<u64> {
    let path = files.path(argument.path.as_deref(), argument.path_bytes.as_deref())?;
    files.turns.walk(move |wanted| measure::size(&path, wanted)).await.map_err(fs_error)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Absolute {
    abs_path: String,
    is_dir: bool,
    exist: bool,
}

async fn abs(files: Arc<Files>, argument: arguments::At) -> Answer<Absolute> {
    let path = files.path(argument.path.as_deref(), argument.path_bytes.as_deref())?;
    let path = path::without_dots(&path);
    let looked = in_background(move || {
        let found = std::fs::metadata(&path);
        Ok(Absolute {
            abs_path: path.to_string_lossy().into_owned(),
            is_dir: found.as_ref().is_ok_and(std::fs::Metadata::is_dir),
            exist: found.is_ok() || std::fs::symlink_metadata(&path).is_ok(),
        })
    });
    looked.await.map_err(fs_error)
}

fn done(changed: Result<(), Problem>) -> Answer<bool> {
    changed.map(|()| true).map_err(fs_error)
}
