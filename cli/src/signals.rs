//! Signals: Ctrl+C cancels what runs; a closed terminal or a polite kill ends the program as it should.

use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The exit code of a program whose terminal has gone: 128 + SIGHUP's number.
pub const HUNG_UP: u8 = 129;
/// How long a signal may take to end the program by itself.
const GRACE: Duration = Duration::from_secs(2);

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
    /// write that waits for them holds up all else.
    pub fn insist() {
        std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread();
            let Ok(runtime) = { runtime }.enable_all().build() else {
                return;
            };
            runtime.block_on(async {
                let Ok(mut signals) = Signals::new() else {
                    return;
                };
                let code = tokio::select! {
                    _ = signals.interrupt.recv() => 130,
                    _ = signals.terminate.recv() => 143,
                    _ = signals.hangup.recv() => 129,
                };
                tokio::time::sleep(GRACE).await;
                std::process::exit(code);
            });
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
