//! `credential`: user names and passwords for git, fresh from the server each time.

use std::io::{Read, Write};

use wire::agent::AskAnswer;

use super::{AgentSocket, ancestors, answer_line, attributes, say};
use crate::doors::call::{Call, in_words};

/// Most bytes that git says.
const INPUT_MAX: u64 = 64 << 10;

/// Answers git. Nothing at all means that it has to go on by itself.
pub(super) fn run(agent: &AgentSocket, operation: &str) -> Result<(), String> {
    // What git wants kept is not kept: it asks again. Operations of later gits are left aside, too.
    if !matches!(operation, "get" | "erase") {
        return Ok(());
    }
    let mut input = Vec::new();
    std::io::stdin()
        .take(INPUT_MAX)
        .read_to_end(&mut input)
        .map_err(|error| format!("cannot read what git says: {error}"))?;
    let mut wanted = attributes::read(&input);
    let call = if operation == "get" {
        wanted.is_push = ancestors::is_push();
        Call::Credential(wanted)
    } else {
        Call::CredentialRefused(wanted)
    };
    let answer = serde_json::from_slice(&answer_line(&agent.call(&call)?)?)
        .map_err(|_| "the workspace's agent is of another release; restart the workspace".to_owned())?;
    match answer {
        AskAnswer::Credential { username, password, expires_at } => {
            let expiry = expires_at.map(|at| at.as_second().to_string());
            let mut shown = vec![("username", username.as_str()), ("password", &password)];
            shown.extend(expiry.as_deref().map(|expiry| ("password_expiry_utc", expiry)));
            let text = attributes::write(&shown).ok_or("the server sent something that is no password")?;
            std::io::stdout()
                .write_all(text.as_bytes())
                .map_err(|error| format!("cannot answer git: {error}"))
        }
        AskAnswer::Refused { why, mend } => {
            say(&in_words(&why, &mend));
            Ok(())
        }
        AskAnswer::Nothing | AskAnswer::Identities { .. } | AskAnswer::Signature { .. } => Ok(()),
    }
}
