//! `corecoder doctor`: what it finds, what it says to do, and how it ends.

use crate::ended;
use crate::place::Place;
use crate::provider::{Answer, Provider, models, says};

fn refusing(status: &'static str, message: &'static str, listed: Answer) -> Provider {
    Provider::listing(listed, move |_, _| {
        Answer::Fails(status, message.to_string())
    })
}

#[test]
fn with_all_in_order_it_says_so_and_ends_well() {
    let listed = models(&["gpt-5.5", "gpt-5.5-mini"]);
    let provider = Provider::listing(listed, |_, _| Answer::Delta(says("OK")));
    let place = Place::new();
    let mut command = place.corecoder(&provider, &["doctor"]);
    let (code, stdout, stderr) = ended(command.env("CORECODER_API_KEY", "sk-doctor-12345678"));
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    for part in [
        "✓ sessions",
        "✓ key: is set",
        "lists 2 models",
        "✓ model: gpt-5.5 answered",
    ] {
        assert!(stdout.contains(part), "{part}: {stdout}");
    }
    assert!(
        !stdout.contains('✗') && !stdout.contains('\u{1b}'),
        "{stdout}"
    );
    assert_eq!(provider.keys(), ["Bearer sk-doctor-12345678"]);
}

#[test]
fn a_server_that_lists_no_models_is_no_fault() {
    let (place, provider) = (Place::new(), Provider::saying([says("OK")]));
    let (stdout, _) = place.done(&provider, &["doctor"]);
    assert!(stdout.contains("lists no models"), "{stdout}");
}

#[test]
fn what_is_wrong_is_said_with_what_to_do_and_ends_with_1() {
    let denied = || Answer::Fails("401 Unauthorized", "Incorrect API key provided".into());
    let known = || models(&["qwen3-coder", "deepseek-chat"]);
    let rows: [(Option<Provider>, &[&str], &[&str]); 5] = [
        (None, &[], &["✗ endpoint", "is the server running"]),
        (
            Some(refusing(
                "401 Unauthorized",
                "Incorrect API key provided",
                denied(),
            )),
            &[],
            &[
                "✗ endpoint",
                "Incorrect API key provided",
                "the key is wrong",
            ],
        ),
        (
            Some(refusing(
                "404 Not Found",
                "The model does not exist",
                known(),
            )),
            &["-m", "qwen3-codr"],
            &[
                "✗ model: qwen3-codr",
                "lists qwen3-coder;",
                "choose with -m",
            ],
        ),
        (
            Some(refusing(
                "404 Not Found",
                "The model does not exist",
                known(),
            )),
            &["-m", "zzz"],
            &["✗ model: zzz", "qwen3-coder, deepseek-chat"],
        ),
        (
            Some(refusing("402 Payment Required", "No credit", known())),
            &["-m", "qwen3-coder"],
            &["✗ model", "No credit"],
        ),
    ];
    for (provider, args, expected) in rows {
        let place = Place::new();
        let mut command = place.bare(&[args, &["doctor"]].concat());
        let url = provider
            .as_ref()
            .map_or("http://127.0.0.1:9/v1", |provider| &provider.url);
        let (code, stdout, stderr) = ended(command.env("CORECODER_BASE_URL", url));
        assert_eq!(code, 1, "{stdout}{stderr}");
        for part in expected {
            assert!(stdout.contains(part), "{part}: {stdout}");
        }
    }
}

#[test]
fn settings_that_can_not_be_used_are_among_what_is_wrong() {
    let (place, provider) = (Place::new(), Provider::saying([says("OK")]));
    place.own(".corecoder/settings.json", "{\"modle\": 1}");
    let (code, stdout, _) = place.run(&provider, &["doctor"]);
    assert_eq!(code, 1);
    assert!(
        stdout.contains("✗ settings") && stdout.contains("did you mean \"model\"?"),
        "{stdout}"
    );
}

#[test]
fn a_folder_that_is_not_trusted_is_worth_a_note_only() {
    let (place, provider) = (Place::new(), Provider::saying([says("OK")]));
    place.brings(".corecoder/settings.json", "{}");
    let (stdout, _) = place.done(&provider, &["doctor"]);
    assert!(
        stdout.contains("· folder: this folder is not trusted"),
        "{stdout}"
    );
}

#[test]
fn without_a_key_it_says_how_to_set_one() {
    let (code, stdout, _) =
        ended(&mut Place::new().bare(&["--base-url", "https://provider.invalid/v1", "doctor"]));
    assert_eq!(code, 1);
    assert!(
        stdout.contains(
            "✗ model: no API key for custom at https://provider.invalid/v1: set CORECODER_API_KEY"
        ),
        "{stdout}"
    );
}
