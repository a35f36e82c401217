//! Signals: Ctrl+C cancels what runs; a closed terminal or a polite kill ends the program as it should.

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rustix::termios::{OptionalActions, Termios, tcsetattr};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The exit code of a program whose terminal has gone: 128 + SIGHUP's number.
pub const HUNG_UP: u8 = 129;
/// How long a signal may take to end the program by itself.
const GRACE: Duration = Duration::from_secs(2);

/// So many times Ctrl+C within that time means that nothing heeds it: what does stops at the first, and then reads it as a key.
const PRESSES: usize = 4;

/// What came while something ran.
pub enum Interrupt {
    /// Ctrl+C.
    Cancel,
    /// SIGTERM or SIGHUP: leave, with 128 + the signal's number.
    Leave(ExitCode),
}

/// Listens from its making on; signals before the first [`Signals::next`] are not lost.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    pub fn new() -> std::io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Ends the program a while after a signal in any case: whoever reads its output may have stopped reading, and a
    /// write that waits for them holds up all else. Where a person sits before a terminal, it is put back, and Ctrl+C, which
    /// stops what runs, means the end only if it is pressed again and again.
    pub fn insist(terminal: Option<Termios>) {
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread();
            let Ok(runtime) = { runtime }.enable_all().build() else {
                return;
            };
            let presses = if terminal.is_some() { PRESSES } else { 1 };
            let Some(code) = runtime.block_on(last(presses)) else {
                return;
            };
            if let Some(terminal) = terminal {
                put_back(&terminal);
            }
            std::process::exit(code);
        });
    }

    /// Waits for one of them.
    pub async fn next(&mut self) -> Interrupt {
        tokio::select! {
            _ = self.interrupt.recv() => Interrupt::Cancel,
            _ = self.terminate.recv() => Interrupt::Leave(ExitCode::from(143)),
            _ = self.hangup.recv() => Interrupt::Leave(ExitCode::from(HUNG_UP)),
        }
    }
}

/// Waits for the signal that is to end the program, and as long again as that may take; the exit code.
async fn last(presses: usize) -> Option<i32> {
    let mut signals = Signals::new().ok()?;
    let mut pressed: Vec<Instant> = Vec::new();
    let code = loop {
        tokio::select! {
            _ = signals.terminate.recv() => break 143,
            _ = signals.hangup.recv() => break i32::from(HUNG_UP),
            _ = signals.interrupt.recv() => {}
        }
        pressed.retain(|at| at.elapsed() < GRACE);
        pressed.push(Instant::now());
        if pressed.len() >= presses {
            break 130;
        }
    };
    tokio::time::sleep(GRACE).await;
    Some(code)
}

/// Puts a terminal back: its modes, and that it marks what is pasted, if it takes a write at all.
fn put_back(terminal: &Termios) {
    let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, terminal);
    std::thread::spawn(|| {
        let mut out = std::io::stdout();
        out.write_all(b"\x1b[?2004l\r\n").and_then(|()| out.flush())
    });
    std::thread::sleep(Duration::from_millis(100));
}
