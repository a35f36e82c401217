//! The host: shows what happens, and says what may happen, by hooks, by rules, and at last by asking.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use console::style;
use corecoder::files::shown;
use corecoder::inbox::Inbox;
use corecoder::{Approval, Effect, Entry, Event, Host, Reply, ToolCall};
use corecoder_conventions::Trust;
use corecoder_guard::permissions::{self, Mode, Permissions, Rule, Verdict};
use corecoder_hooks::{Decision, Hooks};
use corecoder_providers::budget::{Limit, Limits, Short};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::attach::{self, Attached};
use crate::mcp::{Mcp, elicited};
use crate::placed::Places;
use crate::plan::{self, Modes};
use crate::project::{Project, claude};
use crate::question::{self, Answer};
use crate::screen::Screen;
use crate::turn;
use crate::typing::Message;
use crate::walls::{Walls, Way};
use crate::words::{dollars, plain, subject, tokens, visible};

/// Whoever works with the program.
pub struct Person {
    pub screen: Arc<Screen>,
    pub modes: Modes,
    pub hooks: Hooks,
    pub places: Places,
    pub permissions: Mutex<Permissions>,
    /// What keeps the commands.
    pub walls: Walls,
    /// The commands that were allowed to go this far, by who runs them.
    ways: Mutex<HashMap<(String, String), Way>>,
    /// Somebody is there to be asked.
    attends: bool,
    memory: Memory,
    turn: tokio::sync::Mutex<()>,
    /// Rung when a question is answered with Ctrl+C: the whole run is to stop.
    pub interrupted: Notify,
    /// The reply of this round has come to its end, so another request may follow.
    replied: AtomicBool,
    /// Where messages go that were typed meanwhile.
    inbox: Mutex<Option<Inbox>>,
    home: Option<PathBuf>,
    folder: PathBuf,
    /// The servers of the session, once they are started.
    mcp: Mutex<Option<Arc<Mcp>>>,
}

/// Where rules are remembered.
struct Memory {
    file: PathBuf,
    root: PathBuf,
    data: Option<PathBuf>,
    trusted: bool,
}

impl Memory {
    /// Keeps rules in the project's settings. Where the folder is not trusted, the file must be the user's own, or new, and
    /// it alone counts from then on.
    fn keep(&self, rules: &[Rule]) -> Result<(), String> {
        let folder = self.file.parent().unwrap_or(&self.root);
        let leads = folder.canonicalize().unwrap_or(folder.to_path_buf());
        let root = self.root.canonicalize().unwrap_or(self.root.clone());
        if !leads.starts_with(root) {
            return Err(format!("{} leads out of the project", shown(folder)));
        }
        let (mut trust, problems) = Trust::load(self.data.as_deref());
        if !self.trusted {
            problems
                .first()
                .map_or(Ok(()), |problem| Err(problem.clone()))?;
            if self.file.symlink_metadata().is_ok() && !trust.owns(&self.file) {
                return Err("this folder brings settings of its own and is not trusted".to_string());
            }
        }
        permissions::remember(&self.file, rules)?;
        match self.trusted {
            true => Ok(()),
            false => trust.own(&self.file),
        }
    }
}

impl Person {
    pub fn new(screen: Arc<Screen>, project: &Project, walls: &Walls, attends: bool) -> Person {
        let mut hooks = project.hooks.clone();
        let shown = screen.clone();
        hooks.on_warning(move |warning| shown.warn(&plain(warning)));
        let places = &project.places;
        Person {
            screen,
            modes: Modes::new(project.mode, walls.stand()),
            hooks,
            places: Places::default(),
            permissions: Mutex::new(project.permissions.clone()),
            walls: walls.clone(),
            ways: Mutex::default(),
            attends,
            memory: Memory {
                file: project.rules_file(),
                root: places.root.clone(),
                data: places.data.clone(),
                trusted: places.trusted,
            },
            turn: tokio::sync::Mutex::default(),
            interrupted: Notify::new(),
            replied: AtomicBool::new(false),
            inbox: Mutex::default(),
            home: places.home.clone(),
            folder: places.cwd.clone(),
            mcp: Mutex::default(),
        }
    }

    /// Whether somebody is there to be asked.
    pub fn attends(&self) -> bool {
        self.attends
    }

    /// The session works with these servers.
    pub fn works_with(&self, mcp: Option<Arc<Mcp>>) {
        *self.mcp.lock() = mcp;
    }

    /// The session is over, and its servers with it.
    pub async fn leave(&self) {
        // They have the tools, of which some have this: let go, or nobody would tidy up behind the session.
        let mcp = self.mcp.lock().take();
        if let Some(mcp) = mcp {
            mcp.servers.close().await;
        }
    }

    /// The servers of the session.
    pub fn mcp(&self) -> Option<Arc<Mcp>> {
        self.mcp.lock().clone()
    }

    /// Messages that are typed while the agent works go to this inbox.
    pub fn deliver_to(&self, inbox: &Inbox) {
        *self.inbox.lock() = Some(inbox.clone());
    }

    /// A round is over: what was typed meanwhile is said before the next one. After one that failed or was stopped there
    /// is none, and what was typed goes back to the prompt.
    fn deliver(&self) {
        if !self.replied.load(Ordering::Relaxed) || !self.screen.is_at_work() {
            return;
        }
        let inbox = self.inbox.lock().clone();
        let Some(inbox) = inbox else { return };
        // A command is for the program, and waits for the end of the turn.
        let said = self
            .screen
            .take_queue(|message| message.heard && !message.is_command());
        for message in said {
            let Message { text, context, .. } = message;
            self.screen.line(&format!("> {}", plain(&text)));
            let mut attached = self.attached(&text);
            attached.extend(self.told(message.brought.unwrap_or_default()));
            inbox.send(text);
            attached.into_iter().for_each(|entry| inbox.post(entry));
            if let Some(context) = context {
                inbox.post(turn::added(&context));
            }
        }
    }

    /// Why a file must not be read, if so.
    pub fn denies(&self, path: &Path) -> Option<String> {
        let args = serde_json::json!({"file_path": path.to_string_lossy()});
        let call = Reply::calls([("read_file", args)]).calls.pop()?;
        let rules = self.permissions.lock();
        match rules.judge(&call, Effect::Read, self.modes.get(), &self.folder) {
            Verdict::Deny(_) => Some("a rule denies it".to_string()),
            _ => None,
        }
    }

    /// What a message brings along with `@`, less what must not be read. The person is told.
    pub fn attached(&self, message: &str) -> Vec<Entry> {
        let refused = |path: &Path| self.denies(path);
        let mcp = self.mcp();
        let is_mention = |name: &str| mcp.as_ref().is_some_and(|mcp| mcp.is_mention(name));
        let home = self.home.as_deref();
        self.told(attach::attached(
            message,
            &self.folder,
            home,
            refused,
            is_mention,
        ))
    }

    /// The resources of servers that a message brings along. The person is told.
    pub async fn mentioned(&self, message: &str) -> Vec<Entry> {
        match self.mcp() {
            Some(mcp) => self.told(mcp.attached(message).await),
            None => Vec::new(),
        }
    }

    /// What is brought along, once the person is told.
    pub fn told(&self, attached: Attached) -> Vec<Entry> {
        if !attached.names.is_empty() {
            let names = plain(&attached.names.join(", "));
            self.screen
                .line(&style(format!("attached: {names}")).dim().to_string());
        }
        let problems = attached.problems.iter();
        problems.for_each(|problem| self.screen.warn(&plain(problem)));
        attached.entries
    }

    /// The word of hooks and rules, and of the person where those leave it open.
    async fn judge(&self, who: &str, call: &ToolCall, effect: Effect) -> Approval {
        // Rules and hooks are about the tool that is called in the end.
        let meant = corecoder_mcp::tools::meant(call);
        let call = meant.as_ref().unwrap_or(call);
        let cwd = self.places.of(call).unwrap_or_else(|| self.folder.clone());
        if !self.hooks.is_empty() {
            self.screen
                .works(&format!("hooks for {}", visible(&call.name)));
        }
        let before = self.hooks.before(who, call).await;
        self.screen.rests();
        before
            .warnings
            .iter()
            .for_each(|warning| self.screen.warn(&plain(warning)));
        if let Decision::Deny(reason) = &before.decision {
            return Approval::No(reason.clone());
        }
        let mut judged = call.clone();
        if let Some(input) = before.input {
            judged.args = Ok(input);
        }
        let effect = self.hooks.effect_of(call, effect);
        let is_allowed =
            before.decision == Decision::Allow || self.is_allowed(&judged, effect, &cwd);
        let is_timid = self.walls.keep(&judged) && self.is_timid();
        let approval = self
            .decide(who, &judged, effect, before.decision, &cwd)
            .await;
        if approval == Approval::Yes && is_allowed && is_timid {
            self.lets(who, &subject(&judged), Way::Within);
        }
        approval
    }

    /// The word of the rules, and of the person where they and the hooks leave it open.
    async fn decide(
        &self,
        who: &str,
        call: &ToolCall,
        effect: Effect,
        heard: Decision,
        cwd: &Path,
    ) -> Approval {
        let presents = call.name == plan::NAME;
        match (self.verdict(call, effect, cwd), heard) {
            (Verdict::Deny(words), _) => Approval::No(words),
            (Verdict::Ask { .. }, Decision::Allow) if !presents => Approval::Yes,
            (Verdict::Allow, Decision::Ask(reason)) => {
                self.ask(who, call, cwd, &[], Some(&reason)).await
            }
            (Verdict::Allow, _) => Approval::Yes,
            (Verdict::Ask { .. }, _) if presents => self.present(who, call).await,
            (Verdict::Ask { .. }, Decision::Ask(reason)) => {
                self.ask(who, call, cwd, &[], Some(&reason)).await
            }
            (Verdict::Ask { always }, _) => self.ask(who, call, cwd, &always, None).await,
        }
    }

    /// What the rules say of a call. What a command does within walls that stand needs no word of theirs, but they may
    /// have one.
    fn verdict(&self, call: &ToolCall, effect: Effect, cwd: &Path) -> Verdict {
        let effect = match self.walls.keep(call) {
            true => Effect::Read,
            false => effect,
        };
        let rules = self.permissions.lock();
        rules.judge(call, effect, self.modes.get(), cwd)
    }

    /// Whether a rule lets a command write, as it would without walls.
    fn is_allowed(&self, call: &ToolCall, effect: Effect, cwd: &Path) -> bool {
        let rules = self.permissions.lock();
        effect == Effect::Write
            && rules.judge(call, effect, self.modes.get(), cwd) == Verdict::Allow
    }

    /// Whether commands only read, because nobody is there to be asked and nobody said that they may write.
    pub fn is_timid(&self) -> bool {
        !self.attends && !self.walls.is_chosen && self.modes.get() == Mode::Ask
    }

    /// The next run of this command goes this way, whatever the mode says.
    fn lets(&self, who: &str, command: &str, way: Way) {
        let key = (who.to_string(), command.to_string());
        self.ways.lock().insert(key, way);
    }

    /// The person types this command, so it runs with their rights.
    pub fn types(&self, command: &str) {
        if self.walls.stand() {
            self.lets("", command, Way::Outside);
        }
    }

    /// Whether commands may only read for now, beside those that the user allowed.
    pub fn only_reads(&self) -> bool {
        self.is_timid() || self.modes.get() == Mode::Plan
    }

    /// How a command runs.
    pub fn way(&self, who: &str, command: &str) -> Way {
        let allowed = self
            .ways
            .lock()
            .remove(&(who.to_string(), command.to_string()));
        let usual = match self.only_reads() {
            true => Way::Reading,
            false => Way::Within,
        };
        allowed.unwrap_or(usual)
    }

    async fn ask(
        &self,
        who: &str,
        call: &ToolCall,
        cwd: &Path,
        always: &[Rule],
        reason: Option<&str>,
    ) -> Approval {
        if !self.attends {
            return Approval::No(UNATTENDED.to_string());
        }
        let _turn = self.turn.lock().await;
        // While this question waited for its turn, the answer to another may have answered it.
        match self.verdict(call, Effect::Write, cwd) {
            Verdict::Allow if reason.is_none() => return Approval::Yes,
            Verdict::Deny(words) => return Approval::No(words),
            _ => {}
        }
        let asked = self.screen.ask();
        match question::ask(who, call, always, reason, self.screen.look()).await {
            Answer::Yes => Approval::Yes,
            Answer::Always => {
                self.remember(always);
                Approval::Yes
            }
            Answer::No(reason) => Approval::No(reason),
            Answer::Interrupted => {
                drop(asked);
                self.interrupt().await
            }
        }
    }

    /// A limit leaves no room for the next request: the limits with which it goes on, if the person wants that.
    pub async fn raise(&self, short: Short) -> Option<Limits> {
        if !self.attends {
            return None;
        }
        let _turn = self.turn.lock().await;
        let is_cents = |sum: f64| (sum * 100.0 - (sum * 100.0).round()).abs() < 1e-6;
        let show = |sum: f64| match short.limit {
            Limit::Tokens => format!("{} tokens", tokens(sum as u64)),
            Limit::Session | Limit::Day if is_cents(sum) => format!("${sum:.2}"),
            Limit::Session | Limit::Day => dollars(sum),
        };
        let asked = self.screen.ask();
        let raised = match question::raise(&short.words, short.allowed, offered(&short), show).await
        {
            Ok(raised) => raised?,
            Err(Answer::Interrupted) => {
                drop(asked);
                return self.interrupt().await;
            }
            Err(_) => return None,
        };
        Some(match short.limit {
            Limit::Session => Limits {
                session: Some(raised),
                ..Limits::default()
            },
            Limit::Day => Limits {
                day: Some(raised),
                ..Limits::default()
            },
            Limit::Tokens => Limits {
                tokens: Some(raised as u64),
                ..Limits::default()
            },
        })
    }

    /// A command failed by what the sandbox refused: whether it may run outside. `None` if that was not asked.
    pub async fn lets_outside(
        &self,
        who: &str,
        args: &Value,
        refusals: &[String],
    ) -> Option<Answer> {
        let call = Reply::calls([("bash", args.clone())]).calls.pop()?;
        let _turn = self.turn.lock().await;
        // In plan mode nothing is to change, and yolo asks nothing.
        let asks = matches!(self.modes.get(), Mode::Ask | Mode::AcceptEdits);
        if !self.attends || !asks {
            return None;
        }
        let asked = self.screen.ask();
        match question::outside(who, &call, refusals, self.screen.look()).await {
            Answer::Interrupted => {
                drop(asked);
                self.interrupt().await
            }
            answer => Some(answer),
        }
    }

    /// Whether something goes on that a server may need the person or the model for. At the prompt nothing does, and the server
    /// is refused.
    pub fn is_at_work_for(&self, server: &str) -> bool {
        let is_at_work = !self.attends || self.screen.is_at_work();
        if let Some(mcp) = self.mcp().filter(|_| !is_at_work) {
            mcp.refuses(server);
        }
        is_at_work
    }

    /// What a server asks the person for.
    pub async fn elicit(&self, server: &str, params: &Value) -> Value {
        if !self.attends {
            return json!({"action": "decline"});
        }
        let begun = self.screen.begun();
        let _turn = self.turn.lock().await;
        // At the prompt a line is being typed, which no question may push away; and the next work has nothing to do with it.
        if !self.is_at_work_for(server) || self.screen.begun() != begun {
            return json!({"action": "cancel"});
        }
        let asked = self.screen.ask();
        let answer = elicited::ask(server, params, self.screen.look().width).await;
        drop(asked);
        if let Err(Answer::Interrupted) = answer {
            self.interrupted.notify_one();
            // Questions of others wait until the run has stopped, and need no answer then.
            self.screen.rested().await;
        }
        answer.unwrap_or_else(|_| json!({"action": "cancel"}))
    }

    /// Stops the run. There is no answer: with one the run would go on until it is stopped, and ask the next question.
    async fn interrupt<T>(&self) -> T {
        self.interrupted.notify_one();
        std::future::pending().await
    }

    /// Shows a plan, and asks what is to become of it.
    async fn present(&self, who: &str, call: &ToolCall) -> Approval {
        if !who.is_empty() {
            return Approval::No(
                "only the main agent presents a plan; put yours into your report".to_string(),
            );
        }
        if !self.attends {
            return Approval::No(
                "nobody is here to approve it: give the plan as your answer instead".to_string(),
            );
        }
        let _turn = self.turn.lock().await;
        let args = call.args.as_ref().unwrap_or(&Value::Null);
        let text = args["plan"].as_str().unwrap_or_default().to_string();
        let asked = self.screen.ask();
        match question::plan(text, self.screen.look()).await {
            Ok(approved) => {
                self.modes.approve(approved);
                Approval::Yes
            }
            Err(Answer::No(reason)) => Approval::No(reason),
            Err(_) => {
                drop(asked);
                self.interrupt().await
            }
        }
    }

    /// Keeps rules for this session, and for this project where that is the user's will.
    fn remember(&self, rules: &[Rule]) {
        for rule in rules {
            self.permissions.lock().allow(rule.clone());
        }
        let kept = self.memory.keep(rules);
        match kept {
            Ok(()) => self
                .screen
                .line(&format!("  kept in {}", shown(&self.memory.file))),
            Err(why) => self
                .screen
                .warn(&format!("  remembered for this session only: {why}")),
        }
    }

    /// Goes on to the next mode.
    pub fn next_mode(&self, kit: &corecoder::Kit) -> Mode {
        let mode = self.modes.get().next();
        self.set_mode(mode, kit);
        mode
    }

    pub fn set_mode(&self, mode: Mode, kit: &corecoder::Kit) {
        self.modes.set(mode, kit);
        self.hooks.mode(claude(mode));
    }
}

const UNATTENDED: &str = "nobody is here to be asked, no rule allows this (--allowed-tools, or permissions in the settings), \
and the run was started without --yes. Do what you can without it, and say in your answer what you would change.";

/// Twice the limit, or more where that is less than the next request needs: the same question would come again. A sum
/// that is easily read.
fn offered(short: &Short) -> f64 {
    let enough = short.allowed - short.left + short.needed;
    let step = match short.limit {
        Limit::Tokens => 1_000.0,
        Limit::Session | Limit::Day => 0.01,
    };
    // Sums of floats may differ in their last digit.
    (enough.max(short.allowed * 2.0) / step - 1e-6).ceil() * step
}

#[async_trait]
impl Host for Person {
    fn event(&self, who: &str, event: &Event<'_>) {
        self.screen.event(who, event);
        match event {
            _ if !who.is_empty() => {}
            Event::Request { .. } => self.replied.store(false, Ordering::Relaxed),
            Event::Replied(_) => self.replied.store(true, Ordering::Relaxed),
            Event::Closed(_) => self.deliver(),
            // Nobody waits for these hooks: the conversation can't go on without room.
            Event::Compacting if !self.hooks.is_empty() => {
                let (hooks, screen) = (self.hooks.clone(), self.screen.clone());
                tokio::spawn(async move {
                    let heard = hooks.pre_compact("auto", "").await;
                    heard
                        .warnings
                        .iter()
                        .for_each(|warning| screen.warn(&plain(warning)));
                });
            }
            _ => {}
        }
    }

    async fn approve(&self, who: &str, call: &ToolCall, effect: Effect) -> Approval {
        self.judge(who, call, effect).await
    }
}
