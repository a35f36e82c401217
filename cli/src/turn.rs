//! One turn: what the user says, with its hooks and attachments, until the model has answered and no hook objects.

use std::pin::pin;
use std::time::Duration;

use corecoder::{Agent, AgentError, Entry, ErrorKind, ModelError};

use crate::person::Person;
use crate::screen::Screen;
use crate::typing::Message;
use crate::words::plain;

/// How a turn ended that was not cut off.
pub enum Turn {
    Answered(String),
    /// A hook did not let the message through, or told the program to stop; for the person.
    Blocked(String),
}

/// How often in one turn a hook may send the model back to work.
const STOPS: usize = 8;

/// Work for at most so long: what is under way then is stopped, and the conversation stays one that can go on. While a
/// question waits for the person, who may be away, the clock stands still.
pub async fn within<T>(
    limit: Option<Duration>,
    screen: &Screen,
    work: impl Future<Output = Result<T, AgentError>>,
) -> Result<T, AgentError> {
    let mut work = pin!(work);
    let Some(limit) = limit else {
        return work.await;
    };
    let mut left = limit;
    while !left.is_zero() {
        let step = left.min(STEP);
        match tokio::time::timeout(step, &mut work).await {
            Ok(ended) => return ended,
            Err(_) if screen.is_free() => left -= step,
            Err(_) => {}
        }
    }
    let seconds = limit.as_secs();
    let words = format!("stopped after {seconds} s, the longest time for a task (--max-time)");
    Err(ModelError::new(ErrorKind::Limit, words).into())
}

/// How exactly the time of a task is taken.
const STEP: Duration = Duration::from_millis(50);

/// Says this to the model, and has its answer.
pub async fn run(agent: &mut Agent, person: &Person, message: Message) -> Result<Turn, AgentError> {
    let mut message = match heard(person, message).await {
        Ok(message) => message,
        Err(why) => return Ok(Turn::Blocked(why)),
    };
    let inbox = agent.kit().inbox.clone();
    if let Some(mcp) = person.mcp() {
        mcp.begin().await;
        mcp.tell(person);
    }
    let mut attached = person.attached(&message.text);
    attached.extend(match message.brought.take() {
        Some(brought) => person.told(brought),
        None => person.mentioned(&message.text).await,
    });
    attached.into_iter().for_each(|entry| inbox.post(entry));
    if let Some(context) = &message.context {
        inbox.post(added(context));
    }
    let mut answer = agent.chat(message.whole()).await?;
    for stops in 0..STOPS {
        let heard = person.hooks.stop(stops > 0).await;
        warn(person, &heard.warnings);
        let Some(reason) = heard.blocked.filter(|_| heard.stop.is_none()) else {
            break;
        };
        let reason = reason.trim();
        let words = format!("a hook: not done yet: {}", plain(reason));
        person.screen.line(&words);
        let told = format!("[a hook says that this is not done yet]\n{reason}");
        answer = agent.chat(told).await?;
    }
    Ok(Turn::Answered(answer))
}

/// The message once the hooks have heard it; `Err` is why they do not let it through.
async fn heard(person: &Person, message: Message) -> Result<Message, String> {
    if message.heard {
        return Ok(message);
    }
    let heard = person.hooks.user_prompt(&message.whole()).await;
    warn(person, &heard.warnings);
    match heard.blocked.or(heard.stop) {
        Some(why) => Err(format!("a hook did not let this through: {}", why.trim())),
        None => Ok(message.heard(heard.context)),
    }
}

/// A session begins, or goes on: hooks may have something to tell the model.
pub async fn begin(agent: &Agent, person: &Person, source: &str) {
    let heard = person.hooks.session_start(source).await;
    warn(person, &heard.warnings);
    if let Some(context) = heard.context {
        agent.kit().inbox.post(added(&context));
    }
}

/// What a hook has to say, as the model reads it.
pub fn added(context: &str) -> Entry {
    Entry::Note(format!("[a hook adds]\n{context}"))
}

fn warn(person: &Person, warnings: &[String]) {
    warnings
        .iter()
        .for_each(|warning| person.screen.warn(&plain(warning)));
}
