//! HTTP with server-sent events, as in revision 2024-11-05: a stream of events, whose first says where to post.
//!
//! <https://modelcontextprotocol.io/specification/2024-11-05/basic/transports>. The SDK has it no longer.

use std::collections::VecDeque;
use std::sync::Arc;

use corecoder::sse::{Sse, SseEvent};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Response, Url};
use rmcp::RoleClient;
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::Transport;
use thiserror::Error;

use super::LONGEST;
use super::http::{Place, chain};
use super::message;
use crate::link::Link;

/// Why a message did not come through.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum SseError {
    #[error("it answered {0}")]
    Status(u16),
    #[error("{0}")]
    Network(String),
    #[error("{0}")]
    Protocol(String),
}

pub struct Events {
    place: Place,
    /// Where to post.
    endpoint: Url,
    response: Response,
    parser: Sse,
    /// Bytes since the last event.
    unfinished: usize,
    read: VecDeque<ServerJsonRpcMessage>,
    link: Arc<Link>,
}

impl Events {
    /// Opens the stream, and waits for its first event. The caller limits the time.
    pub async fn open(place: Place, link: Arc<Link>) -> Result<Events, SseError> {
        let request = place.client.get(place.url.clone());
        let request = request
            .headers(place.headers.clone())
            .header(ACCEPT, "text/event-stream");
        let response = request.send().await.map_err(network)?;
        if !response.status().is_success() {
            return Err(SseError::Status(response.status().as_u16()));
        }
        let kind = response.headers().get(CONTENT_TYPE);
        if !kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream")) {
            return Err(SseError::Protocol(
                "it answered with no stream of events".to_string(),
            ));
        }
        let mut events = Events {
            endpoint: place.url.clone(),
            place,
            response,
            parser: Sse::default(),
            unfinished: 0,
            read: VecDeque::new(),
            link,
        };
        events.await_endpoint().await?;
        Ok(events)
    }

    async fn await_endpoint(&mut self) -> Result<(), SseError> {
        while let Some(mut events) = self.chunk().await? {
            let Some(at) = events.iter().position(|event| event.event == "endpoint") else {
                continue;
            };
            let rest = events.split_off(at + 1);
            let endpoint = self.place.url.join(events[at].data.trim());
            let endpoint = endpoint.ok().filter(|endpoint| {
                // Headers hold keys, and the specification wants the same origin.
                endpoint.origin() == self.place.url.origin()
            });
            let wrong = || SseError::Protocol("it names a place of another origin".to_string());
            self.endpoint = endpoint.ok_or_else(wrong)?;
            rest.into_iter().for_each(|event| self.take(event));
            return Ok(());
        }
        Err(SseError::Protocol(
            "its stream of events ended at once".to_string(),
        ))
    }

    /// The events of the next piece; `None` at the end.
    async fn chunk(&mut self) -> Result<Option<Vec<SseEvent>>, SseError> {
        let Some(bytes) = self.response.chunk().await.map_err(network)? else {
            return Ok(None);
        };
        let events = self.parser.push(&bytes);
        self.unfinished = match events.is_empty() {
            true => self.unfinished + bytes.len(),
            false => 0,
        };
        if self.unfinished > LONGEST {
            let most = LONGEST >> 20;
            return Err(SseError::Protocol(format!(
                "it sent an event that is larger than {most} MB, which is the limit"
            )));
        }
        Ok(Some(events))
    }

    fn take(&mut self, event: SseEvent) {
        if event.event == "message" {
            message::read(event.data.as_bytes(), &self.link, &mut self.read);
        }
    }
}

fn network(error: reqwest::Error) -> SseError {
    SseError::Network(chain(&error))
}

impl Transport<RoleClient> for Events {
    type Error = SseError;

    fn send(
        &mut self,
        message: ClientJsonRpcMessage,
    ) -> impl Future<Output = Result<(), SseError>> + Send + 'static {
        let request = self.place.client.post(self.endpoint.clone());
        let request = request.headers(self.place.headers.clone()).json(&message);
        async move {
            let response = request.send().await.map_err(network)?;
            match response.status().is_success() {
                true => Ok(()),
                false => Err(SseError::Status(response.status().as_u16())),
            }
        }
    }

    async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        loop {
            if let Some(message) = self.read.pop_front() {
                return Some(message);
            }
            let why = match self.chunk().await {
                Ok(Some(events)) => {
                    events.into_iter().for_each(|event| self.take(event));
                    continue;
                }
                Ok(None) => "the server ended its stream of events".to_string(),
                Err(error) => format!("the server's stream of events broke off: {error}"),
            };
            self.link.close(why);
            return None;
        }
    }

    async fn close(&mut self) -> Result<(), SseError> {
        Ok(())
    }
}
