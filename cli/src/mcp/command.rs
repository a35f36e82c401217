//! `corecoder mcp`: the servers that are configured, and whether they work.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use console::style;
use corecoder::files::shown;
use corecoder_conventions::Places;
use corecoder_mcp::found::Tools;
use corecoder_mcp::servers::State;
use corecoder_mcp::{Access, Client, Configured, Connection, Server, Servers, Shepherd, config};
use serde_json::{Value, json};

use super::{configured, left_out, own_file, project_file};
use crate::args::{McpAddArgs, McpCommand, Scope, Transport};
use crate::words::{nearest, plain, shortened, visible};

/// Does what was asked for. `Err` is what is wrong with it.
pub async fn run(
    places: &Places,
    action: McpCommand,
    shepherd: &Shepherd,
) -> Result<ExitCode, String> {
    match action {
        McpCommand::List { json } => Ok(list(places, json, shepherd).await),
        McpCommand::Add(args) => add(places, &args),
        McpCommand::Remove { name, scope } => remove(places, &name, scope),
        McpCommand::Get { name } => get(&find(places, &name)?),
        McpCommand::Test { name } => test(places, find(places, &name)?, shepherd).await,
    }
}

/// Nobody is asked anything here; the working folder is told.
struct Trying(PathBuf);

impl Client for Trying {
    fn roots(&self) -> Vec<PathBuf> {
        vec![self.0.clone()]
    }

    /// As in a session, so that the same tools are offered.
    fn elicits(&self) -> bool {
        true
    }
}

fn trying(places: &Places) -> Arc<dyn Client> {
    Arc::new(Trying(places.cwd.clone()))
}

fn find(places: &Places, name: &str) -> Result<Configured, String> {
    let (servers, problems) = read(places);
    problems.iter().for_each(|problem| warn(problem));
    let near = nearest(name, servers.iter().map(|server| server.name.as_str()));
    let near = near.map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
    let mut servers = servers.into_iter();
    let found = servers.find(|server| server.name == name);
    found.ok_or_else(|| {
        format!("there is no MCP server {name:?}{near}; corecoder mcp list shows them")
    })
}

/// What is configured, and what a person should know of it.
fn read(places: &Places) -> (Vec<Configured>, Vec<String>) {
    let (servers, mut problems) = configured(places);
    problems.extend(left_out(places).map(|file| {
        format!(
            "{} does not count, for this folder is not trusted; put --trust before mcp to count it",
            shown(&file)
        )
    }));
    (servers, problems)
}

fn warn(words: &str) {
    eprintln!("corecoder: {}", plain(words));
}

const MARGIN: Duration = Duration::from_secs(2);

async fn list(places: &Places, as_json: bool, shepherd: &Shepherd) -> ExitCode {
    let (configured, problems) = read(places);
    problems.iter().for_each(|problem| warn(problem));
    if configured.is_empty() && !as_json {
        if problems.is_empty() {
            say!(
                "there are none; corecoder mcp add NAME URL, or NAME -- COMMAND, adds one (docs/mcp.md)"
            );
        }
        return ExitCode::from(u8::from(!problems.is_empty()));
    }
    let servers = Servers::start(configured, trying(places), shepherd.clone());
    // Each says by itself when its time is over.
    servers.settled(servers.start_timeout() + MARGIN).await;
    let states = servers.states();
    match as_json {
        true => say!(
            "{}",
            states
                .iter()
                .map(|(one, state)| row(one, state))
                .collect::<Value>()
        ),
        false => states
            .iter()
            .for_each(|(one, state)| say!("{}", plain(&line(one, state)))),
    }
    servers.close().await;
    let failed = states
        .iter()
        .any(|(_, state)| matches!(state, State::Failed(_)));
    ExitCode::from(u8::from(failed))
}

/// A server and how it is, in a line for a person.
pub fn line(configured: &Configured, state: &State) -> String {
    let name = &configured.name;
    let how = access(configured).map_or_else(String::new, |access| {
        format!(" ({})", shortened(&access, 60))
    });
    match state {
        State::Off => format!("· {name}: switched off{how}"),
        State::Starting => format!("… {name}: is still starting{how}"),
        State::Ready(ready) => {
            let count = ready.tools.list.len();
            format!("✓ {name}: {count} {}{how}", noun(count))
        }
        State::Failed(why) => format!("✗ {name}: {}{how}", in_a_line(why)),
    }
}

/// What a server wrote, in one line: of much of it both ends, for what went wrong may stand at the last.
fn in_a_line(text: &str) -> String {
    const END: usize = 200;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines.collect::<Vec<_>>().join(" / ");
    match line.char_indices().rev().nth(END - 1) {
        Some((end, _)) if end > END => format!("{} {}", shortened(&line, END), &line[end..]),
        _ => line,
    }
}

fn noun(count: usize) -> &'static str {
    if count == 1 { "tool" } else { "tools" }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// How it is reached, as its file says it: what a variable stands for may be a key. `None` of an entry that is wrong.
fn access(configured: &Configured) -> Option<String> {
    let entry = &configured.entry;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    Some(match &configured.server.as_ref().ok()?.access {
        Access::Stdio { .. } => {
            let args = entry["args"].as_array().into_iter().flatten();
            let words = std::iter::once(&entry["command"]).chain(args).map(text);
            without_keys(&words.collect::<Vec<_>>()).join(" ")
        }
        Access::Http { .. } | Access::Sse { .. } => address(&text(&entry["url"])),
    })
}

/// The words of a command without what is a key by its name: `--api-key=...`, or the word behind `--token`. What stands for
/// a variable is shown.
fn without_keys(words: &[String]) -> Vec<String> {
    let mut is_next = false;
    let shown = words.iter().map(|word| {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let is_value = std::mem::take(&mut is_next) && !word.starts_with('-');
        let is_named = is_key(name) && !value.is_empty();
        is_next = is_key(name) && value.is_empty() && name.starts_with('-');
        match is_value || is_named {
            _ if word.contains("${") => word.clone(),
            true if is_named => format!("{name}=..."),
            true => "...".to_string(),
            false => word.clone(),
        }
    });
    shown.collect()
}

/// Whether a key stands in a URL as it is: in a part that [`address`] leaves out.
fn has_key(url: &str) -> bool {
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let is_user = address(place) != place.split('#').next().unwrap_or_default();
    is_user && !place.contains("${")
        || pairs.any(|(name, value)| is_key(name) && !value.contains("${"))
}

/// A URL without what may be a key: behind the question mark, or before the host. An `@` in the path is none of that.
fn address(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_string();
    };
    // Whoever follows the URL takes a backslash for a slash.
    let (authority, path) = rest.split_at(rest.find(['/', '\\']).unwrap_or(rest.len()));
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

fn row(configured: &Configured, state: &State) -> Value {
    let (status, error) = match state {
        State::Off => ("disabled", None),
        State::Starting => ("pending", None),
        State::Ready(_) => ("connected", None),
        State::Failed(why) => ("failed", Some(why)),
    };
    let tools = match state {
        State::Ready(ready) => ready
            .tools
            .list
            .iter()
            .map(|found| json!(found.spec.name))
            .collect(),
        _ => Vec::new(),
    };
    json!({
        "name": configured.name,
        "status": status,
        "error": error,
        "tools": tools,
        "file": configured.file.to_string_lossy(),
        "access": access(configured),
    })
}

fn file_of(places: &Places, scope: Scope) -> Result<PathBuf, String> {
    match scope {
        Scope::Project => Ok(project_file(places)),
        Scope::User => own_file(places)
            .ok_or_else(|| "there is no home directory; set HOME or CORECODER_HOME".to_string()),
    }
}

fn text_of(file: &Path) -> Result<String, String> {
    if file.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        return Err(format!("{} is no regular file", shown(file)));
    }
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(text.trim_start_matches('\u{feff}').to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(format!("{}: {error}", shown(file))),
    }
}

/// Writes a file whole or not at all. Keys may stand in the user's own, so a new one is theirs alone.
fn write(file: &Path, text: &str, is_shared: bool) -> Result<(), String> {
    use std::io::Write;
    let wrong = |error: std::io::Error| format!("{} can't be written: {error}", shown(file));
    // What a link leads to is what is meant.
    let file = &file.canonicalize().unwrap_or(file.to_path_buf());
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(wrong)?;
    let mut new = tempfile::NamedTempFile::new_in(folder).map_err(wrong)?;
    new.write_all(text.as_bytes()).map_err(wrong)?;
    let mode = match std::fs::metadata(file) {
        Ok(metadata) => metadata.permissions(),
        Err(_) => Permissions::from_mode(if is_shared { 0o644 } else { 0o600 }),
    };
    std::fs::set_permissions(new.path(), mode).map_err(wrong)?;
    new.persist(file).map_err(|error| wrong(error.error))?;
    Ok(())
}

fn add(places: &Places, args: &McpAddArgs) -> Result<ExitCode, String> {
    config::is_name(&args.name)?;
    let (file, entry) = (file_of(places, args.scope)?, entry(args)?);
    let before = text_of(&file)?;
    if matches!(config::without(&before, &args.name), Ok(Some(_))) {
        return Err(format!(
            "{} is in {} already; corecoder mcp remove {0} first",
            args.name,
            shown(&file)
        ));
    }
    let mut named = args.header.iter().chain(&args.env);
    let is_bare = named.any(|(name, value)| is_key(name) && !value.contains("${"))
        || match args.target[0].contains("://") {
            true => has_key(&args.target[0]),
            false => without_keys(&args.target) != args.target,
        };
    let text = config::with(&before, &args.name, entry);
    let text = text.map_err(|why| format!("{}: {why}; nothing was changed", shown(&file)))?;
    write(&file, &text, args.scope == Scope::Project)?;
    // A project's server is found where the folder is trusted.
    let trusting = match args.scope == Scope::Project && !places.trusted {
        true => "--trust ",
        false => "",
    };
    say!(
        "{} is in {}; corecoder {trusting}mcp test {0} tries it",
        plain(&args.name),
        shown(&file)
    );
    if is_bare {
        let words =
            "a key stands in that file as it is; '${NAME}' would take it from the environment";
        say!("{}", style(words).yellow());
    }
    if args.scope == Scope::Project && !places.trusted {
        let words = "it counts once this folder is trusted: corecoder --trust";
        say!("{}", style(words).dim());
    }
    Ok(ExitCode::SUCCESS)
}

/// Such as `localhost:3000/mcp`.
fn is_host_and_port(text: &str) -> bool {
    let Some((host, rest)) = text.split_once(':') else {
        return false;
    };
    let port = rest.split('/').next().unwrap_or_default();
    !host.contains('/') && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a header or variable of this name holds a key.
fn is_key(name: &str) -> bool {
    let name = name.to_lowercase();
    ["authorization", "key", "token", "secret", "password"]
        .iter()
        .any(|word| name.contains(word))
}

/// What is written of a server, or why that can't be meant.
fn entry(args: &McpAddArgs) -> Result<Value, String> {
    let (first, more) = (args.target[0].as_str(), &args.target[1..]);
    let is_url = first.starts_with("http://") || first.starts_with("https://");
    let usual = match is_url {
        true => Transport::Http,
        false => Transport::Stdio,
    };
    let transport = args.transport.unwrap_or(usual);
    let wrong = match (transport, is_url) {
        (Transport::Stdio, true) => "a URL is reached with --transport http or sse".to_string(),
        (Transport::Stdio, false) if !args.header.is_empty() => {
            "--header is for servers with a URL; a command has --env".to_string()
        }
        (Transport::Stdio, false) if first.contains("://") => {
            format!("{first:?} is no URL that HTTP can reach, and no command")
        }
        (Transport::Stdio, false) if !is_host_and_port(first) => String::new(),
        (_, false) => format!("{first:?} is no URL: it must begin with http:// or https://"),
        _ if more.first().is_some_and(|word| word.starts_with('-')) => {
            format!("put {:?} before the name and the URL", more[0])
        }
        _ if !more.is_empty() => format!("what is {:?} behind the URL?", more[0]),
        _ if !args.env.is_empty() => {
            "--env is for servers that are started; a URL has --header".to_string()
        }
        _ => String::new(),
    };
    if !wrong.is_empty() {
        return Err(wrong);
    }
    if is_url {
        config::url(first)?;
    }
    let map = |pairs: &[(String, String)]| pairs.iter().cloned().collect::<BTreeMap<_, _>>();
    let mut entry = match transport {
        Transport::Stdio => json!({"command": first, "args": more, "env": map(&args.env)}),
        Transport::Http => json!({"type": "http", "url": first, "headers": map(&args.header)}),
        Transport::Sse => json!({"type": "sse", "url": first, "headers": map(&args.header)}),
    };
    if let Some(entry) = entry.as_object_mut() {
        entry.retain(|_, value| value.as_object().is_none_or(|object| !object.is_empty()));
    }
    Ok(entry)
}

fn remove(places: &Places, name: &str, scope: Option<Scope>) -> Result<ExitCode, String> {
    let scopes = scope.map_or(vec![Scope::Project, Scope::User], |scope| vec![scope]);
    let mut holding = Vec::new();
    for scope in scopes {
        let Ok(file) = file_of(places, scope) else {
            continue;
        };
        let without = config::without(&text_of(&file)?, name);
        let without =
            without.map_err(|why| format!("{}: {why}; nothing was changed", shown(&file)))?;
        holding.extend(without.map(|text| (file, text)));
    }
    match holding.as_slice() {
        [] => {
            let name = plain(name);
            Err(format!(
                "there is no MCP server {name:?} in these files; corecoder mcp list shows all"
            ))
        }
        [(file, text)] => {
            write(file, text, true)?;
            say!("{} is no longer in {}", plain(name), shown(file));
            Ok(ExitCode::SUCCESS)
        }
        _ => Err(format!(
            "{name:?} is in both files; say which: --scope user or --scope project"
        )),
    }
}

fn get(configured: &Configured) -> Result<ExitCode, String> {
    say!(
        "{} in {}",
        style(plain(&configured.name)).bold(),
        shown(&configured.file)
    );
    let server = match &configured.server {
        Ok(server) => server,
        Err(why) => {
            say!("  {}", style(plain(why)).red());
            return Ok(ExitCode::FAILURE);
        }
    };
    describe(configured, server);
    Ok(ExitCode::SUCCESS)
}

fn describe(configured: &Configured, server: &Server) {
    let names = |map: &BTreeMap<String, String>| map.keys().cloned().collect::<Vec<_>>().join(", ");
    let field = |name: &str, value: String| {
        if !value.is_empty() {
            say!("  {name}: {}", plain(&value));
        }
    };
    let how = access(configured).unwrap_or_default();
    match &server.access {
        Access::Stdio { env, .. } => {
            let cwd = configured.entry["cwd"].as_str().unwrap_or_default();
            field("command", how);
            field("env", names(env));
            field("cwd", cwd.to_string());
        }
        Access::Http { headers, .. } => {
            field("http", how);
            field("headers", names(headers));
        }
        Access::Sse { headers, .. } => {
            field("sse", how);
            field("headers", names(headers));
        }
    }
    field(
        "allowed tools",
        server.allowed_tools.clone().unwrap_or_default().join(", "),
    );
    field("protocol", server.protocol.clone().unwrap_or_default());
    field(
        "start timeout",
        format!("{} s", server.start_timeout.as_secs_f64()),
    );
    field(
        "call timeout",
        format!("{} s", server.call_timeout.as_secs_f64()),
    );
    if server.disabled {
        say!("  switched off");
    }
    if !server.trusted {
        say!("  {}", style("from the project, so what it says of its tools is not believed: each call is asked for").dim());
    }
}

async fn test(
    places: &Places,
    configured: Configured,
    shepherd: &Shepherd,
) -> Result<ExitCode, String> {
    let server = configured
        .server
        .map_err(|why| format!("{}: {why}", configured.name))?;
    if server.disabled {
        say!(
            "{} is switched off in its file; tried all the same",
            plain(&server.name)
        );
    }
    let begun = Instant::now();
    let connection = match Connection::open(&server, trying(places), shepherd).await {
        Ok(connection) => connection,
        Err(error) => {
            say!(
                "{} {}: {}",
                style("✗").red(),
                plain(&server.name),
                plain(&error.to_string())
            );
            return Ok(ExitCode::FAILURE);
        }
    };
    introduce(&server, &connection, begun.elapsed().as_millis());
    let good = offers(&server, &connection).await;
    let errors = connection.errors();
    if !errors.trim().is_empty() {
        say!("  its stderr:\n{}", plain(errors.trim_end()));
    }
    connection.close().await;
    Ok(ExitCode::from(u8::from(!good)))
}

/// Words of a server's in one line of at most so many columns.
fn one_line(text: &str, most: usize) -> String {
    // One more than can be seen, so that the cut is.
    let words = text.split_whitespace();
    let text = words.collect::<Vec<_>>().join(" ");
    let begin: String = text.chars().take(most + 1).collect();
    shortened(&visible(&begin), most)
}

/// Who it is.
fn introduce(server: &Server, connection: &Connection, took: u128) {
    let about = match connection.name_and_version() {
        about if about.is_empty() => "the server".to_string(),
        about => one_line(&about, 100),
    };
    let (name, revision) = (plain(&server.name), plain(connection.revision()));
    let mark = style("✓").green();
    say!("{mark} {name}: {about} speaks {revision}, ready after {took} ms");
    let instructions = connection.instructions().unwrap_or_default();
    if !instructions.trim().is_empty() {
        say!("  it says: {}", one_line(instructions, 200));
    }
}

/// Shows what it offers; whether all of it could be listed.
async fn offers(server: &Server, connection: &Connection) -> bool {
    let mut good = true;
    if connection.has("tools") {
        match connection.tools().await {
            Ok(raw) => tools(&Tools::of(server, &raw), raw.len()),
            Err(error) => {
                good = false;
                say!(
                    "  {} its tools can't be listed: {}",
                    style("✗").red(),
                    plain(&error.to_string())
                );
            }
        }
    }
    let named = |what: &str, key: &str, listed: Vec<Value>| {
        let names: Vec<&str> = listed.iter().filter_map(|one| one[key].as_str()).collect();
        if !names.is_empty() {
            say!("  {what}: {}", one_line(&names.join(", "), 300));
        }
    };
    if connection.has("resources") {
        named(
            "resources",
            "uri",
            connection.resources().await.unwrap_or_default(),
        );
        named(
            "templates",
            "uriTemplate",
            connection.templates().await.unwrap_or_default(),
        );
    }
    if connection.has("prompts") {
        named(
            "prompts",
            "name",
            connection.prompts().await.unwrap_or_default(),
        );
    }
    good
}

fn tools(tools: &Tools, all: usize) {
    let allowed = tools.list.len() + tools.left_out.len();
    let others = match all.saturating_sub(allowed) {
        0 => String::new(),
        others => format!(" ({others} more are not in \"allowedTools\")"),
    };
    let count = tools.list.len();
    say!("  {count} {}{others}:", noun(count));
    for found in &tools.list {
        let reads = if found.only_reads { ", only reads" } else { "" };
        let about = one_line(first_line(&found.spec.description), 70);
        say!(
            "    {}{}  {about}",
            plain(&found.spec.name),
            style(reads).dim()
        );
    }
    for (name, why) in &tools.left_out {
        say!(
            "    {} {}: left out: {}",
            style("✗").red(),
            one_line(name, 100),
            one_line(why, 300)
        );
    }
}
