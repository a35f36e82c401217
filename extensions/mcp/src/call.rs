//! One request and its answer, in time or not at all; and a request that takes several rounds, because the server asks back.
//!
//! The SDK's own clock runs on while the user is asked something, and a call of its that is dropped goes on at the server.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::FutureExt;
use rmcp::RoleClient;
use rmcp::model::{
    CancelledNotification, CancelledNotificationParam, ClientRequest, ErrorCode, ErrorData,
    RequestId, RequestMetaObject,
};
use rmcp::service::{Peer, PeerRequestOptions, RequestHandle, ServiceError};
use serde_json::Value;

use crate::clock::Clock;
use crate::connection::{End, Inner};
use crate::errors::{CallError, start_of};
use crate::handshake::raw;
use crate::transport::http::Trouble;
use crate::transport::{INVALID, LONGEST, TOO_LARGE};

/// So often a server may ask back before it answers.
const ROUNDS: usize = 10;
/// And so many things each time.
const QUESTIONS: usize = 100;

/// Who hears of the progress of a call.
pub type Progress<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// What a server asked for, by its own keys, and its state, which it gets back as it was.
#[derive(Default)]
pub struct Round {
    pub answers: Option<BTreeMap<String, Value>>,
    pub state: Option<String>,
}

/// Tells the server that an answer is no longer wanted, unless it has come.
struct Wanted<'a> {
    peer: &'a Peer<RoleClient>,
    id: Option<RequestId>,
    reason: &'static str,
}

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        let (Some(id), Ok(runtime)) = (self.id.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let params = CancelledNotificationParam::new(Some(id), Some(self.reason.to_string()));
        let peer = self.peer.clone();
        let mut told = Box::pin(async move {
            let notification = CancelledNotification::new(params);
            let _ = peer.send_notification(notification.into()).await;
        });
        // Begun at once, so that it comes before whatever is sent next.
        if told.as_mut().now_or_never().is_none() {
            runtime.spawn(told);
        }
    }
}

impl Inner {
    /// A request, and the result as it came.
    pub async fn ask(
        &self,
        request: ClientRequest,
        progress: Progress<'_>,
    ) -> Result<Value, CallError> {
        if self.link.is_closed() {
            return Err(CallError::Closed(self.link.closed().await));
        }
        let mut options = PeerRequestOptions::no_options();
        if self.facts.is_modern {
            let mut meta = RequestMetaObject::new();
            meta.insert("io.modelcontextprotocol/logLevel".into(), "warning".into());
            options = options.with_meta(meta);
        }
        let handle = match self.peer.send_cancellable_request(request, options).await {
            Ok(handle) => handle,
            Err(error) => return Err(self.failed(error).await),
        };
        let mut wanted = Wanted {
            peer: &self.peer,
            id: Some(handle.id.clone()),
            reason: "the answer is no longer wanted",
        };
        let answer = self.await_answer(handle, progress).await;
        match answer {
            Err(CallError::TimedOut { .. }) => wanted.reason = "it took too long",
            _ => wanted.id = None,
        }
        answer
    }

    /// The answer, the end of the connection, or that of patience.
    async fn await_answer(
        &self,
        mut handle: RequestHandle<RoleClient>,
        progress: Progress<'_>,
    ) -> Result<Value, CallError> {
        let mut words = self.link.progress(token(&handle.progress_token.0));
        let mut asking = self.link.asking();
        let mut clock = Clock::new(self.limit);
        clock.asks(*asking.borrow_and_update() > 0);
        loop {
            tokio::select! {
                biased;
                answer = &mut handle.rx => {
                    let answer = answer.unwrap_or(Err(ServiceError::TransportClosed));
                    return match answer {
                        Ok(result) => Ok(raw(result)),
                        Err(error) => Err(self.failed(error).await),
                    };
                }
                why = self.link.closed() => return Err(CallError::Closed(why)),
                Ok(()) = words.changed() => {
                    clock.sign();
                    progress(&words.borrow_and_update().clone());
                }
                Ok(()) = asking.changed() => clock.asks(*asking.borrow_and_update() > 0),
                () = clock.over() => return Err(clock.timed_out()),
            }
        }
    }

    /// A request that the server may answer with questions of its own: `make` makes it, with the answers to these.
    pub async fn ask_in_rounds(
        &self,
        make: impl Fn(Round) -> ClientRequest,
        progress: Progress<'_>,
    ) -> Result<Value, CallError> {
        let mut round = Round::default();
        for _ in 0..ROUNDS {
            let result = self.ask(make(round), progress).await?;
            let kind = result.get("resultType").filter(|_| self.facts.is_modern);
            match kind.map(|kind| kind.as_str().unwrap_or_default()) {
                None | Some("complete") => return Ok(result),
                Some("input_required") => round = self.answers(&result).await?,
                Some(other) => {
                    let words = format!("its resultType is unknown: {}", start_of(other, 100));
                    return Err(CallError::Invalid(words));
                }
            }
        }
        let words = format!("the server asked for input {ROUNDS} times and still has no result");
        Err(CallError::Failed(words))
    }

    /// Answers what a server wants to know before it goes on.
    async fn answers(&self, result: &Value) -> Result<Round, CallError> {
        let state = result["requestState"].as_str().map(str::to_string);
        let Some(requests) = result["inputRequests"].as_object() else {
            if state.is_none() {
                let words = "it asks for input, but not for which";
                return Err(CallError::Invalid(words.to_string()));
            }
            return Ok(Round {
                answers: None,
                state,
            });
        };
        if requests.len() > QUESTIONS {
            let words = format!("it asks {} questions at once", requests.len());
            return Err(CallError::Invalid(words));
        }
        let mut answers = BTreeMap::new();
        for (key, request) in requests {
            let method = request["method"].as_str().unwrap_or_default();
            let answer = tokio::select! {
                answer = self.link.answer(method, request["params"].clone()) => answer,
                why = self.link.closed() => return Err(CallError::Closed(why)),
            };
            match answer {
                Ok(answer) => answers.insert(key.clone(), answer),
                Err(error) => {
                    let words = format!("the server asks for input ({method}): {}", error.message);
                    return Err(CallError::Failed(words));
                }
            };
        }
        Ok(Round {
            answers: Some(answers),
            state,
        })
    }

    /// What the SDK's error means for a call.
    async fn failed(&self, error: ServiceError) -> CallError {
        match error {
            ServiceError::McpError(error) => refusal(error),
            ServiceError::TransportSend(error) => match &self.end {
                End::Place(place) => Trouble::of(&*error.error).of_call(place),
                End::Process(_) => self.broken(&error.error.to_string()).await,
            },
            ServiceError::TransportClosed => match (self.link.is_closed(), &self.end) {
                // The SDK says no more of a stream of events that ends, or is larger than is taken.
                (false, End::Place(place)) => CallError::Failed(format!(
                    "{place} broke off its answer, or that is larger than {} MB, which is the limit",
                    LONGEST >> 20
                )),
                (false, End::Process(_)) => {
                    CallError::Closed("the connection has ended".to_string())
                }
                (true, _) => CallError::Closed(self.link.closed().await),
            },
            other => CallError::Failed(start_of(&other.to_string(), 1000).to_string()),
        }
    }

    /// A pipe that is broken is the end of the process, which is known in a moment.
    async fn broken(&self, words: &str) -> CallError {
        let patience = Duration::from_millis(700);
        match tokio::time::timeout(patience, self.link.closed()).await {
            Ok(why) => CallError::Closed(why),
            Err(_) => CallError::Failed(format!("the server does not listen: {words}")),
        }
    }
}

fn refusal(error: ErrorData) -> CallError {
    let ErrorData {
        code: ErrorCode(code),
        message,
        data,
    } = error;
    match code {
        INVALID => CallError::Invalid(message.into_owned()),
        TOO_LARGE => CallError::TooLarge(message.into_owned()),
        code => {
            let data = data.filter(|data| !data.is_null());
            let data = data.map_or(String::new(), |data| format!(" {data}"));
            let message = start_of(&message, 4000).to_string() + start_of(&data, 1000);
            CallError::Refused { code, message }
        }
    }
}

fn token(token: &RequestId) -> String {
    match token {
        RequestId::Number(number) => number.to_string(),
        RequestId::String(text) => text.to_string(),
    }
}
