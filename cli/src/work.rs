//! A piece of work while a person watches: until it is done, or is stopped, and with an ear for the keyboard.

use std::pin::pin;
use std::time::Duration;

use corecoder::Kit;
use parking_lot::Mutex;

use crate::keep::{self, Kept};
use crate::person::Person;
use crate::signals::{Interrupt, Signals};
use crate::typing::{Key, Keyboard, Message};
use crate::words::plain;

/// How a piece of work ended.
pub enum Ended<T> {
    Done(T),
    Interrupted(Interrupt),
    /// The session can't be kept any more.
    Unsaved(String),
}

/// Works until it is done, or a person or a full disk wants it stopped. Keys that are pressed meanwhile are heeded.
pub async fn until_interrupted<T>(
    work: impl Future<Output = T>,
    signals: &mut Signals,
    person: &Person,
    kit: &Mutex<Kit>,
    kept: &Kept,
) -> Ended<T> {
    let (keyboard, screen) = (Keyboard::new(), &person.screen);
    let status = || {
        let line = screen.status_now().line(person.modes.get());
        format!("{line} · Ctrl+C stops")
    };
    screen.begin(status(), keyboard.is_there());
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    let (mut work, mut failed) = (pin!(work), pin!(keep::failed(kept.session.clone())));
    let ended = loop {
        tokio::select! {
            // The work first, so that what was said is noted down before anything stops it.
            biased;
            done = &mut work => break answered(done, signals, person).await,
            why = &mut failed => break Ended::Unsaved(why),
            interrupt = signals.next() => break Ended::Interrupted(interrupt),
            () = person.interrupted.notified() => break Ended::Interrupted(Interrupt::Cancel),
            keys = keyboard.next(|| screen.is_free()) => for key in keys {
                if key == Key::BackTab {
                    person.next_mode(&kit.lock());
                }
                if let Some(text) = screen.key(key) {
                    queue(text, person);
                }
            },
            _ = tick.tick() => {
                screen.status_line(status());
            }
        }
    };
    if !matches!(ended, Ended::Done(_)) {
        screen.stopped();
    }
    screen.end();
    ended
}

/// The work is done, but a question of a server may still stand on the screen; two can't read the keyboard.
async fn answered<T>(done: T, signals: &mut Signals, person: &Person) -> Ended<T> {
    tokio::select! {
        biased;
        // What Ctrl+C would have stopped is done.
        () = person.interrupted.notified() => Ended::Done(done),
        () = person.screen.freed() => Ended::Done(done),
        interrupt = signals.next() => Ended::Interrupted(interrupt),
    }
}

/// Lets a message wait; it is not said before the hooks have heard it and servers have given what it names. A command is for
/// the program.
fn queue(text: String, person: &Person) {
    let (hooks, screen) = (person.hooks.clone(), person.screen.clone());
    let mcp = person.mcp().filter(|mcp| mcp.is_named_in(&text));
    let message = Message::new(text.clone());
    if message.is_command() || hooks.is_empty() && mcp.is_none() {
        return screen.queue(message.heard(None));
    }
    screen.queue(message);
    tokio::spawn(async move {
        let heard = hooks.user_prompt(&text).await;
        let warnings = heard.warnings.iter();
        warnings.for_each(|warning| screen.warn(&plain(warning)));
        match heard.blocked.or(heard.stop) {
            Some(why) => {
                screen.unsay(&text);
                let why = plain(why.trim());
                screen.warn(&format!("a hook did not let this through: {why}"));
            }
            None => {
                let brought = match mcp {
                    Some(mcp) => Some(mcp.attached(&text).await),
                    None => None,
                };
                screen.heard(&text, heard.context, brought);
            }
        }
    });
}
