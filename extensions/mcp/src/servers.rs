//! The servers of a session: started side by side in the background, and started again once where one dies.
//!
//! Nobody waits for a server who does not need it: a call waits for its own, the first request for all of them, but not long.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::client::{Client, News};
use crate::config::{Configured, Server};
use crate::connection::Connection;
use crate::errors::CallError;
use crate::found::{self, Found, SEARCH, Tools};
use crate::schema;
use crate::shepherd::Shepherd;

/// How long a server that died is left alone before it is started again.
const BACKOFF: Duration = Duration::from_millis(500);
/// So long the program's own start has the machine to itself. A server takes twenty times as long to be ready.
const HEAD_START: Duration = Duration::from_millis(25);
/// One that dies again sooner than this is given up.
const STEADY: Duration = Duration::from_secs(60);

/// The servers; a clone is the same.
#[derive(Clone)]
pub struct Servers(Arc<Inner>);

struct Inner {
    client: Arc<dyn Client>,
    shepherd: Shepherd,
    slots: BTreeMap<String, Slot>,
    /// Whether the model is not told of a tool, by the name that it would know it by.
    withholds: OnceLock<Withholds>,
    /// Counts what became different: a server is ready, gone, or has other tools.
    changes: watch::Sender<u64>,
}

type Withholds = Box<dyn Fn(&str) -> bool + Send + Sync>;

struct Slot {
    configured: Configured,
    state: Mutex<State>,
    /// As they were listed last, so that they can be asked for while the server is started again.
    tools: Mutex<Arc<Tools>>,
    /// They are listed anew by one task at a time, and one at most waits for its turn.
    refreshing: tokio::sync::Mutex<()>,
    is_due: AtomicBool,
}

/// How a server is.
#[derive(Clone)]
pub enum State {
    /// It is switched off in its file.
    Off,
    Starting,
    Ready(Ready),
    /// Why it can't be used, and what to do about it.
    Failed(String),
}

/// A server that can be asked.
#[derive(Clone)]
pub struct Ready {
    pub connection: Connection,
    pub tools: Arc<Tools>,
    since: Instant,
    /// It was started again after it had died.
    is_second: bool,
}

impl Ready {
    /// Whether it is given up when it ends now.
    fn is_worn(&self) -> bool {
        self.is_second && self.since.elapsed() < STEADY
    }
}

impl Servers {
    /// Starts all that are not switched off; returns at once.
    pub fn start(
        configured: impl IntoIterator<Item = Configured>,
        client: Arc<dyn Client>,
        shepherd: Shepherd,
    ) -> Servers {
        let slots = configured.into_iter().map(|configured| {
            let state = match &configured.server {
                Ok(server) if server.disabled => State::Off,
                Ok(_) => State::Starting,
                Err(why) => State::Failed(why.clone()),
            };
            let slot = Slot {
                state: Mutex::new(state),
                tools: Mutex::default(),
                refreshing: tokio::sync::Mutex::default(),
                is_due: AtomicBool::new(false),
                configured,
            };
            (slot.configured.name.clone(), slot)
        });
        let servers = Servers(Arc::new(Inner {
            client,
            shepherd,
            slots: slots.collect(),
            withholds: OnceLock::new(),
            changes: watch::Sender::new(0),
        }));
        for (name, slot) in &servers.0.slots {
            if matches!(*slot.state.lock(), State::Starting) {
                let (servers, name) = (servers.clone(), name.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(HEAD_START).await;
                    servers.bring_up(name, false).await;
                });
            }
        }
        servers
    }

    /// Whether there is any server to speak of.
    pub fn is_empty(&self) -> bool {
        let slots = self.0.slots.values();
        slots
            .into_iter()
            .all(|slot| matches!(*slot.state.lock(), State::Off))
    }

    /// Each server, and how it is now.
    pub fn states(&self) -> Vec<(Configured, State)> {
        let slots = self.0.slots.values();
        let states = slots.map(|slot| (slot.configured.clone(), slot.state.lock().clone()));
        states.collect()
    }

    /// Those that are ready, by name.
    pub fn ready(&self) -> Vec<(String, Ready)> {
        let states = self.states().into_iter();
        let ready = states.filter_map(|(configured, state)| match state {
            State::Ready(ready) => Some((configured.name, ready)),
            _ => None,
        });
        ready.collect()
    }

    /// Keeps tools from the model, by the names that it would know them by.
    pub fn withhold(&self, withholds: impl Fn(&str) -> bool + Send + Sync + 'static) {
        let _ = self.0.withholds.set(Box::new(withholds));
    }

    /// The tools of all that are ready, or will be again, by name, but for what is kept from the model.
    pub fn tools(&self) -> Vec<Found> {
        let slots = self.0.slots.values();
        let usable =
            slots.filter(|slot| matches!(*slot.state.lock(), State::Ready(_) | State::Starting));
        let mut tools: Vec<Found> = usable.flat_map(|slot| self.told_of(slot)).collect();
        tools.sort_by(|one, other| one.spec.name.cmp(&other.spec.name));
        tools
    }

    /// The tools of a server, as they were listed last, but for what is kept from the model.
    fn told_of(&self, slot: &Slot) -> Vec<Found> {
        let tools = slot.tools.lock().clone();
        let withholds = self.0.withholds.get();
        let told = tools
            .list
            .iter()
            .filter(|found| withholds.is_none_or(|withholds| !withholds(&found.spec.name)));
        told.cloned().collect()
    }

    /// Counts up whenever a server is ready, gone, or has other tools.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// Returns when no server is starting any more, or after `longest`.
    pub async fn settled(&self, longest: Duration) {
        let mut changes = self.changes();
        let is_starting = || {
            let mut slots = self.0.slots.values();
            slots.any(|slot| matches!(*slot.state.lock(), State::Starting))
        };
        // A timer rounds up.
        if longest.is_zero() || !is_starting() {
            return;
        }
        let settling = async { while is_starting() && changes.changed().await.is_ok() {} };
        let _ = tokio::time::timeout(longest, settling).await;
    }

    /// The longest time that a server may take to start.
    pub fn start_timeout(&self) -> Duration {
        let slots = self.0.slots.values();
        let timeouts =
            slots.filter_map(|slot| Some(slot.configured.server.as_ref().ok()?.start_timeout));
        timeouts.max().unwrap_or_default()
    }

    /// Calls a tool by the server's own name for it. `Err` is in words for the model.
    pub async fn call(
        &self,
        server: &str,
        tool: &str,
        args: Map<String, Value>,
    ) -> Result<Value, String> {
        let connection = self.connection(server).await?;
        let client = &self.0.client;
        let progress = |text: &str| client.progress(server, text);
        let mut unanswered = Unanswered(Some(connection.clone()));
        let answer = connection.call(tool, args, &progress).await;
        if !matches!(answer, Err(CallError::TimedOut { .. })) {
            unanswered.0 = None;
        }
        drop(unanswered);
        answer.map_err(|error| match error {
            CallError::Closed(_) => {
                let next = self.next(server);
                format!(
                    "{error}. The server {server} {next}; this call may have taken effect in part"
                )
            }
            error => error.to_string(),
        })
    }

    /// What becomes of a server that has just ended.
    fn next(&self, server: &str) -> &'static str {
        let is_given_up = match self
            .0
            .slots
            .get(server)
            .map(|slot| slot.state.lock().clone())
        {
            Some(State::Ready(ready)) => ready.is_worn(),
            Some(State::Starting) => false,
            _ => true,
        };
        match is_given_up {
            true => "is not started again, for it ended before",
            false => "is started again",
        }
    }

    /// Whether a tool of this name, as the model knows it, would be one of these servers'.
    pub fn has_server_of(&self, name: &str) -> bool {
        self.slot_of(name).is_some()
    }

    fn slot_of(&self, name: &str) -> Option<&Slot> {
        let mut slots = self.0.slots.values();
        slots.find(|slot| schema::is_of(name, &slot.configured.name))
    }

    /// The tool that the model knows by this name; `None` while its server starts. `Err` is in words for the model.
    pub fn tool(&self, name: &str) -> Result<Option<Found>, String> {
        let slot = self.slot_of(name).ok_or_else(|| {
            format!("no MCP server has a tool {name:?}; find its name with {SEARCH}")
        })?;
        let server = &slot.configured.name;
        let is_starting = match &*slot.state.lock() {
            State::Starting => true,
            State::Ready(_) => false,
            State::Off => return Err(is_off(server)),
            State::Failed(why) => return Err(has_failed(server, why)),
        };
        let tools = slot.tools.lock().clone();
        match tools.list.iter().find(|found| found.spec.name == name) {
            Some(found) => Ok(Some(found.clone())),
            None if is_starting => Ok(None),
            None => Err(format!(
                "the MCP server {server} has no tool {name:?}; it has: {}",
                found::names(&self.told_of(slot))
            )),
        }
    }

    /// The same; its server is waited for while it starts.
    pub async fn tool_soon(&self, name: &str) -> Result<Found, String> {
        let mut changes = self.changes();
        loop {
            if let Some(found) = self.tool(name)? {
                return Ok(found);
            }
            if changes.changed().await.is_err() {
                return Err(GONE.to_string());
            }
        }
    }

    /// The connection to a server, which is waited for while it starts.
    pub async fn connection(&self, server: &str) -> Result<Connection, String> {
        let slot = self.0.slots.get(server);
        let slot = slot.ok_or_else(|| format!("there is no MCP server {server:?}"))?;
        let mut changes = self.changes();
        loop {
            match &*slot.state.lock() {
                State::Ready(ready) if !ready.connection.is_closed() => {
                    return Ok(ready.connection.clone());
                }
                State::Off => return Err(is_off(server)),
                State::Failed(why) => return Err(has_failed(server, why)),
                State::Starting | State::Ready(_) => {}
            }
            if changes.changed().await.is_err() {
                return Err(GONE.to_string());
            }
        }
    }

    /// Ends all of them.
    pub async fn close(&self) {
        let ready = self.ready();
        let closing = ready.iter().map(|(_, ready)| ready.connection.close());
        futures::future::join_all(closing).await;
    }

    async fn bring_up(self, name: String, is_second: bool) {
        let Some(slot) = self.0.slots.get(&name) else {
            return;
        };
        let Ok(server) = &slot.configured.server else {
            return;
        };
        let state = match self.opened(server).await {
            Ok((connection, tools)) => State::Ready(Ready {
                connection,
                tools: Arc::new(tools),
                since: Instant::now(),
                is_second,
            }),
            Err(why) if is_second => {
                State::Failed(format!("it ended, and did not start again: {why}"))
            }
            Err(why) => State::Failed(why),
        };
        let opened = match &state {
            State::Ready(ready) => Some(ready.connection.clone()),
            _ => None,
        };
        self.set(slot, state);
        // Its end may have been told before it counted as ready, and nobody would start it again.
        if opened.is_some_and(|connection| connection.is_closed()) {
            tokio::spawn(self.clone().restart(name, "it ended at once".to_string()));
        }
    }

    async fn opened(&self, server: &Server) -> Result<(Connection, Tools), String> {
        let begun = Instant::now();
        let client = Arc::new(Listener {
            servers: Arc::downgrade(&self.0),
            client: self.0.client.clone(),
        });
        let opened = Connection::open(server, client, &self.0.shepherd).await;
        let connection = opened.map_err(|error| error.to_string())?;
        let left = server.start_timeout.saturating_sub(begun.elapsed());
        let tools = tokio::time::timeout(left, listed(server, &connection)).await;
        let late = || {
            "it did not list its tools in time (\"startTimeoutSeconds\" gives it longer)"
                .to_string()
        };
        let tools = tools.map_err(|_| late())??;
        Ok((connection, tools))
    }

    fn set(&self, slot: &Slot, state: State) {
        if let State::Ready(ready) = &state {
            *slot.tools.lock() = ready.tools.clone();
        }
        *slot.state.lock() = state;
        self.0.changes.send_modify(|count| *count += 1);
    }

    /// A server has other tools than before.
    async fn refresh(self, name: String) {
        let Some(slot) = self.0.slots.get(&name) else {
            return;
        };
        if slot.is_due.swap(true, Ordering::Relaxed) {
            return;
        }
        let _turn = slot.refreshing.lock().await;
        slot.is_due.store(false, Ordering::Relaxed);
        let (Ok(server), State::Ready(ready)) =
            (&slot.configured.server, slot.state.lock().clone())
        else {
            return;
        };
        // What can't be listed stays as it was.
        if let Ok(tools) = listed(server, &ready.connection).await
            && *ready.tools != tools
        {
            let tools = Arc::new(tools);
            self.set(slot, State::Ready(Ready { tools, ..ready }));
        }
    }

    /// A server has gone by itself.
    fn restart(self, name: String, why: String) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let Some(slot) = self.0.slots.get(&name) else {
                return;
            };
            let is_worn = match &*slot.state.lock() {
                State::Ready(ready) if ready.connection.is_closed() => ready.is_worn(),
                // It is being started already, or never was there; whoever starts it says why.
                _ => return,
            };
            if is_worn {
                let why = format!("it ended a second time: {why}");
                return self.set(slot, State::Failed(why));
            }
            self.set(slot, State::Starting);
            tokio::time::sleep(BACKOFF).await;
            self.bring_up(name, true).await;
        })
    }
}

const GONE: &str = "the MCP servers are gone";

fn is_off(server: &str) -> String {
    format!("the MCP server {server} is switched off")
}

fn has_failed(server: &str, why: &str) -> String {
    format!("the MCP server {server} can't be used: {why}")
}

/// Has a server looked at that left a call without an answer. One that is stopped is dropped, and this with it.
struct Unanswered(Option<Connection>);

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let (Some(connection), Ok(runtime)) =
            (self.0.take(), tokio::runtime::Handle::try_current())
        {
            runtime.spawn(connection.end_if_it_hangs());
        }
    }
}

async fn listed(server: &Server, connection: &Connection) -> Result<Tools, String> {
    if !connection.has("tools") {
        return Ok(Tools::default());
    }
    let raw = connection
        .tools()
        .await
        .map_err(|error| error.to_string())?;
    // Many large schemas take a while.
    let server = server.clone();
    let tools = tokio::task::spawn_blocking(move || Tools::of(&server, &raw));
    tools.await.map_err(|error| error.to_string())
}

/// Hears what servers tell, and passes it on.
struct Listener {
    servers: Weak<Inner>,
    client: Arc<dyn Client>,
}

#[async_trait]
impl Client for Listener {
    fn roots(&self) -> Vec<PathBuf> {
        self.client.roots()
    }

    fn elicits(&self) -> bool {
        self.client.elicits()
    }

    async fn elicit(&self, server: &str, params: Value) -> Value {
        self.client.elicit(server, params).await
    }

    fn samples(&self) -> bool {
        self.client.samples()
    }

    async fn sample(&self, server: &str, params: Value) -> Result<Value, String> {
        self.client.sample(server, params).await
    }

    fn told(&self, server: &str, news: News) {
        if let Some(servers) = self.servers.upgrade().map(Servers) {
            match &news {
                News::ToolsChanged => drop(tokio::spawn(servers.refresh(server.to_string()))),
                News::Closed(why) => {
                    drop(tokio::spawn(
                        servers.restart(server.to_string(), why.clone()),
                    ));
                }
                _ => {}
            }
        }
        self.client.told(server, news);
    }
}
