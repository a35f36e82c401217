//! Which tools of servers the model is told of, and how: few by themselves, many behind two.
//!
//! Until the first request everything may still change. From then on the prefix stands, for providers cache it: what comes late
//! is told at the tail, and joins the prefix at the next compaction.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use corecoder::context::tokens;
use corecoder::standing::Standing;
use corecoder::{Kit, Spec, Tool, Toolset};
use parking_lot::Mutex;
use tokio_util::task::AbortOnDropHandle;

use crate::found::Found;
use crate::servers::{Servers, State};
use crate::tools::{CALL, CallFound, Direct, Remembered, SEARCH, Search, both};

/// More tools than this stand behind two.
const MOST: usize = 40;
/// As do tools that would fill more of the window, in percent.
const SHARE: u64 = 10;
/// So many are given one by one in a conversation, however often a server lists others.
const EVER: usize = 2 * MOST;
/// What a server says of its use, in bytes at most; and all of them together.
const INSTRUCTIONS: usize = 2_000;
const ALL_INSTRUCTIONS: usize = 10_000;

/// What is put around each tool before the model is given it: hooks, rules, records. `None` keeps it from the model.
pub type Wrap = Box<dyn Fn(Arc<dyn Tool>) -> Option<Arc<dyn Tool>> + Send + Sync>;

/// Offers servers' tools to an agent as they come.
pub struct Offer(Arc<Inner>);

struct Inner {
    servers: Servers,
    tools: Toolset,
    standing: Standing,
    wrap: Wrap,
    /// Of the model, in tokens.
    window: u64,
    /// The names of tools that the conversation has called before.
    known: BTreeSet<String>,
    given: Mutex<Given>,
}

/// What the agent was given.
#[derive(Default)]
struct Given {
    direct: BTreeSet<String>,
    behind: bool,
    /// The first request is under way: what was given stays.
    has_begun: bool,
    /// Keeps it up to date.
    task: Option<AbortOnDropHandle<()>>,
}

impl Offer {
    /// Offers them to the agent of this kit, whose model has such a window, and whose conversation has called these tools
    /// before.
    pub fn new(
        servers: Servers,
        kit: &Kit,
        window: u64,
        known: BTreeSet<String>,
        wrap: Wrap,
    ) -> Offer {
        let inner = Arc::new(Inner {
            servers,
            tools: kit.tools.clone(),
            standing: kit.standing.clone(),
            wrap,
            window,
            known,
            given: Mutex::default(),
        });
        let (mut changes, weak) = (inner.servers.changes(), Arc::downgrade(&inner));
        let task = tokio::spawn(async move {
            while changes.changed().await.is_ok() {
                let Some(inner) = weak.upgrade() else { return };
                inner.update();
            }
        });
        inner.given.lock().task = Some(AbortOnDropHandle::new(task));
        inner.update();
        Offer(inner)
    }

    /// To be awaited before each request that begins a run: before the first, servers that still start are waited for, but no
    /// longer than this.
    pub async fn begin(&self, longest: Duration) {
        if self.0.given.lock().has_begun {
            return;
        }
        self.0.servers.settled(longest).await;
        self.0.update();
        self.0.given.lock().has_begun = true;
    }
}

impl Inner {
    fn update(&self) {
        let found = self.servers.tools();
        let specs: Vec<Spec> = found.iter().map(|found| found.spec.clone()).collect();
        let is_much =
            specs.len() > MOST || tokens::of_prefix("", &specs) * 100 > self.window * SHARE;
        let mut given = self.given.lock();
        let new = found
            .iter()
            .filter(|found| !given.direct.contains(&found.spec.name));
        let is_much = is_much || given.has_begun && given.direct.len() + new.count() > EVER;
        match (given.has_begun, is_much) {
            (false, _) => self.give_anew(&mut given, found, is_much),
            (true, false) if !given.behind => self.give_more(&mut given, found),
            (true, _) => self.give_behind(&mut given, &found),
        }
        drop(given);
        self.remember();
        self.tell_instructions();
    }

    /// What the conversation has called before can be called again, before its server is ready, and is told why not after that.
    fn remember(&self) {
        let is_missing = |name: &&String| self.tools.get(name).is_none();
        for name in self.known.iter().filter(is_missing) {
            let servers = self.servers.clone();
            let tool: Arc<dyn Tool> = match name.as_str() {
                SEARCH => Arc::new(Search::new(servers)),
                CALL => Arc::new(CallFound::new(servers)),
                name if self.servers.has_server_of(name) => {
                    Arc::new(Remembered::new(servers, name.to_string()))
                }
                _ => continue,
            };
            if let Some(tool) = (self.wrap)(tool) {
                self.tools.add_untold(tool);
            }
        }
    }

    /// Before the first request.
    fn give_anew(&self, given: &mut Given, found: Vec<Found>, is_much: bool) {
        for name in std::mem::take(&mut given.direct) {
            self.tools.remove(&name);
        }
        given.behind = is_much;
        [SEARCH, CALL]
            .iter()
            .for_each(|name| self.tools.remove(name));
        match is_much {
            true => {
                self.add_both();
                self.know(&found);
            }
            false => self.give_more(given, found),
        }
    }

    /// Each tool by itself.
    fn give_more(&self, given: &mut Given, found: Vec<Found>) {
        for found in found {
            given.direct.insert(found.spec.name.clone());
            let tool = Arc::new(Direct::new(self.servers.clone(), found));
            self.add(tool);
        }
    }

    /// What came late and is too much: it is found and called through the two.
    fn give_behind(&self, given: &mut Given, found: &[Found]) {
        if !std::mem::replace(&mut given.behind, true) {
            self.add_both();
        }
        self.know(found);
        let is_late = |found: &&Found| !given.direct.contains(&found.spec.name);
        let late = found.iter().filter(is_late).count();
        if late == 0 {
            return self.standing.remove("mcp tools");
        }
        let text = format!(
            "[MCP servers have {late} more tools; find them with {SEARCH} and call them with {CALL}]"
        );
        self.standing.set("mcp tools", text);
    }

    /// A model may call what a search has shown by its own name, too.
    fn know(&self, found: &[Found]) {
        for found in found {
            let tool = Arc::new(Direct::new(self.servers.clone(), found.clone()));
            if let Some(tool) = (self.wrap)(tool) {
                self.tools.add_untold(tool);
            }
        }
    }

    fn add(&self, tool: Arc<dyn Tool>) {
        if let Some(tool) = (self.wrap)(tool) {
            self.tools.add(tool);
        }
    }

    fn add_both(&self) {
        for tool in both(&self.servers) {
            self.add(tool);
        }
    }

    /// What servers say of their use.
    fn tell_instructions(&self) {
        let states = self.servers.states();
        let most = INSTRUCTIONS.min(ALL_INSTRUCTIONS / states.len().max(1));
        for (configured, state) in states {
            let name = format!("mcp {}", configured.name);
            let State::Ready(ready) = state else { continue };
            let Some(words) = ready.connection.instructions().map(str::trim) else {
                continue;
            };
            if words.is_empty() || ready.tools.list.is_empty() {
                continue;
            }
            let end = words.floor_char_boundary(most);
            let cut = if end < words.len() { " ..." } else { "" };
            let text = format!(
                "[the MCP server {} says how its tools are used]\n{}{cut}",
                configured.name,
                &words[..end]
            );
            self.standing.set(&name, text);
        }
    }
}
