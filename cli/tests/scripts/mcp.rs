//! MCP servers in a task: real ones, with what people configure and what a model does with them.

#[path = "../../../extensions/mcp/tests/common/installed.rs"]
mod installed;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::place::Place;
use crate::provider::{Answer, Provider, bash, calls, says};
use crate::{ended, lines, of_type};

/// The servers of npm and PyPI, as they are configured.
struct Servers {
    npm: PathBuf,
    python: PathBuf,
}

impl Servers {
    /// `None`, after saying so, where they can't be installed.
    fn new() -> Option<Servers> {
        Some(Servers {
            npm: installed::npm()?,
            python: installed::python()?,
        })
    }

    fn node(&self, name: &str, args: &[&Path]) -> Value {
        let command = installed::program(&self.npm, name);
        json!({"command": command, "args": args, "startTimeoutSeconds": 60})
    }

    fn everything(&self) -> Value {
        self.node("mcp-server-everything", &[])
    }

    fn files(&self, place: &Place) -> Value {
        self.node("mcp-server-filesystem", &[&place.project("")])
    }

    fn memory(&self) -> Value {
        self.node("mcp-server-memory", &[])
    }

    /// One of the tests' own.
    fn script(&self, name: &str) -> Value {
        let folder = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../extensions/mcp/tests/servers"
        );
        let script = Path::new(folder).join(name);
        json!({"command": self.python.join("python"), "args": [script], "startTimeoutSeconds": 60})
    }

    /// A place whose user has all four, with 49 tools.
    fn all(&self) -> Place {
        let place = Place::new();
        let configured = json!({"mcpServers": {
            "everything": self.everything(), "files": self.files(&place),
            "git": self.git(), "memory": self.memory(),
        }});
        place.own(".corecoder/mcp.json", &configured.to_string());
        place
    }

    fn git(&self) -> Value {
        json!({"command": self.python.join("mcp-server-git"), "startTimeoutSeconds": 60})
    }
}

/// A place whose user has these servers.
fn place(servers: Value) -> Place {
    let place = Place::new();
    place.own(
        ".corecoder/mcp.json",
        &json!({"mcpServers": servers}).to_string(),
    );
    place
}

/// A place whose user has a server of this Python, see the file of the server.
fn small(script: &str) -> Place {
    let server = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/small.py");
    let place = place(json!({"small": {"command": "python3", "args": [server, "small.py"]}}));
    place.brings("small.py", script);
    place
}

/// A call as a model asks for it.
fn call(name: &str, args: Value) -> (&str, Value) {
    (name, args)
}

/// Ends the process whose command line holds this.
fn kill(words: &str) {
    let found = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(|entry| {
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            // The shepherd has the same words behind its own.
            line.contains(words) && line.starts_with("node ")
        });
    let found: Vec<String> = found
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    assert!(!found.is_empty(), "{words} does not run");
    let status = Command::new("kill").arg("-9").args(found).status().unwrap();
    assert!(status.success());
}

#[test]
fn a_task_uses_three_servers_and_ends_well_though_one_of_them_is_killed_half_way() {
    let Some(servers) = Servers::new() else {
        return;
    };
    let place = Place::new();
    let configured = json!({"mcpServers": {
        "everything": servers.everything(),
        "files": servers.files(&place),
        "git": servers.git(),
    }});
    place.own(".corecoder/mcp.json", &configured.to_string());
    let git = |args: &[&str]| {
        assert!(
            Command::new("git")
                .arg("-C")
                .arg(place.project(""))
                .args(args)
                .status()
                .unwrap()
                .success()
        )
    };
    git(&["init", "-q"]);
    let (root, note) = (place.project(""), place.project("note.txt"));
    let words = root.to_string_lossy().into_owned();
    let provider = Provider::new(move |n, _| {
        Answer::Delta(match n {
            0 => calls(&[
                call("mcp__everything__get-sum", json!({"a": 2, "b": 40})),
                call(
                    "mcp__files__write_file",
                    json!({"path": note, "content": "kept"}),
                ),
            ]),
            1 => {
                kill(&words);
                calls(&[
                    call("mcp__files__read_text_file", json!({"path": note})),
                    call("mcp__git__git_status", json!({"repo_path": root})),
                ])
            }
            2 => calls(&[call("mcp__files__read_text_file", json!({"path": note}))]),
            _ => says("all done"),
        })
    });
    let (stdout, stderr) = place.done(&provider, &["--yes", "-p", "work"]);
    assert!(stdout.contains("all done"), "{stdout}{stderr}");
    let results = provider.results();
    assert!(results[0].contains("42"), "{results:?}");
    assert_eq!(place.read("note.txt"), "kept");
    // The call that met the dead server waited for the new one, or was told; the next one worked.
    assert!(
        results[2].contains("kept") || results[2].contains("The server files is started again"),
        "{results:?}"
    );
    assert!(results[3].contains("note.txt"), "{results:?}");
    assert!(results[4].contains("kept"), "{results:?}");
}

#[test]
fn few_tools_stand_beside_the_seven_and_many_behind_two() {
    let Some(servers) = Servers::new() else {
        return;
    };
    let few = place(json!({"memory": servers.memory(), "everything": servers.everything()}));
    let provider = Provider::saying([says("ok")]);
    few.done(&provider, &["-p", "go"]);
    let tools = provider.tools(0);
    assert!(
        tools.contains(&"mcp__memory__read_graph".to_string()),
        "{tools:?}"
    );
    assert!(
        tools.is_sorted() && !tools.contains(&"mcp_search".to_string()),
        "{tools:?}"
    );
    // In a short window two dozen are many.
    let provider = Provider::saying([says("ok")]);
    let mut command = few.corecoder(&provider, &["-p", "go"]);
    let (code, _, stderr) = ended(command.env("CORECODER_MAX_CONTEXT", "20000"));
    assert_eq!(code, 0, "{stderr}");
    let tools = provider.tools(0);
    assert!(tools.contains(&"mcp_search".to_string()), "{tools:?}");
    assert!(
        !tools.iter().any(|name| name.starts_with("mcp__")),
        "{tools:?}"
    );
    let many = servers.all();
    let provider = Provider::new(|n, _| {
        Answer::Delta(match n {
            0 => calls(&[call("mcp_search", json!({"query": "sum of numbers"}))]),
            1 => calls(&[call(
                "mcp_call",
                json!({"tool": "mcp__everything__get-sum", "arguments": {"a": 2, "b": "3"}}),
            )]),
            2 => calls(&[
                call(
                    "mcp_call",
                    json!({"tool": "mcp__everything__get-sum", "arguments": {"a": 2}}),
                ),
                call("mcp_call", json!({"tool": "mcp__nobody__nothing"})),
                call("mcp__everything__get-sum", json!({"a": 30, "b": 3})),
                call(
                    "mcp_call",
                    json!({"tool": "mcp__everything__get-sum", "args": {"a": 40, "b": 4}}),
                ),
                call(
                    "mcp_call",
                    json!({"tool": "mcp__everything__get-sum", "a": 50, "b": 5}),
                ),
            ]),
            _ => says("ok"),
        })
    });
    many.done(&provider, &["-p", "go"]);
    let tools = provider.tools(0);
    for name in [
        "agent",
        "bash",
        "edit_file",
        "glob",
        "grep",
        "mcp_call",
        "mcp_search",
        "read_file",
        "write_file",
    ] {
        assert!(tools.contains(&name.to_string()), "{name}: {tools:?}");
    }
    assert!(
        !tools.iter().any(|name| name.starts_with("mcp__")),
        "{tools:?}"
    );
    let results = provider.results();
    assert!(
        results[0].contains("mcp__everything__get-sum:"),
        "{results:?}"
    );
    assert!(results[1].contains('5'), "{results:?}");
    assert!(results[2].contains("`b` is missing"), "{results:?}");
    assert!(results[3].contains("mcp_search"), "{results:?}");
    // What a search has shown may be called by its own name, too.
    assert!(results[4].contains("33"), "{results:?}");
    // Arguments that are not packed as they should be are not lost.
    assert!(results[5].contains("44"), "{results:?}");
    assert!(results[6].contains("55"), "{results:?}");
}

#[test]
fn a_read_needs_no_question_and_a_write_does_whoever_asks_for_it() {
    let Some(servers) = Servers::new() else {
        return;
    };
    let place = Place::new();
    let configured = json!({"mcpServers": {"files": servers.files(&place)}}).to_string();
    let file = place.project("a.txt");
    let asks = |file: PathBuf| {
        Provider::new(move |n, _| {
            Answer::Delta(match n {
                0 => calls(&[
                    call("mcp__files__list_directory", json!({"path": file.parent()})),
                    call(
                        "mcp__files__write_file",
                        json!({"path": file, "content": "x"}),
                    ),
                ]),
                _ => says("ok"),
            })
        })
    };
    // In the user's own file the server is believed.
    place.own(".corecoder/mcp.json", &configured);
    let provider = asks(file.clone());
    place.done(&provider, &["-p", "go"]);
    let results = provider.results();
    assert!(
        results[0].contains(".git") && results[1].contains("not allowed"),
        "{results:?}"
    );
    // In a project's it is not; and does not even start before the folder is trusted.
    std::fs::remove_file(place.home(".corecoder/mcp.json")).unwrap();
    place.brings(".mcp.json", &configured);
    let provider = asks(file.clone());
    let (_, stderr) = place.done(&provider, &["-p", "go"]);
    assert!(stderr.contains(".mcp.json"), "{stderr}");
    assert!(
        provider.results()[0].contains("there is no tool"),
        "{:?}",
        provider.results()
    );
    let provider = asks(file.clone());
    place.done(&provider, &["--trust", "-p", "go"]);
    let results = provider.results();
    assert!(
        results.iter().all(|result| result.contains("not allowed")),
        "{results:?}"
    );
    let provider = asks(file);
    place.done(
        &provider,
        &["--trust", "--allowed-tools", "mcp__files", "-p", "go"],
    );
    assert_eq!(place.read("a.txt"), "x");
}

#[test]
fn what_rules_say_of_a_tool_holds_for_a_call_through_the_one_that_calls_all() {
    let Some(servers) = Servers::new() else {
        return;
    };
    let place = servers.all();
    let file = place.project("a.txt");
    let provider = Provider::new(move |n, _| {
        Answer::Delta(match n {
            0 => calls(&[
                call(
                    "mcp_call",
                    json!({"tool": "mcp__files__write_file", "arguments": {"path": file, "content": "x"}}),
                ),
                call("mcp_call", json!({"tool": "mcp__memory__read_graph"})),
            ]),
            _ => says("ok"),
        })
    });
    let flags = [
        "--yes",
        "--disallowed-tools",
        "mcp__files__write_file",
        "-p",
        "go",
    ];
    place.done(&provider, &flags);
    let results = provider.results();
    assert!(
        results[0].contains("not allowed") && !results[1].contains("not allowed"),
        "{results:?}"
    );
    assert_eq!(place.read("a.txt"), "");
}

#[test]
fn a_picture_is_shown_and_a_long_result_is_cut_and_kept_in_a_file() {
    let Some(servers) = Servers::new() else {
        return;
    };
    let place = place(json!({"everything": servers.everything()}));
    let (sender, whole) = std::sync::mpsc::channel();
    let provider = Provider::new(move |n, request| {
        Answer::Delta(match n {
            0 => calls(&[call("mcp__everything__get-tiny-image", json!({}))]),
            1 => calls(&[call(
                "mcp__everything__echo",
                json!({"message": "long ".repeat(20_000)}),
            )]),
            _ => {
                let told = request["messages"].to_string();
                let path = told.split("all of it is in ").nth(1).unwrap();
                let path = path.split(" until ").next().unwrap().to_string();
                let _ = sender.send((std::fs::read_to_string(&path).unwrap(), path));
                says("ok")
            }
        })
    });
    place.done(&provider, &["-p", "go"]);
    let results = provider.results();
    assert!(results[0].contains("a picture"), "{results:?}");
    assert!(
        provider.told(1).contains("data:image/png;base64"),
        "{}",
        provider.told(1)
    );
    let cut = &results[1];
    assert!(
        cut.len() < 20_000 && cut.contains(" lines; all of it is in "),
        "{cut}"
    );
    let (whole, path) = whole.recv().unwrap();
    assert!(whole.len() > 99_000);
    assert!(
        !Path::new(&path).exists(),
        "{path} is there when all is over"
    );
}

#[test]
fn resources_and_prompts_of_a_server_are_said_by_name() {
    let Some(servers) = Servers::new() else {
        return;
    };
    let place = place(json!({"everything": servers.everything()}));
    let provider = Provider::saying([says("ok")]);
    let words =
        "what is in @everything:demo://resource/static/document/features.md, and who is @maria?";
    let (_, stderr) = place.done(&provider, &["-p", words]);
    assert!(stderr.contains("attached: everything:demo://"), "{stderr}");
    assert!(
        provider.told(0).contains("# Everything Server"),
        "{}",
        provider.told(0)
    );
    let provider = Provider::saying([says("ok")]);
    place.done(&provider, &["-p", "/mcp__everything__args-prompt Berlin"]);
    assert!(
        provider.told(0).contains("weather in Berlin"),
        "{}",
        provider.told(0)
    );
    let (code, _, stderr) = place.run(
        &Provider::saying([says("ok")]),
        &["-p", "/mcp__everything__args-prompt"],
    );
    assert!(
        code == 2 && stderr.contains("city is missing"),
        "{code} {stderr}"
    );
}

#[test]
fn programs_are_told_which_servers_there_are_and_a_bad_one_stops_nobody() {
    let Some(servers) = Servers::new() else {
        return;
    };
    let place = place(json!({
        "memory": servers.memory(),
        "off": {"command": "true", "disabled": true},
        "ends": {"command": "sh", "args": ["-c", "echo no licence >&2; exit 3"]},
        "unset": {"command": "x", "args": ["${NOT_SET_ANYWHERE}"]},
    }));
    let provider = Provider::saying([says("ok")]);
    let (stdout, stderr) = place.done(&provider, &["-p", "go", "--output-format", "stream-json"]);
    let lines = lines(&stdout);
    let init = of_type(&lines, "system")[0];
    let expected = json!([
        {"name": "ends", "status": "failed"}, {"name": "memory", "status": "connected"},
        {"name": "off", "status": "disabled"}, {"name": "unset", "status": "failed"},
    ]);
    assert_eq!(init["mcp_servers"], expected);
    let tools = init["tools"].as_array().unwrap();
    assert!(
        tools.contains(&json!("mcp__memory__read_graph")),
        "{tools:?}"
    );
    for words in [
        "MCP server ends: ",
        "no licence",
        "MCP server unset: the variable NOT_SET_ANYWHERE is not set",
    ] {
        assert!(stderr.contains(words), "{words}: {stderr}");
    }
}

#[test]
fn servers_are_added_shown_tried_and_removed_on_the_command_line() {
    let Some(servers) = Servers::new() else {
        return;
    };
    let place = Place::new();
    let run = |args: &[&str]| {
        ended(
            place
                .bare(&[&["mcp"], args].concat())
                .env("TOKEN_X", "hidden"),
        )
    };
    let good = |args: &[&str]| {
        let (code, stdout, stderr) = run(args);
        assert_eq!(code, 0, "{args:?}: {stdout}{stderr}");
        stdout
    };
    let bad = |args: &[&str], words: &str| {
        let (code, stdout, stderr) = run(args);
        assert!(
            code != 0 && (stdout + &stderr).contains(words),
            "{args:?}: {stderr}"
        );
    };
    assert!(good(&["list"]).contains("there are none"));
    let memory = installed::program(&servers.npm, "mcp-server-memory");
    let memory = memory.to_str().unwrap();
    good(&["add", "memory", "--env", "SECRET=${TOKEN_X}", "--", memory]);
    good(&[
        "add",
        "web",
        "--scope",
        "project",
        "--header",
        "Authorization: Bearer ${TOKEN_X}",
        "http://127.0.0.1:9/mcp",
    ]);
    let file = std::fs::read_to_string(place.home(".corecoder/mcp.json")).unwrap();
    assert!(
        file.contains("${TOKEN_X}") && !file.contains("hidden"),
        "{file}"
    );
    let listed = good(&["list"]);
    assert!(
        listed.contains("memory: 9 tools") && !listed.contains("web"),
        "{listed}"
    );
    let (code, stdout, _) = ended(&mut place.bare(&["--trust", "mcp", "list"]));
    assert!(code == 1 && stdout.contains("✗ web"), "{stdout}");
    let shown = good(&["get", "memory"]);
    assert!(
        shown.contains(memory) && shown.contains("SECRET") && !shown.contains("hidden"),
        "{shown}"
    );
    let tried = good(&["test", "memory"]);
    assert!(
        tried.contains("speaks 20") && tried.contains("read_graph"),
        "{tried}"
    );
    bad(
        &["add", "memory", "--", "other"],
        "corecoder mcp remove memory first",
    );
    bad(&["test", "memry"], "there is no MCP server");
    bad(&["add", "a__b!", "x"], "can't be a server's name");
    bad(
        &["add", "x", "--transport", "http", "not-a-url"],
        "is no URL",
    );
    bad(&["add", "x", "http://a.example", "more"], "behind the URL");
    bad(
        &["add", "x", "http://a.example", "--header", "A: b"],
        "before the name and the URL",
    );
    bad(
        &["add", "x", "file:///etc/passwd"],
        "is no URL that HTTP can reach",
    );
    bad(&["add", "x", "http://"], "and a host");
    let said = good(&[
        "add",
        "bare",
        "--header",
        "Authorization: Bearer x",
        "http://127.0.0.1:9",
    ]);
    assert!(said.contains("a key stands in that file"), "{said}");
    good(&["remove", "bare"]);
    good(&["remove", "memory"]);
    bad(&["remove", "memory"], "there is no MCP server");
    place.own(".corecoder/mcp.json", "{not json");
    bad(&["add", "x", "y"], "nothing was changed");
    let provider = Provider::saying([bash(&["echo works"]), says("ok")]);
    let (_, stderr) = place.done(&provider, &["--yes", "-p", "go"]);
    assert!(
        stderr.contains("mcp.json: ") && stderr.contains("this file is skipped"),
        "{stderr}"
    );
}

#[test]
fn a_server_asks_the_model_only_where_the_settings_allow_it_and_pays_from_the_session() {
    let Some(servers) = Servers::new() else {
        return;
    };
    let place = place(json!({"everything": servers.everything()}));
    let asks = || {
        Provider::new(|_, request| {
            let last = request["messages"]
                .as_array()
                .unwrap()
                .last()
                .unwrap()
                .clone();
            let is_sampled = last["content"].to_string().contains("name a colour");
            Answer::Delta(match last["role"] == "tool" {
                _ if is_sampled && last["role"] == "user" && request["tools"].is_null() => {
                    says("sampled: blue")
                }
                true => says("ok"),
                false => calls(&[call(
                    "mcp__everything__trigger-sampling-request",
                    json!({"prompt": "name a colour"}),
                )]),
            })
        })
    };
    let provider = asks();
    place.done(&provider, &["--yes", "-p", "go"]);
    assert!(
        provider.results()[0].contains("there is no tool"),
        "{:?}",
        provider.results()
    );
    place.own(
        ".corecoder/settings.json",
        &json!({"mcp_sampling": true}).to_string(),
    );
    let provider = asks();
    let (stdout, _) = place.done(&provider, &["--yes", "-p", "go", "--output-format", "json"]);
    assert!(
        provider.results()[0].contains("sampled: blue"),
        "{:?}",
        provider.results()
    );
    let result: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(provider.requests().len(), 3);
    assert!(result["is_error"] == false, "{result}");
    // With no room for another request it is refused, and the session says why.
    let provider = asks();
    let (code, _, stderr) = place.run(
        &provider,
        &["--yes", "--max-tokens-total", "1100", "-p", "go"],
    );
    assert!(code == 3, "{code} {stderr}");
    // A folder that nobody trusts can't allow it.
    std::fs::remove_file(place.home(".corecoder/settings.json")).unwrap();
    place.brings(".env", "CORECODER_MCP_SAMPLING=true");
    let provider = asks();
    let (_, stderr) = place.done(&provider, &["--yes", "-p", "go"]);
    assert!(
        stderr.contains("CORECODER_MCP_SAMPLING is ignored"),
        "{stderr}"
    );
    assert!(
        provider.results()[0].contains("there is no tool"),
        "{:?}",
        provider.results()
    );
}

#[test]
fn a_server_is_given_the_environment_without_its_keys() {
    let Some(servers) = Servers::new() else {
        return;
    };
    let mut everything = servers.everything();
    everything["env"] = json!({"GIVEN_TOKEN": "${OTHER_TOKEN}"});
    let place = place(json!({"everything": everything}));
    let provider = Provider::new(|n, _| {
        Answer::Delta(match n {
            0 => calls(&[call("mcp__everything__get-env", json!({}))]),
            _ => says("ok"),
        })
    });
    let mut command = place.corecoder(&provider, &["-p", "go"]);
    command
        .env("OTHER_TOKEN", "value-of-it")
        .env("SOME_API_KEY", "secret")
        .env("PLAIN", "plain-value");
    let (code, stdout, stderr) = ended(&mut command);
    assert_eq!(code, 0, "{stdout}{stderr}");
    let result = &provider.results()[0];
    for words in ["GIVEN_TOKEN", "value-of-it", "plain-value"] {
        assert!(result.contains(words), "{words}: {result}");
    }
    for words in ["SOME_API_KEY", "\"OTHER_TOKEN\"", "secret"] {
        assert!(!result.contains(words), "{words}: {result}");
    }
}

#[test]
fn a_tool_that_a_server_adds_in_the_middle_of_a_task_can_be_called_in_it() {
    let Some(servers) = Servers::new() else {
        return;
    };
    let place = place(json!({"growing": servers.script("growing.py")}));
    let provider = Provider::new(|n, _| {
        Answer::Delta(match n {
            0 => calls(&[call("mcp__growing__grow", json!({}))]),
            1 => bash(&["sleep 2"]),
            2 => calls(&[call("mcp__growing__grown", json!({}))]),
            _ => says("ok"),
        })
    });
    place.done(&provider, &["--yes", "-p", "go"]);
    let requests = provider.requests();
    assert_eq!(requests[0]["tools"], requests[3]["tools"]);
    let told = requests[2]["messages"].to_string();
    assert!(
        told.contains("[A tool is available from now on] mcp__growing__grown"),
        "{told}"
    );
    let results = provider.results();
    assert!(!results[2].contains("Error"), "{results:?}");
}

#[test]
fn no_server_is_started_for_a_small_model() {
    let place = place(json!({"any": {"command": "sh", "args": ["-c", "touch started; cat"]}}));
    let provider = Provider::saying([says("ok")]);
    let (_, stderr) = place.done(&provider, &["--small", "-p", "go"]);
    assert!(stderr.contains("MCP servers are left out"), "{stderr}");
    assert!(!place.project("started").exists());
}

#[test]
fn what_a_server_asks_is_declined_where_nobody_is_there() {
    let Some(servers) = Servers::new() else {
        return;
    };
    let place = place(json!({"ours": servers.script("fast.py")}));
    let provider = Provider::new(|n, _| {
        Answer::Delta(match n {
            0 => calls(&[call("mcp__ours__who", json!({}))]),
            _ => says("ok"),
        })
    });
    place.done(&provider, &["--yes", "-p", "go"]);
    assert_eq!(provider.results(), ["None"]);
    let (code, _, stderr) = place.run(&provider, &["-p", "/mcp__ours__nothing"]);
    assert!(
        code == 2 && stderr.contains("has a prompt /mcp__ours__nothing"),
        "{code} {stderr}"
    );
}

#[test]
fn a_call_through_the_one_that_calls_all_waits_for_a_server_that_is_started_again() {
    let Some(servers) = Servers::new() else {
        return;
    };
    let place = servers.all();
    let words = place.project("").to_string_lossy().into_owned();
    let list = json!({"tool": "mcp__files__list_allowed_directories"});
    let provider = Provider::new(move |n, _| {
        Answer::Delta(match n {
            0 | 2 => {
                if n == 2 {
                    kill(&words);
                    std::thread::sleep(std::time::Duration::from_millis(200));
                }
                calls(&[call("mcp_call", list.clone())])
            }
            1 => bash(&["true"]),
            _ => says("ok"),
        })
    });
    place.done(&provider, &["--yes", "-p", "go"]);
    let results = provider.results();
    assert!(
        results[0].contains("Allowed") && results[2] == results[0],
        "{results:?}"
    );
}

#[test]
fn a_server_that_ends_twice_is_given_up_and_that_is_what_the_model_is_told() {
    let Some(servers) = Servers::new() else {
        return;
    };
    let place = place(json!({"ours": servers.script("fast.py")}));
    let provider = Provider::new(|n, _| {
        Answer::Delta(match n {
            0 | 1 => calls(&[call("mcp__ours__die", json!({"n": n}))]),
            2 => calls(&[call("mcp__ours__add", json!({"a": 1, "b": 2}))]),
            _ => says("ok"),
        })
    });
    place.done(&provider, &["--yes", "-p", "go"]);
    let results = provider.results();
    assert!(
        results[0].contains("The server ours is started again"),
        "{results:?}"
    );
    assert!(results[1].contains("is not started again"), "{results:?}");
    assert!(
        results[2].contains("can't be used: it ended a second time"),
        "{results:?}"
    );
}

/// A server of these answers, by method.
fn answering(place: &Place, answers: &Value) -> Value {
    let script = r#"
import json, sys
answers = json.loads(sys.argv[1])
for line in sys.stdin:
    asked = json.loads(line)
    if asked.get("method") in answers:
        answer = answers[asked["method"]]
    elif asked.get("method") == "tools/call":
        answer = {"content": [{"type": "text", "text": json.dumps(asked["params"])}]}
    else:
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": answer}), flush=True)
"#;
    place.brings("answering.py", script);
    json!({"command": "python3", "args": [place.project("answering.py"), answers.to_string()]})
}

fn discovered(capabilities: Value) -> Value {
    json!({"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": capabilities})
}

fn listing(names: &[String], schema: Value) -> Value {
    let tools = names
        .iter()
        .map(|name| json!({"name": name, "inputSchema": schema}));
    json!({
        "server/discover": discovered(json!({"tools": {}})),
        "tools/list": {"tools": tools.collect::<Vec<_>>()},
    })
}

#[test]
fn no_file_that_a_servers_prompt_names_is_brought_along() {
    let place = Place::new();
    place.brings("secret.txt", "the secret itself");
    let words = "look at @secret.txt and @t:x://a";
    let message = json!({"role": "user", "content": {"type": "text", "text": words}});
    let answers = json!({
        "server/discover": discovered(json!({"prompts": {}, "resources": {}})),
        "prompts/list": {"prompts": [{"name": "evil"}]},
        "prompts/get": {"messages": [message]},
        "resources/list": {"resources": []},
        "resources/read": {"contents": [{"uri": "x://a", "text": "a resource itself"}]},
    });
    let configured = json!({"mcpServers": {"t": answering(&place, &answers)}});
    place.own(".corecoder/mcp.json", &configured.to_string());
    let provider = Provider::saying([says("ok")]);
    place.done(&provider, &["-p", "/mcp__t__evil"]);
    let asked = provider.requests()[0]["messages"].to_string();
    assert!(asked.contains("look at @secret.txt"), "{asked}");
    assert!(!asked.contains("itself"), "{asked}");
    let (code, _, stderr) = place.run(&provider, &["-p", "/mcp__t__evil and more"]);
    assert!(code == 2 && stderr.contains("takes no words"), "{stderr}");
}

#[test]
fn arguments_that_a_schema_leaves_open_reach_the_server() {
    let place = Place::new();
    let names = ["open".to_string()];
    let answers = listing(&names, json!({"type": "object"}));
    let configured = json!({"mcpServers": {"t": answering(&place, &answers)}});
    place.own(".corecoder/mcp.json", &configured.to_string());
    let given = json!({"a": 1, "b": {"c": null}});
    let provider = Provider::saying([calls(&[call("mcp__t__open", given.clone())]), says("ok")]);
    place.done(&provider, &["--yes", "-p", "go"]);
    let result: Value = serde_json::from_str(&provider.results()[0]).unwrap();
    assert_eq!(result["arguments"], given);
}

#[test]
fn hooks_hear_of_a_call_through_another_tool_as_of_any_and_refused_tools_are_not_found() {
    let place = Place::new();
    let names: Vec<String> = (0..50).map(|n| format!("tool{n}")).collect();
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}});
    let answers = listing(&names, schema);
    let configured = json!({"mcpServers": {"t": answering(&place, &answers)}});
    place.own(".corecoder/mcp.json", &configured.to_string());
    let replaces =
        json!({"hookSpecificOutput": {"hookEventName": "PreToolUse", "updatedInput": {"n": 9}}});
    let hook = |matcher: &str, command: String| json!([{"matcher": matcher, "hooks": [{"type": "command", "command": command}]}]);
    let settings = json!({"hooks": {
        "PreToolUse": hook("mcp__t__.*", format!("cat >> before; echo '{replaces}'")),
        "PostToolUse": hook("*", "cat >> after".to_string()),
    }});
    place.own(".corecoder/settings.json", &settings.to_string());
    let provider = Provider::saying([
        calls(&[call(
            "mcp_call",
            json!({"tool": "mcp__t__tool7", "arguments": {"n": "5"}}),
        )]),
        calls(&[call("mcp_search", json!({"query": "tool8 tool7"}))]),
        calls(&[call("mcp_call", json!({"tool": "mcp__t__nothing"}))]),
        says("ok"),
    ]);
    let flags = ["--yes", "--disallowed-tools", "mcp__t__tool8", "-p", "go"];
    place.done(&provider, &flags);
    let results = provider.results();
    let called: Value = serde_json::from_str(&results[0]).unwrap();
    assert_eq!(called["arguments"], json!({"n": 9}), "{called}");
    assert!(
        results[1].contains("mcp__t__tool7") && !results[1].contains("mcp__t__tool8:"),
        "{results:?}"
    );
    assert!(
        results[2].contains("it has: mcp__t__tool0,") && !results[2].contains("mcp__t__tool8,"),
        "{results:?}"
    );
    let heard = |file: &str| {
        let text = place.read(file);
        let first = serde_json::Deserializer::from_str(&text)
            .into_iter::<Value>()
            .next();
        first.unwrap().unwrap()
    };
    for file in ["before", "after"] {
        let heard = heard(file);
        assert_eq!(heard["tool_name"], "mcp__t__tool7", "{heard}");
        assert_ne!(heard["tool_use_id"], "", "{heard}");
        assert!(!place.read(file).contains("mcp_call"), "{file}");
    }
}

#[test]
fn keys_in_a_command_are_not_shown_and_said_to_stand_there() {
    let place = Place::new();
    let run = |args: &[&str]| {
        let (_, stdout, stderr) = ended(&mut place.bare(&[&["mcp"], args].concat()));
        stdout + &stderr
    };
    let added = run(&[
        "add",
        "a",
        "--",
        "prog",
        "--api-key=SEKRET",
        "--token",
        "SEKRET",
        "--max",
        "5",
    ]);
    assert!(added.contains("a key stands in that file"), "{added}");
    let added = run(&["add", "b", "https://h.example/mcp?token=SEKRET&x=1"]);
    assert!(added.contains("a key stands in that file"), "{added}");
    let added = run(&["add", "d", "https://tokens.example/mcp?x=1"]);
    assert!(!added.contains("a key stands in that file"), "{added}");
    let added = run(&["add", "c", "--", "prog", "--token", "${TOKEN}"]);
    assert!(!added.contains("a key stands in that file"), "{added}");
    let shown = run(&["get", "a"]) + &run(&["get", "b"]) + &run(&["list"]);
    assert!(
        shown.contains("--api-key=... --token ... --max 5"),
        "{shown}"
    );
    assert!(!shown.contains("SEKRET"), "{shown}");
}

#[test]
fn a_conversation_that_goes_on_calls_the_tools_it_knows_while_their_server_still_starts() {
    let place = Place::new();
    let configure = |server: &Value| {
        let configured = json!({"mcpServers": {"late": server}});
        place.own(".corecoder/mcp.json", &configured.to_string());
    };
    let asks = |args: Value| {
        let call = call("mcp__late__double", args);
        Provider::saying([calls(&[call]), says("ok")])
    };
    let goes_on = |args: Value, words: &str| {
        let provider = asks(args);
        place.done(&provider, &["--yes", "-c", "-p", "again"]);
        let results = provider.results();
        assert!(results.last().unwrap().contains(words), "{results:?}");
    };
    let schema =
        json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
    let mut server = answering(&place, &listing(&["double".to_string()], schema));
    configure(&server);
    let first = asks(json!({"n": 4}));
    place.done(&first, &["--yes", "-p", "go"]);
    assert!(first.results()[0].contains(r#"{"n": 4}"#));
    // From here on nobody waits before the first request.
    place.own(".corecoder/settings.json", r#"{"mcp_wait_ms": 0}"#);
    let args = server["args"].as_array_mut().unwrap();
    let late = ["-c", r#"sleep 1; exec python3 "$@""#, "sh"];
    args.splice(0..0, late.map(Value::from));
    server["command"] = json!("sh");
    configure(&server);
    goes_on(json!({"n": "5"}), r#"{"n": 5}"#);
    goes_on(json!({}), "so nothing was run");
    configure(&json!({"command": "sh", "args": ["-c", "echo no licence >&2; exit 3"]}));
    goes_on(json!({"n": 6}), "MCP server late can't be used: ");
    goes_on(json!({"n": 6}), "no licence");
    place.own(".corecoder/mcp.json", "{}");
    goes_on(json!({"n": 7}), "there is no tool `mcp__late__double`");
}

#[test]
fn the_list_says_in_a_line_why_a_server_failed_however_much_it_wrote() {
    let place = Place::new();
    let script = r#"for n in 1 2 3 4; do printf "at $n %0100d\n" 0; done; echo no licence"#;
    let wordy = json!({"command": "sh", "args": ["-c", format!("({script}) >&2; exit 3")]});
    let configured = json!({"mcpServers": {"wordy": wordy}});
    place.own(".corecoder/mcp.json", &configured.to_string());
    let (code, stdout, _) = ended(&mut place.bare(&["mcp", "list"]));
    assert_eq!((code, stdout.lines().count()), (1, 1), "{stdout}");
    for words in ["exited with status 3", "no licence"] {
        assert!(stdout.contains(words), "{words}: {stdout}");
    }
}

#[test]
fn a_server_that_ends_as_soon_as_its_tools_are_listed_holds_up_nobody() {
    let place = Place::new();
    // Speaks the protocol just so long.
    let script = r#"
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if asked.get("method") == "server/discover":
        answer = {"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}
    elif asked.get("method") == "tools/list":
        answer = {"tools": [{"name": "t", "inputSchema": {"type": "object"}}]}
    else:
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": answer}), flush=True)
    if "tools" in answer:
        sys.exit(0)
"#;
    place.brings("brief.py", script);
    let brief = json!({"command": "python3", "args": [place.project("brief.py")]});
    let configured = json!({"mcpServers": {"brief": brief}});
    place.own(".corecoder/mcp.json", &configured.to_string());
    let provider = Provider::new(|n, _| {
        Answer::Delta(match n {
            0 => calls(&[call("mcp__brief__t", json!({}))]),
            _ => says("ok"),
        })
    });
    let begun = std::time::Instant::now();
    place.done(&provider, &["--yes", "--max-time", "30s", "-p", "go"]);
    assert!(begun.elapsed().as_secs() < 20);
    assert!(
        provider.results()[0].contains("Error: "),
        "{:?}",
        provider.results()
    );
}

#[test]
fn what_a_session_with_servers_left_elsewhere_is_gone_at_its_end() {
    let Some(servers) = Servers::new() else {
        return;
    };
    let place = place(json!({"ours": servers.script("fast.py")}));
    let name = place.project("").display().to_string().replace('/', "_");
    let made = format!("/tmp/made{name}");
    let provider = Provider::new(move |n, _| {
        Answer::Delta(match n {
            0 => bash(&[&format!("touch {made} && ls {made}")]),
            _ => says("ok"),
        })
    });
    place.done(
        &provider,
        &["-p", "go", "--yes", "--sandbox", "workspace-write"],
    );
    let results = provider.results();
    assert!(!results[0].contains("exit code"), "{results:?}");
    assert!(!Path::new(&format!("/tmp/made{name}")).exists());
}

#[test]
fn the_host_of_a_server_is_shown_whatever_stands_in_its_path() {
    let place = place(json!({
        "forged": {"url": "http://127.0.0.1:1/x@api.example.org/mcp", "disabled": true},
        "slanted": {"url": "http://127.0.0.1:1\\@api.example.org/mcp", "disabled": true},
        "keyed": {"url": "http://user:secret@127.0.0.1:1/mcp?key=secret#secret", "disabled": true},
    }));
    let (_, listed, _) = ended(&mut place.bare(&["mcp", "list"]));
    for shown in [
        "forged: switched off (http://127.0.0.1:1/x@api.example.org/mcp)",
        "slanted: switched off (http://127.0.0.1:1\\@api.example.org/mcp)",
        "keyed: switched off (http://127.0.0.1:1/mcp)",
    ] {
        assert!(listed.contains(shown), "{listed}");
    }
    assert!(!listed.contains("secret"), "{listed}");
}

#[test]
fn what_stands_for_a_key_is_shown_as_the_file_has_it() {
    let place = place(json!({
        "program": {"command": "false", "args": ["${MY_TOKEN}"]},
        "web": {"url": "http://127.0.0.1:1/${MY_TOKEN}", "headers": {"Authorization": "Bearer ${MY_TOKEN}"}},
    }));
    for args in [
        &["list"][..],
        &["list", "--json"],
        &["get", "program"],
        &["get", "web"],
    ] {
        let args = [&["mcp"], args].concat();
        let (_, stdout, stderr) = ended(place.bare(&args).env("MY_TOKEN", "hidden"));
        assert!(stdout.contains("${MY_TOKEN}"), "{stdout}{stderr}");
        assert!(
            !stdout.contains("hidden") && !stderr.contains("hidden"),
            "{stdout}{stderr}"
        );
    }
}

#[test]
fn what_resources_and_prompts_bring_in_files_is_gone_when_the_session_ends() {
    let place = small(
        r#"
CAN = {"resources": {}, "prompts": {}}
def resources_read(id, params):
    return {"contents": [{"uri": params["uri"], "text": "long " * 20000}]}
def prompts_list(id, params):
    return {"prompts": [{"name": "p"}]}
def prompts_get(id, params):
    sound = {"type": "audio", "mimeType": "audio/wav", "data": "AAAA"}
    return {"messages": [{"role": "user", "content": sound}]}
"#,
    );
    place.own("tmp/.keep", "");
    for (message, told) in [
        ("what is in @small:x://long", "all of it is in "),
        ("/mcp__small__p", "[audio/wav, 3 bytes; in "),
    ] {
        let provider = Provider::saying([says("ok")]);
        let mut command = place.corecoder(&provider, &["-p", message]);
        let (code, _, stderr) = ended(command.env("TMPDIR", place.home("tmp")));
        assert_eq!(code, 0, "{stderr}");
        let request = provider.told(0);
        let path = request.split(told).nth(1).expect(&request);
        assert!(path.contains("mcp-"), "{request}");
        let left = std::fs::read_dir(place.home("tmp")).unwrap().flatten();
        let left: Vec<PathBuf> = left.map(|entry| entry.path()).collect();
        assert_eq!(left, [place.home("tmp/.keep")]);
    }
}

#[test]
fn the_users_own_file_is_no_projects_where_they_work_in_their_home() {
    let place = place(json!({"own": {"command": "false"}}));
    let get = |folder: PathBuf| {
        let mut command = place.bare(&["--trust", "mcp", "get", "own"]);
        ended(command.current_dir(folder)).1
    };
    let (elsewhere, at_home) = (get(place.project("")), get(place.home("")));
    assert!(elsewhere.contains("command: false"), "{elsewhere}");
    assert_eq!(at_home, elsewhere);
}

#[test]
fn what_a_server_says_of_itself_is_cut_to_a_line_each() {
    let place = small(
        r#"
def tools_list(id, params):
    bad = {"name": "n\nx" * 100000, "inputSchema": {"type": "string"}}
    return {"tools": [bad, {"name": "t", "inputSchema": {"type": "object"}}]}
ABOUT = {"name": "\x1b]0;renamed\x07n\nx" * 10000, "version": "v\n" * 10000}
"#,
    );
    let (code, stdout, stderr) = ended(&mut place.bare(&["mcp", "test", "small"]));
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(
        stdout.contains("mcp__small__t") && stdout.contains("left out: "),
        "{stdout}"
    );
    assert!(
        stdout.len() < 2_000 && !stdout.contains('\u{1b}'),
        "{stdout}"
    );
    assert_eq!(stdout.lines().count(), 4, "{stdout}");
}
