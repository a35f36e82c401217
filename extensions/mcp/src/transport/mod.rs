//! How messages travel. Three transports, and before each of them a gate that keeps from the SDK what it would be flooded by.

pub mod http;
mod lenient;
mod message;
mod post;
pub mod sse;
pub mod stdio;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rmcp::RoleClient;
use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, RequestId, ServerJsonRpcMessage, ServerNotification,
};
use rmcp::transport::Transport;
use serde_json::Value;

use crate::link::Link;

pub use message::{INVALID, TOO_LARGE};

/// The longest message that is taken, in bytes.
pub const LONGEST: usize = 32 << 20;

/// How long a request of the server's waits for others to be answered.
const PATIENCE: Duration = Duration::from_millis(100);
/// After so many messages that end here others get their turn.
const TURN: usize = 32;

/// A transport whose notifications are taken out, whose unasked answers are dropped, and whose requests are counted.
pub struct Gate<T> {
    inner: T,
    link: Arc<Link>,
    /// A request that waits for others to be answered.
    held: Option<ServerJsonRpcMessage>,
    full_since: Option<Instant>,
    dealt_with: usize,
}

impl<T> Gate<T> {
    pub fn new(inner: T, link: Arc<Link>) -> Gate<T> {
        Gate {
            inner,
            link,
            held: None,
            full_since: None,
            dealt_with: 0,
        }
    }

    /// The held request, once there is room for it; `None` if there was none for too long.
    async fn let_in(&mut self) -> Option<ServerJsonRpcMessage> {
        loop {
            if self.link.admit() {
                self.full_since = None;
                return self.held.take();
            }
            let since = self.full_since.get_or_insert_with(Instant::now);
            if since.elapsed() >= PATIENCE {
                self.held = None;
                return None;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Something was dealt with. Now and then others get their turn.
    async fn pause(&mut self) {
        self.dealt_with += 1;
        if self.dealt_with.is_multiple_of(TURN) {
            tokio::task::yield_now().await;
        }
    }

    /// What of a message is the SDK's business.
    fn sift(&mut self, message: ServerJsonRpcMessage) -> Option<ServerJsonRpcMessage> {
        match message {
            ServerJsonRpcMessage::Response(mut response) => {
                response.id = number(response.id);
                let awaited = self.link.forget(&response.id);
                awaited.then_some(ServerJsonRpcMessage::Response(response))
            }
            ServerJsonRpcMessage::Error(mut error) => {
                error.id = error.id.map(number);
                let awaited = error.id.as_ref().is_none_or(|id| self.link.forget(id));
                awaited.then_some(ServerJsonRpcMessage::Error(error))
            }
            ServerJsonRpcMessage::Notification(notification) => {
                let notification = notification.notification;
                // The server gives up a request of its own, or ends a subscription.
                if matches!(notification, ServerNotification::CancelledNotification(_)) {
                    return Some(ServerJsonRpcMessage::notification(notification));
                }
                let (method, params) = parts(&notification);
                self.link.told(&method, &params);
                None
            }
            ServerJsonRpcMessage::Request(_) => Some(message),
        }
    }
}

impl<T: Transport<RoleClient>> Transport<RoleClient> for Gate<T> {
    type Error = T::Error;

    fn send(
        &mut self,
        message: ClientJsonRpcMessage,
    ) -> impl Future<Output = Result<(), T::Error>> + Send + 'static {
        let mut answers = false;
        match &message {
            ClientJsonRpcMessage::Request(request) => self.link.expect(request.id.clone()),
            ClientJsonRpcMessage::Notification(notification) => {
                if let ClientNotification::CancelledNotification(cancelled) =
                    &notification.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    self.link.forget(id);
                }
            }
            ClientJsonRpcMessage::Response(_) | ClientJsonRpcMessage::Error(_) => answers = true,
        }
        let sent = self.inner.send(message);
        let link = self.link.clone();
        async move {
            let sent = sent.await;
            if answers {
                link.answered();
            }
            sent
        }
    }

    async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        loop {
            if self.held.is_some() {
                if let Some(request) = self.let_in().await {
                    return Some(request);
                }
                self.pause().await;
                continue;
            }
            let message = self.inner.receive().await?;
            match self.sift(message) {
                Some(request @ ServerJsonRpcMessage::Request(_)) => self.held = Some(request),
                Some(message) => return Some(message),
                None => self.pause().await,
            }
        }
    }

    async fn close(&mut self) -> Result<(), T::Error> {
        self.link.close("the connection has ended".to_string());
        self.inner.close().await
    }
}

/// Our own numbers are sometimes sent back as text.
fn number(id: RequestId) -> RequestId {
    match &id {
        RequestId::String(text) => text.parse().map_or(id, RequestId::Number),
        RequestId::Number(_) => id,
    }
}

/// The method and the parameters of a notification or a request.
pub fn parts(message: &impl serde::Serialize) -> (String, Value) {
    let mut value = serde_json::to_value(message).unwrap_or_default();
    let method = value["method"].as_str().unwrap_or_default().to_string();
    (method, value["params"].take())
}
