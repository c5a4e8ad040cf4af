//! Questions of git and SSH inside that only the server can answer: credentials, keys, signatures.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use tokio::sync::{broadcast, mpsc};
use wire::agent::{Ask, AskAnswer, Question};

use crate::problem::Problem;
use crate::wishes::Wishes;

/// How long the server may take. It may have to renew a token, or be away for a restart.
const ANSWER_LIMIT: Duration = Duration::from_secs(45);
/// How long those who watch may take to say why a signature was refused.
const HEARD_LIMIT: Duration = Duration::from_secs(2);
/// Refusals remembered for whoever explains a failed clone.
const REFUSALS: usize = 16;

/// Open questions. Clones share them.
#[derive(Clone)]
pub(crate) struct Asks {
    wishes: Wishes<Question, AskAnswer>,
    refusals: Arc<Mutex<VecDeque<(u64, Refusal)>>>,
    /// Signatures that were refused, for the SSH connections that wait for them.
    unsigned: broadcast::Sender<(Refusal, mpsc::Sender<()>)>,
}

/// Why something was not answered, and what to do about it.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) why: String,
    pub(crate) mend: String,
    /// The host a credential was asked for.
    host: Option<String>,
}

impl Asks {
    pub(crate) fn new() -> Self {
        let unsigned = broadcast::Sender::new(REFUSALS);
        Self { wishes: Wishes::default(), refusals: Arc::default(), unsigned }
    }

    /// Asks the server. A server that does not answer in time has refused.
    pub(crate) async fn ask(&self, question: Question) -> AskAnswer {
        let host = match &question {
            Question::Credential(wanted) => Some(wanted.host.clone()),
            _ => None,
        };
        let is_signature = matches!(question, Question::SshSign { .. });
        let (id, answer) = self.wishes.wish(question, ANSWER_LIMIT).await;
        let answer = answer.unwrap_or_else(|| AskAnswer::Refused {
            why: "the server did not answer in time".into(),
            mend: "try again in a moment; if it stays, restart the workspace".into(),
        });
        if let AskAnswer::Refused { why, mend } = &answer {
            let refusal = Refusal { why: why.clone(), mend: mend.clone(), host };
            if is_signature {
                self.tell(refusal.clone()).await;
            }
            if refusal.host.is_some() {
                let mut refusals = self.lock();
                if refusals.len() >= REFUSALS {
                    refusals.pop_front();
                }
                refusals.push_back((id, refusal));
            }
        }
        answer
    }

    /// Questions, those still waiting first, for as long as the stream is held.
    pub(crate) fn questions(&self) -> impl Stream<Item = Ask> + Send + use<> {
        self.wishes.wanted().map(|(id, question)| Ask { id, question })
    }

    /// The server answers.
    pub(crate) fn answer(&self, id: u64, answer: AskAnswer) -> Result<(), Problem> {
        let waiting = self.wishes.take(id);
        // Whoever asked may give up at the same moment.
        waiting.map(|(_, waiting)| drop(waiting.send(answer))).ok_or_else(|| {
            Problem::not_found(
                format!("nobody waits for answer {id} any more"),
                "Nothing needs to be done; whoever asked asks again.",
            )
        })
    }

    /// A mark to ask [`Asks::refusal_since`] with later.
    pub(crate) fn mark(&self) -> u64 {
        self.wishes.mark()
    }

    /// Why the newest credential for `host` since the mark was refused.
    pub(crate) fn refusal_since(&self, mark: u64, host: &str) -> Option<Refusal> {
        let refusals = self.lock();
        let found = refusals.iter().rev().find(|(id, refusal)| {
            *id > mark && refusal.host.as_deref().is_some_and(|asked| asked.eq_ignore_ascii_case(host))
        });
        found.map(|(_, refusal)| refusal.clone())
    }

    /// Signatures that are refused from now on. Whoever asked learns of it once what comes with the refusal
    /// is dropped: SSH ends with that, and takes those with it who would say why.
    pub(crate) fn unsigned(&self) -> broadcast::Receiver<(Refusal, mpsc::Sender<()>)> {
        self.unsigned.subscribe()
    }

    async fn tell(&self, refusal: Refusal) {
        let (heard, mut all_heard) = mpsc::channel(1);
        // Nobody may be watching.
        drop(self.unsigned.send((refusal, heard)));
        drop(tokio::time::timeout(HEARD_LIMIT, all_heard.recv()).await);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(u64, Refusal)>> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
