//! The agent, put together: engine, guard, session, hooks, and the tools of this program.

use std::sync::Arc;

use corecoder::{Agent, Host, Tool, tools};
use corecoder_edit::{EditFile, WriteFile};
use corecoder_guard::permissions::Rule;
use corecoder_locate::Locate;
use corecoder_mcp::offer::Wrap;
use corecoder_sessions::record::Recorder;
use corecoder_sessions::track::Tracker;

use crate::args::Args;
use crate::keep::Kept;
use crate::outside::Walled;
use crate::person::Person;
use crate::plan::{self, PresentPlan};
use crate::status::Bill;
use crate::todo::{self, TodoWrite};
use crate::walls::Way;
use crate::{Start, cost, project, unsure, words};

/// The agent that works in this session, for this person. What happens is told to `host`, which asks the person. Errors
/// if its model can't be set up.
pub fn agent(
    start: &Start,
    kept: &mut Kept,
    person: &Arc<Person>,
    host: Arc<dyn Host>,
) -> Result<Agent, String> {
    let Start {
        args,
        project,
        backend,
        ..
    } = start;
    let mut tools = allowed(start, person);
    let words = project.words(args);
    backend.talk.begin(person, &words);
    let id = kept.session.as_ref().map(|session| session.id());
    let mut agent = Agent::new(backend.model(id)?)
        .folder(&project.places.cwd)
        .shell(person.walls.shell(Way::Within))
        .instructions(&instructions(&words, &tools))
        .window(project.settings.config.max_context);
    if let Some(system) = backend.talk.system() {
        agent = agent.system(system);
    }
    if let Some(turns) = project.settings.max_turns {
        agent = agent.rounds(usize::try_from(turns).unwrap_or(usize::MAX));
    }
    let (mut told, mut tracker) = (host, None);
    if let Some(session) = &kept.session {
        let root = agent.kit().files.root().to_path_buf();
        let follows = Tracker::new(session.clone(), root);
        tools = follows.follow(&tools);
        tracker = Some(follows);
        told = Arc::new(Recorder::new(session.clone(), told));
        person.hooks.session(&session.id(), Some(session.path()));
    }
    begin_bill(start, kept, person);
    // A hook that replaces an input does so before anything is followed.
    agent = agent.tools(person.hooks.follow(&tools)).host(told);
    if let Some(mcp) = person.mcp() {
        mcp.offer(&mut agent, &kept.entries, around(start, person, tracker));
    }
    go_on(&mut agent, kept, person);
    Ok(agent)
}

/// Goes on from what was kept.
fn go_on(agent: &mut Agent, kept: &mut Kept, person: &Person) {
    agent.resume(std::mem::take(&mut kept.entries));
    person.deliver_to(&agent.kit().inbox);
    person.modes.recall(agent);
    todo::recall(agent);
}

/// What is put around the tools of servers, as around all others.
fn around(start: &Start, person: &Arc<Person>, tracker: Option<Arc<Tracker>>) -> Wrap {
    let (places, hooks) = (person.places.clone(), person.hooks.clone());
    let refused = refused(&start.args);
    Box::new(move |tool| {
        if is_refused(&refused, tool.as_ref()) {
            return None;
        }
        // What it calls has all of this around it.
        if tool.spec().name == corecoder_mcp::tools::CALL {
            return Some(tool);
        }
        let mut tools = places.follow(&[tool]);
        if let Some(tracker) = &tracker {
            tools = tracker.follow(&tools);
        }
        hooks.follow(&tools).pop()
    })
}

/// The words behind the system prompt, led by when to use a tool that the engine's prompt does not know of.
fn instructions(words: &str, tools: &[Arc<dyn Tool>]) -> String {
    let has_locate = tools.iter().any(|tool| tool.spec().name == LOCATE);
    let first = if has_locate { WHEN_TO_LOCATE } else { "" };
    format!("{first}{words}")
}

const LOCATE: &str = "locate";
const WHEN_TO_LOCATE: &str = "When you only know what a problem is about, ask locate first; use grep when you know a word that must be there.\n\n";

/// The tools that the model is given.
fn allowed(start: &Start, person: &Arc<Person>) -> Vec<Arc<dyn Tool>> {
    let mut tools = all(person);
    let refused = refused(&start.args);
    tools.retain(|tool| !is_refused(&refused, tool.as_ref()));
    start.backend.talk.tools(&person.places.follow(&tools))
}

/// What a session has spent already counts against its limits.
fn begin_bill(start: &Start, kept: &Kept, person: &Person) {
    let journal = kept.session.as_ref().map(|session| session.path());
    let bill = journal.and_then(|journal| cost::of(journal, &start.project.settings).ok());
    let total = bill.map(|(bill, _)| bill.sheet().total).unwrap_or_default();
    let tokens = total.usage.prompt + total.usage.completion;
    let unsure = unsure::of(start, kept);
    let (ledger, dollars) = (&start.backend.ledger, total.dollars + unsure.dollars);
    ledger.begin(dollars, tokens + unsure.tokens);
    person.screen.status(|status| {
        status.bill = Bill {
            usage: total.usage,
            dollars: (total.unpriced == 0).then_some(total.dollars),
        };
    });
}

fn all(person: &Arc<Person>) -> Vec<Arc<dyn Tool>> {
    let walls = &person.walls;
    let within = |tool: Arc<dyn Tool>| -> Arc<dyn Tool> {
        match walls.stand() && tool.spec().name == "bash" {
            true => Arc::new(Walled::new(tool, person)),
            false => tool,
        }
    };
    let (mut tools, hidden) = (seven(), walls.clone());
    tools.push(Arc::new(
        Locate::new(project::cache()).without(move || hidden.hidden()),
    ));
    let tools = walls.confined(tools);
    let mut tools: Vec<_> = tools.into_iter().map(within).collect();
    tools.push(Arc::new(TodoWrite));
    tools.push(Arc::new(PresentPlan(person.modes.clone())));
    tools
}

/// The engine's seven, of which those that change files are replaced by ones that forgive what models get wrong.
fn seven() -> Vec<Arc<dyn Tool>> {
    let own: [Arc<dyn Tool>; 2] = [Arc::new(EditFile), Arc::new(WriteFile)];
    let mut tools = tools::seven();
    tools.retain(|tool| own.iter().all(|own| own.spec().name != tool.spec().name));
    tools.extend(own);
    tools
}

/// The names of the agent's tools.
pub fn names(start: &Start, person: &Arc<Person>) -> Vec<String> {
    let tools = allowed(start, person);
    let mut names: Vec<String> = tools.iter().map(|tool| tool.spec().name).collect();
    if let Some(mcp) = person.mcp() {
        names.extend(mcp.tool_names());
    }
    names.sort();
    names
}

/// What is said of rules in flags that name a tool which does not exist: a slip would allow or deny nothing.
pub fn unknown(args: &Args) -> Vec<String> {
    let tools = tools::seven();
    let mut names: Vec<String> = tools.iter().map(|tool| tool.spec().name).collect();
    names.extend([TodoWrite.spec().name, plan::NAME.to_string()]);
    names.push(LOCATE.to_string());
    let permissions = &args.permissions;
    let flags = [&permissions.allowed_tools, &permissions.disallowed_tools];
    let rules = flags.into_iter().flatten().flat_map(|rules| &rules.0);
    let said = rules.filter_map(|rule| {
        let rule = rule.to_string();
        let known = rule.contains(['(', '*']) || rule.starts_with("mcp__") || names.contains(&rule);
        let near = words::nearest(&rule, names.iter().map(String::as_str));
        let meant = near.map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
        (!known).then(|| format!("there is no tool {rule:?}{meant}"))
    });
    said.collect()
}

/// The rules of flags that refuse.
pub fn refused(args: &Args) -> Vec<Rule> {
    let rules = &args.permissions.disallowed_tools;
    rules
        .iter()
        .flat_map(|rules| rules.0.iter().cloned())
        .collect()
}

/// Whether a tool is refused whole: the model is not told of it.
fn is_refused(refused: &[Rule], tool: &dyn Tool) -> bool {
    let name = tool.spec().name;
    refused.iter().any(|rule| rule.is_whole_of(&name))
}
