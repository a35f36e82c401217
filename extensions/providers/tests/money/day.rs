//! What is spent in a day, over all programs and whatever happens to them.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use corecoder::{Entry, ErrorKind};
use corecoder_providers::budget::{Day, Limits};
use corecoder_providers::{Ledger, Metered, Price};
use tempfile::tempdir;

use crate::never_more::ask;
use crate::provider::{Attempt, Provider};

fn program(
    folder: &Path,
    limit: Option<f64>,
    attempts: Vec<Attempt>,
) -> (Arc<Provider>, Arc<Ledger>, Metered) {
    let limits = Limits {
        day: limit,
        ..Limits::default()
    };
    let day = Day::new(folder, || "2026-11-23".to_string());
    let ledger = Arc::new(Ledger::new(limits, Some(day)));
    let price = Price::of(3.0, 15.0);
    let provider = Provider::new(price.clone(), attempts);
    let model = Metered::new(provider.clone(), Some(price), None, ledger.clone());
    (provider, ledger, model)
}

fn said() -> Vec<Entry> {
    vec![Entry::User("Go.".to_string())]
}

async fn today(ledger: &Ledger) -> f64 {
    ledger.today().await.expect("a folder").expect("readable")
}

#[tokio::test]
async fn programs_share_the_day_and_none_passes_its_limit() {
    let folder = tempdir().expect("a folder");
    let below = folder.path().join("data/days");
    let mut billed = 0.0;
    // The first has no limit: what it spends counts for those that have one.
    for limit in [None, Some(0.5), Some(0.5), Some(0.5)] {
        let (provider, ledger, model) = program(&below, limit, vec![Attempt::reply(1.0); 3]);
        while ask(&model, &said()).await.is_ok() && limit.is_some() {}
        billed += provider.bill().dollars;
        assert!((today(&ledger).await - billed).abs() < 1e-6);
        assert!(billed <= 0.5, "{billed}");
    }
    assert!(billed > 0.4, "{billed}");
    let mode = fs::metadata(below.join("2026-11-23.jsonl"))
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn programs_that_run_together_do_not_pass_it_either() {
    let folder = tempdir().expect("a folder");
    let work = || {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().build().expect("a runtime");
        let (provider, _, model) = program(folder.path(), Some(0.4), vec![Attempt::reply(0.3); 9]);
        let ended = runtime.block_on(async {
            loop {
                if let Err(error) = ask(&model, &said()).await {
                    return error;
                }
            }
        });
        assert_eq!(ended.kind, ErrorKind::Limit, "{ended}");
        provider.bill().dollars
    };
    let billed: f64 = thread::scope(|scope| {
        let programs: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        let billed = programs
            .into_iter()
            .map(|program| program.join().expect("an end"));
        billed.sum()
    });
    assert!((0.1..=0.4).contains(&billed), "{billed}");
}

#[tokio::test]
async fn what_a_crashed_program_held_stays_counted() {
    let folder = tempdir().expect("a folder");
    let (_, ledger, model) = program(folder.path(), Some(1.0), vec![Attempt::Hangs]);
    assert!(ask(&model, &said()).await.expect("no error").is_none());
    let held = today(&ledger).await;
    assert!(held > 0.2, "{held}");
    let (_, other, model) = program(folder.path(), Some(held + 0.001), vec![]);
    let refusal = ask(&model, &said()).await.expect_err("no room");
    assert_eq!(refusal.kind, ErrorKind::Limit);
    assert!(
        refusal.message.contains(" for the day leaves "),
        "{refusal}"
    );
    assert!((today(&other).await - held).abs() < 1e-9);
}

#[tokio::test]
async fn damaged_lines_are_skipped_and_a_torn_one_spoils_no_other() {
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("2026-11-23.jsonl");
    let lines = b"{\"id\":\"a\",\"hold\":2000000000}\nnonsense\n\xff\xfe\n[1,2]\n{\"id\":\"b\",\"hold\":-5}\n\
        {\"id\":\"a\",\"paid\":1000000000}\n{\"id\":\"c\",\"paid\":99999999999999999999999}\n{\"id\":\"d\",\"hold\":12";
    fs::write(&file, lines).expect("written");
    fs::set_permissions(&file, Permissions::from_mode(0o644)).expect("changed");
    let (_, ledger, model) = program(folder.path(), Some(5.0), vec![Attempt::Hangs]);
    assert!((today(&ledger).await - 1.0).abs() < 1e-9);
    ask(&model, &said()).await.expect("no error");
    let (_, fresh, _) = program(folder.path(), None, vec![]);
    assert!((today(&fresh).await - 1.0 - ledger.figures().unsure).abs() < 1e-9);
    let mode = fs::metadata(&file).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_day_begins_with_nothing_spent() {
    let folder = tempdir().expect("a folder");
    let (date, clock) = (Arc::new(AtomicUsize::new(1)), Arc::new(AtomicUsize::new(0)));
    let now = date.clone();
    let day = Day::new(folder.path(), move || {
        clock.fetch_add(1, Ordering::SeqCst);
        format!("2026-11-0{}", now.load(Ordering::SeqCst))
    });
    let ledger = Arc::new(Ledger::new(Limits::default(), Some(day)));
    let provider = Provider::new(Price::of(3.0, 15.0), []);
    let model = Metered::new(provider, Some(Price::of(3.0, 15.0)), None, ledger.clone());
    ask(&model, &said()).await.expect("a reply");
    let first = today(&ledger).await;
    assert!(first > 0.0);
    date.store(2, Ordering::SeqCst);
    assert_eq!(today(&ledger).await, 0.0);
    date.store(1, Ordering::SeqCst);
    assert_eq!(today(&ledger).await, first);
}

#[tokio::test]
async fn a_file_that_is_none_is_said_and_hinders_only_a_limit_of_the_day() {
    let make: [fn(&Path); 5] = [
        |path| {
            let made = Command::new("mkfifo").arg(path).status();
            assert!(made.expect("mkfifo").success());
        },
        |path| fs::create_dir(path).expect("a folder"),
        |path| symlink(path, path).expect("a loop"),
        |path| symlink("/dev/zero", path).expect("a link"),
        |path| {
            let file = fs::File::create(path).expect("a file");
            file.set_len(100 << 20).expect("long");
        },
    ];
    for make in make {
        let folder = tempdir().expect("a folder");
        make(&folder.path().join("2026-11-23.jsonl"));
        let (_, _, model) = program(folder.path(), Some(5.0), vec![]);
        let refusal = ask(&model, &said()).await.expect_err("no file");
        assert_eq!(refusal.kind, ErrorKind::Limit);
        assert!(
            refusal
                .message
                .starts_with("what is spent today can't be kept: "),
            "{refusal}"
        );
        let (_, ledger, model) = program(folder.path(), None, vec![]);
        ask(&model, &said()).await.expect("a reply");
        assert!(ledger.figures().problem.is_some());
    }
}
