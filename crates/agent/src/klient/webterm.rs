//! `webterm.*`: the agent's terminals, for Kite clients.
//!
//! | method | argument → result |
//! |---|---|
//! | `webterm.connect` | `{remote: {output, sessionEnded}, session?, sizeX, sizeY, mode}` → a session, see below |
//! | `webterm.getSessions` | → names of the running ones; an error when there are none |
//! | `webterm.killSession` | `{session}` → `true` |
//! | `webterm.killSessions` | → `true` |
//! | `webterm.rename` | `{oldName, newName}` → `true` |
//!
//! The caller's functions are `output(text)` and `sessionEnded()`, which comes after the last output. The result is
//! `{session, input: fn(text), controlSequence: fn(text), setSize: fn(x, y), close: fn(), terminate: fn()}`: text as
//! UTF-8, a control sequence with one byte a character; closing leaves the terminal, terminating ends it.
//!
//! A session *is* a terminal of the agent, so that it shows in the web UI too and outlives connections; its name
//! is the terminal's id until somebody gives it another. Modes: `create` and `attach` go on with the session
//! named, or begin one; `resume` goes on with one that must be there; both take it over, so that whoever else
//! watched it here is told `sessionEnded`. `shared` watches beside the others. `noscreen` begins a terminal
//! without a name, which ends with its connection.

mod keys;
mod text;
mod viewing;

use std::sync::Arc;

use kite::{Callback, Error, Function, Functions, Request, ServiceBuilder};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use wire::agent::OpenTerminal;

use self::keys::Keys;
use self::viewing::{Viewing, Whose};
use super::answer::Answer;
use crate::agent::Parts;
use crate::problem::Problem;
use crate::terminal::{NameRefused, Terminal, Watching};

/// Most columns and rows. A screen has a few hundred; a program may keep memory for each cell.
const SIDE_MAX: u16 = 2000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Connect {
    remote: Remote,
    #[serde(default)]
    session: Option<String>,
    #[serde(default)]
    size_x: Option<f64>,
    #[serde(default)]
    size_y: Option<f64>,
    #[serde(default)]
    mode: Option<String>,
}

/// The caller's functions.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Remote {
    output: Callback,
    #[serde(default)]
    session_ended: Option<Callback>,
}

/// Our functions, called one after the other: keys must come in their order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Connected {
    session: String,
    input: Function,
    control_sequence: Function,
    set_size: Function,
    close: Function,
    terminate: Function,
}

#[derive(Deserialize)]
struct Session {
    session: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rename {
    old_name: String,
    new_name: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Create,
    Resume,
    Shared,
    NoScreen,
}

pub(super) fn methods(builder: ServiceBuilder, parts: &Arc<Parts>) -> ServiceBuilder {
    let with = || parts.clone();
    let (connecting, listing, killing, ending, renaming) = (with(), with(), with(), with(), with());
    builder
        .method("webterm.connect", move |request| std::future::ready(connect(&connecting, &request)))
        .method("webterm.getSessions", move |_| std::future::ready(sessions(&listing)))
        .method("webterm.killSession", move |request| std::future::ready(kill(&killing, &request)))
        .method("webterm.killSessions", move |_| {
            for terminal in ending.terminals.sessions() {
                // One that has just been closed by somebody else is closed.
                drop(ending.terminals.close(terminal.id()));
            }
            std::future::ready(Ok(true))
        })
        .method("webterm.rename", move |request| std::future::ready(rename(&renaming, &request)))
}

fn connect(parts: &Arc<Parts>, request: &Request) -> Result<Answer<Connected>, Error> {
    let wanted: Connect = request.arg()?;
    let mode = mode(wanted.mode.as_deref().unwrap_or_default())?;
    let columns = wanted.size_x.map(side).transpose()?;
    let rows = wanted.size_y.map(side).transpose()?;
    let name = wanted.session.unwrap_or_default();

    let (terminal, is_new) = find_or_open(parts, mode, &name, columns, rows)?;
    let place = if mode == Mode::Shared { terminal.join_others() } else { terminal.take_over() };
    let watching = Watching::join(terminal.clone(), None);
    if let (false, Some(columns), Some(rows)) = (is_new, columns, rows) {
        let is_other = terminal.size() != (columns, rows);
        terminal.resize(columns, rows);
        // A full-screen program paints itself anew only when its size changes.
        if watching.must_repaint() && !is_other {
            terminal.repaint();
        }
    }

    let (functions, left) = (Functions::new(), CancellationToken::new());
    let session = if mode == Mode::NoScreen { String::new() } else { terminal.session_name() };
    let connected = functions_of(parts, &terminal, &functions, &left, session);
    let (answer, answered) = Answer::new(connected);
    let viewing = Viewing {
        parts: parts.clone(),
        whose: if mode == Mode::NoScreen { Whose::Connection } else { Whose::Workspace },
        terminal,
        watching,
        place,
        output: wanted.remote.output,
        ended: wanted.remote.session_ended,
        left,
        peer: request.peer().clone(),
        functions,
    };
    // Ends with the terminal, the connection, or when somebody takes the terminal over.
    tokio::spawn(async move {
        answered.wait().await;
        viewing.run().await;
    });
    Ok(answer)
}

fn mode(name: &str) -> Result<Mode, Error> {
    match name {
        "" | "create" | "attach" => Ok(Mode::Create),
        "resume" => Ok(Mode::Resume),
        "shared" => Ok(Mode::Shared),
        "noscreen" => Ok(Mode::NoScreen),
        _ => Err(Error::argument("`mode` is none of `create`, `attach`, `resume`, `shared` and `noscreen`")),
    }
}

/// Columns or rows as a client says them.
fn side(count: f64) -> Result<u16, Error> {
    keys::side(count).ok_or_else(|| {
        Error::argument(format!("a terminal cannot have this size: columns and rows are 1 to {SIDE_MAX}"))
    })
}

/// The terminal to watch, and whether it was opened for this.
fn find_or_open(
    parts: &Arc<Parts>,
    mode: Mode,
    name: &str,
    columns: Option<u16>,
    rows: Option<u16>,
) -> Result<(Arc<Terminal>, bool), Error> {
    if mode != Mode::NoScreen
        && let Some(terminal) = parts.terminals.session(name)
    {
        return Ok((terminal, false));
    }
    // A number that is no session any more was the id of a terminal of some time before; a new one has its own.
    let name = (mode == Mode::Create && !name.is_empty() && !name.bytes().all(|byte| byte.is_ascii_digit()))
        .then_some(name);
    if matches!(mode, Mode::Resume | Mode::Shared) {
        return Err(unknown());
    }
    if let Some(name) = name {
        parts.terminals.check_name(name).map_err(refused_name)?;
    }
    let request = OpenTerminal { columns, rows, ..OpenTerminal::default() };
    let terminal = parts
        .terminals
        .open(parts, request)
        .and_then(|opened| parts.terminals.get(opened.id))
        .map_err(refused)?;
    if mode == Mode::NoScreen {
        terminal.make_private();
    }
    if let Some(name) = name {
        parts.terminals.rename(&terminal.session_name(), name).map_err(refused_name)?;
    }
    Ok((terminal, true))
}

fn functions_of(
    parts: &Arc<Parts>,
    terminal: &Arc<Terminal>,
    functions: &Functions,
    left: &CancellationToken,
    session: String,
) -> Connected {
    let keys = Keys::new(terminal.clone(), parts.activity.clone());
    let (typing, controlling, sizing) = (keys.clone(), keys, terminal.clone());
    let (closing, ending, id) = (left.clone(), parts.clone(), terminal.id());
    Connected {
        session,
        input: functions.add(move |arguments| {
            let typing = typing.clone();
            async move { typing.input(arguments.raw()).await }
        }),
        control_sequence: functions.add(move |arguments| {
            let controlling = controlling.clone();
            async move { controlling.control(arguments.raw()).await }
        }),
        set_size: functions.add(move |arguments| {
            if let Some((columns, rows)) = keys::size(arguments.raw()) {
                sizing.resize(columns, rows);
            }
            std::future::ready(())
        }),
        close: functions.add(move |_| {
            closing.cancel();
            std::future::ready(())
        }),
        terminate: functions.add(move |_| {
            // One that is gone already is what was wanted.
            drop(ending.terminals.close(id));
            std::future::ready(())
        }),
    }
}

fn sessions(parts: &Parts) -> Result<Vec<String>, Error> {
    let names: Vec<String> =
        parts.terminals.sessions().iter().map(|terminal| terminal.session_name()).collect();
    // The sentence that clients of the original compare with.
    if names.is_empty() { Err(Error::generic("no sessions available")) } else { Ok(names) }
}

fn kill(parts: &Parts, request: &Request) -> Result<bool, Error> {
    let wanted: Session = request.arg()?;
    let terminal = parts.terminals.session(&wanted.session).ok_or_else(unknown)?;
    parts.terminals.close(terminal.id()).map_err(refused)?;
    Ok(true)
}

fn rename(parts: &Parts, request: &Request) -> Result<bool, Error> {
    let wanted: Rename = request.arg()?;
    parts.terminals.rename(&wanted.old_name, &wanted.new_name).map_err(refused_name)?;
    Ok(true)
}

fn unknown() -> Error {
    refused_name(NameRefused::Unknown)
}

fn refused_name(why: NameRefused) -> Error {
    let (mend, code) = match why {
        NameRefused::Shape | NameRefused::Number | NameRefused::Taken => ("choose another", "name"),
        NameRefused::Unknown => ("`webterm.getSessions` has those that run", "not_found"),
    };
    Error::custom("webterm", format!("{why}; {mend}"), code)
}

fn refused(problem: Problem) -> Error {
    let problem = problem.into_inner();
    Error::custom("webterm", format!("{}. {}", problem.detail, problem.mend), problem.code)
}
