//! How a connection comes up: which transport, which era, and what is tried next where one does not answer.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use rmcp::RoleClient;
use rmcp::transport::Transport;
use tokio::time::{Instant, timeout_at};

use crate::client::Client;
use crate::config::{Access, Server};
use crate::connection::{Connection, End};
use crate::errors::{OpenError, last_words};
use crate::handshake::{Fail, Handshake, Way};
use crate::link::Link;
use crate::process::{Process, Program};
use crate::shepherd::Shepherd;
use crate::transport::Gate;
use crate::transport::http::{Place, Trouble};
use crate::transport::sse::Events;
use crate::transport::stdio::Stdio;

/// How long a process may think about a question of the new era before it is asked in the old way too. More is no harm, for
/// late answers count.
const PATIENCE: Duration = Duration::from_millis(1500);
/// The latest revision that begins with `initialize`.
const LATEST_LEGACY: &str = "2025-11-25";
/// The first without.
const MODERN: &str = "2026-07-28";

/// Starts or reaches a server, and settles which revision is spoken.
pub async fn open(
    server: &Server,
    client: Arc<dyn Client>,
    shepherd: &Shepherd,
) -> Result<Connection, OpenError> {
    let opening = Opening {
        server,
        client,
        end: Instant::now() + server.start_timeout,
    };
    match &server.access {
        Access::Stdio {
            command,
            args,
            env,
            cwd,
        } => {
            let program = Program {
                command,
                args,
                env,
                cwd: cwd.as_deref(),
            };
            opening.start(&program, shepherd).await
        }
        Access::Http { url, headers } => {
            let place = Place::new(url, headers, server.start_timeout)?;
            opening.reach(place).await
        }
        Access::Sse { url, headers } => {
            let place = Place::new(url, headers, server.start_timeout)?;
            opening.listen(place).await
        }
    }
}

struct Opening<'a> {
    server: &'a Server,
    client: Arc<dyn Client>,
    end: Instant,
}

impl Opening<'_> {
    /// How to speak at first.
    fn way(&self, patience: Duration) -> Way {
        match self.server.protocol.as_deref() {
            None => Way::Probe(patience),
            Some(revision) if revision < MODERN => Way::Legacy(revision.to_string()),
            Some(_) => Way::Modern,
        }
    }

    fn link(&self) -> Arc<Link> {
        let link = Link::new(&self.server.name, self.client.clone());
        // What ends now is no news: the caller is told.
        link.closing();
        link
    }

    fn timed_out(&self, errors: String) -> OpenError {
        OpenError::TimedOut {
            after: self.server.start_timeout,
            errors,
        }
    }

    /// Shakes hands over a transport, until then.
    async fn shake<T: Transport<RoleClient> + 'static>(
        &self,
        transport: T,
        link: Arc<Link>,
        way: Way,
        end: End,
        until: Instant,
    ) -> Result<Connection, Option<Fail<T::Error>>> {
        let mut gate = Gate::new(transport, link.clone());
        let shake = Handshake::new(&mut gate, &*self.client, way).shake();
        let facts = timeout_at(until, shake)
            .await
            .map_err(|_| None)?
            .map_err(Some)?;
        let limit = self.server.call_timeout;
        Ok(Connection::begin(gate, link, facts, end, limit))
    }

    /// A process; started once more if the first question made it end.
    async fn start(
        &self,
        program: &Program<'_>,
        shepherd: &Shepherd,
    ) -> Result<Connection, OpenError> {
        let mut way = self.way(PATIENCE);
        loop {
            let link = self.link();
            let (process, stdin, stdout) = Process::start(program, shepherd).await?;
            let process = Arc::new(process);
            let stdio = Stdio::new(process.clone(), stdin, stdout, link.clone());
            let end = End::Process(process.clone());
            let shaken = self.shake(stdio, link, way.clone(), end, self.end).await;
            match shaken {
                Ok(connection) => return Ok(connection),
                Err(None) => return Err(self.timed_out(process.errors())),
                Err(Some(Fail::Refused(words))) => {
                    return Err(OpenError::Refused(words + &last_words(&process.errors())));
                }
                // Some old servers end when they hear of something unknown.
                Err(Some(_)) if matches!(way, Way::Probe(_)) => {
                    way = Way::Legacy(LATEST_LEGACY.to_string());
                }
                Err(Some(_)) => {
                    return Err(OpenError::Exited {
                        how: process.end_in_words().await,
                        errors: process.errors(),
                    });
                }
            }
        }
    }

    /// A server of streamable HTTP, of either era; and where there is none, one of 2024-11-05.
    async fn reach(&self, place: Place) -> Result<Connection, OpenError> {
        let way = self.way(Duration::MAX);
        let is_probing = matches!(way, Way::Probe(_));
        let half = Instant::now() + self.server.start_timeout / 2;
        let until = if is_probing { half } else { self.end };
        let mut tried = self.post(&place, way, until).await;
        // Whoever can't answer a question of the new era, or never does, is asked in the old way alone.
        if is_probing && matches!(tried, Err(Miss::Silent | Miss::Absent(_))) {
            let way = Way::Legacy(LATEST_LEGACY.to_string());
            tried = self.post(&place, way, self.end).await;
        }
        let error = match tried {
            Ok(connection) => return Ok(connection),
            Err(Miss::Silent) => return Err(self.timed_out(String::new())),
            Err(Miss::Certain(error)) => return Err(error),
            Err(Miss::Absent(error)) => error,
        };
        match self.way(PATIENCE) {
            Way::Modern => Err(error),
            _ => self.listen(place).await.map_err(|_| error),
        }
    }

    async fn post(&self, place: &Place, way: Way, until: Instant) -> Result<Connection, Miss> {
        let link = self.link();
        let end = End::Place(place.name());
        let shaken = self.shake(place.streamable(), link, way, end, until).await;
        match shaken {
            Ok(connection) => Ok(connection),
            Err(None) => Err(Miss::Silent),
            Err(Some(Fail::Refused(words))) => Err(Miss::Absent(OpenError::Refused(words))),
            Err(Some(Fail::Closed)) => {
                let words = format!("{} ended the connection", place.name());
                Err(Miss::Absent(OpenError::Refused(words)))
            }
            Err(Some(Fail::Send(error))) => Err(miss(&error, &place.name())),
        }
    }

    /// A server of 2024-11-05.
    async fn listen(&self, place: Place) -> Result<Connection, OpenError> {
        let link = self.link();
        let name = place.name();
        let opened = timeout_at(self.end, Events::open(place, link.clone())).await;
        let opened = opened.map_err(|_| self.timed_out(String::new()))?;
        let events = opened.map_err(|error| Trouble::of(&error).of_opening(&name))?;
        let way = match self.way(PATIENCE) {
            // None of this kind knows the new way.
            Way::Probe(_) => Way::Legacy(LATEST_LEGACY.to_string()),
            way => way,
        };
        let end = End::Place(name.clone());
        let shaken = self.shake(events, link, way, end, self.end).await;
        shaken.map_err(|fail| match fail {
            None => self.timed_out(String::new()),
            Some(Fail::Refused(words)) => OpenError::Refused(words),
            Some(Fail::Closed) => OpenError::Refused(format!("{name} ended the connection")),
            Some(Fail::Send(error)) => Trouble::of(&error).of_opening(&name),
        })
    }
}

/// Why there is no connection over streamable HTTP.
enum Miss {
    /// No answer in time.
    Silent,
    /// Something is there, but it may be of another kind.
    Absent(OpenError),
    Certain(OpenError),
}

fn miss(error: &(dyn Error + 'static), place: &str) -> Miss {
    let trouble = Trouble::of(error);
    let words = trouble.of_opening(place);
    match trouble {
        Trouble::Unauthorized(_) | Trouble::Network(_) => Miss::Certain(words),
        _ => Miss::Absent(words),
    }
}
