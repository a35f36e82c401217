//! One turn: what the user says, with its hooks and attachments, until the model has answered and no hook objects.

use corecoder::{Agent, AgentError, Entry};

use crate::person::Person;
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

/// Says this to the model, and has its answer.
pub async fn run(agent: &mut Agent, person: &Person, message: Message) -> Result<Turn, AgentError> {
    let message = match message.heard {
        true => message,
        false => {
            let heard = person.hooks.user_prompt(&message.whole()).await;
            warn(person, &heard.warnings);
            if let Some(why) = heard.blocked.or(heard.stop) {
                let words = "a hook did not let this through";
                return Ok(Turn::Blocked(format!("{words}: {}", why.trim())));
            }
            message.heard(heard.context)
        }
    };
    let inbox = agent.kit().inbox.clone();
    for entry in person.attached(&message.text) {
        inbox.post(entry);
    }
    let (text, context) = (message.whole(), message.context);
    if let Some(context) = context {
        inbox.post(added(&context));
    }
    let mut answer = agent.chat(text).await?;
    for stops in 0..STOPS {
        let heard = person.hooks.stop(stops > 0).await;
        warn(person, &heard.warnings);
        let Some(reason) = heard.blocked.filter(|_| heard.stop.is_none()) else {
            break;
        };
        person
            .screen
            .line(&format!("a hook: not done yet: {}", plain(reason.trim())));
        answer = agent
            .chat(format!("[a hook says that this is not done yet]\n{reason}"))
            .await?;
    }
    Ok(Turn::Answered(answer))
}

/// A session begins, or goes on: hooks may have something to tell the model.
pub async fn begin(agent: &Agent, person: &Person, source: &str) {
    let heard = person.hooks.session_start(source).await;
    warn(person, &heard.warnings);
    if let Some(context) = heard.context {
        agent
            .kit()
            .inbox
            .post(Entry::Note(format!("[a hook adds]\n{context}")));
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
