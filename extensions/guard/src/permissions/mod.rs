//! Rules that say which calls may run without a question.
//!
//! The idea: what is denied comes first and holds always, then the [`Mode`], then what is to
//! be asked, then what is allowed. A bash line is taken apart, and each part must be a known
//! reader or be allowed; any part is enough to deny the line.
//! The invariant: what cannot be told is asked, and "always" is offered only as rules that
//! allow the call when it comes again.
//! Left out: hosts and other arguments of tools, and what scripts on disk do.

mod command;
mod expand;
mod gaps;
mod mode;
mod offer;
mod path;
mod refuse;
mod remember;
mod rule;
mod runs;
mod seen;
mod settings;

use std::path::{Path, PathBuf};

use corecoder::{Effect, ToolCall};

use command::CommandPattern;
pub use mode::Mode;
use path::{PathPattern, Place};
use refuse::Subject;
pub use remember::remember;
pub use rule::Rule;

const PLAN: &str = "Plan mode: nothing may be changed now. Go on reading, and when the plan is \
    ready, call `present_plan`.";
/// The call that ends plan mode is always the user's to answer.
const PRESENT_PLAN: &str = "present_plan";
/// Whoever may write here says what runs next, so it takes a rule that names the folder.
const PROTECTED: [&str; 4] = [".git", ".corecoder", ".claude", ".agents"];

/// The folder in the home whose settings hold everywhere.
const OWN: &str = ".corecoder";

/// What is to become of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Allow,
    /// Words for the model: why, and what to do instead.
    Deny(String),
    /// The user is asked. `always` is what "always" would remember, each rule no broader than
    /// is useful; empty if nothing sound can be remembered.
    Ask {
        always: Vec<Rule>,
    },
}

/// All rules of a project.
#[derive(Clone, Debug)]
pub struct Permissions {
    root: PathBuf,
    home: Option<PathBuf>,
    deny: Vec<Known>,
    ask: Vec<Known>,
    allow: Vec<Known>,
}

/// A rule that is ready to be compared.
#[derive(Clone, Debug)]
struct Known {
    rule: Rule,
    matcher: Matcher,
}

#[derive(Clone, Debug)]
enum Matcher {
    Whole,
    Command(CommandPattern),
    Path(PathPattern),
    /// A pattern below a home that is not known.
    Never,
}

impl Permissions {
    /// No rules yet. `root` is the project's folder, absolute, against which patterns are
    /// read; `home` is what `~` stands for.
    pub fn new(root: &Path, home: Option<&Path>) -> Permissions {
        Permissions {
            root: root.to_owned(),
            home: home.map(Path::to_owned),
            deny: Vec::new(),
            ask: Vec::new(),
            allow: Vec::new(),
        }
    }

    /// Takes a rule over: its calls run without a question.
    pub fn allow(&mut self, rule: Rule) {
        let known = self.know(rule);
        self.allow.push(known);
    }

    /// Takes a rule over: its calls are refused.
    pub fn deny(&mut self, rule: Rule) {
        let known = self.know(rule);
        self.deny.push(known);
    }

    /// Takes a rule over: its calls are asked for, even if another rule allows them.
    pub fn ask(&mut self, rule: Rule) {
        let known = self.know(rule);
        self.ask.push(known);
    }

    fn know(&self, rule: Rule) -> Known {
        let matcher = match rule.pattern() {
            None => Matcher::Whole,
            Some(pattern) if rule.tool() == "bash" => {
                Matcher::Command(CommandPattern::new(pattern))
            }
            Some(pattern) => PathPattern::new(pattern, &self.root, self.home.as_deref())
                .map_or(Matcher::Never, Matcher::Path),
        };
        Known { rule, matcher }
    }

    /// What is to become of `call`, which has this effect and works in `cwd`.
    pub fn judge(&self, call: &ToolCall, effect: Effect, mode: Mode, cwd: &Path) -> Verdict {
        let subject = Subject::of(self, call, cwd);
        if let Some(known) = self.deny.iter().find(|known| subject.is_refused_by(known)) {
            return Verdict::Deny(format!(
                "Refused: the rule `{}` of the user's permissions denies this. Do it another way \
                 that the rule allows, or say what you need and ask the user.",
                known.rule
            ));
        }
        if mode == Mode::Plan && call.name == PRESENT_PLAN {
            return Verdict::Ask { always: Vec::new() };
        }
        if mode == Mode::Plan && effect == Effect::Write {
            return Verdict::Deny(PLAN.to_owned());
        }
        if mode == Mode::Yolo {
            return Verdict::Allow;
        }
        if self.ask.iter().any(|known| subject.is_refused_by(known)) {
            return Verdict::Ask { always: Vec::new() };
        }
        let gaps = match effect {
            Effect::Read | Effect::Delegate => Vec::new(),
            Effect::Write => self.gaps(call, mode, cwd),
        };
        match gaps.is_empty() {
            true => Verdict::Allow,
            false => Verdict::Ask {
                always: self.offer(gaps, call, mode, cwd),
            },
        }
    }

    /// What keeps a call from running without a question: for each, the rule that would help.
    fn gaps(&self, call: &ToolCall, mode: Mode, cwd: &Path) -> Vec<Option<Rule>> {
        let whole = |known: &&Known| matches!(known.matcher, Matcher::Whole);
        let mut allow = self.allow.iter().filter(whole);
        let edits = matches!(&*call.name, "edit_file" | "write_file");
        if !edits && allow.any(|known| known.rule.allows_tool(&call.name)) {
            return Vec::new();
        }
        match &*call.name {
            "bash" => match argument(call, "command") {
                Some(line) => gaps::of_line(self, line, mode, cwd),
                None => vec![None],
            },
            "edit_file" | "write_file" => match argument(call, "file_path") {
                Some(path) if self.may_edit(&call.name, path, mode, cwd) => Vec::new(),
                Some(path) => vec![offer::for_path(self, path, cwd)],
                None => vec![None],
            },
            name => vec![Rule::whole(name).filter(|_| !name.contains('*'))],
        }
    }

    /// Whether `tool` may write the file without a question.
    fn may_edit(&self, tool: &str, path: &str, mode: Mode, cwd: &Path) -> bool {
        let places = Place::all(path, cwd);
        let paths = places
            .iter()
            .flat_map(|place| [Some(&place.written), place.real.as_ref()]);
        let protected: Vec<&str> = paths
            .clone()
            .flatten()
            .flat_map(|path| self.protected(path))
            .collect();
        let free = |path: &Path| self.below_root(path).is_some();
        let in_project =
            |place: &Place| free(&place.written) && place.real.as_deref().is_some_and(free);
        let accepted =
            mode == Mode::AcceptEdits && !places.is_empty() && places.iter().all(in_project);
        accepted && protected.is_empty()
            || self.allow.iter().any(|known| match &known.matcher {
                _ if !protected.iter().all(|name| known.rule.names_folder(name)) => false,
                Matcher::Whole => known.rule.allows_tool(tool),
                Matcher::Path(pattern) => known.rule.allows_tool(tool) && pattern.covers(&places),
                _ => false,
            })
    }

    /// The rules that allow the call when it comes again; none if there are no such rules.
    fn offer(&self, gaps: Vec<Option<Rule>>, call: &ToolCall, mode: Mode, cwd: &Path) -> Vec<Rule> {
        let mut rules: Vec<Rule> = Vec::new();
        for gap in gaps {
            match gap {
                Some(rule) if rules.contains(&rule) => {}
                Some(rule) => rules.push(rule),
                None => return Vec::new(),
            }
        }
        let mut then = self.clone();
        for rule in &rules {
            then.allow(rule.clone());
        }
        match then.gaps(call, mode, cwd).is_empty() {
            true => rules,
            false => Vec::new(),
        }
    }

    /// Whether there is anything to compare a line with.
    fn refuses(&self) -> bool {
        !self.deny.is_empty() || !self.ask.is_empty()
    }

    /// A path in the project from its root on.
    fn below_root<'a>(&self, path: &'a Path) -> Option<&'a Path> {
        let below = path.strip_prefix(&self.root).ok();
        below.or_else(|| path.strip_prefix(path::follow(&self.root)?).ok())
    }

    /// The folders on the way to a path, from the project's root on, that say what runs next.
    fn protected(&self, path: &Path) -> Vec<&'static str> {
        let below = self.below_root(path).unwrap_or(path);
        let own = self.home.as_ref().map(|home| home.join(OWN));
        let is_own = own.is_some_and(|own| {
            path.starts_with(&own) || path::follow(&own).is_some_and(|own| path.starts_with(own))
        });
        let on_the_way = |name: &&str| below.components().any(|part| part.as_os_str() == *name);
        let names = PROTECTED.into_iter().filter(on_the_way);
        names.chain(is_own.then_some(OWN)).collect()
    }
}

fn argument<'a>(call: &'a ToolCall, name: &str) -> Option<&'a str> {
    call.args.as_ref().ok()?.get(name)?.as_str()
}
