//! The model behind an OpenAI-compatible server: [`crate::wire`] over HTTP, with patience.
//!
//! A failure that may pass is asked again with growing pauses, as long as nothing but reading has happened: the
//! loop runs no call with an effect before the reply is whole. A parameter that the server refuses by name is
//! left out from then on. The key is never part of an error.
//!
//! Left out: other protocols, fallbacks to other models and budgets, which wrap or replace this `Model`.

use std::pin::pin;
use std::time::Duration;

use futures::{Stream, StreamExt};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::http::{self, Exchange, Timeouts};
use crate::model::{Delta, Deltas, ErrorKind, Model, ModelError, Request};
use crate::parameters::Parameters;
use crate::retry;
use crate::windows;
use crate::wire::{self, Message, Reading, refusal};

/// A chat model behind an OpenAI-compatible server.
pub struct Llm {
    model: String,
    key: String,
    url: String,
    http: reqwest::Client,
    timeouts: Timeouts,
    parameters: Parameters,
}

impl Llm {
    /// `base_url` is the part before `/chat/completions`; `None` means OpenAI. Errors if it is no URL or the
    /// key can't stand in a header.
    pub fn new(model: &str, key: &str, base_url: Option<&str>) -> Result<Llm, ModelError> {
        let bad = |message: String| ModelError::new(ErrorKind::BadRequest, message);
        let base = base_url
            .unwrap_or("https://api.openai.com/v1")
            .trim_end_matches('/');
        let url = reqwest::Url::parse(&format!("{base}/chat/completions"))
            .map_err(|error| bad(format!("the base URL {base:?} is not valid: {error}")))?;
        let timeouts = Timeouts::default();
        let http = http::client(key, Default::default(), timeouts)?;
        Ok(Llm {
            model: model.to_string(),
            key: key.to_string(),
            url: url.to_string(),
            http,
            timeouts,
            parameters: Parameters::default(),
        })
    }

    /// The longest reply, in tokens; without it the server decides.
    pub fn max_tokens(mut self, max_tokens: Option<u64>) -> Llm {
        self.parameters.max_tokens = max_tokens;
        self
    }

    /// Between 0 and 2; without it the server decides.
    pub fn temperature(mut self, temperature: Option<f64>) -> Llm {
        self.parameters.temperature = temperature;
        self
    }

    /// Says this too in each request, such as `reasoning_effort`; not any more once the server refuses it by name.
    pub fn extra(mut self, name: impl Into<String>, value: Value) -> Llm {
        self.parameters.extra.insert(name.into(), value);
        self
    }

    /// How long to wait for the server. Errors only if the HTTP client can't start.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Result<Llm, ModelError> {
        // A client takes milliseconds to make, for it reads the system's certificates.
        if timeouts.connect != self.timeouts.connect {
            self.http = http::client(&self.key, Default::default(), timeouts)?;
        }
        self.timeouts = timeouts;
        Ok(self)
    }

    /// The names of the models that the server offers, as it lists them.
    pub async fn models(&self) -> Result<Vec<String>, ModelError> {
        let url = self.url.replace("/chat/completions", "/models");
        let request = self.http.get(url).timeout(Duration::from_secs(10));
        let exchange = self
            .answer(request)
            .await
            .map_err(|error| http::without_key(error, &self.key))?;
        let listed: Value = exchange.response.json().await.map_err(http::network)?;
        // Most wrap the list in `data`, some (Together's) don't.
        let models = listed["data"].as_array().or(listed.as_array());
        let name = |model: &Value| Some(model["id"].as_str()?.to_string());
        Ok(models.into_iter().flatten().filter_map(name).collect())
    }

    async fn answer(&self, mut request: reqwest::RequestBuilder) -> Result<Exchange, ModelError> {
        if !self.key.is_empty() {
            request = request.bearer_auth(&self.key);
        }
        let exchange = Exchange::new(request, self.timeouts).await?;
        let status = exchange.response.status();
        if status.is_success() {
            return Ok(exchange);
        }
        let response = exchange.response;
        let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_string());
        let wait = refusal::wait_in_headers(header);
        let body = tokio::time::timeout(self.timeouts.idle, response.bytes()).await;
        let body = body.ok().and_then(Result::ok).unwrap_or_default();
        let body = String::from_utf8_lossy(&body);
        Err(refusal::in_response(status.as_u16(), wait, &body))
    }

    async fn send(&self, body: &Body<'_>) -> Result<Exchange, ModelError> {
        self.answer(self.http.post(&self.url).json(body)).await
    }

    /// One request and its reply.
    fn attempt<'a>(
        &'a self,
        body: &'a Body<'a>,
    ) -> impl Stream<Item = Result<Delta, ModelError>> + 'a {
        async_stream::try_stream! {
            let mut exchange = self.send(body).await?;
            let (mut reading, mut broken) = (Reading::default(), None);
            while !reading.is_done() && broken.is_none() {
                match exchange.chunk().await {
                    Ok(Some(bytes)) => {
                        for delta in reading.push(&bytes)? {
                            yield delta;
                        }
                    }
                    Ok(None) => break,
                    Err(error) => broken = Some(error),
                }
            }
            // A connection that breaks after the reply's end takes nothing from it.
            let mut reply = reading.finish().map_err(|error| broken.unwrap_or(error))?;
            (reply.origin, reply.model) = (self.url.clone(), self.model.clone());
            // Read to the end, which follows `[DONE]` at once, or the connection can't be used again.
            let _ = tokio::time::timeout(Duration::from_millis(20), exchange.chunk()).await;
            yield Delta::Done(reply);
        }
    }
}

impl Model for Llm {
    fn stream<'a>(&'a self, request: Request<'a>) -> Deltas<'a> {
        let (mut messages, tools) = (wire::messages(&request, &self.url), wire::tools(&request));
        async_stream::try_stream! {
            for tries in 1.. {
                self.parameters.clean(&mut messages);
                let parameters = self.parameters.sent(request.max_tokens)?;
                let body = Body { model: &self.model, messages: &messages, tools: &tools, parameters };
                let mut attempt = pin!(self.attempt(&body));
                let mut failure = None;
                while let Some(delta) = attempt.next().await {
                    match delta {
                        Ok(delta) => yield delta,
                        Err(error) => failure = Some(http::without_key(error, &self.key)),
                    }
                }
                let Some(error) = failure else { return };
                if self.parameters.adapt(&error, &body.parameters, &messages) {
                    continue;
                }
                let (error, wait) = retry::pause(error, tries)?;
                yield Delta::Restart { error, wait, model: None };
                tokio::time::sleep(wait).await;
            }
        }
        .boxed()
    }

    fn name(&self) -> &str {
        &self.model
    }

    fn window(&self) -> Option<u64> {
        windows::of(&self.model)
    }
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: &'a [Message<'a>],
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    tools: &'a [Value],
    #[serde(flatten)]
    parameters: Map<String, Value>,
}
