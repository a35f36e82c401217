//! A [`Model`] behind any [`Wire`]: HTTP with patience.
//!
//! A failure that may pass is asked again with growing pauses; what the server refuses by name is left out from then
//! on; dropping the stream closes the connection. The key is never part of an error.
//!
//! Left out: fallbacks to other models and budgets, which wrap a `Model`.

use std::pin::pin;
use std::time::Duration;

use corecoder::http::{self, Exchange};
use corecoder::wire::text;
use corecoder::{Delta, Deltas, ErrorKind, Model, ModelError, Request, retry};
use futures::{Stream, StreamExt};
use parking_lot::Mutex;
use reqwest::Url;
use reqwest::header::LOCATION;
use reqwest::redirect::Policy;

use crate::wire::{Listed, Options, Refused, Sent, Wire};

/// More bytes than this are no reply: the longest have a million tokens.
const LONGEST_REPLY: usize = 64 << 20;
/// Of an error no more is read.
const LONGEST_REFUSAL: usize = 256 << 10;
/// Nor of a list of models.
const LONGEST_LIST: usize = 8 << 20;

/// A model behind a server that speaks a [`Wire`].
pub struct Remote {
    wire: Box<dyn Wire>,
    options: Options,
    key: String,
    base: String,
    http: reqwest::Client,
    refused: Mutex<Refused>,
}

impl Remote {
    /// `base_url` is what stands before the wire's own path; `None` means the provider itself. An empty key sends
    /// none. Errors if the URL is none, or if the key can't stand in a header.
    pub fn new(
        wire: Box<dyn Wire>,
        key: &str,
        base_url: Option<&str>,
        mut options: Options,
    ) -> Result<Remote, ModelError> {
        let base = base_url.unwrap_or(wire.base()).trim_end_matches('/');
        let base = base.to_string();
        let bad = |message: String| ModelError::new(ErrorKind::BadRequest, message);
        let url = Url::parse(&base)
            .map_err(|error| bad(format!("the base URL {base:?} is not valid: {error}")))?;
        if !["http", "https"].contains(&url.scheme()) {
            let message = format!("the base URL {base:?} must begin with https:// or http://");
            return Err(bad(message));
        }
        options.origin = format!("{base} {}", options.model);
        Ok(Remote {
            // A redirect would take the key's header along, to whatever host.
            http: http::client(key, Policy::none(), options.timeouts)?,
            base,
            key: key.to_string(),
            wire,
            refused: Mutex::new(options.refused.clone()),
            options,
        })
    }

    /// Where the request goes. A base that ends as the path begins, with the version as other programs want it, is as
    /// good; so is one for the OpenAI-compatible endpoint beside it.
    fn url(&self, path: &str) -> String {
        let ends = path.match_indices('/').map(|(at, _)| &path[..at]);
        // The longest end counts.
        let ends = ends.skip(1).collect::<Vec<_>>().into_iter().rev();
        let mut bare = ends
            .chain(["/v1"])
            .filter_map(|end| self.base.strip_suffix(end));
        format!("{}{path}", bare.next().unwrap_or(&self.base))
    }

    /// The models that the server offers, as it lists them. Errors where there is no such list.
    pub async fn models(&self) -> Result<Vec<Listed>, ModelError> {
        let none = || {
            let message = "this provider has no list of models; name the one that you set up there";
            ModelError::new(ErrorKind::BadRequest, message)
        };
        let listing = self.wire.listing().ok_or_else(none)?;
        let answer = async {
            let mut response = self.send(&listing).await?;
            Ok(body(&mut response, LONGEST_LIST).await)
        };
        let late = |_| {
            ModelError::new(
                ErrorKind::Network,
                "the list of models did not come in 10 s",
            )
        };
        let answer = tokio::time::timeout(Duration::from_secs(10), answer).await;
        let answer = answer.map_err(late).flatten();
        let body = answer.map_err(|error| http::without_key(error, &self.key))?;
        Ok(self.wire.listed(&text::json(&body).unwrap_or_default()))
    }

    /// The response to a request. Errors with what the wire makes of any status but a 2xx.
    async fn send(&self, sent: &Sent) -> Result<Exchange, ModelError> {
        let url = self.url(&sent.path);
        let mut request = match sent.body.is_null() {
            true => self.http.get(url),
            false => self.http.post(url).json(&sent.body),
        };
        if !self.key.is_empty() {
            let (name, value) = self.wire.key(&self.key);
            request = request.header(name, value);
        }
        for (name, value) in &sent.headers {
            request = request.header(*name, value);
        }
        let mut exchange = Exchange::new(request, self.options.timeouts).await?;
        if exchange.response.status().is_success() {
            return Ok(exchange);
        }
        let body = body(&mut exchange, LONGEST_REFUSAL).await;
        let response = &exchange.response;
        let (status, headers) = (response.status(), response.headers());
        let mut error = self.wire.refusal(status.as_u16(), headers, &body);
        if let Some(place) = headers.get(LOCATION).filter(|_| status.is_redirection()) {
            let place = String::from_utf8_lossy(place.as_bytes());
            error.message += &format!(" (it has moved to {place}: set the base URL to that)");
        }
        Err(error)
    }

    /// The options of a request for at most `most` tokens. The model's own limit is a wish, but this one is a promise:
    /// errors where the server takes none.
    fn options(&self, most: Option<u64>) -> Result<Options, ModelError> {
        let refused = self.refused.lock().clone();
        if most.is_some() && refused.is_unlimited() {
            return Err(ModelError::no_limit());
        }
        let max_tokens = self.options.max_tokens.into_iter().chain(most).min();
        Ok(Options {
            refused,
            max_tokens,
            ..self.options.clone()
        })
    }

    /// One request and its reply.
    fn attempt<'a>(&'a self, sent: &'a Sent) -> impl Stream<Item = Result<Delta, ModelError>> + 'a {
        async_stream::try_stream! {
            let mut exchange = self.send(sent).await?;
            let (mut reading, mut broken, mut length) = (self.wire.reading(), None, 0);
            while !reading.is_done() && broken.is_none() {
                match exchange.chunk().await {
                    Ok(Some(bytes)) => {
                        length += bytes.len();
                        if length > LONGEST_REPLY {
                            broken = Some(too_long());
                        }
                        for delta in reading.push(&bytes) {
                            yield delta;
                        }
                    }
                    Ok(None) => break,
                    Err(error) => broken = Some(error),
                }
            }
            // A connection that breaks after the reply's end takes nothing from it.
            let mut reply = reading.finish().map_err(|error| broken.unwrap_or(error))?;
            reply.origin = self.options.origin.clone();
            reply.model = self.options.model.clone();
            // Read to the end, which follows at once, or the connection can't be used again.
            let _ = tokio::time::timeout(Duration::from_millis(20), exchange.chunk()).await;
            yield Delta::Done(reply);
        }
    }

    /// How long to wait before the next try; `None` means not at all. Errors if there is to be none.
    fn pause(
        &self,
        error: ModelError,
        sent: &Sent,
        tries: u32,
    ) -> Result<(ModelError, Option<Duration>), ModelError> {
        let concession = self.wire.concession(&error, &sent.body);
        if concession.is_some_and(|concession| self.refused.lock().add(concession)) {
            return Ok((error, None));
        }
        if self.wire.is_slip(&error) && tries == 1 {
            return Ok((error, Some(Duration::from_millis(500))));
        }
        retry::pause(error, tries).map(|(error, wait)| (error, Some(wait)))
    }
}

/// The body as text, or its beginning if it is longer than `limit` bytes or breaks off.
async fn body(exchange: &mut Exchange, limit: usize) -> String {
    let mut body = Vec::new();
    while let Ok(Some(bytes)) = exchange.chunk().await {
        body.extend_from_slice(&bytes);
        if body.len() > limit {
            break;
        }
    }
    String::from_utf8_lossy(&body).into_owned()
}

fn too_long() -> ModelError {
    let message = "the reply is longer than 64 MB; ask for less, or look at what the server sends";
    ModelError::new(ErrorKind::Other, message)
}

impl Model for Remote {
    fn stream<'a>(&'a self, request: Request<'a>) -> Deltas<'a> {
        async_stream::try_stream! {
            let mut tries = 1;
            loop {
                let sent = self.wire.request(&request, &self.options(request.max_tokens)?);
                let mut attempt = pin!(self.attempt(&sent));
                let (mut failure, mut said) = (None, false);
                while let Some(delta) = attempt.next().await {
                    match delta {
                        Ok(delta) => {
                            said = true;
                            yield delta;
                        }
                        Err(error) => failure = Some(http::without_key(error, &self.key)),
                    }
                }
                let Some(error) = failure else { return };
                let (error, wait) = self.pause(error, &sent, tries)?;
                tries += u32::from(wait.is_some());
                if said || wait.is_some() {
                    yield Delta::Restart { error, wait: wait.unwrap_or_default(), model: None };
                }
                tokio::time::sleep(wait.unwrap_or_default()).await;
            }
        }
        .boxed()
    }

    fn name(&self) -> &str {
        &self.options.model
    }

    fn window(&self) -> Option<u64> {
        self.wire.window(&self.options)
    }
}
