//! What the agent itself costs: time, CPU and memory, with a model that answers at once.
//!
//! `cargo run --release -p bench` builds the program, runs it against a scripted server on the loopback, and prints
//! one line per figure with its target. The server speaks chat completions as server-sent events and notes when each
//! request arrives and when each reply ends; what lies between a reply and the next request is the agent's own.
//!
//! The figures mean something on a machine that does nothing else.

mod full;
mod long;
mod server;
mod wrapped;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use corecoder::{Agent, Llm};
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::{Value, json};

use server::{Exchange, Reply, Server, Writes};

/// The file that the scripted model reads, again and again.
const FILE: &str = "notes.txt";

fn main() -> anyhow::Result<()> {
    ensure!(
        !cfg!(debug_assertions),
        "only a release build says anything: cargo run --release -p bench"
    );
    let folder = tempfile::tempdir()?;
    let lines = (1..=12).map(|n| format!("Line {n} of a small file that is read in each round.\n"));
    std::fs::write(folder.path().join(FILE), lines.collect::<String>())?;
    let bench = Bench {
        program: build()?,
        folder: folder.path().to_path_buf(),
    };
    bench.start()?;
    let peak_megabytes = bench.rounds()?;
    long_run(&bench.folder)?;
    print(
        "4. peak memory of a 50-round run",
        peak_megabytes,
        "MB",
        25.0,
    );
    bench.stream()?;
    bench.side_by_side()?;
    long::figures(&bench.folder)?;
    bench.start_in_full()?;
    bench.start_with_servers()?;
    wrapped::figures()
}

/// Builds the program in release mode; it then lies beside this one.
fn build() -> anyhow::Result<PathBuf> {
    let cargo = Command::new(env!("CARGO"))
        .args(["build", "--release", "--quiet", "-p", "corecoder-cli"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .status()?;
    ensure!(cargo.success(), "the program does not build");
    Ok(std::env::current_exe()?.with_file_name("corecoder"))
}

fn print(what: &str, value: f64, unit: &str, target: f64) {
    let verdict = if value <= target { "" } else { "  MISSED" };
    println!("{what:<56} {value:>8.3} {unit:<5} target <= {target} {unit}{verdict}");
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The real program and the folder that it works in.
struct Bench {
    program: PathBuf,
    folder: PathBuf,
}

/// What one run of the program cost.
struct Run {
    started: Instant,
    exchanges: Vec<Exchange>,
    cpu_seconds: f64,
    peak_megabytes: f64,
}

impl Bench {
    fn command(&self, url: &str) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(["-p", "hi", "--yes", "--trust"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.folder)
            .env("OPENAI_BASE_URL", url)
            .env("OPENAI_API_KEY", "x")
            .env("CORECODER_MCP_WAIT_MS", "0")
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn run(
        &self,
        requests: usize,
        script: impl Fn(usize) -> Reply + Send + Sync + 'static,
    ) -> anyhow::Result<Run> {
        let server = Server::start(script)?;
        let (cpu_before, started) = (cpu_of_children()?, Instant::now());
        let mut child = self.command(&server.url).spawn()?;
        // The mark only rises, so the last look before the end is the peak but for the last moment. `ru_maxrss`
        // would not do: it counts this process too, whose memory the child shares until it becomes the program.
        let mut peak_megabytes = 0.0;
        let status = loop {
            peak_megabytes = peak_of(child.id()).unwrap_or(peak_megabytes);
            match child.try_wait()? {
                Some(status) => break status,
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        };
        let exchanges = std::mem::take(&mut server.log().exchanges);
        let count = exchanges.len();
        ensure!(
            status.success() && count == requests,
            "the program ended with {status} after {count} requests instead of {requests}"
        );
        Ok(Run {
            started,
            exchanges,
            cpu_seconds: cpu_of_children()? - cpu_before,
            peak_megabytes,
        })
    }

    fn start(&self) -> anyhow::Result<()> {
        let mut times = Vec::new();
        for _ in 0..20 {
            let run = self.run(1, |_| Reply::Text(1, Writes::One))?;
            times.push(milliseconds(run.exchanges[0].last - run.started));
        }
        let what = "1. process start to first request, median of 20";
        print(what, median(times), "ms", 15.0);
        Ok(())
    }

    /// The first figure again, where there is much to read before.
    fn start_in_full(&self) -> anyhow::Result<()> {
        let project = tempfile::tempdir()?;
        full::fill(project.path())?;
        let bench = Bench {
            program: self.program.clone(),
            folder: project.path().to_path_buf(),
        };
        let mut times = Vec::new();
        for _ in 0..20 {
            let run = bench.run(1, |_| Reply::Text(1, Writes::One))?;
            times.push(milliseconds(run.exchanges[0].last - run.started));
        }
        let what = "12. the first with 20 skills, 5 hooks, 32 KiB AGENTS.md";
        print(what, median(times), "ms", 20.0);
        Ok(())
    }

    /// What five servers add to the first figure, of which the first request does not wait for any. They never answer, which
    /// costs nothing.
    fn start_with_servers(&self) -> anyhow::Result<()> {
        let homes = [tempfile::tempdir()?, tempfile::tempdir()?];
        let servers = (1..=5).map(|number| {
            let server = json!({"command": "sleep", "args": ["5"]});
            (format!("server-{number}"), server)
        });
        let servers = json!({"mcpServers": servers.collect::<serde_json::Map<_, _>>()});
        std::fs::create_dir(homes[1].path().join(".corecoder"))?;
        std::fs::write(
            homes[1].path().join(".corecoder/mcp.json"),
            servers.to_string(),
        )?;
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..20 {
            for (home, times) in homes.iter().zip(&mut times) {
                let bench = Bench {
                    program: self.program.clone(),
                    folder: home.path().to_path_buf(),
                };
                let run = bench.run(1, |_| Reply::Text(1, Writes::One))?;
                times.push(milliseconds(run.exchanges[0].last - run.started));
            }
        }
        let [without, with] = times.map(median);
        let what = "14. added to the first by 5 MCP servers";
        print(what, with - without, "ms", 2.0);
        Ok(())
    }

    /// Returns the peak of memory, which is a figure of its own.
    fn rounds(&self) -> anyhow::Result<f64> {
        let run = self.run(50, |n| read_until(49, n))?;
        let own = median(gaps(&run.exchanges, |next| next.last));
        print("2. own time per round, median of 50 rounds", own, "ms", 1.0);
        let cpu = run.cpu_seconds * 1e3 / 50.0;
        print("   CPU per round, start and end included", cpu, "ms", 1.0);
        Ok(run.peak_megabytes)
    }

    fn stream(&self) -> anyhow::Result<()> {
        let kinds = [("one write each", Writes::Each), ("one write", Writes::One)];
        for (name, writes) in kinds {
            let run = self.run(1, move |_| Reply::Text(100_000, writes))?;
            let what = format!("5. 100,000 streamed chunks, {name}, CPU");
            print(&what, run.cpu_seconds, "s", 0.5);
        }
        Ok(())
    }

    fn side_by_side(&self) -> anyhow::Result<()> {
        // A call that was made twice already is refused, so the eight differ in their timeout.
        let sleep = |n| ("bash", json!({"command": "sleep 1", "timeout": 10 + n}));
        let run = self.run(2, move |n| match n {
            0 => Reply::Calls((0..8).map(sleep).collect()),
            _ => Reply::Text(1, Writes::One),
        })?;
        let wall = median(gaps(&run.exchanges, |next| next.last)) / 1e3;
        print("6. 8 calls of `sleep 1` in one reply, wall", wall, "s", 1.2);
        Ok(())
    }
}

/// Rounds 15 to 25 against rounds 390 to 410 of one long run, less what the bytes themselves cost.
///
/// cost(round) = (last byte of its request - end of the reply before) - bytes / throughput, where throughput is the
/// length of the last request by the time that this process needs to serialize that same request, as a JSON value
/// that lies ready, and send it. What is printed is the quotient of the two medians of cost.
fn long_run(folder: &Path) -> anyhow::Result<()> {
    let server = Server::start(|n| read_until(449, n))?;
    let llm = Llm::new("m", "k", Some(&server.url))?;
    let mut agent = Agent::new(llm).rounds(450).folder(folder);
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build()?;
    runtime.block_on(agent.chat("hi"))?;
    let exchanges = std::mem::take(&mut server.log().exchanges);
    let throughput = throughput(&server)?;
    // The request of round r stands at r - 1, and the reply before it at r - 2.
    let early = Window::new(&exchanges[13..25], throughput);
    let late = Window::new(&exchanges[388..410], throughput);
    let growth = late.cost / early.cost;
    print(
        "3. round 400 over round 20, bytes taken off",
        growth,
        "times",
        1.5,
    );
    println!("   round 20: {early}\n   round 400: {late}");
    Ok(())
}

/// Medians over some rounds, in milliseconds.
struct Window {
    first_byte: f64,
    last_byte: f64,
    kilobytes: f64,
    sending: f64,
    cost: f64,
}

impl Window {
    fn new(exchanges: &[Exchange], throughput: f64) -> Window {
        let bytes = exchanges[1..].iter().map(|next| next.bytes as f64);
        let sending = bytes.clone().map(|bytes| bytes / throughput);
        let last_byte = gaps(exchanges, |next| next.last);
        let cost = last_byte.iter().zip(sending.clone());
        Window {
            first_byte: median(gaps(exchanges, |next| next.first)),
            cost: median(cost.map(|(last_byte, sending)| last_byte - sending)),
            last_byte: median(last_byte),
            kilobytes: median(bytes) / 1e3,
            sending: median(sending),
        }
    }
}

impl std::fmt::Display for Window {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{:.3} ms to the first byte, {:.3} to the last; {:.0} kB alone take {:.3}; cost {:.3}",
            self.first_byte, self.last_byte, self.kilobytes, self.sending, self.cost
        )
    }
}

/// Bytes in a millisecond: the last request that the server saw, serialized and sent once more.
fn throughput(server: &Server) -> anyhow::Result<f64> {
    let body = std::mem::take(&mut server.log().last_body);
    let value: Value = serde_json::from_slice(&body)?;
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://"))?;
    stream.set_nodelay(true)?;
    let mut times = Vec::new();
    for _ in 0..51 {
        let started = Instant::now();
        let bytes = serde_json::to_vec(&value)?;
        let length = bytes.len();
        write!(
            stream,
            "POST / HTTP/1.1\r\ncontent-length: {length}\r\n\r\n"
        )?;
        stream.write_all(&bytes)?;
        let mut reply = Vec::new();
        while !reply.ends_with(b"\r\n0\r\n\r\n") {
            let mut piece = [0; 4096];
            let length = stream.read(&mut piece)?;
            ensure!(length > 0, "the scripted server hung up");
            reply.extend_from_slice(&piece[..length]);
        }
        let log = server.log();
        let request = log.exchanges.last().context("no request came")?;
        times.push(milliseconds(request.last - started));
    }
    Ok(body.len() as f64 / median(times))
}

/// The script of a run that reads the file so many times, and then answers.
fn read_until(calls: usize, n: usize) -> Reply {
    if n >= calls {
        return Reply::Text(1, Writes::One);
    }
    // A call that was made twice already is refused, so each differs in its limit.
    Reply::Calls(vec![(
        "read_file",
        json!({"file_path": FILE, "limit": 1000 + n}),
    )])
}

/// Milliseconds from each reply to that moment of the next request.
fn gaps(exchanges: &[Exchange], moment: impl Fn(&Exchange) -> Instant) -> Vec<f64> {
    let pairs = exchanges.windows(2);
    pairs
        .filter_map(|pair| Some(milliseconds(moment(&pair[1]) - pair[0].replied?)))
        .collect()
}

/// CPU seconds, user and system, of all children that have ended.
fn cpu_of_children() -> anyhow::Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds = [usage.user_time(), usage.system_time()]
        .map(|time| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6);
    Ok(seconds.iter().sum())
}

/// The most memory that a process has held, in megabytes; `None` when it is gone.
fn peak_of(id: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim_end_matches("kB").trim().parse().ok()?;
    Some(kibibytes * 1024.0 / 1e6)
}
