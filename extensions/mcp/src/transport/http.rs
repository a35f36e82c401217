//! Servers that are reached over HTTP: the client, and what went wrong with a request.
//!
//! Sessions, resuming and the headers of the new era are the SDK's. A redirect is followed only where the request stays the
//! same and goes to the same origin, for headers hold keys.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::time::Duration;

use corecoder::http::Timeouts;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Url};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::{
    StreamableHttpClientTransportConfig, StreamableHttpError,
};

use super::LONGEST;
use super::post::Post;
use super::sse::SseError;
use crate::errors::{CallError, OpenError, start_of, unauthorized};

/// Where a server is, and how it is reached.
#[derive(Clone)]
pub struct Place {
    pub url: Url,
    pub headers: HeaderMap,
    pub client: Client,
}

impl Place {
    /// `patience` is for the connection itself.
    pub fn new(
        url: &str,
        headers: &BTreeMap<String, String>,
        patience: Duration,
    ) -> Result<Place, OpenError> {
        let setting = |words: String| OpenError::Setting(words);
        let parsed = Url::parse(url).ok();
        let url = parsed
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| setting("the server's url is none of HTTP".to_string()))?;
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let bad = |what| setting(format!("the header {name} holds {what} that HTTP forbids"));
            let key: HeaderName = name.parse().map_err(|_| bad("a character in its name"))?;
            let mut value: HeaderValue = value.parse().map_err(|_| bad("a character"))?;
            value.set_sensitive(true);
            map.insert(key, value);
        }
        let timeouts = Timeouts {
            connect: patience.min(Duration::from_secs(20)),
            ..Timeouts::default()
        };
        let client = corecoder::http::client("", Policy::custom(redirect), timeouts)
            .map_err(|error| setting(error.to_string()))?;
        Ok(Place {
            url,
            headers: map,
            client,
        })
    }

    /// Without what may be secret of the URL.
    pub fn name(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// Streamable HTTP. It needs a runtime at once.
    pub fn streamable(&self) -> StreamableHttpClientTransport<Post> {
        let headers: HashMap<HeaderName, HeaderValue> = self
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let config = StreamableHttpClientTransportConfig::with_uri(self.url.as_str())
            .custom_headers(headers)
            .max_json_response_size(LONGEST)
            .max_sse_event_size(LONGEST)
            .max_concurrent_requests(64);
        StreamableHttpClientTransport::with_client(Post(self.client.clone()), config)
    }
}

fn redirect(attempt: Attempt) -> reqwest::redirect::Action {
    let from = attempt.previous().last().map(Url::origin);
    let stays = from.is_some_and(|origin| origin == attempt.url().origin());
    let keeps = matches!(attempt.status().as_u16(), 307 | 308);
    match stays && keeps && attempt.previous().len() <= 5 {
        true => attempt.follow(),
        false => attempt.stop(),
    }
}

/// What went wrong with a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Trouble {
    /// 401 or 403.
    Unauthorized(u16),
    /// Another status that is no success: nothing of this kind is there.
    Status(u16),
    /// No response.
    Network(String),
    TooLarge,
    Other(String),
}

impl Trouble {
    /// Of an error of one of the transports.
    pub fn of(error: &(dyn Error + 'static)) -> Trouble {
        if let Some(error) = error.downcast_ref::<SseError>() {
            return match error {
                SseError::Status(status) => Trouble::status(*status),
                other => Trouble::Network(other.to_string()),
            };
        }
        match error.downcast_ref::<StreamableHttpError<reqwest::Error>>() {
            Some(StreamableHttpError::AuthRequired(_)) => Trouble::Unauthorized(401),
            Some(StreamableHttpError::InsufficientScope(_)) => Trouble::Unauthorized(403),
            Some(StreamableHttpError::HttpStatus(error)) => Trouble::status(error.status),
            Some(StreamableHttpError::ResponseBodyTooLarge { .. }) => Trouble::TooLarge,
            Some(StreamableHttpError::UnexpectedContentType(kind)) => Trouble::Other(format!(
                "it answered with {}, which is not of this protocol",
                kind.as_deref().unwrap_or("nothing")
            )),
            Some(StreamableHttpError::Client(error)) => Trouble::Network(chain(error)),
            Some(StreamableHttpError::UnexpectedServerResponse(text)) => {
                // `HTTP 404 Not Found: body`.
                let status = text.strip_prefix("HTTP ").and_then(|rest| rest.get(..3));
                match status.and_then(|status| status.parse().ok()) {
                    Some(status) => Trouble::status(status),
                    None => Trouble::Other(text.to_string()),
                }
            }
            _ => Trouble::Other(chain(error)),
        }
    }

    fn status(status: u16) -> Trouble {
        match status {
            401 | 403 => Trouble::Unauthorized(status),
            _ => Trouble::Status(status),
        }
    }

    fn words(&self, place: &str) -> String {
        match self {
            Trouble::Unauthorized(status) => unauthorized(place, *status),
            Trouble::Status(status) => format!("{place} answered {status}"),
            Trouble::Network(words) => format!("{place} can't be reached: {words}"),
            Trouble::TooLarge => {
                format!(
                    "the server's answer is larger than {} MB, which is the limit",
                    LONGEST >> 20
                )
            }
            Trouble::Other(words) => format!("{place}: {}", start_of(words, 1000)),
        }
    }

    pub fn of_opening(&self, place: &str) -> OpenError {
        let words = self.words(place);
        match self {
            Trouble::Unauthorized(_) => OpenError::Unauthorized(words),
            Trouble::Network(_) => OpenError::Unreachable(words),
            _ => OpenError::Refused(words),
        }
    }

    pub fn of_call(&self, place: &str) -> CallError {
        let words = self.words(place);
        match self {
            Trouble::Unauthorized(_) => CallError::Unauthorized(words),
            Trouble::TooLarge => CallError::TooLarge(words),
            _ => CallError::Failed(words),
        }
    }
}

/// An error with its causes, and without its URL, which may hold a key.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut words = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let own = error.to_string();
        let own = own.split(" for url (").next().unwrap_or_default();
        words.push(own.to_string());
        next = error.source();
    }
    words.dedup();
    words.join(": ")
}
