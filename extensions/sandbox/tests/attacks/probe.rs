//! This program as an agent: one line of JSON in, what its bash tool answers out.

use std::error::Error;
use std::io::BufRead;
use std::os::fd::OwnedFd;
use std::process::{Command, ExitCode};
use std::time::Duration;

use corecoder::{Agent, Config, Entry, Reply, Script};
use corecoder_sandbox::{Keeper, Mechanism, Network, Policy, Sandbox};
use rustix::process::{ioctl_tiocsctty, setsid};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use serde_json::Value;

const WORD: &str = "--probe";

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

type Terminal = (OwnedFd, OwnedFd);

/// What the probe is to be.
pub struct Order {
    /// `None` is plain bash.
    pub mechanism: Option<Mechanism>,
    /// It gets a terminal of its own.
    pub tty: bool,
    /// Terminals of others come and go while it works.
    pub terminals: bool,
    /// The user lets commands reach the network.
    pub network: bool,
}

impl Order {
    pub fn of_this_process() -> Option<Order> {
        let mut args = std::env::args().skip(1);
        (args.next()? == WORD).then_some(())?;
        let mechanism = args.next()?;
        Some(Order {
            mechanism: Mechanism::all()
                .iter()
                .copied()
                .find(|known| known.to_string() == mechanism),
            tty: args.next()? == "tty",
            terminals: args.next()? == "terminals",
            network: args.next().is_some_and(|word| word == "network"),
        })
    }

    pub fn arguments(&self, command: &mut Command) {
        let mechanism = self
            .mechanism
            .map_or("none".to_string(), |mechanism| mechanism.to_string());
        command.arg(WORD).arg(mechanism);
        command.arg(if self.tty { "tty" } else { "-" });
        command.arg(if self.terminals { "terminals" } else { "-" });
        command.arg(if self.network { "network" } else { "-" });
    }
}

/// Answers until there are no more lines. Fails with 3 if the sandbox is not to be had.
pub fn run(order: &Order, keeper: &Keeper) -> ExitCode {
    match answer_all(order, keeper) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(3)
        }
    }
}

fn answer_all(order: &Order, keeper: &Keeper) -> Outcome<()> {
    // Whatever a row does to its session or group, it does not do to the test's.
    setsid()?;
    let own = if order.tty { Some(terminal()?) } else { None };
    if let Some((_, slave)) = &own {
        ioctl_tiocsctty(slave)?;
    }
    if order.terminals {
        let early = [terminal()?, terminal()?];
        std::thread::spawn(move || come_and_go(early));
    }
    let mut agent = agent(order, keeper)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    for line in std::io::stdin().lock().lines() {
        let args: Value = serde_json::from_str(&line?)?;
        println!("{}", runtime.block_on(answer(&mut agent, args))?);
    }
    Ok(())
}

/// Some come while the command is under way; then those that were there before it go, and their numbers are free.
fn come_and_go(early: [Terminal; 2]) -> Outcome<()> {
    std::thread::sleep(Duration::from_millis(600));
    let _late = (0..8)
        .map(|_| terminal())
        .collect::<Outcome<Vec<Terminal>>>()?;
    drop(early);
    loop {
        let _passing = terminal()?;
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A new terminal, which is there as long as both of its ends are.
fn terminal() -> Outcome<Terminal> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let slave = ioctl_tiocgptpeer(&master, flags)?;
    Ok((master, slave))
}

fn agent(order: &Order, keeper: &Keeper) -> Outcome<Agent> {
    let folder = std::env::current_dir()?;
    let agent = Agent::new(Script::new([])).folder(&folder);
    let Some(mechanism) = order.mechanism else {
        return Ok(agent);
    };
    let config = Config::from_env()?;
    let mut policy = Policy::new(&folder);
    policy.home = config.home;
    policy.own = config.data;
    if order.network {
        policy.network = Network::All;
    }
    Ok(agent.shell(Sandbox::under(mechanism, keeper, &policy)?))
}

/// What the model would read of one call.
async fn answer(agent: &mut Agent, args: Value) -> Outcome<String> {
    agent.resume(Vec::new());
    agent.set_model(Script::new([
        Reply::calls([("bash", args)]),
        Reply::text("done"),
    ]));
    agent.chat("go").await?;
    let rounds = agent.history().iter().filter_map(|entry| match entry {
        Entry::Round(round) => Some(round),
        _ => None,
    });
    Ok(rounds
        .flat_map(|round| round.answered())
        .map(|(_, answer)| answer.to_string())
        .collect())
}
